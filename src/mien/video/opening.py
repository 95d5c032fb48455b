"""From what the user names to the source that reads it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from mien.errors import InputError, UsageError
from mien.video import signatures
from mien.video.arrays import ArraySource
from mien.video.camera import PREFIX, Camera
from mien.video.file import VideoFile
from mien.video.images import ImageFile, ImageFolder

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.video.source import Source

_MJPEG = (".mjpeg", ".mjpg")  # bare streams of JPEGs, which begin like a single one


def open_source(source: str | os.PathLike[str] | Source | Iterable[NDArray[Any]]) -> Source:
    """Open whatever frames can come from.

    Args:
        source: the path of a video, of a picture or of a folder of pictures; ``camera:0``; arrays, as for
            ``ArraySource``, or one array: (height, width), (height, width, 3), (frames, height, width) or (frames,
            height, width, 3); or a source, which is given back. Video or picture is told by content.

    Raises:
        InputError: it cannot be read; the message names it and says why.
        UsageError: ``source`` is none of these.
    """
    if isinstance(source, (str, os.PathLike)):
        return _open_named(source)
    if hasattr(source, "info") and hasattr(source, "decode_errors"):
        return cast("Source", source)
    if isinstance(source, np.ndarray):
        single = source.ndim == 2 or (source.ndim == 3 and source.shape[2] == 3)
        return ArraySource([source] if single else source)
    if isinstance(source, Iterable):
        return ArraySource(source)
    raise UsageError(f"cannot read frames from a {type(source).__name__}; give a path, camera:0 or numpy arrays")


def _open_named(source: str | os.PathLike[str]) -> Source:
    name = os.fspath(source)
    if isinstance(source, str) and name.startswith(PREFIX):
        return Camera(name)
    if not name:
        raise UsageError("the name of the input is empty; give a path or camera:0")
    path = Path(name)
    try:
        if path.is_dir():
            return ImageFolder(name)
        if not path.exists():
            web = "; mien reads local files only, download it first" if "://" in name else "; check the path"
            raise InputError(f"{name}: no such file or folder{web}")
        head = _head(path) if path.is_file() else b""  # reading from a pipe would take the bytes away
    except OSError as error:
        raise InputError(
            f"{name}: cannot be read ({error.strerror}); check the path and its permissions"
        ) from error
    if signatures.is_heif(head):
        raise InputError(f"{name}: HEIC and AVIF pictures cannot be read; save it as JPEG or PNG")
    if signatures.is_image(head) and path.suffix.lower() not in _MJPEG:
        return ImageFile(name)
    return VideoFile(name)


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(signatures.HEAD_BYTES)

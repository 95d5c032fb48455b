"""Results of long steps, kept by the hash of all that goes into them.

A second run takes seconds and a stopped one goes on. A stage is a pure function from inputs to arrays. Its file is
``NAME-HASH.npz``; the hash is over its name, its inputs (arrays by their bytes) and mien's version, so that nothing
stale is ever taken. While a stage runs it may keep a checkpoint of its own, which goes when the result is there.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import mien
from mien import atomic

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

Arrays = dict[str, "NDArray[Any]"]
"""What a stage gives: arrays of numbers or text by name."""


@dataclass(frozen=True, slots=True)
class Stages:
    """The results in one folder.

    Attributes:
        folder: where they lie; must exist.
    """

    folder: Path

    def get(self, name: str, inputs: Mapping[str, Any], make: Callable[[Path], Arrays]) -> Arrays:
        """The result of stage ``name`` for ``inputs``: read if it is there, made and kept if not.

        Args:
            name: of the stage; change it when what the stage computes changes.
            inputs: everything the result depends on: numbers, text, lists, arrays, option dataclasses.
            make: computes the arrays; called with a path where it may keep a checkpoint of its own.

        Raises:
            OutputError: the result cannot be written.
        """
        key = digest({"stage": name, "mien": mien.__version__, **inputs})[:20]
        target = self.folder / f"{name}-{key}.npz"
        kept = _read(target)
        if kept is not None:
            return kept
        checkpoint = self.folder / f"{name}-{key}.checkpoint.npz"
        made = make(checkpoint)
        buffer = io.BytesIO()
        np.savez(buffer, **made)  # type: ignore[arg-type]  # its stub takes the first array for allow_pickle
        atomic.write_bytes(target, buffer.getvalue())
        checkpoint.unlink(missing_ok=True)
        return made


def digest(value: Any) -> str:  # noqa: ANN401  whatever a stage depends on
    """SHA-256 (hex) of nested plain values, dataclasses and arrays; equal values give equal hashes.

    Raises:
        TypeError: a value of another type, whose text might change from run to run.
    """
    return hashlib.sha256(json.dumps(_plain(value), sort_keys=True).encode()).hexdigest()


def _plain(value: Any) -> Any:  # noqa: ANN401
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:  # whose bytes would be addresses
        content = hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest()
        return ["array", str(value.dtype), list(value.shape), content]
    if is_dataclass(value) and not isinstance(value, type):
        return [type(value).__name__, _plain(asdict(value))]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    raise TypeError(f"a stage cannot depend on a {type(value).__name__}")


def _read(target: Path) -> Arrays | None:
    """The kept arrays, or None where there are none; a damaged file counts as none and is made again."""
    try:
        with target.open("rb") as stream, np.load(stream, allow_pickle=False) as kept:
            return {name: kept[name] for name in kept.files}
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile):
        return None

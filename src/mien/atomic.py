"""Files that are either whole or not there: write under a temporary name, then rename.

The temporary file lies in the target's own folder, so that the rename cannot cross a file system, and begins
with a dot. What was whole under the target's name stays until the new file is whole.
"""

from __future__ import annotations

import errno
import os
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Iterator


def temporary_for(target: Path) -> Path:
    """A fresh hidden name beside ``target`` with the same suffix; creates the (empty) file.

    Raises:
        OutputError: the folder is missing or not writable, or ``target`` is a folder.
    """
    with mapped(target):  # asking fails too, where the name is too long or the folder closed to us
        if target.is_dir():
            raise OutputError(f"{target}: is a folder; give a file name")
    # The stem is cut so that a name the file system just takes does not become too long for it.
    temporary = target.with_name(f".{target.stem[:40]}.{secrets.token_hex(4)}.part{target.suffix}")
    with mapped(target):
        temporary.open("xb").close()
    return temporary


def publish(temporary: Path, target: Path) -> None:
    """Make the finished ``temporary`` visible as ``target``, durably, in one step.

    Raises:
        OutputError: the disk is full or the target cannot be replaced; the temporary file is removed.
    """
    try:
        with mapped(target):
            descriptor = os.open(temporary, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            temporary.replace(target)
    except BaseException:
        discard(temporary)
        raise


def discard(temporary: Path) -> None:
    """Remove an unfinished temporary file; it may be gone already."""
    temporary.unlink(missing_ok=True)


def write_bytes(target: Path, data: bytes) -> None:
    """Write ``data`` to ``target`` whole or not at all.

    Raises:
        OutputError: as above.
    """
    temporary = temporary_for(target)
    try:
        with mapped(target):
            temporary.write_bytes(data)
    except BaseException:
        discard(temporary)
        raise
    publish(temporary, target)


@contextmanager
def mapped(target: Path) -> Iterator[None]:
    """Turn the operating system's refusals while writing ``target`` into one clear ``OutputError``."""
    try:
        yield
    except OSError as error:
        raise OutputError(explain(target, error)) from error


def explain(target: Path, error: OSError) -> str:
    """One line: which file, what the system said, what to do."""
    if error.errno == errno.ENOSPC:
        return f"{target}: the disk is full; free some space or write elsewhere (nothing half-written was left)"
    # /proc and its like answer "no such file" to whoever would make one, though the folder is there.
    refused = error.errno == errno.ENOENT and target.parent.is_dir()
    if refused or error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return f"{target}: not allowed to write there; choose another folder"
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return f"{target}: the folder {target.parent} does not exist; create it first"
    return f"{target}: cannot write: {error.strerror or error}"

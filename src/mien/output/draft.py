"""A file in the making: written under its temporary name, published whole, or thrown away."""

from __future__ import annotations

import io
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from mien import atomic

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typing_extensions import Buffer


class Draft:
    """The temporary file behind ``target`` until it is published, open for writing.

    Making one checks that the target can be written at all, before any work is done.

    Attributes:
        target: the name the file will have.
        file: the temporary file, binary, readable too.

    Raises:
        OutputError: the folder is missing or not writable, or ``target`` is a folder.
    """

    def __init__(self, target: Path) -> None:
        self.target = target
        self._temporary = atomic.temporary_for(target)
        with self.guarded():
            self.file: BinaryIO = self._temporary.open("w+b")

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Around every step of the writing: on any failure the temporary file goes.

        Raises:
            OutputError: in place of the operating system's error.
        """
        try:
            with atomic.mapped(self.target):
                yield
        except BaseException:
            self.discard()
            raise

    def publish(self) -> None:
        """Give the finished file its name.

        Raises:
            OutputError: its last bytes cannot be written, or the target cannot be replaced; the temporary
                file is removed.
        """
        with self.guarded():
            self.file.close()
        atomic.publish(self._temporary, self.target)

    def discard(self) -> None:
        """Close and remove the temporary file; harmless once it was published or removed."""
        if hasattr(self, "file"):
            with suppress(OSError):  # its last buffer may not fit on the disk; it goes anyway
                self.file.close()
        atomic.discard(self._temporary)


class Remembering(io.RawIOBase):
    """A binary file for foreign writers that keeps the first failure instead of raising it into them.

    Native code loses, wraps or panics on an exception out of a Python file. It is told that all is well, and
    ``check`` raises what happened once it has returned. Does not own ``file``: closing is the owner's.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._failure: OSError | KeyboardInterrupt | None = None

    def write(self, data: Buffer, /) -> int:
        """Write all of ``data``; after a failure, pretend to."""
        if self._failure is None:
            try:
                return self._file.write(data)
            except (OSError, KeyboardInterrupt) as failure:
                self._failure = failure
        return memoryview(data).nbytes

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move the position; after a failure, pretend to."""
        if self._failure is None:
            try:
                return self._file.seek(offset, whence)
            except (OSError, KeyboardInterrupt) as failure:  # seeking writes the buffer out first
                self._failure = failure
        return offset

    def tell(self) -> int:
        """The position."""
        return self._file.tell()

    def flush(self) -> None:
        """Write the buffer out; after a failure, pretend to."""
        if self._failure is None and not self._file.closed:
            try:
                self._file.flush()
            except (OSError, KeyboardInterrupt) as failure:
                self._failure = failure

    def writable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def check(self) -> None:
        """Raise the first failure there was.

        Raises:
            OSError: as the operating system gave it.
            KeyboardInterrupt: Ctrl-C fell into a call of the foreign writer, who would have lost it.
        """
        if self._failure is not None:
            raise self._failure

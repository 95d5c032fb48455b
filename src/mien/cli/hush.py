"""Keeps what C libraries print by themselves off standard error.

libpng, libjpeg and OpenCV's loggers write about damaged pictures straight to descriptor 2, in lines that name
no file. libpng and libjpeg as OpenCV builds them cannot be told not to, and OpenCV only for the whole process.
So for as long as a command runs the descriptor leads nowhere, and ``sys.stderr`` writes to a duplicate of what
it was. A library must not do this to the program that calls it; a command owns its process.
"""

from __future__ import annotations

import io
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_STANDARD_ERROR = 2


@contextmanager
def native_chatter() -> Iterator[None]:
    """Inside, only Python's own ``sys.stderr`` reaches standard error."""
    own = sys.stderr
    try:
        kept = os.dup(_STANDARD_ERROR)
    except OSError:  # closed (2>&-)
        kept = None
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, _STANDARD_ERROR)
    if nowhere != _STANDARD_ERROR:
        os.close(nowhere)
    if kept is not None and _writes_to(own, _STANDARD_ERROR):
        own.flush()
        sys.stderr = os.fdopen(
            kept, "w", buffering=1, encoding=own.encoding, errors=own.errors, closefd=False, newline=None
        )
    try:
        yield
    finally:
        if sys.stderr is not own:
            sys.stderr.flush()
        sys.stderr = own
        if kept is not None:
            os.dup2(kept, _STANDARD_ERROR)
            os.close(kept)


def _writes_to(stream: object, descriptor: int) -> bool:
    try:
        return stream is not None and stream.fileno() == descriptor  # type: ignore[attr-defined]
    except (AttributeError, io.UnsupportedOperation):
        return False

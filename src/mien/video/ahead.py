"""Decoding ahead: the next frames are read by a thread of their own while this one works on the last."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mien.types import Frame, SourceInfo
    from mien.video.source import Source

_LEAST_FRAMES = 2
_BYTES_PER_PIXEL = 4  # decoded YUV, at most 3, and the grey made from it
_LEAVE_SECONDS = 10.0  # a camera may sit in one read for this long before its thread can see that it should stop


class Ahead:
    """A source that reads another one ahead, in a daemon thread that starts with the iteration.

    At most ``frames`` frames or about ``megabytes`` are held, whichever is less, but never fewer than two frames.
    What the inner source raises is raised here, after the frames that came before it. The thread ends, and closes
    the inner source, when the iteration ends in whatever way: at the last frame, on ``break``, on an exception, on
    ``close`` and when nobody holds the iterator any more.

    Args:
        source: read and closed by the thread; not to be used by anybody else from now on.
        frames: most frames to hold, at least 2.
        megabytes: most memory to hold, estimated from the size of each frame.
        grey: make each frame's grey in the thread, so that it is ready when the frame is taken.
    """

    def __init__(self, source: Source, frames: int = 16, megabytes: int = 64, grey: bool = True) -> None:
        self._source = source
        self._belt = _Belt(source, max(frames, _LEAST_FRAMES), megabytes << 20, grey)
        # The thread holds the belt but never this object, so that a forgotten one can be collected and stops it.
        weakref.finalize(self, self._belt.stop)

    @property
    def info(self) -> SourceInfo:
        """What the inner source says about itself."""
        return self._source.info

    @property
    def decode_errors(self) -> int:
        """The inner source's count so far; it may run ahead of the frames taken by what is held."""
        return self._source.decode_errors

    def __iter__(self) -> Iterator[Frame]:
        """The inner source's frames, unchanged and in the same order.

        Raises:
            BaseException: whatever the inner source raised.
        """
        self._belt.start()
        try:
            while (frame := self._belt.take()) is not None:
                yield frame
        finally:
            self.close()

    def close(self) -> None:
        """Stop the thread, wait for it and close the inner source; safe to call twice and at any time."""
        self._belt.stop()
        self._belt.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class _Belt:
    """A bounded queue with a producer at one end."""

    def __init__(self, source: Source, frames: int, most_bytes: int, grey: bool) -> None:
        self._source = source
        self._most_frames = frames
        self._most_bytes = most_bytes
        self._grey = grey
        self._held: deque[tuple[Frame, int]] = deque()
        self._bytes = 0
        self._stopped = False
        self._ended = False
        self._error: BaseException | None = None
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        with self._changed:
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._produce, name="mien-ahead", daemon=True)
                self._thread.start()

    def take(self) -> Frame | None:
        """The next frame, or ``None`` at the end; raises what the producer raised."""
        with self._changed:
            while not (self._held or self._ended or self._stopped):
                self._changed.wait()
            if self._stopped:
                return None
            if self._held:
                frame, size = self._held.popleft()
                self._bytes -= size
                self._changed.notify_all()
                return frame
            error, self._error = self._error, None
        try:
            if error is not None:
                raise error
        finally:
            del error  # or the traceback would hold this call, and this call the traceback
        return None

    def stop(self) -> None:
        # The lock is reentrant (Condition's default): this also runs as a finalizer, at any point of any thread.
        with self._changed:
            self._stopped = True
            self._held.clear()
            self._changed.notify_all()
            never_started = self._thread is None
        if never_started:
            self._source.close()

    def join(self) -> None:
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_LEAVE_SECONDS)

    def _produce(self) -> None:
        try:
            try:
                for frame in self._source:
                    if self._grey:
                        frame.pixels.grey()
                    if not self._put(frame):
                        break
            finally:
                self._source.close()
        except BaseException as error:  # noqa: BLE001  it is raised again in the thread that takes the frames
            self._error = error
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _put(self, frame: Frame) -> bool:
        """Wait for room and hold ``frame``; false where nobody wants it any more."""
        size = frame.pixels.width * frame.pixels.height * _BYTES_PER_PIXEL
        with self._changed:
            while not self._stopped and self._is_full(size):
                self._changed.wait()
            if self._stopped:
                return False
            self._held.append((frame, size))
            self._bytes += size
            self._changed.notify_all()
            return True

    def _is_full(self, size: int) -> bool:
        held = len(self._held)
        return held >= self._most_frames or (held >= _LEAST_FRAMES and self._bytes + size > self._most_bytes)

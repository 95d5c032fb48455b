from __future__ import annotations

import gc
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import InputError
from mien.types import SourceInfo
from mien.video.ahead import Ahead
from mien.video.arrays import ArraySource, frame_from_array


class Watched:
    """Frames without number or up to one, with a record of who read and closed it."""

    def __init__(self, count: int | None = None, error: BaseException | None = None, size: int = 4) -> None:
        self.info = SourceInfo("watched", "arrays")
        self.decode_errors = 0
        self.count, self.error, self.size = count, error, size
        self.read = 0
        self.frames = []
        self.readers: set[str] = set()
        self.closed = 0

    def __iter__(self):
        while self.count is None or self.read < self.count:
            self.readers.add(threading.current_thread().name)
            frame = frame_from_array(np.full((self.size, self.size, 3), self.read % 256, np.uint8), self.read)
            self.frames.append(frame)
            self.read += 1
            yield frame
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        self.closed += 1

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


def until(condition, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.005)
    return condition()


@pytest.fixture(autouse=True)
def no_thread_is_left():
    yield
    gc.collect()
    assert until(lambda: not [thread for thread in threading.enumerate() if thread.name == "mien-ahead"])


@given(count=st.integers(0, 40), frames=st.integers(1, 9), megabytes=st.integers(0, 1), grey=st.booleans())
@settings(max_examples=60, deadline=None)
def test_the_sequence_is_the_same_for_any_queue(count, frames, megabytes, grey):
    arrays = [np.full((3, 5, 3), place, np.uint8) for place in range(count)]
    times = [place * 0.7 for place in range(count)]
    direct = [(f.index, f.time, int(f.pixels.grey()[0, 0])) for f in ArraySource(arrays, times)]
    with Ahead(ArraySource(arrays, times), frames=frames, megabytes=megabytes, grey=grey) as ahead:
        assert [(f.index, f.time, int(f.pixels.grey()[0, 0])) for f in ahead] == direct


def test_frames_are_read_and_made_grey_in_another_thread():
    source = Watched(3)
    with Ahead(source) as ahead:
        iterator = iter(ahead)
        next(iterator)
        assert until(lambda: source.read == 3)
        assert all(frame.pixels._grey is not None for frame in source.frames)
        assert len(list(iterator)) == 2
    assert source.readers == {"mien-ahead"}


def test_grey_is_left_alone_if_not_wanted():
    source = Watched(3)
    with Ahead(source, grey=False) as ahead:
        assert [frame.pixels._grey for frame in ahead] == [None] * 3


def test_it_stays_within_its_frames():
    source = Watched()
    with Ahead(source, frames=5) as ahead:
        iterator = iter(ahead)
        next(iterator)
        # One given, five held, one in the producer's hand.
        assert until(lambda: source.read == 7)
        time.sleep(0.05)
        assert source.read == 7


def test_it_stays_within_its_bytes_but_holds_two():
    source = Watched(size=1024)  # 4 MiB each by the estimate
    with Ahead(source, frames=16, megabytes=1) as ahead:
        iterator = iter(ahead)
        next(iterator)
        assert until(lambda: source.read == 4)
        time.sleep(0.05)
        assert source.read == 4


def test_break_with_a_full_queue_stops_the_thread_and_closes_the_source():
    source = Watched()
    ahead = Ahead(source, frames=2)
    for _frame in ahead:
        assert until(lambda: source.read == 4)
        break
    assert source.closed >= 1
    assert list(ahead) == []


@pytest.mark.parametrize("raised", [ValueError, KeyboardInterrupt, SystemExit])
def test_a_consumer_that_raises_stops_the_thread(raised):
    source = Watched()

    def consume() -> None:
        with Ahead(source) as ahead:
            for frame in ahead:
                if frame.index == 3:
                    raise raised

    with pytest.raises(raised):
        consume()
    assert source.closed >= 1


@pytest.mark.parametrize("error", [InputError("disk gone"), MemoryError(), KeyboardInterrupt()])
def test_what_the_source_raises_comes_after_the_frames_before_it(error):
    source = Watched(5, error)
    seen = []
    with pytest.raises(type(error)) as raised, Ahead(source, frames=2) as ahead:
        seen.extend(frame.index for frame in ahead)
    assert raised.value is error
    assert source.closed >= 1
    assert source.read == 5


def test_the_frames_before_an_error_are_all_given():
    iterator = iter(Ahead(Watched(5, InputError("disk gone"))))
    assert [next(iterator).index for _ in range(5)] == [0, 1, 2, 3, 4]
    with pytest.raises(InputError):
        next(iterator)
    assert list(iterator) == []


def test_a_source_that_fails_in_grey_raises_here():
    class Unconvertible:
        width = height = 4

        def grey(self):
            raise InputError("cannot convert")

    class Source(Watched):
        def __iter__(self):
            for frame in super().__iter__():
                object.__setattr__(frame, "pixels", Unconvertible())
                yield frame

    source = Source(5)
    with pytest.raises(InputError, match="cannot convert"):
        list(Ahead(source))
    assert source.closed >= 1


def test_forgetting_it_in_the_middle_stops_the_thread():
    source = Watched()
    iterator = iter(Ahead(source))
    next(iterator)
    del iterator
    gc.collect()
    assert until(lambda: source.closed >= 1)


def test_forgetting_it_before_the_start_closes_the_source():
    source = Watched()
    Ahead(source)
    gc.collect()
    assert source.closed >= 1
    assert source.read == 0


def test_closing_twice_and_before_and_after_reading():
    source = Watched(3)
    ahead = Ahead(source)
    ahead.close()
    ahead.close()
    assert list(ahead) == []
    assert source.read == 0
    assert source.closed >= 1


def test_another_thread_may_close_while_this_one_waits():
    class Slow(Watched):
        def __iter__(self):
            yield from super().__iter__()
            while not self.closing.wait(0.01):
                pass

    source = Slow(1)
    source.closing = threading.Event()
    ahead = Ahead(source)
    closer = threading.Timer(0.1, lambda: (source.closing.set(), ahead.close()))
    closer.start()
    assert len(list(ahead)) == 1
    closer.join()


def test_a_video_read_ahead_is_the_same_video(clips):
    from mien.video.file import VideoFile

    path = clips.make("a.mp4", count=20, bframes=2)
    with VideoFile(path) as direct, Ahead(VideoFile(path), frames=3) as ahead:
        for one, other in zip(direct, ahead, strict=True):
            assert (one.index, one.time, one.pts) == (other.index, other.time, other.pts)
            np.testing.assert_array_equal(one.pixels.grey(), other.pixels.grey())
        assert ahead.info == direct.info
        assert ahead.decode_errors == 0

"""Decoded frames are freed when they are let go, not when Python next looks for knots of references."""

from __future__ import annotations

import gc

import av

from mien.video.ahead import Ahead
from mien.video.opening import open_source


def frames_alive() -> int:
    # type() and not isinstance(): the latter asks lazy objects of other libraries for their class
    return sum(type(thing) is av.VideoFrame for thing in gc.get_objects())


def test_a_frame_goes_with_its_last_user(clips):
    path = clips.make("turned.mp4", rotation=90)  # a display matrix comes with every frame
    gc.collect()
    gc.disable()
    try:
        before = frames_alive()
        most = 0
        with open_source(str(path)) as source:
            for frame in source:
                assert frame.pixels.grey().size
                most = max(most, frames_alive() - before)
        assert frame.index >= 10
        assert most <= 5  # the one in hand, the last one, the first one of the stream
    finally:
        gc.enable()


def test_a_queue_lets_go_of_what_was_taken(clips):
    path = clips.make("turned.mp4", rotation=180)
    gc.collect()
    gc.disable()
    try:
        before = frames_alive()
        with Ahead(open_source(str(path)), frames=2) as source:
            most = max(frames_alive() - before for _ in source)
        assert most <= 8
    finally:
        gc.enable()

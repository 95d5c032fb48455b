"""Every source of frames against the Source protocol."""

from __future__ import annotations

import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from mien.types import Frame, SourceInfo
from mien.video import camera
from mien.video.ahead import Ahead
from mien.video.opening import open_source

KINDS = ["video", "rotated", "gif", "image", "images", "arrays", "camera", "ahead"]


@pytest.fixture(params=KINDS)
def opened(request, clips, monkeypatch):
    """One source of each kind, and what its info must call it."""
    kind = request.param
    if kind in ("video", "ahead"):
        source = open_source(clips.make("a.mp4", bframes=2))
        return (Ahead(source) if kind == "ahead" else source), "video"
    if kind == "rotated":
        return open_source(clips.make("r.mp4", rotation=90)), "video"
    if kind == "gif":
        return open_source(clips.make("g.gif", codec="gif", pixels="rgb8")), "video"
    picture = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    if kind == "arrays":
        return open_source([picture, picture[..., 0], picture / 255]), "arrays"
    if kind == "camera":
        clip = clips.make("c.mkv")
        real = av.open
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(Path, "exists", lambda _path: True)
        monkeypatch.setattr(camera.av, "open", lambda *_args, **_settings: real(str(clip)))
        return open_source("camera:0"), "camera"
    for name in ("1.png", "2.png", "10.png"):
        (clips.folder / name).write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    return (
        (open_source(clips.folder / "1.png"), "image") if kind == "image" else (open_source(clips.folder), "images")
    )


def test_frames_are_what_the_protocol_says(opened):
    source, kind = opened
    with source as entered:
        assert entered is source
        info = source.info
        assert isinstance(info, SourceInfo)
        assert info.kind == kind
        frames = list(source)
        assert isinstance(source.decode_errors, int)
        assert source.decode_errors == 0
    assert frames
    assert all(isinstance(frame, Frame) for frame in frames)
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert info.frames in (None, len(frames))
    times = [frame.time for frame in frames]
    assert times == [None] * len(times) if times[0] is None else times == sorted(times)
    for frame in frames:
        assert (frame.pts is None) or float(frame.pts * info.time_base) >= frame.time - 1e-9


def test_pixels_are_what_the_protocol_says(opened):
    source, _kind = opened
    with source:
        for frame in source:
            pixels, info = frame.pixels, source.info
            grey, rgb = pixels.grey(), pixels.rgb()
            assert (pixels.width, pixels.height) == (info.width, info.height)
            assert grey.shape == (pixels.height, pixels.width)
            assert rgb.shape == (pixels.height, pixels.width, 3)
            assert grey.dtype == rgb.dtype == np.uint8
            assert not grey.flags.writeable
            assert rgb.flags.writeable
            assert rgb.flags.c_contiguous
            luma = rgb @ np.array([0.299, 0.587, 0.114])
            assert np.abs(grey - luma).mean() < 2.5
            rgb[:] = 0
            assert pixels.rgb().any()
            assert pixels.grey() is grey


def test_closing_is_safe_at_any_time(opened):
    source, _kind = opened
    iterator = iter(source)
    frame = next(iterator)
    source.close()
    source.close()
    assert list(iterator) == []
    assert frame.pixels.grey().any()
    assert isinstance(source.info, SourceInfo)
    assert isinstance(source.decode_errors, int)


def test_closing_unread_leaves_nothing_to_read(opened):
    source, _kind = opened
    source.close()
    assert list(source) == []
    source.close()

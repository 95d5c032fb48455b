from __future__ import annotations

import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from mien.errors import InputError, UsageError
from mien.video import camera
from mien.video.arrays import ArraySource
from mien.video.file import VideoFile
from mien.video.images import ImageFile, ImageFolder
from mien.video.opening import open_source


@pytest.fixture
def png() -> bytes:
    return cv2.imencode(".png", np.zeros((4, 6), np.uint8))[1].tobytes()


def test_content_decides_not_the_name(clips, png):
    video = clips.make("a.mp4", count=2).rename(clips.folder / "a.png")
    picture = clips.folder / "b.mp4"
    picture.write_bytes(png)
    with open_source(video) as source:
        assert isinstance(source, VideoFile)
    with open_source(str(picture)) as source:
        assert isinstance(source, ImageFile)
        assert source.info.name == str(picture)


def test_a_gif_is_a_video(clips):
    with open_source(clips.make("a.gif", codec="gif", pixels="rgb8", pts=[0, 100, 500])) as source:
        assert [frame.time for frame in source] == [0, 0.1, 0.5]


def test_bare_mjpeg_is_a_video_and_one_jpeg_is_not(clips):
    stream = clips.make("a.mjpeg", codec="mjpeg", pixels="yuvj420p", count=5)
    with open_source(stream) as source:
        assert len(list(source)) == 5
    with open_source(stream.rename(clips.folder / "a.jpg")) as source:
        assert isinstance(source, ImageFile)


def test_an_animated_png_is_a_video(clips):
    path = clips.make("a.apng", codec="apng", pixels="rgb24", count=4).rename(clips.folder / "a.png")
    with open_source(path) as source:
        assert len(list(source)) == 4


def test_a_folder_and_arrays(tmp_path, png):
    (tmp_path / "1.png").write_bytes(png)
    with open_source(tmp_path) as source:
        assert isinstance(source, ImageFolder)
    array = ArraySource([])
    assert open_source(array) is array


@pytest.mark.parametrize(
    ("array", "count"),
    [
        (np.zeros((4, 5), np.uint8), 1),
        (np.zeros((4, 5, 3), np.uint8), 1),
        (np.zeros((2, 4, 5), np.uint8), 2),
        (np.zeros((2, 4, 5, 3)), 2),
        ([np.zeros((4, 5))] * 3, 3),
        ((np.zeros((4, 5)) for _ in range(4)), 4),
    ],
)
def test_arrays_by_their_shape(array, count):
    shapes = {frame.pixels.grey().shape for frame in open_source(array)}
    assert shapes == {(4, 5)}
    if isinstance(array, (np.ndarray, list)):
        assert open_source(array).info.frames == count


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("missing.mp4", "no such file or folder; check"),
        ("https://example.org/a.mp4", "download it first"),
        ("x" * 300, "cannot be read"),
    ],
)
def test_what_is_not_there(name, says):
    with pytest.raises(InputError, match=says) as refusal:
        open_source(name)
    assert name in str(refusal.value)


def test_a_phones_heic_says_what_to_do(tmp_path):
    path = tmp_path / "a.jpg"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    with pytest.raises(InputError, match="save it as JPEG or PNG"):
        open_source(path)


def test_an_animated_webp_is_not_silently_cut_to_one_picture(tmp_path):
    path = tmp_path / "a.webp"
    path.write_bytes(b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0\x0f\0\0\x0f\0\0ANIM\x06\0\0\0" + bytes(40))
    with pytest.raises(InputError, match=r"a\.webp"):
        open_source(path)


@pytest.mark.parametrize("thing", [5, None, 3.5])
def test_what_holds_no_frames_is_a_wrong_call(thing):
    with pytest.raises(UsageError, match=type(thing).__name__):
        open_source(thing)


def test_an_empty_name_is_not_the_current_folder():
    with pytest.raises(UsageError, match="is empty"):
        open_source("")


@pytest.mark.parametrize("name", ["camera:", "camera:abc", "camera:-1", "camera:1.5", "camera:٣"])
def test_a_camera_without_a_number_is_a_wrong_call(name):
    with pytest.raises(UsageError, match="as in camera:0"):
        open_source(name)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="cameras are read on Linux only")
def test_a_camera_that_is_not_there():
    with pytest.raises(InputError, match="camera:987654: no camera /dev/video987654 on this machine; "):
        open_source("camera:987654")


def test_a_camera_elsewhere_than_on_linux(monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(InputError, match="on Linux only"):
        open_source("camera:0")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (av.error.OSError(16, "Device or resource busy"), "is busy"),
        (av.error.PermissionError(13, "Permission denied"), "may not be opened; join the group"),
        (av.error.OSError(25, "Inappropriate ioctl for device"), "cannot be opened as a camera"),
    ],
)
def test_a_camera_that_cannot_be_opened(monkeypatch, error, says):
    def refuse(*_args, **_settings):
        raise error

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "exists", lambda _path: True)
    monkeypatch.setattr(camera.av, "open", refuse)
    with pytest.raises(InputError, match=rf"camera:0: /dev/video0 {says}"):
        open_source("camera:0")


def pretend_camera(monkeypatch, path) -> None:
    """``/dev/video0`` plays a file."""
    real = av.open
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(Path, "exists", lambda _path: True)
    monkeypatch.setattr(camera.av, "open", lambda *_args, **_settings: real(str(path)))


def test_camera_times_count_from_the_first_capture(clips, monkeypatch):
    pretend_camera(monkeypatch, clips.make("a.mkv", pts=[700000, 700033, 700100]))
    with open_source("camera:0") as source:
        frames = list(source)
    assert [frame.time for frame in frames] == pytest.approx([0, 0.033, 0.1])
    assert source.info.kind == "camera"
    assert (source.info.width, source.info.height) == (64, 48)


def test_a_camera_that_is_unplugged(clips, monkeypatch):
    pretend_camera(monkeypatch, clips.make("a.mkv"))
    source = open_source("camera:0")

    class Unplugged:
        def demux(self, stream):
            raise av.error.OSError(19, "No such device")

        def close(self):
            pass

    whole, source._container = source._container, Unplugged()
    with pytest.raises(InputError, match="camera:0: the camera stopped"):
        list(source)
    source.close()
    whole.close()

from __future__ import annotations

import os
import struct
import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mien.errors import InputError
from mien.video.file import VideoFile
from mien.video.picture import VideoPicture

QUIET = {"x265-params": "log-level=none"}
QUICK = {"deadline": "realtime"}
IRREGULAR = [0, 33, 34, 100, 500, 501, 777, 2000, 2001, 2950]

KINDS = {
    "h264.mp4": {},
    "h264.mov": {},
    "h264.mkv": {},
    "h264-b.mp4": {"bframes": 2, "count": 20},
    "h264-b.mkv": {"bframes": 2, "count": 20},
    "h264-b.ts": {"bframes": 2, "count": 20},
    "h264-fragments.mp4": {"container": {"movflags": "frag_keyframe+empty_moov"}},
    "h264-422.mkv": {"pixels": "yuv422p"},
    "h264-444.mkv": {"pixels": "yuv444p"},
    "h264-10bit.mkv": {"pixels": "yuv420p10le"},
    "h264-nv12.mkv": {"pixels": "nv12"},
    "hevc.mp4": {"codec": "libx265", "options": QUIET},
    "hevc-b.mkv": {"codec": "libx265", "options": QUIET, "bframes": 2, "count": 20},
    "hevc-10bit.mkv": {"codec": "libx265", "options": QUIET, "pixels": "yuv420p10le"},
    "vp9.webm": {"codec": "libvpx-vp9", "options": QUICK},
    "mpeg4.avi": {"codec": "mpeg4", "base": Fraction(1, 25)},
    "mpeg4-b.avi": {"codec": "mpeg4", "base": Fraction(1, 25), "bframes": 2, "count": 20},
    "mpeg4-b.mp4": {"codec": "mpeg4", "base": Fraction(1, 25), "bframes": 2, "count": 20},
    "mjpeg.avi": {"codec": "mjpeg", "pixels": "yuvj420p", "base": Fraction(1, 25)},
    "gif.gif": {"codec": "gif", "pixels": "rgb8", "base": Fraction(1, 100), "pts": [0, 7, 10, 40]},
    "ffv1-grey16.mkv": {"codec": "ffv1", "pixels": "gray16le"},
    "ffv1-bgr0.mkv": {"codec": "ffv1", "pixels": "bgr0"},
    "ffv1-grey.mkv": {"codec": "ffv1", "pixels": "gray"},
    "raw-yuyv.mkv": {"codec": "rawvideo", "pixels": "yuyv422"},
    "raw-rgb.avi": {"codec": "rawvideo", "pixels": "bgr24", "base": Fraction(1, 25)},
    "h264-odd.mkv": {"pixels": "yuv444p", "size": (35, 27)},
    "vp9-odd.webm": {"codec": "libvpx-vp9", "options": QUICK, "size": (35, 27)},
    "h264-1x1.mp4": {"pixels": "yuv444p", "size": (1, 1)},
    "vp9-1x1.webm": {"codec": "libvpx-vp9", "options": QUICK, "size": (1, 1)},
    "vfr.mp4": {"pts": IRREGULAR},
    "vfr.mkv": {"pts": IRREGULAR},
    "late.mp4": {"pts": [5000 + 40 * i for i in range(10)]},
    "late.mkv": {"pts": [5000 + 40 * i for i in range(10)]},
}


def plainly(path: Path) -> tuple[list[float], list[np.ndarray]]:
    """Times from the container and RGB pictures, the shortest way PyAV knows, with one thread."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        frames = list(container.decode(stream))
        start = stream.start_time if stream.start_time is not None else frames[0].pts
        times = [float((frame.pts - start) * stream.time_base) for frame in frames]
        return times, [frame.to_ndarray(format="rgb24") for frame in frames]


@pytest.mark.parametrize("kind", KINDS)
def test_every_frame_comes_once_with_the_containers_time_and_pixels(clips, kind):
    path = clips.make(kind, **KINDS[kind])
    times, pictures = plainly(path)
    with VideoFile(path) as video:
        frames = list(video)
        info, errors = video.info, video.decode_errors
    assert [frame.index for frame in frames] == list(range(len(pictures)))
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-6)
    assert errors == 0
    assert (info.width, info.height) == pictures[0].shape[1::-1]
    for frame, picture in zip(frames, pictures, strict=True):
        np.testing.assert_array_equal(frame.pixels.rgb(), picture)
        luma = picture @ np.array([0.299, 0.587, 0.114])
        assert np.abs(frame.pixels.grey() - luma).mean() < 2.5


def test_irregular_times_are_those_that_were_written(clips):
    with VideoFile(clips.make("vfr.mkv", pts=IRREGULAR)) as video:
        assert [frame.time for frame in video] == [stamp / 1000 for stamp in IRREGULAR]


@pytest.mark.parametrize("name", ["late.mp4", "late.mkv"])
def test_time_is_counted_from_the_streams_start(clips, name):
    with VideoFile(clips.make(name, pts=[5000, 5040, 5500])) as video:
        frames = list(video)
    assert [frame.time for frame in frames] == pytest.approx([0, 0.04, 0.5])
    assert frames[0].pts * video.info.time_base == 5


def test_avi_with_reordered_pictures_has_ascending_times(clips):
    # AVI stamps packets with their place in decoding order; taken as they are the times would jump back and forth.
    with VideoFile(clips.make("b.avi", bframes=2, count=40, base=Fraction(1, 25))) as video:
        times = [frame.time for frame in video]
    assert len(times) == 40
    assert np.diff(times) == pytest.approx(0.04)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("raw.h264", {"bframes": 2}),
        ("raw.hevc", {"codec": "libx265", "options": QUIET}),
        ("raw.mjpeg", {"codec": "mjpeg", "pixels": "yuvj420p"}),
    ],
)
def test_a_bare_bitstream_has_no_clock(clips, name, settings):
    with VideoFile(clips.make(name, base=Fraction(1, 25), **settings)) as video:
        frames = list(video)
    assert len(frames) == 12
    assert {frame.time for frame in frames} == {None}
    assert video.info.time_base is None


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
@pytest.mark.parametrize("name", ["turned.mp4", "turned.mkv"])
def test_rotation_metadata_makes_the_picture_upright(clips, name, degrees, mirror):
    path = clips.make(name, rotation=degrees, mirror=mirror, count=2, size=(64, 32))
    stored = plainly(path)[1][0]
    # PyAV's degrees are counterclockwise, as np.rot90's quarter turns are; the mirror comes after.
    upright = np.rot90(stored, degrees // 90)
    upright = upright[:, ::-1] if mirror else upright
    with VideoFile(path) as video:
        pixels = next(iter(video)).pixels
        assert (video.info.width, video.info.height) == (pixels.width, pixels.height) == upright.shape[1::-1]
        np.testing.assert_array_equal(pixels.rgb(), upright)
        assert np.abs(pixels.grey() - upright.mean(axis=2)).mean() < 2.5


def test_a_phone_held_upright_by_the_letter_of_the_format(clips):
    # The matrix that phones write for 90 degrees clockwise, patched into the track header by hand.
    path = clips.make("phone.mp4", count=1, size=(64, 32))
    data = bytearray(path.read_bytes())
    matrix = data.index(b"tkhd") + 4 + 40
    assert struct.unpack_from(">9i", data, matrix)[0] == 1 << 16
    struct.pack_into(">9i", data, matrix, 0, 1 << 16, 0, -(1 << 16), 0, 0, 32 << 16, 0, 1 << 30)
    path.write_bytes(data)
    with VideoFile(path) as video:
        grey = next(iter(video)).pixels.grey()
    assert grey.shape == (64, 32)
    assert grey[:10, -5:].mean() > 200  # the white block, stored at the top left, is now at the top right


@pytest.mark.parametrize(
    ("pixels", "codec", "full"),
    [
        ("yuv420p", "libx264", False),
        ("yuv420p", "libx264", True),
        ("yuvj420p", "mjpeg", True),
        ("nv12", "rawvideo", False),
        ("yuv420p10le", "libx264", False),
        ("gray", "ffv1", False),
        ("gray16le", "ffv1", False),
        ("bgr0", "ffv1", False),
        ("yuyv422", "rawvideo", False),
    ],
)
def test_grey_is_the_grey_that_was_drawn(clips, pixels, codec, full):
    # Studio range must be stretched, full range must not, whatever the layout.
    def steps(_place: int, width: int, height: int) -> np.ndarray:
        return np.repeat(
            np.broadcast_to(np.repeat([0, 64, 128, 255], width // 4), (height, width))[..., None], 3, 2
        ).astype(np.uint8)

    path = clips.make("steps.mkv", codec=codec, pixels=pixels, count=1, draw=steps, full_range=full)
    with VideoFile(path) as video:
        grey = next(iter(video)).pixels.grey()
    for column, drawn in zip((8, 24, 40, 56), (0, 64, 128, 255), strict=True):
        assert abs(float(grey[4:-4, column].mean()) - drawn) <= 3, (column, drawn)


@pytest.mark.parametrize("layout", ["yuv420p", "nv12", "yuv444p"])
@pytest.mark.parametrize(
    ("tag", "expected"), [(0, [0, 0, 130, 255, 255]), (1, [0, 0, 130, 255, 255]), (2, [0, 16, 128, 235, 255])]
)
def test_the_range_tag_of_the_frame_is_believed(layout, tag, expected):
    frame = av.VideoFrame(5, 2, layout)
    for plane in frame.planes:
        plane.update(b"\x80" * plane.buffer_size)
    stride = frame.planes[0].line_size
    frame.planes[0].update(bytes([0, 16, 128, 235, 255]).ljust(stride, b"\x80") * 2)
    frame.color_range = tag
    np.testing.assert_array_equal(VideoPicture(frame).grey(), [expected] * 2)


def test_grey_is_kept_and_locked_and_rgb_is_fresh(clips):
    with VideoFile(clips.make("a.mp4", count=1)) as video:
        pixels = next(iter(video)).pixels
    assert pixels.grey() is pixels.grey()
    assert not pixels.grey().flags.writeable
    before = pixels.rgb()
    pixels.rgb()[:] = 7
    np.testing.assert_array_equal(pixels.rgb(), before)


def test_the_size_may_change_in_the_middle(clips):
    small, large = clips.make("1.h264", count=3), clips.make("2.h264", count=3, size=(96, 80))
    both = clips.folder / "both.h264"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    with VideoFile(both) as video:
        sizes = [(frame.pixels.width, frame.pixels.height, frame.pixels.grey().shape) for frame in video]
    assert sizes == [(64, 48, (48, 64))] * 3 + [(96, 80, (80, 96))] * 3


def test_pictures_outlive_the_file(clips):
    with VideoFile(clips.make("a.mp4")) as video:
        frames = list(video)
    assert len({float(frame.pixels.grey().mean()) for frame in frames}) == len(frames)


def test_reading_goes_on_where_it_was_left(clips):
    with VideoFile(clips.make("a.mp4", count=8)) as video:
        first = [next(iter(video)).index for _ in range(3)]
        assert first + [frame.index for frame in video] == list(range(8))


def test_info_says_what_the_container_says(clips):
    with VideoFile(clips.make("a.mp4", count=12)) as video:
        info = video.info
    assert (info.kind, info.frames, info.duration, info.rate) == ("video", 12, pytest.approx(0.48), 25)


def test_a_name_with_a_colon_is_a_file(clips, monkeypatch):
    clips.make("a.mp4", count=2).rename(clips.folder / "b:c d%03d.mp4")
    monkeypatch.chdir(clips.folder)
    with VideoFile("b:c d%03d.mp4") as video:
        assert len(list(video)) == 2


def text(path: Path) -> None:
    path.write_text("This is no video.\n" * 100)


def zeros(path: Path) -> None:
    path.write_bytes(bytes(5000))


def nothing(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("name", "write", "says"),
    [
        ("text.mp4", text, "not a video"),
        ("text.txt", text, "text, not a video"),
        ("zeros.mp4", zeros, "not a video"),
        ("empty.mp4", nothing, "is empty"),
        ("folder.mp4", Path.mkdir, "cannot be opened"),
        ("missing.mp4", lambda _path: None, "no such file"),
    ],
)
def test_what_is_no_video_is_refused_in_one_line(tmp_path, name, write, says):
    write(tmp_path / name)
    with pytest.raises(InputError, match=says) as refusal:
        VideoFile(tmp_path / name)
    assert name in str(refusal.value)
    assert "\n" not in str(refusal.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_refused(clips):
    path = clips.make("a.mp4", count=1)
    path.chmod(0)
    with pytest.raises(InputError, match="permissions"):
        VideoFile(path)


def test_sound_alone_is_refused(clips):
    with pytest.raises(InputError, match="has no video stream"):
        VideoFile(clips.sound("sound.m4a"))


def test_a_playlist_cannot_reach_the_network(tmp_path):
    path = tmp_path / "list.m3u8"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(InputError, match=r"list\.m3u8"):
        VideoFile(path)


@pytest.mark.parametrize(("name", "says"), [("none.mkv", "ends before its first"), ("none.mp4", "holds no frames")])
def test_a_video_without_frames_is_refused(tmp_path, name, says):
    path = tmp_path / name
    with av.open(str(path), "w", options={"movflags": "empty_moov"} if name.endswith("mp4") else {}) as out:
        stream = out.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        out.start_encoding()
    with pytest.raises(InputError, match=says):
        VideoFile(path)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "count", "last"), [("single_face.mp4", 72, 71 / 30), ("no_face.mp4", 95, 94 / 24)]
)
def test_real_clips_give_the_frames_that_are_shown(name, count, last):
    # no_face.mp4 has 98 packets; its edit list keeps the first three from being shown.
    root = Path(os.environ.get("MIEN_DATA") or Path(__file__).parents[3] / "shared" / "data")
    path = root / "video" / name
    if not path.is_file():
        pytest.skip("the research clips are not here (MIEN_DATA)")
    times, _pictures = plainly(path)
    with VideoFile(path) as video:
        frames = list(video)
    assert len(frames) == len(times) == count
    assert [frame.time for frame in frames] == pytest.approx(times, abs=1e-6)
    assert frames[-1].time == pytest.approx(last, abs=1e-3)
    assert video.decode_errors == 0


def test_an_edit_list_hides_the_frames_before_the_start(clips):
    # As phones and editors write it when a clip is cut between key frames: the decoder needs the frames before the
    # cut, the viewer does not see them.
    path = clips.make("cut.mp4", count=12, gop=12)
    data = bytearray(path.read_bytes())
    entry = data.index(b"elst") + 4 + 8  # after version, flags and the number of entries
    _duration, media_time = struct.unpack_from(">Ii", data, entry)
    assert media_time == 0
    struct.pack_into(">i", data, entry + 4, 4 * 640)  # four frames of 1/25 s at 1/16000 s
    path.write_bytes(data)
    with VideoFile(path) as video:
        frames = list(video)
        assert video.info.frames == 12  # the header's claim
    assert [frame.time for frame in frames] == pytest.approx([place / 25 for place in range(8)])
    assert video.decode_errors == 0


def test_a_pipe_can_be_read(clips):
    path, pipe = clips.make("a.mkv", count=5), clips.folder / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(path.read_bytes()))
    writer.start()
    with VideoFile(pipe) as video:
        assert len(list(video)) == 5
    writer.join()

"""Damaged files: what can be read is given, what cannot is counted, and the end is not lost."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from mien.errors import InputError
from mien.video.file import VideoFile

COUNT = 30


def noise(place: int, width: int, height: int) -> np.ndarray:
    return np.random.default_rng(place).integers(0, 255, (height, width, 3), dtype=np.uint8)


def broken(path: Path, places: list[int]) -> Path:
    """Overwrite the packets at ``places``, all but their first bytes."""
    with av.open(str(path)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    for place in places:
        start, size = packets[place]
        data[start + 8 : start + size] = b"\xff" * (size - 8)
    path.write_bytes(data)
    return path


def readable(path: Path) -> list[int]:
    """Timestamps that a decoder with one thread can give, over all errors."""
    stamps = []
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"
        for packet in container.demux(stream):
            try:
                stamps += [frame.pts for frame in packet.decode()]
            except av.error.InvalidDataError:
                continue
    return stamps


@pytest.mark.parametrize("places", [[12], [12, 13, 20], [COUNT - 2], [COUNT - 1], [26, 27, 28, 29]], ids=str)
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("h264.mkv", {}),
        ("h264-b.mp4", {"bframes": 2}),
        ("h264-long.mp4", {"gop": 250}),
        ("mpeg4.mp4", {"codec": "mpeg4"}),
        ("vp9.webm", {"codec": "libvpx-vp9", "options": {"deadline": "realtime"}}),
        ("mjpeg.mkv", {"codec": "mjpeg", "pixels": "yuvj420p"}),
    ],
)
def test_all_that_is_readable_comes_and_the_rest_is_counted(clips, name, settings, places):
    path = broken(clips.make(name, count=COUNT, draw=noise, **settings), places)
    expected = readable(path)
    assert COUNT - 12 <= len(expected) <= COUNT
    with VideoFile(path) as video:
        frames = list(video)
    assert [frame.pts for frame in frames] == expected
    assert [frame.index for frame in frames] == list(range(len(expected)))
    # One lost key frame can take the frames that lean on it with it.
    lost = COUNT - len(expected)
    assert min(lost, len(places)) <= video.decode_errors <= max(lost, len(places))


def test_damage_everywhere_is_an_error_that_counts(clips):
    path = broken(clips.make("all.mkv", count=COUNT, draw=noise), list(range(COUNT)))
    with pytest.raises(InputError, match=rf"all\.mkv: no frame can be decoded, all {COUNT} packets are damaged"):
        VideoFile(path)


def test_an_mp4_cut_off_before_its_index_is_refused(clips):
    path = clips.make("cut.mp4", count=COUNT, draw=noise)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"cut\.mp4: .*cut off before its index"):
        VideoFile(path)


@pytest.mark.parametrize(
    ("name", "container"),
    [
        ("cut.mkv", {}),
        ("cut.ts", {}),
        ("fragments.mp4", {"movflags": "frag_keyframe+empty_moov"}),
        ("index-first.mp4", {"movflags": "faststart"}),
    ],
)
def test_of_a_cut_file_the_readable_part_comes(clips, name, container):
    path = clips.make(name, count=COUNT, draw=noise, container=container)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    expected = readable(path)
    assert 5 < len(expected) < COUNT
    with VideoFile(path) as video:
        assert [frame.pts for frame in video] == expected


class Failing:
    """A container on a disk that fails on every read."""

    def __init__(self, container, error: Exception) -> None:
        self.format, self.error, self.whole = container.format, error, container
        self.reads = 0

    def demux(self, stream):
        self.reads += 1
        raise self.error

    def close(self) -> None:
        self.whole.close()


def test_a_failing_disk_is_an_error_after_the_frames_that_were_read(clips):
    with VideoFile(clips.make("a.mkv", count=5)) as video:
        iterator = iter(video)
        seen = [next(iterator).index]
        video._stamped.close()
        video._container = failing = Failing(video._container, av.error.OSError(5, "Input/output error"))
        video._stamped = video._stamps()
        with pytest.raises(InputError, match=r"a\.mkv: reading failed in the middle \(Input/output error\)"):
            seen.extend(frame.index for frame in iterator)
    assert seen == list(range(len(seen)))
    assert 1 < failing.reads < 100


def test_damage_that_stops_the_reader_ends_the_video(clips):
    with VideoFile(clips.make("a.mkv", count=5)) as video:
        iterator = iter(video)
        next(iterator)
        video._stamped.close()
        video._container = failing = Failing(video._container, av.error.InvalidDataError(1, "Invalid data"))
        video._stamped = video._stamps()
        assert len(list(iterator)) < 5
        assert video.decode_errors == 1
    assert 1 < failing.reads < 100


def test_a_codec_that_nobody_knows_is_refused(clips):
    path = clips.make("a.mkv", codec="ffv1", count=2)
    path.write_bytes(path.read_bytes().replace(b"V_FFV1", b"V_NONE"))
    with pytest.raises(InputError, match=r"a\.mkv: no decoder"):
        VideoFile(path)


def test_a_file_that_goes_away_while_it_is_read_does_no_harm(clips):
    path = broken(clips.make("a.mkv", count=COUNT, draw=noise), [COUNT - 2])
    with VideoFile(path) as video:
        path.unlink()
        assert len(list(video)) >= COUNT - 5

"""Annotated video: every frame, its own time, the sound, whole or not at all."""

from __future__ import annotations

import errno
import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mien.errors import InputError, OutputError, UsageError
from mien.labels import COLOURS, EXPRESSIONS, LabelSet
from mien.output import overlay
from mien.output.colours import parse
from mien.types import Box, Frame, FrameResult, Observation, RunRecord, SourceInfo

LABELS = LabelSet(EXPRESSIONS)
RECORD = RunRecord("0.1.0", "clip.mp4", "tiny", "00", "", EXPRESSIONS)
STEPS = (0, 1, 3, 4, 5, 8, 9, 10, 11, 13)  # of 40 ms: a variable rate
SAME = {"mp4": ("aac", "fltp"), "mov": ("aac", "fltp"), "mkv": ("pcm_s16le", "s16")}


class Picture:
    """Pixels in memory."""

    def __init__(self, rgb: np.ndarray) -> None:
        self._rgb = rgb
        self.height, self.width = rgb.shape[:2]

    def rgb(self) -> np.ndarray:
        return self._rgb.copy()

    def grey(self) -> np.ndarray:
        return self._rgb[..., 0]


def plain(width: int = 64, height: int = 48, value: int = 120) -> Picture:
    return Picture(np.full((height, width, 3), value, np.uint8))


def clip(path: Path, base: Fraction, start: float, sound: tuple[str, str] | None, channels: str = "stereo") -> Path:
    """A clip of variable rate with B-frames that begins at ``start`` seconds."""
    options = {} if path.suffix == ".mkv" else {"movie_timescale": "90000"}
    with av.open(str(path), "w", options=options) as out:
        video = out.add_stream("libx264", rate=25, options={"b-adapt": "0"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.time_base = base
        video.codec_context.max_b_frames = 2
        audio = out.add_stream(sound[0], rate=48000, layout=channels) if sound else None
        for place, step in enumerate(STEPS):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 20 * place, np.uint8), "rgb24")
            frame.pts, frame.time_base = round((start + step * 0.04) / base), base
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        if audio is not None and sound is not None:
            shape = (2, 1024) if sound[1] == "fltp" else (1, 2048)
            for place in range(25):
                noise = np.random.default_rng(place).uniform(-0.3, 0.3, shape)
                kind = (noise * 32767).astype(np.int16) if sound[1] == "s16" else noise.astype(np.float32)
                piece = av.AudioFrame.from_ndarray(kind, sound[1], layout=channels)
                piece.sample_rate, piece.time_base = 48000, Fraction(1, 48000)
                piece.pts = round(start * 48000) + 1024 * place
                out.mux(audio.encode(piece))
            out.mux(audio.encode(None))
    return path


def annotate(source: Path, target: Path, box: Box | None = None) -> list[Fraction]:
    """Run the overlay over a clip as the pipeline does; the true times of its frames."""
    with av.open(str(source)) as container:
        track = container.streams.video[0]
        info = SourceInfo(str(source), "video", time_base=track.time_base, rate=track.average_rate)
        sink = overlay.build(overlay.Options(target, LABELS, info, source))
        times = []
        for index, frame in enumerate(container.decode(track)):
            assert frame.pts is not None
            times.append(frame.pts * track.time_base)
            seen = (Observation(1, box, 0.9, "known", "fear", np.eye(8)[3]),) if box else ()
            result = FrameResult(index, float(times[-1]), seen) if index != 1 else None
            sink.write(Frame(index, float(times[-1]), Picture(frame.to_ndarray(format="rgb24")), frame.pts), result)
        sink.finish(RECORD)
    return times


def pictures(path: Path) -> tuple[list[Fraction], list[np.ndarray]]:
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
        return [f.pts * f.time_base for f in frames], [f.to_ndarray(format="rgb24") for f in frames]


def sound(path: Path) -> tuple[str, list[bytes], list[Fraction]]:
    with av.open(str(path)) as container:
        (track,) = container.streams.audio
        packets = [p for p in container.demux(track) if p.pts is not None]
        return track.codec_context.name, [bytes(p) for p in packets], [p.pts * p.time_base for p in packets]


@pytest.mark.parametrize("target", ["mp4", "mov"])
@pytest.mark.parametrize(
    ("source", "base", "start"),
    [
        ("a.mp4", Fraction(1, 90000), 0.0),
        ("a.mp4", Fraction(1, 15360), 0.5),
        ("a.mp4", Fraction(1001, 30000), 0.3),
        ("a.mkv", Fraction(1, 1000), 0.7),
        ("a.ts", Fraction(1, 90000), 0.25),
    ],
)
def test_every_frame_keeps_its_time_exactly(tmp_path, source, base, start, target):
    times = annotate(clip(tmp_path / source, base, start, ("aac", "fltp")), tmp_path / f"o.{target}")
    found, _ = pictures(tmp_path / f"o.{target}")
    assert len(found) == len(STEPS)
    assert found == times
    (before, after) = sound(tmp_path / source)[2], sound(tmp_path / f"o.{target}")[2]
    assert max(abs(float(a - b)) for a, b in zip(before, after, strict=True)) < 2e-5  # a tick of the sound's clock


def test_matroska_keeps_times_to_the_millisecond(tmp_path):
    times = annotate(clip(tmp_path / "a.mp4", Fraction(1, 90000), 0.5, None), tmp_path / "o.mkv")
    found, _ = pictures(tmp_path / "o.mkv")
    assert max(abs(float(a - b)) for a, b in zip(found, times, strict=True)) <= 0.0005


@pytest.mark.parametrize(
    ("codec", "source", "target"),
    [
        (("aac", "fltp"), "a.mp4", "o.mp4"),
        (("libopus", "s16"), "a.mkv", "o.mp4"),
        (("pcm_s16le", "s16"), "a.mkv", "o.mkv"),
    ],
)
def test_sound_is_copied_bit_for_bit(tmp_path, codec, source, target):
    annotate(clip(tmp_path / source, Fraction(1, 1000), 0.2, codec), tmp_path / target)
    before, after = sound(tmp_path / source), sound(tmp_path / target)
    assert before[:2] == after[:2]
    assert len(before[1]) > 20


def test_sound_that_the_container_cannot_hold_becomes_aac_of_the_same_length(tmp_path):
    annotate(clip(tmp_path / "a.mkv", Fraction(1, 1000), 0.0, ("pcm_s16le", "s16")), tmp_path / "o.mp4")
    codec, packets, times = sound(tmp_path / "o.mp4")
    assert codec == "aac"
    assert len(packets) >= 25
    assert float(times[-1]) == pytest.approx(25 * 1024 / 48000, abs=0.05)


def test_no_sound_no_track(tmp_path):
    annotate(clip(tmp_path / "a.mp4", Fraction(1, 1000), 0.0, None), tmp_path / "o.mp4")
    with av.open(str(tmp_path / "o.mp4")) as container:
        assert len(container.streams) == 1


def test_frames_that_were_not_analysed_show_the_last_box(tmp_path):
    source = clip(tmp_path / "a.mp4", Fraction(1, 1000), 0.0, None)
    annotate(source, tmp_path / "o.mp4", Box(20, 16, 24, 24))
    _, images = pictures(tmp_path / "o.mp4")
    for image in images[:2]:  # the second one was not analysed
        red, _, blue = image[28, 19:22].astype(int).mean(axis=0)
        assert blue - red > 40


def write_all(target: Path, images: list[Picture], info: SourceInfo, **when: list) -> None:
    sink = overlay.build(overlay.Options(target, LABELS, info))
    for index, image in enumerate(images):
        moments = {name: values[index] for name, values in when.items()}
        sink.write(Frame(index, moments.get("time"), image, moments.get("pts")), FrameResult(index, None, ()))
    sink.finish(RECORD)


def test_the_boxs_colour_survives_encoding(tmp_path):
    box = Box(60, 60, 120, 120)
    sink = overlay.build(overlay.Options(tmp_path / "o.mp4", LABELS, SourceInfo("x", "images")))
    seen = Observation(1, box, 0.9, "known", "disgust", np.eye(8)[2])
    sink.write(Frame(0, None, plain(640, 480)), FrameResult(0, None, (seen,)))
    sink.finish(RECORD)
    _, (image,) = pictures(tmp_path / "o.mp4")
    bar = image[60:240, 260:420].reshape(-1, 3).astype(int)  # flat areas in the panel, not thin lines
    assert np.abs(bar - parse(COLOURS["disgust"])).max(axis=1).min() < 12


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (33, 17), (64, 48)])
def test_odd_sizes_are_padded_by_one_and_one_frame_is_enough(tmp_path, size):
    write_all(tmp_path / "o.mp4", [plain(*size)], SourceInfo("x", "image"))
    times, (image,) = pictures(tmp_path / "o.mp4")
    assert times == [0]
    assert image.shape == (size[1] + size[1] % 2, size[0] + size[0] % 2, 3)
    assert np.abs(image.astype(int) - 120).max() <= 4


def test_images_without_a_clock_play_at_25_frames_a_second(tmp_path):
    write_all(tmp_path / "o.mp4", [plain() for _ in range(5)], SourceInfo("x", "images"))
    assert pictures(tmp_path / "o.mp4")[0] == [Fraction(i, 25) for i in range(5)]


def test_times_without_timestamps_are_kept_and_repeated_ones_told_apart(tmp_path):
    moments = [0.0, 0.1, 0.1, 0.35]
    write_all(tmp_path / "o.mp4", [plain()] * 4, SourceInfo("camera:0", "camera"), time=moments)
    found = pictures(tmp_path / "o.mp4")[0]
    assert [float(t) for t in found] == pytest.approx(moments, abs=2e-5)
    assert len(set(found)) == 4


def test_timestamps_below_zero_are_shifted_not_lost(tmp_path):
    info = SourceInfo("x", "video", time_base=Fraction(1, 1000))
    write_all(tmp_path / "o.mp4", [plain()] * 3, info, time=[0.0, 0.04, 0.08], pts=[-80, -40, 0])
    assert pictures(tmp_path / "o.mp4")[0] == [Fraction(i, 25) for i in range(3)]


def test_a_change_of_size_is_fitted_into_the_first_frames_size(tmp_path):
    write_all(tmp_path / "o.mp4", [plain(64, 48), plain(48, 64, 200)], SourceInfo("x", "images"))
    _, images = pictures(tmp_path / "o.mp4")
    assert images[1].shape == (48, 64, 3)
    assert images[1][24, 32].mean() > 180
    assert images[1][24, 4].mean() < 20  # beside the upright picture


def test_pixels_that_are_not_square_stay_so(tmp_path):
    source = tmp_path / "a.mp4"
    with av.open(str(source), "w") as out:
        video = out.add_stream("libx264", rate=25)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        video.codec_context.sample_aspect_ratio = Fraction(16, 11)
        out.mux(video.encode(av.VideoFrame(64, 48, "yuv420p")))
        out.mux(video.encode(None))
    annotate(source, tmp_path / "o.mp4")
    with av.open(str(tmp_path / "o.mp4")) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(16, 11)


@pytest.mark.parametrize("name", ["o.avi", "o", "o.png"])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises(UsageError, match=r"must end in \.mp4, \.mov, \.mkv"):
        overlay.build(overlay.Options(tmp_path / name, LABELS, SourceInfo("x", "images")))


def test_a_folder_that_is_not_there_is_said_before_any_work(tmp_path):
    with pytest.raises(OutputError, match="does not exist"):
        overlay.build(overlay.Options(tmp_path / "no" / "o.mp4", LABELS, SourceInfo("x", "images")))


def test_sound_that_is_gone_is_said(tmp_path):
    info = SourceInfo("x", "video", time_base=Fraction(1, 1000))
    sink = overlay.build(overlay.Options(tmp_path / "o.mp4", LABELS, info, tmp_path / "gone.mp4"))
    with pytest.raises(InputError, match=r"gone\.mp4: cannot be read again for its sound"):
        sink.write(Frame(0, 0.0, plain(), 0), None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("frames", [0, 1, 5])
def test_abandon_leaves_what_was_there(tmp_path, frames):
    target = tmp_path / "o.mp4"
    target.write_text("before")
    sink = overlay.build(overlay.Options(target, LABELS, SourceInfo("x", "images")))
    for index in range(frames):
        sink.write(Frame(index, None, plain()), None)
    sink.abandon()
    sink.abandon()
    assert [entry.name for entry in tmp_path.iterdir()] == ["o.mp4"]
    assert target.read_text() == "before"


def test_no_frames_no_video(tmp_path):
    sink = overlay.build(overlay.Options(tmp_path / "o.mp4", LABELS, SourceInfo("x", "images")))
    with pytest.raises(OutputError, match="no frame came"):
        sink.finish(RECORD)
    assert list(tmp_path.iterdir()) == []


class Full:
    """A file on a disk that takes ``room`` more bytes."""

    def __init__(self, file, room: int) -> None:
        self._file, self._room = file, room

    def write(self, data) -> int:
        self._room -= memoryview(data).nbytes
        if self._room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._file.write(data)

    def __getattr__(self, name: str):
        return getattr(self._file, name)


@pytest.mark.parametrize("room", [0, 2000, 40000])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_a_full_disk(tmp_path, room, suffix):
    sink = overlay.build(overlay.Options(tmp_path / f"o.{suffix}", LABELS, SourceInfo("x", "images")))
    sink._draft.file = Full(sink._draft.file, room)
    noise = np.random.default_rng(0)

    def run() -> None:
        for index in range(120):
            image = Picture(noise.integers(0, 255, (48, 64, 3), np.uint8))
            sink.write(Frame(index, None, image), None)
        sink.finish(RECORD)

    with pytest.raises(OutputError, match="the disk is full"):
        run()
    sink.abandon()
    assert list(tmp_path.iterdir()) == []

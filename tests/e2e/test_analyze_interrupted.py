"""Stopped in the middle: what was whole stays, what is not whole has no name, and nothing is left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import av
import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

OLD = b"an older result, whole"
REPEATS = 20  # of the ten-second sample: too long to be finished before a signal arrives
WITHOUT_DOUBTS = ("--model", "paper", "--recipe", "viola_jones")  # says nothing of its own on standard error
LINE = b"mien: interrupted; unfinished files were removed, finished ones kept\n"


@pytest.fixture(scope="session")
def long_clip(sample, tmp_path_factory) -> Path:
    """The sample's pictures over and over: the same packets with timestamps that go on."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    with av.open(str(sample)) as source, av.open(str(path), "w") as container:
        video = source.streams.video[0]
        stream = container.add_stream_from_template(video)
        packets = [p for p in source.demux(video) if p.dts is not None]
        data = [(bytes(p), p.pts, p.dts, p.is_keyframe) for p in packets]
        length = max(pts for _, pts, _, _ in data) + 1000
        for turn in range(REPEATS):
            for content, pts, dts, key in data:
                packet = av.Packet(content)
                packet.stream, packet.time_base = stream, video.time_base
                packet.pts, packet.dts, packet.is_keyframe = pts + turn * length, dts + turn * length, key
                container.mux(packet)
    return path


def old_files(folder: Path, *names: str) -> dict[str, bytes]:
    for name in names:
        (folder / name).write_bytes(OLD)
    return contents(folder)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def parts(folder: Path) -> list[Path]:
    """Unfinished files that hold something already."""
    return [path for path in folder.glob(".*.part.*") if path.stat().st_size > 0]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_ctrl_c_in_the_middle(tmp_path, long_clip, start_mien, until, suffix):
    before = old_files(tmp_path, f"out.{suffix}", "seen.mp4", "seen.png")
    process = start_mien(
        *("analyze", long_clip, "-o", tmp_path / f"out.{suffix}"),
        *("--annotate", tmp_path / "seen.mp4", "--plot", tmp_path / "seen.png"),
    )
    until(lambda: parts(tmp_path) or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (130, b"", LINE)
    assert contents(tmp_path) == before


def test_being_told_to_end_leaves_nothing_behind(tmp_path, long_clip, start_mien, until):
    before = old_files(tmp_path, "out.csv", "seen.mp4")
    process = start_mien("analyze", long_clip, "-o", tmp_path / "out.csv", "--annotate", tmp_path / "seen.mp4")
    until(lambda: parts(tmp_path) or process.poll() is not None)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate()
    assert (process.returncode, out, err) == (128 + signal.SIGTERM, b"", b"")
    assert contents(tmp_path) == before


def test_ctrl_c_keeps_the_inputs_that_were_done(tmp_path, long_clip, clips, start_mien, until, read_table):
    short, tables, videos = clips.make("short.mp4"), tmp_path / "tables", tmp_path / "videos"
    process = start_mien("analyze", short, long_clip, "-o", tables, "--annotate", videos)
    until(lambda: list(videos.glob(".long.*.part.*")) or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert (process.returncode, err) == (130, LINE)
    assert list(contents(tables)) == ["short.parquet"]
    assert list(contents(videos)) == ["short.mp4"]
    assert len(read_table(tables / "short.parquet")[1]) == 12


def test_ctrl_c_while_standard_output_is_the_table(long_clip, start_mien):
    process = start_mien("analyze", long_clip, "-o", "-")
    assert process.stdout is not None
    assert process.stdout.readline().startswith(b"frame,time,face")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    assert (process.returncode, err) == (130, LINE)
    assert out.endswith(b"\n") or out == b""
    assert out.count(b"\n") < 273 * REPEATS


def test_a_killed_run_leaves_nothing_that_looks_whole(tmp_path, long_clip, start_mien, until):
    names = ("out.csv", "out.csv.json", "seen.mp4", "seen.png")
    before = old_files(tmp_path, *names)
    process = start_mien(
        *("analyze", long_clip, "-o", tmp_path / "out.csv"),
        *("--annotate", tmp_path / "seen.mp4", "--plot", tmp_path / "seen.png"),
    )
    until(lambda: parts(tmp_path) or process.poll() is not None)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    left = contents(tmp_path)
    assert {name: left.pop(name) for name in names} == before
    assert all(name.startswith(".") and ".part." in name for name in left)


def test_a_killed_run_without_older_results_leaves_no_result(tmp_path, long_clip, start_mien, until):
    process = start_mien("analyze", long_clip, "-o", tmp_path / "out.parquet", "--annotate", tmp_path / "seen.mp4")
    until(lambda: parts(tmp_path) or process.poll() is not None)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert all(name.startswith(".") for name in contents(tmp_path))


@pytest.fixture
def small_disk(tmp_path):
    """``with small_disk("300k") as folder:`` is a file system of its own, which fills up soon."""

    @contextmanager
    def mounted(size: str) -> Iterator[Path]:
        folder = tmp_path / "disk"
        folder.mkdir()
        try:
            done = subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)],
                capture_output=True,
                check=False,
            )
        except FileNotFoundError:
            pytest.skip("no mount command here")
        if done.returncode != 0:
            pytest.skip(f"a small file system cannot be mounted: {done.stderr.decode().strip()}")
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)

    return mounted


@pytest.mark.parametrize(
    ("size", "flag", "name"),
    [
        ("24k", "-o", "out.csv"),  # full in the middle
        ("24k", "-o", "out.jsonl"),
        ("8k", "-o", "out.parquet"),
        ("300k", "--annotate", "seen.mp4"),
        ("32k", "--plot", "seen.png"),  # full at the end
        ("8k", "--summary", "sum.json"),
    ],
)
def test_a_full_disk(tmp_path, small_disk, sample, mien_here, size, flag, name):
    with small_disk(size) as disk:
        before = old_files(disk, name, *(["out.csv.json"] if name == "out.csv" else []))
        if flag == "--summary":
            (disk / "ballast").write_bytes(bytes(4096))
            before["ballast"] = bytes(4096)
        pace = ("--every", 0.0001 if flag != "--plot" else 0.5)
        outcome = mien_here("analyze", sample, flag, disk / name, *pace, *WITHOUT_DOUBTS)
        assert outcome.code == 1
        assert outcome.line == (
            f"mien: {disk / name}: the disk is full; free some space or write elsewhere "
            "(nothing half-written was left)"
        )
        assert contents(disk) == before


def test_a_full_disk_for_the_record_of_a_table(small_disk, face_clip, mien_here):
    # The table fits into one page, its record needs another.
    with small_disk("8k") as disk:
        before = old_files(disk, "out.csv")
        outcome = mien_here("analyze", face_clip, "-o", disk / "out.csv")
        assert outcome.code == 1
        assert "the disk is full" in outcome.line
        assert contents(disk) == before


def test_a_full_disk_for_one_output_keeps_the_others(tmp_path, small_disk, face_clip, mien_here, read_table):
    with small_disk("8k") as disk:
        outcome = mien_here("analyze", face_clip, "-o", tmp_path / "out.csv", "--summary", disk / "sum.json")
        if outcome.code == 0:
            (disk / "ballast").write_bytes(bytes(4096))
            outcome = mien_here("analyze", face_clip, "-o", tmp_path / "out.csv", "--summary", disk / "sum.json")
        assert outcome.code == 1
        assert "the disk is full" in outcome.line
        assert len(read_table(tmp_path / "out.csv")[1]) == 12

"""What ``mien analyze`` writes and prints: summary, standard output, annotated video, plot, progress."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import shutil
import struct
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from mien.pipeline import Pipeline
from mien.types import SourceInfo
from mien.video.arrays import ArraySource


def png_size(data: bytes) -> tuple[int, int]:
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    assert data.endswith(b"IEND\xaeB`\x82")
    return struct.unpack(">II", data[16:24])


def test_without_an_output_the_summary_is_printed(face_clip, mien_here):
    outcome = mien_here("analyze", face_clip)
    assert (outcome.code, outcome.err) == (0, "")
    first, header, row, *_ = outcome.out.splitlines()
    assert first == f"{face_clip}: 12 frames in 0.48 s, 1 face(s)"
    assert header.split() == ["face", "seen", "from", "to", "shows", "for", "peak", "at"]
    assert row.split()[:7] == ["1", "0.48", "s", "0.00", "s", "0.44", "s"]
    assert "wrote" not in outcome.out


def test_a_clip_without_a_face_says_so(clips, mien_here):
    assert "no face was found" in mien_here("analyze", clips.make("empty.mp4")).out


def test_the_table_on_standard_output_and_nothing_else(tmp_path, face_clip, mien_process):
    outcome = mien_process("analyze", face_clip, "-o", "-", "--plot", tmp_path / "seen.png")
    assert (outcome.code, outcome.err) == (0, "")
    rows = list(csv.DictReader(io.StringIO(outcome.out)))
    assert [row["frame"] for row in rows] == [str(place) for place in range(12)]
    assert {row["face"] for row in rows} == {"1"}
    assert outcome.out.count("\n") == 13
    assert (tmp_path / "seen.png").is_file()


@pytest.mark.parametrize("flags", ["-o -", "--summary -", ""])
def test_a_reader_that_leaves_early_is_no_error(sample, face_clip, mien_process, flags):
    clip = sample if flags == "-o -" else face_clip
    outcome = mien_process(shell=f"MIEN analyze '{clip}' {flags} | head -1; exit ${{PIPESTATUS[0]}}")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.count("\n") == 1


def test_files_are_written_though_nobody_reads_the_summary(tmp_path, face_clip, mien_process):
    outcome = mien_process(
        shell=f"MIEN analyze '{face_clip}' '{face_clip}' -o '{tmp_path}' | true; exit ${{PIPESTATUS[0]}}"
    )
    assert (outcome.code, outcome.err) == (0, "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["face-2.parquet", "face.parquet"]


def test_a_closed_standard_output(tmp_path, face_clip, mien_process):
    quiet = mien_process(shell=f"MIEN analyze '{face_clip}' -o '{tmp_path / 'out.csv'}' >&-")
    assert (quiet.code, quiet.err) == (0, "")
    assert (tmp_path / "out.csv").read_text().count("\n") == 13
    refused = mien_process(shell=f"MIEN analyze '{face_clip}' -o - >&-")
    assert refused.code == 1
    assert refused.line == "mien: standard output: it is closed; give -o a file"


def test_a_closed_standard_error_does_not_end_up_in_a_table(tmp_path, face_clip, mien_process):
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    outcome = mien_process(shell=f"MIEN analyze '{face_clip}' '{bad}' -o '{tmp_path}' 2>&-")
    assert outcome.code == 1
    assert (tmp_path / "face.parquet").read_bytes().endswith(b"PAR1")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full")
@pytest.mark.parametrize("flags", ["-o -", "--summary -", ""])
def test_a_full_disk_behind_a_redirection(face_clip, mien_process, flags):
    outcome = mien_process(shell=f"MIEN analyze '{face_clip}' {flags} > /dev/full")
    assert outcome.code == 1
    assert outcome.line.startswith("mien: standard output: cannot write: No space left")


def test_a_name_that_standard_output_cannot_spell(tmp_path, face_clip, mien_process, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    clip = Path(shutil.copy(face_clip, tmp_path / "Gesicht-ü.mp4"))
    outcome = mien_process("analyze", clip)
    assert (outcome.code, outcome.err) == (0, "")
    assert "Gesicht-\\xfc.mp4: 12 frames" in outcome.out


def test_the_summary_as_json(tmp_path, face_clip, mien_here, read_table):
    outcome = mien_here("analyze", face_clip, "-o", tmp_path / "out.parquet", "--summary", "-")
    assert (outcome.code, outcome.err) == (0, "")
    told = json.loads(outcome.out)
    assert told["source"] == str(face_clip)
    assert (told["frames"], told["frames_without_face"], told["seconds"]) == (12, 0, 0.48)
    assert (told["frames_decoded"], told["decode_errors"]) == (12, 0)
    (face,) = told["faces"]
    assert (face["face"], face["frames"], face["first"], face["last"]) == (1, 12, 0.0, 0.44)
    assert face["appearances"] == [[0.0, 0.44]]
    _, rows = read_table(tmp_path / "out.parquet")
    for label, shown in face["expressions"].items():
        assert shown["frames"] == sum(row["expression"] == label for row in rows)
        assert shown["mean"] == pytest.approx(np.mean([row[label] for row in rows]), abs=2e-6)
        assert shown["peak"]["probability"] == pytest.approx(max(row[label] for row in rows), abs=2e-6)
    assert mien_here("analyze", face_clip, "--summary", tmp_path / "sum.json").code == 0
    assert json.loads((tmp_path / "sum.json").read_text()) == told


@pytest.mark.parametrize("every", [0.1, 0.25, 10])
def test_one_frame_per_so_many_seconds(tmp_path, clips, mien_here, read_table, every):
    stamps = [0, 40, 90, 100, 180, 260, 300, 490, 500, 510, 1400]
    clip = clips.make("vfr.mp4", pts=stamps)
    outcome = mien_here(
        "analyze", clip, "-o", tmp_path / "out.csv", "--annotate", tmp_path / "seen.mp4", "--every", every
    )
    assert outcome.code == 0
    expected = {
        0.1: [0, 3, 5, 6, 7, 8, 10],
        0.25: [0, 5, 8, 10],
        10: [0],
    }[every]
    _, rows = read_table(tmp_path / "out.csv")
    assert [row["frame"] for row in rows] == expected
    assert [row["time"] for row in rows] == pytest.approx([stamps[place] / 1000 for place in expected], abs=1e-6)
    assert json.loads((tmp_path / "out.csv.json").read_text())["frames"] == len(stamps)
    with av.open(str(tmp_path / "seen.mp4")) as container:  # all frames, for it is the video
        assert len(list(container.decode(video=0))) == len(stamps)


@pytest.mark.parametrize("every", ["0", "-1", "nan", "-inf", "often"])
def test_an_impossible_pace(tmp_path, face_clip, mien_here, every):
    outcome = mien_here("analyze", face_clip, "-o", tmp_path / "out.csv", f"--every={every}")
    assert outcome.code == 2
    assert "--every" in outcome.line
    assert every in outcome.line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[follow]\nintervall = 2", "unknown key 'intervall'"),
        ("[folow]\ninterval = 2", "unknown table 'folow'"),
        ('[follow]\ninterval = "2"', "interval must be float"),
        ('[detect]\nname = "yolo"', "'yolo'"),
        ("[follow\n", "not valid TOML"),
    ],
)
def test_a_recipe_that_is_wrong(tmp_path, face_clip, mien_here, text, said):
    recipe = tmp_path / "mine.toml"
    recipe.write_text(text)
    outcome = mien_here("analyze", face_clip, "-o", tmp_path / "out.csv", "--recipe", recipe)
    assert outcome.code == 2
    assert said in outcome.line
    assert list(tmp_path.iterdir()) == [recipe]


def test_a_recipe_is_followed_and_recorded(tmp_path, face_clip, mien_here):
    recipe = tmp_path / "mine.toml"
    recipe.write_text("[smoothing]\nseconds = 0.0")
    assert mien_here("analyze", face_clip, "-o", tmp_path / "out.csv", "--recipe", recipe).code == 0
    assert "seconds = 0.0" in json.loads((tmp_path / "out.csv.json").read_text())["recipe"]


def test_no_result_may_overwrite_what_is_read(tmp_path, face_clip, mien_here, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copy(face_clip, "clip.mp4")
    Path("mine.toml").write_text("")
    Path("link.mp4").symlink_to("clip.mp4")
    Path("twin.mp4").hardlink_to("clip.mp4")
    folder = tmp_path / "pictures"
    folder.mkdir()
    there = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()}
    for call in (
        "clip.mp4 --annotate clip.mp4",
        "clip.mp4 --annotate ./pictures/../clip.mp4",
        "clip.mp4 --annotate link.mp4",
        "clip.mp4 --annotate twin.mp4",
        "link.mp4 --annotate clip.mp4",
        "clip.mp4 --summary clip.mp4",
        "clip.mp4 --summary mine.toml --recipe mine.toml",
        "clip.mp4 -o out.csv --summary out.csv",
        "clip.mp4 -o out.csv --summary out.csv.json",
        "clip.mp4 --plot same.png --summary pictures/../same.png",
        "clip.mp4 missing.mp4 -o new --annotate .",
        "pictures --plot pictures/seen.png",
    ):
        outcome = mien_here("analyze", *call.split())
        assert outcome.code == 2, call
        assert outcome.out == ""
        assert any(
            words in outcome.line for words in ("would overwrite", "give each its own", "among the pictures")
        )
        now = {path: path.read_bytes() for path in sorted(tmp_path.rglob("*")) if path.is_file()}
        assert now == there, call
        assert not Path("new").exists()


@pytest.mark.parametrize("call", ["a b -o -", "a b -o out.csv", "a b --annotate seen.MP4", "a b --summary -"])
def test_several_inputs_want_folders(tmp_path, mien_here, monkeypatch, call):
    monkeypatch.chdir(tmp_path)
    outcome = mien_here("analyze", *call.split())
    assert outcome.code == 2
    assert "give a folder" in outcome.line
    assert list(tmp_path.iterdir()) == []


def test_several_inputs_into_folders(tmp_path, clips, mien_here, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one, other = clips.make("a.mp4", count=3), clips.make("b.mkv", count=3)
    flags = ("-o", "t/deep", "--annotate", "v", "--plot", "p", "--summary", "s")
    outcome = mien_here("analyze", one, other, one, *flags)
    assert (outcome.code, outcome.err) == (0, "")
    written = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*/*") if path.is_file())
    names = {"t/deep": "parquet", "v": "mp4", "p": "png", "s": "json"}
    assert written == sorted(f"{at}/{stem}.{end}" for at, end in names.items() for stem in ("a", "a-2", "b"))


@pytest.mark.parametrize("flag", ["-o", "--annotate", "--plot", "--summary"])
def test_an_empty_name_for_an_output(face_clip, mien_here, flag):
    outcome = mien_here("analyze", face_clip, flag, "")
    assert outcome.code == 2
    assert "empty name" in outcome.line


def test_two_wishes_for_standard_output(face_clip, mien_here):
    outcome = mien_here("analyze", face_clip, "-o", "-", "--summary", "-")
    assert outcome.code == 2
    assert "both want standard output" in outcome.line


def test_a_plot_without_matplotlib_is_refused_before_any_work(tmp_path, face_clip, mien_here, monkeypatch):
    for module in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "mien.output.chart", raising=False)

    def watch(*_, **__):
        pytest.fail("analysis began")

    monkeypatch.setattr(Pipeline, "watch", watch)
    outcome = mien_here("analyze", face_clip, "-o", tmp_path / "out.csv", "--plot", tmp_path / "seen.png")
    assert outcome.code == 2
    assert outcome.line == "mien: this needs matplotlib, which is not installed: pip install 'mien[report]'"
    assert list(tmp_path.iterdir()) == []


def packets(path: Path) -> list[tuple[Fraction, bytes]]:
    with av.open(str(path)) as container:
        return [(p.pts * p.time_base, bytes(p)) for p in container.demux(audio=0) if p.size]


def test_the_annotated_video_keeps_every_frame_its_time_and_its_sound(tmp_path, sample, mien_here):
    seen, plot = tmp_path / "seen.mp4", tmp_path / "seen.png"
    outcome = mien_here("analyze", sample, "--annotate", seen, "--plot", plot)
    assert outcome.code == 0
    assert all("may be somebody else" in line for line in outcome.err.splitlines())  # who comes back may be doubted
    assert f"wrote {seen}" in outcome.out
    with av.open(str(sample)) as before, av.open(str(seen)) as after:
        stamps = [[f.pts * f.time_base for f in c.decode(video=0)] for c in (before, after)]
        sizes = [(c.streams.video[0].width, c.streams.video[0].height) for c in (before, after)]
    assert stamps[0] == stamps[1]
    assert len(stamps[0]) == 273
    assert sizes[0] == sizes[1]
    assert packets(sample) == packets(seen)
    assert len(packets(sample)) > 100
    width, height = png_size(plot.read_bytes())
    assert width > 600
    assert height > 300
    assert len(plot.read_bytes()) > 20_000


@pytest.mark.parametrize("name", ["talk:1.mp4", "[/b] :smile: {0}.mp4", "-odd.mp4", "\u9762\u5b54 $x$.mp4"])
def test_names_that_mean_something_to_others(tmp_path, sample, face_clip, mien_here, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    Path(name).parent.mkdir(exist_ok=True)
    shutil.copy(sample if ":1" in name else face_clip, name)
    flags = ("-o", "o.csv", "--annotate", "a.mp4", "--plot", "p.png", "--summary", "s.json", "--every", "2")
    outcome = mien_here("analyze", *flags, "--", name)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith(f"{name}: ")
    assert json.loads(Path("s.json").read_text())["source"] == name
    if ":1" in name:
        assert packets(Path("a.mp4")) == packets(sample)


def test_the_annotation_is_drawn_where_the_face_is(tmp_path, face_clip, mien_here):
    assert mien_here("analyze", face_clip, "--annotate", tmp_path / "seen.mp4").code == 0
    with av.open(str(face_clip)) as before, av.open(str(tmp_path / "seen.mp4")) as after:
        plain, drawn = (next(c.decode(video=0)).to_ndarray(format="rgb24").astype(int) for c in (before, after))
    changed = np.abs(plain - drawn).max(axis=2) > 60
    assert changed[28:88, 82:142].mean() > 0.08  # the box's rim around (86, 32) to (138, 84)
    assert changed[120:, :80].mean() < 0.02


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals")
def test_progress_is_shown_on_a_terminal_only(tmp_path, face_clip, mien_process, start_mien, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    for variable in ("NO_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(variable, raising=False)
    ours, theirs = pty.openpty()
    (tmp_path / "[").mkdir()
    clip = Path(shutil.copy(face_clip, tmp_path / "[/b].mp4"))  # markup to the library that draws the bar
    process = start_mien("analyze", clip, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 4096):
            shown += piece
    except OSError:  # how Linux says that the other end is closed
        pass
    os.close(ours)
    out, _ = process.communicate()
    assert process.returncode == 0
    assert b"frames" in shown
    assert b"12 frames" in out
    assert b"\x1b" not in out
    piped = mien_process("analyze", clip)
    assert (piped.out.encode(), piped.err) == (out, "")


def test_stopping_a_camera_is_how_its_run_becomes_whole(tmp_path, mien_here, read_table, monkeypatch):
    class Camera(ArraySource):
        info = SourceInfo("camera:0", "camera")

        def __iter__(self):
            yield from super().__iter__()
            raise KeyboardInterrupt

    pictures = [np.full((48, 64), 90, np.uint8)] * 5
    monkeypatch.setattr("mien.cli.analyze.open_source", lambda _: Camera(pictures))
    outcome = mien_here("analyze", "camera:0", "-o", tmp_path / "out.csv")
    assert (outcome.code, outcome.err) == (0, "")
    assert [row["frame"] for row in read_table(tmp_path / "out.csv")[1]] == [0, 1, 2, 3, 4]

"""Which table a path means, and CSV on standard output."""

from __future__ import annotations

import io
import subprocess
import sys

import pytest

from mien.errors import OutputError, UsageError
from mien.labels import LabelSet
from mien.output.draft import Remembering
from mien.output.opening import open_table
from mien.types import Frame, FrameResult, RunRecord

LABELS = LabelSet(("no", "yes"))
RECORD = RunRecord("0.1.0", "clip.mp4", "tiny", "00", "", LABELS.expressions)
HEADER = "frame,time,face,x,y,width,height,face_score,expression,no,yes,state,id_score,shot\n"


@pytest.mark.parametrize("name", ["out", "out.xlsx", "out.", ".csv", "out._text", "out.csv.gz"])
def test_other_suffixes_are_refused_with_the_known_ones(tmp_path, name):
    with pytest.raises(UsageError, match=r"must end in \.csv, \.jsonl, \.parquet"):
        open_table(tmp_path / name, LABELS)
    assert list(tmp_path.iterdir()) == []


def test_upper_case_is_the_same_suffix(tmp_path):
    open_table(tmp_path / "OUT.CSV", LABELS).finish(RECORD)
    assert (tmp_path / "OUT.CSV").read_text() == HEADER


def test_a_folder_in_the_way(tmp_path):
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        open_table(tmp_path / "out.csv", LABELS)


def write_empty_frames(count: int) -> None:
    sink = open_table("-", LABELS)
    for index in range(count):
        sink.write(Frame(index, 0.5, None), FrameResult(index, 0.5, ()))
    sink.write(Frame(count, 0.5, None), None)
    sink.finish(RECORD)
    sink.abandon()


def test_standard_output(capfd):
    write_empty_frames(2)
    print("after")  # standard output stays open
    assert capfd.readouterr().out == f"{HEADER}0,0.5,,,,,,,,,,,,1\n1,0.5,,,,,,,,,,,,1\nafter\n"


def test_standard_output_that_is_no_file(monkeypatch):
    text = io.StringIO()
    monkeypatch.setattr(sys, "stdout", text)
    write_empty_frames(1)
    assert text.getvalue() == f"{HEADER}0,0.5,,,,,,,,,,,,1\n"


CHILD = """
from mien.errors import OutputError
from mien.labels import LabelSet
from mien.output.draft import Remembering
from mien.output.opening import open_table
from mien.types import Frame, FrameResult
import sys
try:
    sink = open_table("-", LabelSet(("no", "yes")))
    for index in range(100000):
        sink.write(Frame(index, 0.5, None), FrameResult(index, 0.5, ()))
except OutputError as error:
    sink.abandon()
    print(error, type(error.__cause__).__name__, file=sys.stderr)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="pipes break differently there")
def test_a_reader_that_leaves_is_one_clear_error_and_nothing_at_exit():
    with subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        assert child.stdout.readline() == HEADER.encode()
        child.stdout.close()
        said = child.stderr.read().decode()
    assert said == "standard output: the reader closed it before the table was whole BrokenPipeError\n"
    assert child.returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_a_full_disk_behind_a_redirection(monkeypatch):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        monkeypatch.setattr(sys, "stdout", full)
        sink = open_table("-", LABELS)
        with pytest.raises(OutputError, match="standard output: cannot write: No space left"):
            sink.write(Frame(0, 0.5, None), FrameResult(0, 0.5, ()))


def test_ctrl_c_inside_a_foreign_writer_is_not_lost():
    class Interrupted(io.BytesIO):
        def write(self, data, /):
            raise KeyboardInterrupt

    file = Remembering(Interrupted())
    assert file.write(b"abc") == 3  # native code must not see it
    with pytest.raises(KeyboardInterrupt):
        file.check()

"""Files that are whole or not there."""

import errno
import os
from pathlib import Path

import pytest

from mien import atomic
from mien.errors import OutputError


def names(folder):
    return sorted(p.name for p in folder.iterdir())


def test_written_whole(tmp_path):
    atomic.write_bytes(tmp_path / "a.txt", b"new")
    assert (tmp_path / "a.txt").read_bytes() == b"new"
    atomic.write_bytes(tmp_path / "a.txt", b"newer")
    assert (tmp_path / "a.txt").read_bytes() == b"newer"
    assert names(tmp_path) == ["a.txt"]


def test_the_temporary_file_is_hidden_and_beside(tmp_path):
    target = tmp_path / "tables" / "a.b.parquet"
    target.parent.mkdir()
    one, other = atomic.temporary_for(target), atomic.temporary_for(target)
    for temporary in (one, other):
        assert temporary.parent == target.parent
        assert temporary.name.startswith(".a.b.")
        assert temporary.suffix == ".parquet"
        assert temporary.read_bytes() == b""
    assert one != other
    assert not target.exists()


@pytest.mark.parametrize("step", ["write", "fsync", "replace"])
@pytest.mark.parametrize("problem", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_the_old_file_stays_when_the_new_one_fails(tmp_path, monkeypatch, step, problem):
    target = tmp_path / "a.txt"
    target.write_bytes(b"old")

    def fail(*_args, **_settings):
        raise problem

    if step == "write":
        monkeypatch.setattr(atomic.Path, "write_bytes", fail)
    elif step == "fsync":
        monkeypatch.setattr(os, "fsync", fail)
    else:
        monkeypatch.setattr(atomic.Path, "replace", fail)
    with pytest.raises(OutputError if isinstance(problem, OSError) else KeyboardInterrupt) as caught:
        atomic.write_bytes(target, b"new")
    assert names(tmp_path) == ["a.txt"]
    assert target.read_bytes() == b"old"
    if isinstance(problem, OSError):
        assert str(caught.value).startswith(f"{target}: the disk is full; free some space")


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EACCES, "not allowed to write there; choose another folder"),
        (errno.EPERM, "not allowed to write there"),
        (errno.EROFS, "not allowed to write there"),
        (errno.ENOENT, "the folder /some/folder does not exist; create it first"),
        (errno.ENOTDIR, "the folder /some/folder does not exist"),
        (errno.EIO, f"cannot write: {os.strerror(errno.EIO)}"),
    ],
)
def test_one_line_per_refusal(number, words):
    target = atomic.Path("/some/folder/a.csv")
    with pytest.raises(OutputError) as caught, atomic.mapped(target):
        raise OSError(number, os.strerror(number))
    assert str(caught.value).startswith(f"{target}: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)


def test_other_errors_pass(tmp_path):
    with pytest.raises(ZeroDivisionError), atomic.mapped(tmp_path):
        _ = 1 / 0


def test_no_such_folder(tmp_path):
    with pytest.raises(OutputError, match="none does not exist; create it first"):
        atomic.write_bytes(tmp_path / "none" / "a.txt", b"")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="file does not exist; create it first"):
        atomic.write_bytes(tmp_path / "file" / "a.txt", b"")
    assert names(tmp_path) == ["file"]


def test_a_folder_is_no_target(tmp_path):
    for folder in (tmp_path, atomic.Path(), atomic.Path("..")):
        with pytest.raises(OutputError, match="is a folder; give a file name"):
            atomic.write_bytes(folder, b"")
    assert names(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(OutputError, match="not allowed to write there"):
            atomic.write_bytes(tmp_path / "a.txt", b"")
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.parametrize("letter", ["x", "ü"])
def test_the_longest_name_that_the_file_system_takes(tmp_path, letter):
    target = tmp_path / f"{letter * (250 // len(letter.encode()))}.csv"
    atomic.write_bytes(target, b"1")
    assert names(tmp_path) == [target.name]
    with pytest.raises(OutputError, match="cannot write"):
        atomic.write_bytes(tmp_path / f"{'x' * 300}.csv", b"1")
    assert names(tmp_path) == [target.name]


def test_discarding_twice(tmp_path):
    temporary = atomic.temporary_for(tmp_path / "a")
    atomic.discard(temporary)
    atomic.discard(temporary)
    assert names(tmp_path) == []


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="no /proc here")
def test_a_folder_that_is_there_is_not_said_to_be_missing():
    with pytest.raises(OutputError, match="not allowed to write there"):
        atomic.write_bytes(Path("/proc/mien.csv"), b"")

"""``NAME:PATH`` to a data set."""

from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mien.data.opening import open_dataset
from mien.errors import DataError, UnknownPartError, UsageError


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    for name in ("happy/anna_1.png", "sad/ben_1.png"):
        (tmp_path / name).parent.mkdir()
        cv2.imwrite(str(tmp_path / name), np.zeros((8, 8), np.uint8))
    return tmp_path


def test_a_name_and_a_path_open_a_data_set(faces):
    assert open_dataset(f"folder:{faces}").subjects == ("anna", "ben")


def test_a_path_may_hold_colons_and_tildes(faces, monkeypatch):
    monkeypatch.chdir(faces.parent)
    for odd in ("a:b", "~nobody-of-that-name"):
        faces = faces.rename(faces.with_name(odd))
        assert len(open_dataset(f"folder:{odd}").items) == 2


@pytest.mark.parametrize("spec", ["", ":", ":path"])
def test_another_form_is_refused_with_an_example(spec):
    with pytest.raises(
        UsageError, match=r"expected NAME:PATH, such as ckplus:PATH; names: ckplus, clips, ferplus, folder"
    ):
        open_dataset(spec)


def test_an_unknown_name_lists_the_readers():
    with pytest.raises(UnknownPartError, match=r"did you mean ckplus\? there are: ckplus, clips, ferplus, folder"):
        open_dataset("ck+plus:x")


@pytest.mark.parametrize("spec", ["folder", "folder:", "ckplus"])
def test_a_reader_that_needs_a_path_says_so(spec):
    with pytest.raises(UsageError, match=r"needs to know where the data lie: (folder|ckplus):PATH"):
        open_dataset(spec)


def test_a_missing_path_is_an_error_of_data():
    with pytest.raises(DataError, match="nowhere"):
        open_dataset("folder:nowhere")


def test_a_reader_may_read_its_argument_itself(monkeypatch):
    built = []
    reader = SimpleNamespace(parse=lambda argument: f"<{argument}>", build=built.append)
    monkeypatch.setattr("mien.data.opening.part", lambda room, name: reader)
    open_dataset("drawn")
    open_dataset("drawn:people=3")
    assert built == ["<>", "<people=3>"]

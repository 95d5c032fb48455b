"""``mien analyze --explain``: telling moments of each face and what drove the answers, as one picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.types import SourceInfo
from mien.video.arrays import ArraySource


def read(path) -> np.ndarray:
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture[:, :, ::-1].astype(int)


@pytest.mark.parametrize("model", ["default", "aligned", "paper"])
def test_the_sample_explained(tmp_path, sample, mien_here, model):
    target = tmp_path / "why.png"
    outcome = mien_here("analyze", sample, "--every", "0.2", "--model", model, "--explain", target)
    assert (outcome.code, outcome.err) == (0, "")
    assert f"wrote {target}" in outcome.out
    picture = read(target)
    assert picture.shape[0] > 900  # two faces, a card or more each
    assert (picture[:, :, 0] - picture[:, :, 2] > 90).sum() > 5000  # what speaks for
    assert [entry.name for entry in tmp_path.iterdir()] == ["why.png"]
    again = tmp_path / "again.png"
    mien_here("analyze", sample, "--every", "0.2", "--model", model, "--explain", again)
    assert again.read_bytes() == target.read_bytes()


def test_a_still(tmp_path, clips, sample, mien_here):
    capture = cv2.VideoCapture(str(sample))
    done, frame = capture.read()
    capture.release()
    assert done
    cv2.imwrite(str(tmp_path / "still.png"), frame)
    (tmp_path / "out").mkdir()
    target = tmp_path / "out" / "why.png"
    outcome = mien_here("analyze", tmp_path / "still.png", "--explain", target)
    assert (outcome.code, outcome.err) == (0, "")
    assert read(target).shape[0] < 700  # one card


def test_no_face_is_a_picture_that_says_so(tmp_path, clips, mien_here):
    outcome = mien_here("analyze", clips.make("empty.mp4"), "--explain", tmp_path / "why.png")
    assert (outcome.code, outcome.err) == (0, "")
    picture = read(tmp_path / "why.png")
    assert picture.shape[0] < 400
    assert np.ptp(picture[-100:]) > 100  # the words


def test_several_inputs_want_a_folder(tmp_path, face_clip, clips, mien_here):
    other, folder = clips.make("other.mp4"), tmp_path / "why"
    assert mien_here("analyze", face_clip, other, "--explain", folder).code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["face.png", "other.png"]
    refused = mien_here("analyze", face_clip, other, "--explain", tmp_path / "why.png")
    assert refused.code == 2
    assert "give a folder" in refused.line
    shared = mien_here("analyze", face_clip, other, "--explain", folder, "--plot", folder)
    assert shared.code == 2
    assert "is the name of --plot too" in shared.line


@pytest.mark.parametrize(
    ("name", "said"), [("why.jpg", "must end in .png"), ("-", "must end in .png"), ("", "empty name")]
)
def test_a_wrong_name_is_wrong_usage(tmp_path, monkeypatch, face_clip, mien_here, name, said):
    monkeypatch.chdir(tmp_path)
    outcome = mien_here("analyze", face_clip, "--explain", name)
    assert outcome.code == 2
    assert said in outcome.line
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there(tmp_path, face_clip, mien_here):
    target = tmp_path / "nowhere" / "why.png"
    outcome = mien_here("analyze", face_clip, "--explain", target)
    assert outcome.code == 1
    assert outcome.line == f"mien: {target}: the folder {target.parent} does not exist; create it first"


def test_what_is_read_is_not_overwritten(tmp_path, sample, mien_here):
    still = tmp_path / "still.png"
    cv2.imwrite(str(still), np.full((48, 64), 90, np.uint8))
    before = still.read_bytes()
    outcome = mien_here("analyze", still, "--explain", still)
    assert outcome.code == 2
    assert "would overwrite" in outcome.line
    assert still.read_bytes() == before


@pytest.mark.parametrize(("kind", "code"), [("video", 130), ("camera", 0)])
def test_ctrl_c(tmp_path, mien_here, monkeypatch, kind, code):
    class Stopped(ArraySource):
        info = SourceInfo("camera:0" if kind == "camera" else "clip.mp4", kind)

        def __iter__(self):
            yield from super().__iter__()
            raise KeyboardInterrupt

    pictures = [np.full((48, 64), 90, np.uint8)] * 5
    monkeypatch.setattr("mien.cli.analyze.open_source", lambda _: Stopped(pictures))
    (tmp_path / "why.png").write_bytes(b"older")
    assert mien_here("analyze", "camera:0", "--explain", tmp_path / "why.png").code == code
    assert [entry.name for entry in tmp_path.iterdir()] == ["why.png"]
    assert ((tmp_path / "why.png").read_bytes() == b"older") == (code != 0)

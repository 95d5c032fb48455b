"""The bank of faces: what goes in comes out, people are divided whole, foreign files are refused."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien.errors import DataError
from mien.learn.faces import bank


def _picture(seed, shape):
    random = np.random.default_rng(seed)
    return cv2.resize(random.integers(0, 256, (6, 6), np.uint8), shape[::-1], interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def root(tmp_path):
    """A data set of two people, one small face and two scenes, with the teacher's labels."""
    names = ["portraits/A_One_0001.jpg", "portraits/A_One_0002.jpg", "portraits/B_Two_1.jpg", "portraits/C_3.jpg"]
    names += ["ferplus/FER2013Train/fer0000001.png", "ferplus/FER2013Train/fer0000002.png"]
    for number, name in enumerate(names):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), _picture(number, (448, 300) if "portraits" in name else (48, 48)))
    (tmp_path / "natural").mkdir()
    for number in (1, 2):
        cv2.imwrite(str(tmp_path / "natural" / f"{number}.jpg"), _picture(number, (32, 48)))
    points = np.random.default_rng(1).uniform(0, 300, (len(names), 68, 3)).astype(np.float32)
    labels = {
        "name": np.array(names),
        "points": points,
        "agreement": np.array([0.02, 0.02, 0.5, 0.02, 0.02, 0.06], np.float32),
        "faces": np.array([1, 1, 1, 2, 1, 1]),
    }
    scenes = [{"name": "1.jpg", "people": "no", "split": "test"}, {"name": "2.jpg", "people": "yes", "split": ""}]
    return tmp_path, labels, scenes


def test_only_believed_single_faces_and_scenes_without_people_are_taken(root):
    folder, labels, scenes = root
    portraits, small, empty = bank.gather(folder, labels, scenes)
    assert portraits.names == ["portraits/A_One_0001.jpg", "portraits/A_One_0002.jpg"]
    assert small.names == ["ferplus/FER2013Train/fer0000001.png"]
    assert (empty.names, empty.splits) == (["1.jpg"], ["test"])
    assert portraits.pictures[0].shape == (224, 150)
    # The centre of the picture stays its centre: pixel centres are integers.
    expected = (labels["points"][0, :, :2] + 0.5) / 2 - 0.5
    np.testing.assert_allclose(portraits.points[0], expected, atol=1e-4)


def test_what_is_written_is_read_again(root, tmp_path):
    folder, labels, scenes = root
    kinds = bank.gather(folder, labels, scenes)
    bank.write(tmp_path / "bank.npz", *kinds)
    found = bank.read(tmp_path / "bank.npz")
    for written, read in zip(kinds, (found.portraits, found.small, found.scenes), strict=True):
        assert (read.names, read.splits) == (written.names, written.splits)
        for before, after in zip(written.pictures, read.pictures, strict=True):
            assert np.abs(before.astype(int) - after).mean() < 3  # JPEG
    np.testing.assert_array_equal(found.portraits.points, kinds[0].points)
    assert found.scenes.points is None
    before = (tmp_path / "bank.npz").read_bytes()
    bank.write(tmp_path / "bank.npz", *kinds)
    assert (tmp_path / "bank.npz").read_bytes() == before, "equal pictures give equal bytes"
    assert len(found.scenes.of("test").names) == 1
    assert found.scenes.of("train").names == []


def test_a_person_is_never_divided():
    splits = {}
    for person in range(400):
        mine = {bank.split_of(f"portraits/Some_Body{person}_{k:04d}.jpg") for k in range(5)}
        assert len(mine) == 1
        splits[person] = mine.pop()
    shares = [list(splits.values()).count(name) / 400 for name in ("test", "validation", "train")]
    np.testing.assert_allclose(shares, [0.2, 0.05, 0.75], atol=0.06)
    assert "test" not in {bank.split_of(f"ferplus/FER2013Train/fer{k:07d}.png") for k in range(300)}


@pytest.mark.parametrize("content", [None, b"", b"not a bank", "other"])
def test_foreign_files_are_refused_by_name(tmp_path, content):
    path = tmp_path / "bank.npz"
    if content == "other":
        np.savez(path, something=np.zeros(3))
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=r"bank\.npz: not a bank of faces"):
        bank.read(path)

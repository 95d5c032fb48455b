"""Pictures and videos of drawn faces: what is in them, and what they say of themselves."""

import av
import cv2
import numpy as np
import pytest

from mien.errors import OutputError
from mien.output import generated
from mien.output.generated import CLAIM, FACE, grid, write_picture, write_video


@pytest.fixture
def faces():
    """Two rows of three faces, each of one grey."""
    return np.linspace(0.1, 0.9, 6, dtype=np.float32).reshape(2, 3, 1, 1) * np.ones((1, 1, 48, 48), np.float32)


def texts(path):
    """The tEXt entries of a PNG, read independently of the writer."""
    content, at, found = path.read_bytes(), 8, {}
    while at < len(content):
        length, kind = int.from_bytes(content[at : at + 4], "big"), content[at + 4 : at + 8]
        if kind == b"tEXt":
            key, value = content[at + 8 : at + 8 + length].split(b"\0")
            found[key.decode()] = value.decode()
        at += 12 + length
    return found


def test_every_face_is_there_and_the_claim_under_them(faces):
    image = grid(faces)
    assert image.dtype == np.uint8
    greys = [
        image[generated._PAD + FACE // 2 + r * (FACE + 4), generated._PAD + FACE // 2 + c * (FACE + 4), 0]
        for r in range(2)
        for c in range(3)
    ]
    assert greys == pytest.approx([255 * value for value in np.linspace(0.1, 0.9, 6)], abs=1)
    foot = image[-generated._FOOT :]
    assert foot.min() < 160  # letters


def test_rows_and_columns_can_be_named(faces):
    plain, named = grid(faces), grid(faces, ["one", "other"], ["a", "b", "c"])
    assert named.shape[0] > plain.shape[0]
    assert named.shape[1] > plain.shape[1]
    assert named[: generated._PAD + 20, plain.shape[1] // 2 :].min() < 100


def test_a_picture_says_of_itself_that_nobody_is_in_it(faces, tmp_path):
    path = tmp_path / "out.png"
    write_picture(path, grid(faces), {"Seed": "7", "Shown": "happiness"})
    assert texts(path) == {"Description": CLAIM, "Software": "mien", "Seed": "7", "Shown": "happiness"}
    assert np.array_equal(cv2.imread(str(path))[:, :, ::-1], grid(faces))


def test_a_video_says_so_too(faces, tmp_path):
    path = tmp_path / "out.mp4"
    pictures = [grid(faces * share) for share in (0.2, 0.6, 1.0)]
    write_video(path, pictures, {"Seed": "7"})
    with av.open(str(path)) as container:
        assert container.metadata["comment"] == f"{CLAIM}; Seed: 7"
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        assert container.streams.video[0].average_rate == 25
    assert len(frames) == 3
    spot = generated._PAD + FACE // 2
    bright = [int(frame[spot, spot + 2 * (FACE + 4), 0]) for frame in frames]
    assert bright == pytest.approx([round(255 * 0.42 * share) for share in (0.2, 0.6, 1.0)], abs=4)


def test_equal_pictures_are_equal_bytes(faces, tmp_path):
    for name in ("a.png", "b.png"):
        write_picture(tmp_path / name, grid(faces), {})
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("write", [write_picture, write_video])
def test_a_folder_that_is_not_there(faces, tmp_path, write):
    path = tmp_path / "none" / ("a.png" if write is write_picture else "a.mp4")
    with pytest.raises(OutputError, match="does not exist; create it first"):
        write(path, grid(faces) if write is write_picture else [grid(faces)], {})


def test_a_video_that_fails_leaves_nothing(faces, tmp_path):
    with pytest.raises(AttributeError):
        write_video(tmp_path / "a.mp4", [grid(faces), None], {})
    assert list(tmp_path.iterdir()) == []

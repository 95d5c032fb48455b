"""Whatever the pictures show, the default path gives a sound table: no crash, no NaN, boxes inside the frame."""

from __future__ import annotations

import cv2
import numpy as np
import pyarrow as pa
import pytest
from skimage.data import astronaut

import mien
from mien.types import Box
from mien.video.arrays import ArraySource

STILL = np.array([[1, 0, 0], [0, 1, 0]], np.float64)


@pytest.fixture(scope="module")
def head():
    """RGB (200, 200), the face at about (63, 40) and 65 wide."""
    return cv2.resize(astronaut()[:320, 70:390], (200, 200), interpolation=cv2.INTER_AREA)


def face_in(head) -> Box:
    side = head.shape[0] / 200
    return Box(63 * side, 38 * side, 66 * side, 66 * side)


def box(row) -> Box:
    return Box(row["x"], row["y"], row["width"], row["height"])


def check(rows, sizes) -> None:
    """That the table of frames of these (height, width) is sound, landmarks and all."""
    assert sorted({row["frame"] for row in rows}) == list(range(len(sizes)))
    seen = [(row["frame"], row["face"]) for row in rows]
    assert len(set(seen)) == len(seen)
    for row in rows:
        numbers = [value for value in row.values() if isinstance(value, float)]
        assert np.isfinite(numbers).all(), row
        if row["face"] is not None:
            high, wide = sizes[row["frame"]]
            assert min(row["x"], row["y"]) >= 0
            assert min(row["width"], row["height"]) > 0
            assert row["x"] + row["width"] <= wide + 0.01
            assert row["y"] + row["height"] <= high + 0.01
            assert sum(row[label] for label in mien.labels.EXPRESSIONS) == pytest.approx(1, abs=1e-4)


def rows_of(pictures):
    """The rows of these pictures, 25 a second, by the default model and recipe; each of them checked."""
    times = [place / 25 for place in range(len(pictures))]
    rows = pa.table(mien.analyze(ArraySource(pictures, times), landmarks=True)).to_pylist()
    check(rows, [picture.shape[:2] for picture in pictures])
    return rows


def ids(rows) -> list[list[int]]:
    """Of each frame."""
    frames = sorted({row["frame"] for row in rows})
    return [[row["face"] for row in rows if row["frame"] == frame and row["face"] is not None] for frame in frames]


def noise(count, *shape):
    return list(np.random.default_rng(5).integers(0, 256, (count, *shape), dtype=np.uint8))


@pytest.mark.parametrize(
    "pictures",
    [
        [np.full((180, 240, 3), level, np.uint8) for level in (0, 0, 0, 255, 255, 255, 128, 128, 128)],
        noise(5, 240, 320, 3),
        noise(5, 240, 320),
        noise(5, 16, 16, 3),
        [np.zeros((1, 1), np.uint8), np.full((1, 300), 255, np.uint8), np.full((300, 1), 255, np.uint8)] * 2,
    ],
    ids=["black-white-grey", "colour-noise", "grey-noise", "small-noise", "slivers"],
)
def test_nothing_is_seen_in_nothing(pictures):
    assert ids(rows_of(pictures)) == [[]] * len(pictures)


@pytest.mark.parametrize("side", [1, 2, 5, 8, 16, 17, 24, 32, 48])
def test_a_face_in_very_few_pixels(head, side):
    rows_of([cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)] * 3)


def test_one_face_is_one_from_the_first_frame_on(head):
    rows = rows_of([head] * 5)
    assert ids(rows) == [[1]] * 5
    assert all(box(row).overlap(face_in(head)) > 0.5 for row in rows)


def test_upside_down(head):
    rows_of([np.ascontiguousarray(head[::-1])] * 4 + [head] * 2 + [np.ascontiguousarray(np.rot90(head))] * 4)


def test_thirty_faces(head):
    """Each has an id of its own and keeps it while all of them move."""
    side, across = 90, 6
    tile = cv2.resize(head[20:150, 25:155], (side, side), interpolation=cv2.INTER_AREA)
    wall = np.tile(tile, (5, across, 1))
    pictures = [np.roll(wall, 2 * place, axis=1) for place in range(4)]
    rows = rows_of(pictures)
    for place, found in enumerate(ids(rows)):
        centres = np.array([box(row).centre for row in rows if row["frame"] == place])
        tiles = np.floor((centres - [2 * place, 0]) / side).astype(int) % [across, 5]
        assert len({tuple(cell) for cell in tiles}) >= 24
        assert len(found) == len(set(found)) >= 24
    assert len(set(ids(rows)[0]) & set(ids(rows)[-1])) >= 24


@pytest.mark.parametrize("edge", ["left", "right", "top", "bottom", "corner"])
def test_half_a_face_at_the_border(head, edge):
    cut = {
        "left": head[:, 80:],
        "right": head[:, :105],
        "top": head[65:],
        "bottom": head[:80],
        "corner": head[60:, 80:],
    }[edge]
    rows_of([np.ascontiguousarray(cut)] * 4)


@pytest.mark.parametrize("step", [(14, 0), (-14, 0), (0, 14), (0, -14), (-11, -11)])
def test_a_face_that_walks_out_of_the_picture(head, step):
    """Its box ends at the frame's edge all the way, and nobody is left in an empty frame."""
    rows = rows_of(
        [
            cv2.warpAffine(head, STILL + np.array([[0, 0, place * step[0]], [0, 0, place * step[1]]]), (200, 200))
            for place in range(18)
        ]
    )
    assert ids(rows)[0] == [1]
    assert ids(rows)[-1] == []


def test_frames_that_change_their_size(head):
    large = cv2.resize(head, (900, 900), interpolation=cv2.INTER_LINEAR)
    small = cv2.resize(head, (60, 60), interpolation=cv2.INTER_AREA)
    wide = np.concatenate([np.full((200, 500, 3), 90, np.uint8), head], axis=1)
    dot = np.zeros((1, 1, 3), np.uint8)
    pictures = [head, head, head, large, large, small, small, wide, wide, dot, wide[..., 0], head[:90], head]
    rows = rows_of([np.ascontiguousarray(picture) for picture in pictures])
    for place in (0, 3, 12):
        picture = pictures[place]
        assert max(box(r).overlap(face_in(picture)) for r in rows if r["frame"] == place and r["face"]) > 0.5


def test_a_video_that_changes_its_size(tmp_path, clips, head, mien_here, read_table):
    def draw(_place, width, height):
        return cv2.resize(head, (width, height))

    parts = [
        clips.make(f"{side}.ts", size=(side, side), draw=draw, pts=[start + 40 * place for place in range(6)])
        for side, start in ((200, 0), (320, 240), (96, 480))
    ]
    (tmp_path / "all.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    outcome = mien_here("analyze", tmp_path / "all.ts", "-o", tmp_path / "out.csv", "--landmarks")
    assert (outcome.code, outcome.err) == (0, "")
    _, rows = read_table(tmp_path / "out.csv")
    check(rows, [(side, side) for side in (200, 320, 96) for _ in range(6)])
    for place, side in ((0, 200), (6, 320)):
        there = face_in(cv2.resize(head, (side, side)))
        assert max(box(row).overlap(there) for row in rows if row["frame"] == place and row["face"]) > 0.5


def test_restless_pictures():
    """Another part of the photograph in another size with each frame, grey or in colour, turned or not."""
    luck, whole = np.random.default_rng(11), astronaut()
    pictures = []
    for _ in range(60):
        top, left = luck.integers(0, 300, 2)
        part = np.rot90(
            whole[top : top + luck.integers(2, 212), left : left + luck.integers(2, 212)], luck.choice(4)
        )
        size = tuple(int(side) for side in np.exp(luck.uniform(0, 6, 2)) + 1)
        picture = cv2.resize(np.ascontiguousarray(part), size, interpolation=cv2.INTER_LINEAR)
        pictures.append(picture if luck.random() < 0.7 else picture[..., 0].copy())
    rows_of(pictures)


def test_a_frame_of_8k(tmp_path, head, mien_here, read_table):
    picture = np.full((4320, 7680, 3), 100, np.uint8)
    face = cv2.resize(head, (1600, 1600), interpolation=cv2.INTER_LINEAR)
    picture[2000:3600, 5000:6600] = face
    cv2.imwrite(str(tmp_path / "8k.png"), picture[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])
    outcome = mien_here("analyze", tmp_path / "8k.png", "-o", tmp_path / "out.parquet", "--landmarks")
    assert (outcome.code, outcome.err) == (0, "")
    _, rows = read_table(tmp_path / "out.parquet")
    check(rows, [(4320, 7680)])
    there = face_in(face).moved(5000, 2000)
    assert max(box(row).overlap(there) for row in rows if row["face"]) > 0.5


def test_a_folder_of_pictures_of_all_sizes(tmp_path, head, mien_here, read_table):
    folder = tmp_path / "pictures"
    folder.mkdir()
    sizes = [(200, 200), (16, 16), (1, 1), (640, 480), (3, 400)]
    for place, size in enumerate(sizes):
        cv2.imwrite(str(folder / f"{place}.png"), cv2.resize(head, size)[..., ::-1])
    outcome = mien_here("analyze", folder, "-o", tmp_path / "out.csv", "--landmarks")
    assert (outcome.code, outcome.err) == (0, "")
    _, rows = read_table(tmp_path / "out.csv")
    check(rows, [size[::-1] for size in sizes])
    assert [bool(row["face"]) for row in rows if row["frame"] == 0] == [True]

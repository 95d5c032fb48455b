"""Alignment to the mean face, against the landmarks of drawn faces."""

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

import torch

from mien.data.synthetic import crops, people
from mien.data.synthetic.actions import Movement
from mien.errors import TrainingError
from mien.learn import alignment

REST = Movement({})
SIZE, COUNT = 96, 20
LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)


def settings(dx=0.0, dy=0.0, scale=0.0, roll=0.0):
    """Where the faces lie, spread evenly up to these bounds and in another order along each axis."""
    along = np.linspace(-1, 1, COUNT)
    orders = [np.random.default_rng(k).permutation(along) for k in range(4)]
    return [
        crops.Setting(dx=dx * x, dy=dy * y, scale=1 + scale * s, roll=roll * r)
        for x, y, s, r in zip(*orders, strict=True)
    ]


def drawn(chosen, size=SIZE):
    return [crops.draw(people.invent(k), REST, place, size) for k, place in enumerate(chosen)]


def eyes(chosen):
    """The middles of both eyes, (n, 2, 2), in half sides from the middle of the crop."""
    points = [crops.points(people.invent(k), REST, place, SIZE) for k, place in enumerate(chosen)]
    middles = [[p[LEFT_EYE].mean(axis=0), p[RIGHT_EYE].mean(axis=0)] for p in points]
    return np.array(middles) / (SIZE / 2) - 1


def carried(points, windows):
    """Where points (n, k, 2) of the crops lie in the aligned faces."""
    found = []
    for here, (right, down, turn, growth) in zip(points, windows, strict=True):
        c, s = np.cos(np.deg2rad(turn)), np.sin(np.deg2rad(turn))
        window = (1 + growth) * np.array([[c, -s], [s, c]])
        found.append((here - [right, down]) @ np.linalg.inv(window).T)
    return np.array(found)


def spread(points):
    return float(np.sqrt(points.var(axis=0).sum(axis=-1)).mean())


@pytest.mark.parametrize(
    "amounts",
    [
        {"dx": 0.06},
        {"dy": 0.06},
        {"roll": 7.0},
        {"dx": 0.05, "dy": 0.05, "scale": 0.08, "roll": 5.0},
    ],
)
def test_planted_displacements_are_taken_back(amounts):
    chosen = settings(**amounts)
    faces = drawn(chosen)
    windows = alignment.learn(faces).windows(faces)
    before, after = spread(eyes(chosen)), spread(carried(eyes(chosen), windows))
    people_alone = spread(eyes(settings()))
    assert after - people_alone < 0.5 * (before - people_alone)


@pytest.mark.parametrize(
    ("amounts", "column", "planted"),
    [
        ({"dx": 0.06}, 0, lambda place: 2 * place.dx),  # box widths are two half sides
        ({"dy": 0.06}, 1, lambda place: 2 * place.dy),
        ({"roll": 7.0}, 2, lambda place: place.roll),
        ({"scale": 0.12}, 3, lambda place: place.scale - 1),
    ],
)
def test_the_window_goes_where_the_face_went(amounts, column, planted):
    chosen = settings(**amounts)
    faces = drawn(chosen)
    found = alignment.learn(faces).windows(faces)[:, column]
    slope = np.polyfit([planted(place) for place in chosen], found, 1)[0]
    assert 0.6 < slope < 1.4


def test_the_aligned_faces_are_what_the_windows_show():
    chosen = settings(dx=0.05, dy=0.05, scale=0.08, roll=5.0)
    faces = drawn(chosen)
    mean = alignment.learn(faces)
    for face, aligned, (right, down, turn, growth) in zip(
        faces, mean.align(faces), mean.windows(faces), strict=True
    ):
        small = cv2.resize(face, (48, 48), interpolation=cv2.INTER_AREA)
        c, s = np.cos(np.deg2rad(turn)) * (1 + growth), np.sin(np.deg2rad(turn)) * (1 + growth)
        y, x = (np.mgrid[:48, :48] + 0.5) / 24 - 1
        to_x, to_y = (c * x - s * y + right + 1) * 24 - 0.5, (s * x + c * y + down + 1) * 24 - 0.5
        seen = cv2.remap(
            small,
            to_x.astype(np.float32),
            to_y.astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
        assert np.abs(seen.astype(int) - aligned).mean() < 1.5


def test_aligned_faces_are_more_alike():
    faces = drawn(settings(dx=0.05, dy=0.05, scale=0.08, roll=5.0))
    small = np.array([cv2.resize(face, (48, 48), interpolation=cv2.INTER_AREA) for face in faces], float)
    aligned = np.array(alignment.learn(faces).align(faces), float)
    assert aligned.var(axis=0).mean() < 0.8 * small.var(axis=0).mean()


def test_nothing_is_moved_beyond_the_limit():
    faces = drawn(settings(dx=0.1, dy=0.1, scale=0.25, roll=20.0))
    noise = [np.random.default_rng(k).integers(0, 256, (40, 30), np.uint8) for k in range(12)]
    windows = alignment.learn(drawn(settings())).windows(faces + noise)
    limit = np.array(alignment.LIMIT, np.float32)
    assert (np.abs(windows) <= limit).all()
    assert (np.abs(windows).max(axis=0) > limit / 2).all()


def test_going_on_from_the_limit_stays_within_it():
    """Learning goes on from round to round; faces that ever more is missing of end up at the limit."""
    faces = drawn(settings(dx=0.15, dy=0.15))
    template = torch.from_numpy(alignment.learn(drawn(settings())).template)
    images, places = alignment._images(faces), None
    for _ in range(3):
        places = alignment._search(images, template, places)
    limit = np.array(alignment.LIMIT, np.float32)
    assert (np.abs(places.numpy()) <= limit).all()
    assert (np.abs(places.numpy()) == limit)[:, :2].any(axis=0).all()


def test_equal_faces_stay():
    (face,) = drawn(settings()[:1], size=48)
    mean = alignment.learn([face] * 5)
    assert not mean.windows([face] * 3).any()
    for aligned in mean.align([face] * 3):
        np.testing.assert_array_equal(aligned, face)


def test_a_face_without_contrast_stays():
    faces = drawn(settings(dx=0.05))
    plain = [np.full((50, 40), grey, np.uint8) for grey in (0, 9, 200, 255)]
    mean = alignment.learn(faces)
    assert not mean.windows(plain).any()
    assert [np.unique(face).tolist() for face in mean.align(plain)] == [[0], [9], [200], [255]]


def test_one_dark_and_one_bright_face_go_where_they_go_in_good_light():
    faces = drawn(settings(dx=0.05, dy=0.05))
    mean = alignment.learn(faces)
    dark, bright = (faces[3] // 4).astype(np.uint8), (faces[3] // 2 + 127).astype(np.uint8)
    windows = mean.windows([faces[3], dark, bright])
    tolerance = 2 * np.array(alignment.STEP) * alignment.STEPS[-1]  # two of the smallest steps
    assert (np.abs(windows - windows[0]) <= tolerance + 1e-6).all()


def test_the_template_is_one_face_of_length_one_in_the_centre():
    template = alignment.learn(drawn(settings(dx=0.05))).template
    assert template.dtype == np.float32
    assert np.linalg.norm(template) == pytest.approx(1, abs=1e-5)
    picture = template.reshape(24, 24).copy()
    picture[alignment.CENTRE] = 0
    assert not picture.any()


def test_equal_faces_give_equal_bits_on_any_number_of_threads():
    faces = drawn(settings(dx=0.05, roll=4.0))
    torch.manual_seed(1)
    before = torch.get_rng_state(), torch.get_num_threads()
    mean = alignment.learn(faces)
    torch.set_num_threads(2)
    try:
        again = alignment.learn(faces)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before[1])
    assert mean.template.tobytes() == again.template.tobytes()
    assert all(a.tobytes() == b.tobytes() for a, b in zip(mean.align(faces), again.align(faces), strict=True))
    assert torch.equal(torch.get_rng_state(), before[0])


def test_a_face_alone_goes_where_it_goes_among_others():
    faces = drawn(settings(dx=0.05, dy=0.05, roll=4.0))
    mean = alignment.learn(faces[:10])
    np.testing.assert_allclose(mean.windows(faces[15:16])[0], mean.windows(faces)[15], atol=1e-6)


def test_sizes_may_be_mixed_and_pictures_are_left_alone():
    faces = [face for size in (30, 48, 64, 131) for face in drawn(settings(dx=0.05)[:4], size)]
    faces.append(np.ascontiguousarray(faces[0][:, 3:]))
    for face in faces:
        face.flags.writeable = False
    before = [face.copy() for face in faces]
    aligned = alignment.learn(faces).align(faces)
    assert {face.shape for face in aligned} == {(48, 48)}
    assert {face.dtype for face in aligned} == {np.dtype(np.uint8)}
    for face, was in zip(faces, before, strict=True):
        np.testing.assert_array_equal(face, was)


def test_nothing_to_align_is_nothing_aligned():
    mean = alignment.learn(drawn(settings()[:3]))
    assert mean.align([]) == ()
    assert mean.windows([]).shape == (0, 4)


@pytest.mark.parametrize("count", [0, 1])
def test_one_face_has_no_mean(count):
    with pytest.raises(TrainingError, match=f"2 faces or more, not {count}"):
        alignment.learn(drawn(settings()[:count]))


@pytest.mark.parametrize("grey", [0, 9, 200])
def test_faces_without_contrast_have_no_mean(grey):
    with pytest.raises(TrainingError, match="no contrast"):
        alignment.learn([np.full((48, 48), grey, np.uint8)] * 3)

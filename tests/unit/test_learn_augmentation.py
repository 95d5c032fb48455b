import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.faces import patches
from mien.learn import augmentation
from mien.learn.augmentation import Augmentation, views

CUT = patches.Options(size=16, margin=0.85)

# What was drawn before there were rotation and local contrast: the means of the patches, and the next draw.
MEANS = (0.120456, 0.120456, 0.275370, 0.197715, 0.176745, 0.186971)
DRAWN_NEXT = 0.7836119278457871


def face():
    """A bright disc before a dark wall, darker at the bottom."""
    v, u = (np.mgrid[:64, :64] + 0.5) / 64 - 0.5
    inside = (u / 0.4) ** 2 + (v / 0.5) ** 2 < 1
    return np.where(inside, 200 - 80 * (v + 0.5), 20).astype(np.uint8)


def copies(**changes):
    alter = Augmentation(copies=40, shift=0.0, scale=0.0, **changes)
    return np.stack(views(face(), CUT, alter, np.random.default_rng(0)))


def test_nothing_is_altered_unless_asked_for():
    (only,) = views(face(), CUT, Augmentation(), np.random.default_rng(0))
    np.testing.assert_array_equal(only, patches.cut(face(), None, CUT))
    found = copies()
    assert (found == found[0]).all()


@pytest.mark.parametrize("changes", [{"lighting": 1.0}, {"backdrop": 1.0}, {"lighting": 0.5, "backdrop": 0.5}])
def test_altered_patches_are_patches_still(changes):
    found = copies(**changes)
    assert found.dtype == np.float32
    assert found.shape == (41, 16, 16)
    assert np.isfinite(found).all()
    assert found.min(axis=(1, 2)).max() == 0
    assert found.max(axis=(1, 2)).min() == 1
    assert len({p.tobytes() for p in found}) == 41


def test_light_changes_brightness_but_not_much_of_the_picture():
    found = copies(lighting=1.0)
    likeness = [np.corrcoef(found[0].ravel(), p.ravel())[0, 1] for p in found[1:]]
    assert min(likeness) > 0.75
    assert found[1:].mean(axis=(1, 2)).std() > 0.02


def test_a_wall_changes_the_corners_and_leaves_the_face():
    found = copies(backdrop=1.0)
    corner, middle = found[1:, 0, 0], found[1:, 5:8, 8]
    assert corner.std() > 0.2
    across = middle - middle[:, :1]
    assert (across[:, 1:] < 0).all()  # the face is still darker downwards


def test_moved_boxes_move_the_picture():
    alter = Augmentation(copies=30, shift=0.2, scale=0.0)
    found = np.stack(views(face(), CUT, alter, np.random.default_rng(0)))[1:]
    place = (found * np.arange(16)).sum(axis=(1, 2)) / found.sum(axis=(1, 2))
    assert place.std() > 0.5


def test_a_plain_face_stays_plain():
    alter = Augmentation(copies=3, lighting=0.0, backdrop=0.5)
    found = views(np.full((32, 32), 9, np.uint8), CUT, alter, np.random.default_rng(1))
    assert all(np.isfinite(p).all() for p in found)


@pytest.mark.parametrize(
    "wrong",
    [{"lighting": 1.1}, {"backdrop": -0.1}, {"scale": 0.6}, {"copies": 101}, {"rotation": -1}, {"rotation": 46}],
)
def test_impossible_options_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Augmentation(**wrong)


def gabled():
    """A bright roof on a dark wall, with nothing symmetric about it, and an even border to turn in."""
    picture = np.full((64, 64), 30, np.uint8)
    cv2.fillPoly(picture, [np.array([[20, 44], [44, 44], [26, 18]])], 220)
    return picture


def tilt(patch):
    """Angle of the main axis of what is bright, degrees counter-clockwise."""
    v, u = np.mgrid[: len(patch), : len(patch)] - (len(patch) - 1) / 2
    weight = patch / patch.sum()
    u, v = u - (weight * u).sum(), v - (weight * v).sum()
    return np.degrees(-0.5 * np.arctan2(2 * (weight * u * v).sum(), (weight * (u * u - v * v)).sum()))


def turned(degrees, copies=30, face=None, seed=0):
    alter = Augmentation(copies=copies, shift=0.0, scale=0.0, rotation=degrees)
    options = patches.Options(size=48, margin=1.0)
    return views(gabled() if face is None else face, options, alter, np.random.default_rng(seed))


@pytest.mark.parametrize("degrees", [4.0, 20.0])
def test_copies_turn_both_ways_up_to_the_bound(degrees):
    first, *rest = turned(degrees)
    angles = np.array([tilt(patch) - tilt(first) for patch in rest])
    assert np.abs(angles).max() <= degrees + 0.5
    assert angles.max() > 0.7 * degrees
    assert angles.min() < -0.7 * degrees


def test_beyond_the_edge_a_turned_picture_repeats_it():
    """A slope of light keeps its range: no black corners come in."""
    slope = np.tile(np.linspace(100, 200, 64).astype(np.uint8), (64, 1))
    for degrees in (-30.0, 30.0):
        found = augmentation._turned(slope, degrees)
        assert found.shape == slope.shape
        assert found.min() >= 100
        assert found.max() <= 200


@given(st.floats(0.1, 45), st.integers(0, 1000), st.sampled_from(["min-max", "local-contrast"]), st.booleans())
def test_whatever_is_altered_is_a_patch(degrees, seed, scaling, lit):
    strength = 0.5 if lit else 0.0
    alter = Augmentation(
        mirror=True, copies=3, shift=0.1, scale=0.1, rotation=degrees, lighting=strength, backdrop=strength
    )
    options = patches.Options(size=16, scaling=scaling)
    found = np.stack(views(gabled()[:50], options, alter, np.random.default_rng(seed)))
    assert found.shape == (5, 16, 16)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert found.min() >= 0
    assert found.max() <= 1


def test_without_rotation_the_draws_are_those_of_before_it_was_there():
    """The bytes of the shipped model depend on them; recorded before rotation and local contrast existed."""
    alter = Augmentation(mirror=True, copies=4, shift=0.08, scale=0.15, lighting=1.0, backdrop=0.5)
    generator = np.random.default_rng(5)
    found = np.stack(views(gabled(), CUT, alter, generator))
    assert generator.uniform() == pytest.approx(DRAWN_NEXT, abs=1e-12)
    np.testing.assert_allclose(found.mean(axis=(1, 2)), MEANS, atol=1e-4)


def test_light_falls_on_the_face_and_not_on_its_contrasts():
    """A copy in local contrast is the local contrast of the copy in brightness."""
    alter = Augmentation(copies=6, lighting=1.0, backdrop=0.5)
    bright, local = (
        views(gabled(), patches.Options(size=16, scaling=scaling), alter, np.random.default_rng(2))
        for scaling in ("min-max", "local-contrast")
    )
    low, high = 30, 220  # of the picture, and nearly of its patches
    for copy, found in zip(bright[1:], local[1:], strict=True):
        wanted = patches.scaled(copy * np.float32(high - low) + np.float32(low), "local-contrast")
        assert np.abs(found - wanted).max() < 0.05

import numpy as np
import pytest

from mien.faces import patches
from mien.learn.augmentation import Augmentation, views

CUT = patches.Options(size=16, margin=0.85)


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


@pytest.mark.parametrize("wrong", [{"lighting": 1.1}, {"backdrop": -0.1}, {"scale": 0.6}, {"copies": 101}])
def test_impossible_options_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Augmentation(**wrong)

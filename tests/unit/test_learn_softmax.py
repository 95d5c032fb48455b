import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from mien.errors import TrainingError
from mien.learn.heads import softmax as part
from mien.learn.inner_folds import inner_folds


def people(n=90, subjects=15, noise=0.3, seed=0):
    random = np.random.default_rng(seed)
    y = np.arange(n) % 3
    x = (np.eye(3, 5)[y] + random.normal(0, noise, (n, 5))).astype(np.float32)
    return x, y, np.array([f"s{i // (n // subjects)}" for i in range(n)])


def fitted(data=None, classes=3, seed=0, **options):
    return part.build(part.Options(**options)).fit(*(data or people()), classes, seed)


def test_no_subject_is_in_two_inner_folds():
    _, _, subjects = people()
    fold = inner_folds(subjects, 4, seed=1)
    assert set(fold) == {0, 1, 2, 3}
    for subject in set(subjects):
        assert len(set(fold[subjects == subject])) == 1
    assert not np.array_equal(fold, inner_folds(subjects, 4, seed=2))
    with pytest.raises(TrainingError, match="15 subjects cannot make 16"):
        inner_folds(subjects, 16, seed=1)


def test_the_choice_is_made_on_subjects_that_were_held_out():
    # Every subject has a feature of their own that gives the label away among their own faces. A choice on
    # the same subjects would take the weakest decay; on other subjects it is useless and decay wins.
    random = np.random.default_rng(0)
    x, y, subjects = people(noise=1.2)
    own = np.zeros((90, 45), np.float32)
    own[np.arange(90), (np.arange(90) // 6) * 3 + y] = 3
    data = (np.hstack([x, own + random.normal(0, 0.01, own.shape).astype(np.float32)]), y, subjects)
    chosen = fitted(data, C=(0.01, 100.0)).figures()["C"]
    assert chosen == 0.01
    right = (fitted(data, C=(100.0,)).probabilities(data[0]).argmax(axis=1) == y).mean()
    assert right == 1  # what would have misled it


def test_features_of_very_different_size_want_standardising():
    x, y, subjects = people()
    x = x * np.array([1e-3, 1e3, 1, 1, 1], np.float32)
    assert fitted((x, y, subjects), C=(0.1,), standardise=(False, True)).figures()["standardised"] == 1


def test_standardising_is_folded_into_the_weights():
    x, y, subjects = people()
    shifted = x * np.float32(4) + np.float32(7)
    plain = fitted((x, y, subjects), C=(1.0,), standardise=(True,)).probabilities(x)
    moved = fitted((shifted, y, subjects), C=(1.0,), standardise=(True,)).probabilities(shifted)
    np.testing.assert_allclose(plain, moved, atol=1e-3)


def test_two_labels():
    x, y, subjects = people()
    keep = y < 2
    head = fitted((x[keep], y[keep], subjects[keep]), classes=2, C=(1.0,))
    p = head.probabilities(x[keep])
    assert p.shape == (60, 2)
    assert (p.argmax(axis=1) == y[keep]).mean() > 0.9


def test_a_solver_that_is_not_done_is_refused_without_a_warning():
    with pytest.raises(TrainingError, match="not done after 2 iterations"):
        fitted(C=(100.0,), iterations=2)


def test_a_label_that_one_subject_holds_alone_is_judged_by_no_fold():
    x, y, subjects = people()
    y = np.where(subjects == "s3", 2, np.minimum(y, 1))
    assert fitted((x, y, subjects), C=(0.1, 1.0), inner_folds=5).probabilities(x).shape == (90, 3)


def test_too_few_subjects_to_choose():
    x, y, _ = people()
    subjects = np.array(["a", "b", "c"])[y]  # every label has a subject of its own
    with pytest.raises(TrainingError, match="too few subjects per label"):
        fitted((x, y, subjects), C=(0.1, 1.0), inner_folds=3)
    assert fitted((x, y, subjects), C=(0.1,)).figures()["C"] == 0.1

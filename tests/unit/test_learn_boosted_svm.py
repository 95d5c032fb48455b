import dataclasses

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from mien.errors import TrainingError
from mien.learn.heads import _boosting, boosted_svm
from mien.learn.heads.boosted_svm import Options


def signed(random, n, classes):
    """Weights of sum 1 per label times a truth of +1 and -1, (n, classes)."""
    weights = random.random((n, classes))
    return weights / weights.sum(axis=0) * np.where(random.random((n, classes)) < 0.4, 1, -1)


def slow_best(x, features, values, taken):
    """What ``best_stumps`` finds, by trying every threshold of every feature on the features as they are."""
    best = [(0, 0, 0.0)] * values.shape[1]
    for unit in range(x.shape[1]):
        for cut, threshold in enumerate(features.thresholds[unit]):
            above = x[:, unit] > threshold
            if above.all() or not above.any():
                continue
            edges = np.where(above, 1, -1) @ values
            for k, edge in enumerate(edges):
                if not taken[unit, k] and abs(edge) > abs(best[k][2]) + 1e-12:
                    best[k] = (unit, cut, edge)
    return best


@pytest.mark.parametrize("seed", range(3))
def test_the_search_is_the_slow_one(seed):
    random = np.random.default_rng(seed)
    x = random.normal(size=(90, 7)).astype(np.float32)
    x[:, 1] = np.round(x[:, 1])  # ties
    x[:, 2] = 3.0  # constant
    features = _boosting.binned(x)
    values, taken = signed(random, 90, 4), random.random((7, 4)) < 0.3
    unit, cut, edge = _boosting.best_stumps(features, values, taken)
    for k, (wanted_unit, wanted_cut, wanted_edge) in enumerate(slow_best(x, features, values, taken)):
        assert edge[k] == pytest.approx(wanted_edge, abs=1e-12)
        assert (unit[k], cut[k]) == (wanted_unit, wanted_cut)


def test_nothing_may_be_taken():
    features = _boosting.binned(np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32))
    edge = _boosting.best_stumps(features, signed(np.random.default_rng(1), 20, 2), np.ones((3, 2), bool))[2]
    assert edge.tolist() == [0, 0]


def test_bins_are_the_number_of_thresholds_below():
    random = np.random.default_rng(0)
    x = np.stack([random.normal(size=200), random.integers(0, 2, 200), np.full(200, 5)], axis=1).astype(np.float32)
    features = _boosting.binned(x)
    for unit in range(3):
        wanted = (x[:, unit, None] > features.thresholds[unit]).sum(axis=1)
        np.testing.assert_array_equal(features.bins[unit], wanted)
    assert features.open[0].sum() == _boosting.BINS - 1
    assert features.open[1].any()  # two values can be told apart
    assert not features.open[2].any()


def test_adaboost_weighs_by_hand():
    """Two rounds: the second must go by what the first got wrong."""
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1], [1, 1], [1, 0]], np.float32)
    y = np.array([0, 1, 1, 1, 1, 1])
    stumps = _boosting.boost(_boosting.binned(x), y, np.ones((6, 2)), 2, 2)
    assert [stump.feature for stump in stumps[1]] == [0, 1]
    assert [stump.sign for stump in stumps[1]] == [1, 1]
    assert [stump.sign for stump in stumps[0]] == [-1, -1]
    assert all(0 <= stump.threshold < 1 for stump in stumps[1])


def test_a_perfect_stump_is_survived():
    x = np.array([[0.0], [0.0], [1.0], [1.0]], np.float32)
    stumps = _boosting.boost(_boosting.binned(x), np.array([0, 0, 1, 1]), np.ones((4, 2)), 2, 5)
    assert [len(own) for own in stumps] == [1, 1]  # a feature is taken once


def haystack(n=240, units=300, classes=3, seed=0):
    """Noise, and three columns for each label that say a little of it; people are groups of six rows."""
    random = np.random.default_rng(seed)
    y = np.arange(n) % classes
    x = random.normal(size=(n, units))
    planted = {k: [10 * k + 5, 10 * k + 105, 10 * k + 205] for k in range(classes)}
    for k, columns in planted.items():
        x[:, columns] += 1.6 * (y == k)[:, None]
    return x.astype(np.float32), y, np.array([f"s{i // 6:02}" for i in range(n)]), planted


def test_boosting_finds_the_needles():
    x, y, _, planted = haystack()
    stumps = _boosting.boost(_boosting.binned(x), y, np.ones((len(y), 3)), 3, 6)
    needles = {column for columns in planted.values() for column in columns}
    for k, columns in planted.items():
        assert set(columns) <= {stump.feature for stump in stumps[k]}
        assert {stump.feature for stump in stumps[k][:3]} <= needles  # another label's speak against this one
        assert all(stump.sign == (1 if stump.feature in columns else -1) for stump in stumps[k][:3])


OPTIONS = Options(rounds=6, C=(1e-3, 1e-2), inner_folds=3)


def fitted(options=OPTIONS, **changes):
    x, y, people, _ = haystack(**changes)
    return boosted_svm.build(options).fit(x, y, people, 3, 0)


def test_people_it_never_saw():
    x, y, _, planted = haystack(seed=1)
    classifier = fitted()
    p = classifier.probabilities(x)
    assert (p.argmax(axis=1) == y).mean() > 0.8
    chosen = set(np.flatnonzero(np.abs(classifier.W).max(axis=0)).tolist())
    assert len(chosen) == classifier.selected <= 18
    assert {column for columns in planted.values() for column in columns} <= chosen
    # probabilities that mean what they say: the mean of the largest is about how often it is right
    assert abs(p.max(axis=1).mean() - (p.argmax(axis=1) == y).mean()) < 0.08


def test_noise_gives_honest_probabilities():
    x, y, people, _ = haystack()
    x = np.random.default_rng(5).normal(size=x.shape).astype(np.float32)
    p = boosted_svm.build(OPTIONS).fit(x, y, people, 3, 0).probabilities(x)
    assert p.max() < 0.6  # its own training rows; without held-out people it would be sure of them


def test_constant_columns_change_nothing():
    x, y, people, _ = haystack()
    with_constant = np.insert(x, [0, 7, 300], 4.25, axis=1)
    plain, other = (boosted_svm.build(OPTIONS).fit(a, y, people, 3, 0) for a in (x, with_constant))
    np.testing.assert_allclose(other.probabilities(with_constant), plain.probabilities(x), atol=1e-6)


def test_columns_of_other_scales_and_offsets_change_little():
    x, y, people, _ = haystack()
    other = (x * 1000 - 4000).astype(np.float32)
    plain, scaled = (boosted_svm.build(OPTIONS).fit(a, y, people, 3, 0).probabilities(a) for a in (x, other))
    np.testing.assert_allclose(scaled, plain, atol=1e-3)


def test_two_labels():
    x, y, people, _ = haystack()
    keep = y < 2
    p = boosted_svm.build(OPTIONS).fit(x[keep], y[keep], people[keep], 2, 0).probabilities(x[keep])
    assert p.shape == (160, 2)
    assert (p.argmax(axis=1) == y[keep]).mean() > 0.9


def test_fewer_subjects_than_folds():
    x, y, people, _ = haystack()
    two = np.where(people < "s20", "a", "b")
    with pytest.raises(TrainingError, match="2 subjects cannot make 3 inner folds"):
        boosted_svm.build(OPTIONS).fit(x, y, two, 3, 0)


def test_a_label_of_one_person_leaves_the_choice_to_the_other_folds():
    x, y, people, _ = haystack()
    people = np.where(y == 2, "only", people)
    assert np.isfinite(boosted_svm.build(OPTIONS).fit(x, y, people, 3, 0).probabilities(x)).all()


def test_every_label_of_one_person():
    x, y, _, _ = haystack()
    with pytest.raises(TrainingError, match="too few subjects per label"):
        boosted_svm.build(OPTIONS).fit(x, y, np.array(["a", "b", "c"])[y], 3, 0)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_no_number_is_refused(wrong):
    x, y, people, _ = haystack()
    x[3, 4] = wrong
    with pytest.raises(TrainingError, match="boosted_svm: features must be finite"):
        boosted_svm.build(OPTIONS).fit(x, y, people, 3, 0)


def test_features_that_say_nothing():
    x, y, people, _ = haystack()
    with pytest.raises(TrainingError, match="are they all constant"):
        boosted_svm.build(OPTIONS).fit(np.ones_like(x), y, people, 3, 0)


def test_one_label():
    x, _, people, _ = haystack()
    with pytest.raises(TrainingError, match="one label only"):
        boosted_svm.build(OPTIONS).fit(x, np.zeros(len(x), np.intp), people, 1, 0)


def test_a_solver_that_was_stopped_is_not_kept():
    with pytest.raises(TrainingError, match="not done after 1 iterations"):
        fitted(dataclasses.replace(OPTIONS, iterations=1))


@pytest.mark.parametrize(
    "wrong", [{"rounds": 0}, {"C": ()}, {"C": (0.0,)}, {"balance": 2.0}, {"inner_folds": 1}, {"iterations": 0}]
)
def test_impossible_options(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Options(**wrong)

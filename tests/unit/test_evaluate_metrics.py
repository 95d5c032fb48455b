import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mien.evaluate import baselines, intervals, metrics


def certain(answers, classes):
    return np.eye(classes)[np.array(answers)]


TRUTH = np.array([0, 0, 0, 1, 1, 2])


def test_frozen_example():
    p = certain([0, 0, 1, 1, 0, 2], 3)
    table = metrics.confusion(TRUTH, p.argmax(axis=1), 3)
    assert table.tolist() == [[2, 1, 0], [1, 1, 0], [0, 0, 1]]
    assert metrics.accuracy(table) == pytest.approx(4 / 6)
    assert metrics.balanced_accuracy(table) == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)
    assert metrics.macro_f1(table) == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)


def test_a_class_without_items_is_left_out_of_the_means():
    table = np.array([[3, 0, 0], [0, 2, 0], [0, 0, 0]])
    assert metrics.balanced_accuracy(table) == 1
    assert np.isnan(metrics.recall(table)[2])
    assert metrics.macro_f1(table) == 1


def test_majority_scores_one_over_classes_in_balanced_accuracy():
    truth = np.repeat([0, 1, 2], [80, 15, 5])
    p = baselines.majority(truth, np.zeros(100, int), 3)
    assert metrics.MEASURES["accuracy"](truth, p) == 0.8
    assert metrics.MEASURES["balanced_accuracy"](truth, p) == pytest.approx(1 / 3)
    assert metrics.MEASURES["mcc"](truth, p) == 0
    assert metrics.MEASURES["macro_auc"](truth, p) == 0.5


def test_majority_and_prior_are_counted_on_the_other_folds():
    truth, folds = np.array([0, 0, 0, 1, 1]), np.array([0, 0, 0, 1, 1])
    assert baselines.majority(truth, folds, 2).argmax(axis=1).tolist() == [1, 1, 1, 0, 0]
    assert baselines.prior(truth, folds, 2)[:, 0].tolist() == [0, 0, 0, 1, 1]


def test_shuffled_keeps_the_answers_and_loses_the_faces():
    p = np.random.default_rng(0).dirichlet(np.ones(3), 50)
    dealt = baselines.shuffled(p, 1)
    assert sorted(map(tuple, dealt)) == sorted(map(tuple, p))
    assert not np.array_equal(dealt, p)


def test_perfectly_honest_confidence_has_no_calibration_error():
    truth = np.array([0, 1] * 30)
    p = np.tile([0.5, 0.5], (60, 1))
    assert metrics.ece(truth, p, bins=15) == pytest.approx(0, abs=1e-12)
    assert metrics.ece(truth, certain([0] * 60, 2), bins=15) == pytest.approx(0.5)


def test_reliability_has_no_more_bins_than_items():
    rows = metrics.reliability(TRUTH, certain(TRUTH, 3))
    assert rows.shape == (6, 3)
    assert rows[:, 2].tolist() == [1] * 6


def test_log_of_nothing_is_large_and_finite():
    assert 30 < metrics.nll(np.array([1]), np.array([[1.0, 0.0]])) < 40


@pytest.mark.parametrize(
    ("truth", "p"),
    [
        (np.array([0, 1]), np.array([[1.0, 0.0]])),
        (np.array([], int), np.zeros((0, 2))),
        (np.array([0.0]), np.array([[1.0, 0.0]])),
        (np.array([2]), np.array([[1.0, 0.0]])),
        (np.array([-1]), np.array([[1.0, 0.0]])),
        (np.array([0]), np.array([[0.7, 0.7]])),
        (np.array([0]), np.array([[np.nan, 1.0]])),
        (np.array([0]), np.array([[-0.5, 1.5]])),
        (np.array([0]), np.array([[1.0]])),
    ],
)
def test_nonsense_is_refused(truth, p):
    for measure in metrics.MEASURES.values():
        with pytest.raises(ValueError, match=r"truth|probabilities|needs"):
            measure(truth, p)


def test_confusion_refuses_foreign_labels():
    with pytest.raises(ValueError, match="outside"):
        metrics.confusion(np.array([0]), np.array([5]), 3)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 6), st.integers(1, 40))
@example(614, 2, 5)  # a correlation of -1 that rounding carried beyond it
def test_bounds_of_every_measure(seed, classes, n):
    random = np.random.default_rng(seed)
    truth, p = random.integers(0, classes, n), random.dirichlet(np.full(classes, 0.3), n)
    found = {name: measure(truth, p) for name, measure in metrics.MEASURES.items()}
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "ece"):
        assert 0 <= found[name] <= 1 + 1e-12
    assert -1 <= found["mcc"] <= 1 + 1e-12
    assert 0 <= found["brier"] <= 2
    assert found["nll"] >= 0


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_order_of_items_does_not_matter(seed):
    random = np.random.default_rng(seed)
    truth, p = random.integers(0, 3, 30), random.dirichlet(np.ones(3), 30)
    order = random.permutation(30)
    for name, measure in metrics.MEASURES.items():
        assert measure(truth[order], p[order]) == pytest.approx(measure(truth, p), abs=1e-9), name


def test_all_faces_of_a_subject_are_drawn_together():
    subjects = np.array(["a", "a", "b", "c", "c", "c"])
    w = intervals.draws(subjects, resamples=200, seed=0)
    assert w.shape == (200, 6)
    assert (w[:, 0] == w[:, 1]).all()
    assert (w[:, 3] == w[:, 5]).all()
    assert (w[:, [0, 2, 3]].sum(axis=1) == 3).all()
    assert (w[:, 0] == 0).any()
    assert w[:, 0].max() > 1


def test_draws_are_the_same_for_a_seed_and_refuse_one_subject():
    subjects = np.array(["a", "b", "b"])
    np.testing.assert_array_equal(intervals.draws(subjects, 50, 1), intervals.draws(subjects, 50, 1))
    assert not np.array_equal(intervals.draws(subjects, 50, 1), intervals.draws(subjects, 50, 2))
    with pytest.raises(ValueError, match="two subjects"):
        intervals.draws(np.array(["a", "a"]), 50, 1)


def test_interval_is_wider_by_subject_than_by_face_where_faces_of_a_subject_agree():
    right = np.repeat(np.arange(20) % 2, 30)  # half of the people are always right, half never
    p = certain(right, 2)
    truth = np.ones(600, int)
    by_subject = intervals.draws(np.repeat(np.arange(20).astype(str), 30), 500, 0)
    by_face = intervals.draws(np.arange(600).astype(str), 500, 0)
    widths = []
    for weights in (by_subject, by_face):
        low, high = intervals.bounds(intervals.resampled(truth, p, weights)["accuracy"])
        widths.append(high - low)
    assert widths[0] > 3 * widths[1]
    # sd of a mean of 20 coin throws is 0.112, so the interval is about 0.44 wide
    assert widths[0] == pytest.approx(0.44, abs=0.06)


def test_bounds_of_nothing_are_nan():
    assert all(np.isnan(intervals.bounds(np.array([np.nan, np.nan]))))

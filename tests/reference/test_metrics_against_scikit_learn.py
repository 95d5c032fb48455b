"""``evaluate.metrics`` and ``evaluate.intervals`` against scikit-learn and against plain repetition."""

import numpy as np
import pytest

from mien.evaluate import intervals, metrics

score = pytest.importorskip("sklearn.metrics")


def scored(seed, n=120, classes=5, missing=False):
    random = np.random.default_rng(seed)
    truth = random.integers(0, classes - (1 if missing else 0), n)
    logits = random.normal(size=(n, classes)) + 1.2 * np.eye(classes)[truth]
    raised = np.exp(np.round(logits, 1))  # rounded, so that ties occur
    return truth, raised / raised.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("seed", range(4))
def test_against_scikit_learn(seed):
    truth, p = scored(seed)
    answer = p.argmax(axis=1)
    wanted = {
        "accuracy": score.accuracy_score(truth, answer),
        "balanced_accuracy": score.balanced_accuracy_score(truth, answer),
        "macro_f1": score.f1_score(truth, answer, average="macro"),
        "mcc": score.matthews_corrcoef(truth, answer),
        "macro_auc": score.roc_auc_score(truth, p, multi_class="ovr", average="macro"),
        "nll": score.log_loss(truth, p),
        "brier": ((p - np.eye(5)[truth]) ** 2).sum(axis=1).mean(),
    }
    for name, value in wanted.items():
        assert metrics.MEASURES[name](truth, p) == pytest.approx(value, abs=1e-12), name
    table = metrics.confusion(truth, answer, 5)
    np.testing.assert_array_equal(table, score.confusion_matrix(truth, answer))
    precision, recall, f1, _ = score.precision_recall_fscore_support(truth, answer, zero_division=0)
    np.testing.assert_allclose(metrics.precision(table), precision)
    np.testing.assert_allclose(metrics.recall(table), recall)
    np.testing.assert_allclose(metrics.f1(table), f1)


def test_calibration_error_equals_the_slow_twin():
    truth, p = scored(0, n=150)  # 150 divides by 15: every bin holds ten whole faces
    order = np.argsort(p.max(axis=1), kind="stable")
    gaps = []
    for group in order.reshape(15, 10):
        confidence = np.mean([p[i].max() for i in group])
        right = np.mean([p[i].argmax() == truth[i] for i in group])
        gaps.append(abs(confidence - right))
    assert metrics.ece(truth, p) == pytest.approx(np.mean(gaps), abs=1e-12)


@pytest.mark.parametrize("missing", [False, True])
def test_resampled_figures_equal_those_of_the_repeated_items(missing):
    truth, p = scored(1, missing=missing)
    subjects = np.array([f"s{i % 17}" for i in range(len(truth))])
    weights = intervals.draws(subjects, resamples=25, seed=4)
    together = intervals.resampled(truth, p, weights)
    assert set(together) == set(metrics.MEASURES)
    for r in range(25):
        # repeated in the order of confidence, so that ties fall into the same calibration bins
        order = np.argsort(p.max(axis=1), kind="stable")
        again = np.repeat(order, weights[r, order].astype(int))
        for name, measure in metrics.MEASURES.items():
            assert together[name][r] == pytest.approx(measure(truth[again], p[again]), abs=1e-9, nan_ok=True), name


def test_per_class_figures_of_resamples_equal_those_of_the_repeated_items():
    truth, p = scored(2)
    weights = intervals.draws(np.array([f"s{i % 9}" for i in range(len(truth))]), resamples=10, seed=1)
    tables = intervals.confusions(truth, p, weights)
    for r in range(10):
        again = np.repeat(np.arange(len(truth)), weights[r].astype(int))
        table = metrics.confusion(truth[again], p[again].argmax(axis=1), 5)
        np.testing.assert_array_equal(tables[r], table)
        np.testing.assert_allclose(intervals.recalls(tables)[r], metrics.recall(table))
        np.testing.assert_allclose(intervals.precisions(tables)[r], metrics.precision(table))
        np.testing.assert_allclose(intervals.f1s(tables)[r], metrics.f1(table))

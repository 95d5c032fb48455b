"""``evaluate.detection`` against scikit-learn, and its resamples against plain repetition."""

import numpy as np
import pytest

from mien.evaluate import detection, intervals

score = pytest.importorskip("sklearn.metrics")

LABELS = ("anger", "fear", "surprise")


def answers(seed, n=90):
    random = np.random.default_rng(seed)
    shown = random.random((n, 3)) < (0.2, 0.5, 0.1)
    shown[:2] = [[True] * 3, [False] * 3]  # both answers occur for every label
    scores = np.round(random.random((n, 3)) + 0.4 * shown, 1)  # rounded, so that ties occur
    return detection.Answers(LABELS, shown, scores >= 0.7, scores)


@pytest.mark.parametrize("seed", range(4))
def test_against_scikit_learn(seed):
    given = answers(seed)
    found = detection.figures(given)
    for k in range(3):
        truth, said = given.shown[:, k], given.said[:, k]
        tn, fp, fn, tp = score.confusion_matrix(truth, said).ravel()
        assert [found[name][k] for name in detection.COUNTS] == [tp, tn, fp, fn]
        wanted = {
            "accuracy": score.accuracy_score(truth, said),
            "tpr": score.recall_score(truth, said),
            "fpr": fp / (fp + tn),
            "precision": score.precision_score(truth, said),
            "f1": score.f1_score(truth, said),
            "balanced_accuracy": score.balanced_accuracy_score(truth, said),
            "mcc": score.matthews_corrcoef(truth, said),
            "auc": score.roc_auc_score(truth, given.scores[:, k]),
        }
        assert set(wanted) == set(detection.FIGURES)
        for name, value in wanted.items():
            assert found[name][k] == pytest.approx(value, abs=1e-12), name


def test_resamples_equal_figures_of_the_repeated_rows():
    given = answers(7)
    weights = intervals.draws(np.array([f"s{i // 9}" for i in range(90)]), resamples=30, seed=2)
    together = detection.figures(given, weights)
    means = detection.measured(given, weights, {"two": LABELS[:2]})
    for r in range(30):
        again = np.repeat(np.arange(90), weights[r].astype(int))
        plain = detection.figures(
            detection.Answers(LABELS, given.shown[again], given.said[again], given.scores[again])
        )
        for name in (*detection.COUNTS, *detection.FIGURES):
            np.testing.assert_allclose(together[name][r], plain[name], atol=1e-12, err_msg=name)
        for name in detection.FIGURES:
            assert means["two", name].resampled[r] == pytest.approx(np.nanmean(plain[name][:2]), abs=1e-12), name

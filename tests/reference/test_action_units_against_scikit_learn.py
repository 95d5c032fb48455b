"""Figures of action units and of selective answers against scikit-learn and plain loops."""

import numpy as np
import pytest

from mien.evaluate import action_units, intervals, selective

score = pytest.importorskip("sklearn.metrics")


@pytest.mark.parametrize("seed", range(4))
def test_figures_of_a_unit(seed):
    random = np.random.default_rng(seed)
    truth = random.random(200) < (0.1, 0.3, 0.5, 0.8)[seed]
    scores = np.clip((random.random(200) + 0.5 * truth) / 1.5, 0, 1).round(2)  # rounded, so that ties occur
    found = action_units.measured(truth, scores, intervals.draws(np.arange(200).astype(str), 5))
    said = scores >= 0.5
    balanced = np.where(truth, 1 / truth.sum(), 1 / (~truth).sum())  # as many positives as negatives
    wanted = {
        "auc": score.roc_auc_score(truth, scores),
        "f1": score.f1_score(truth, said),
        "f1_skew_normalised": score.f1_score(truth, said, sample_weight=balanced),
        "balanced_accuracy": score.balanced_accuracy_score(truth, said),
    }
    assert set(wanted) == set(found)
    for name, value in wanted.items():
        assert found[name].value == pytest.approx(value, abs=1e-12), name


def test_selective_figures_equal_the_slow_twin():
    random = np.random.default_rng(5)
    p = random.dirichlet(np.ones(5), 80)
    truth = random.integers(0, 5, 80)
    order = sorted(range(80), key=lambda i: -p[i].max())
    risks = []
    for accepted in range(1, 81):
        kept = order[:accepted]
        risks.append(1 - score.accuracy_score(truth[kept], p[kept].argmax(axis=1)))
    assert selective.aurc(truth, p) == pytest.approx(np.mean(risks))
    for coverage, accepted in ((0.8, 64), (0.9, 72)):
        assert selective.accuracy_at(truth, p, coverage) == pytest.approx(1 - risks[accepted - 1])

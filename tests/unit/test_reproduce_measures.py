"""From answers to rows: the same numbers as ``mien.evaluate`` gives on the same arrays."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.evaluate import baselines, detection, intervals, metrics, paired
from mien.reproduce import measures, paper
from mien.reproduce.results import Row
from mien.reproduce.scored import Scored

SEVEN = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")


def made(
    n=140, labels=SEVEN, seed=0, protocol="subject-10fold", folds=10, said=True, experiment="softmax"
) -> Scored:
    """Answers that are right more often than not."""
    random = np.random.default_rng(seed)
    truth = np.arange(n) % len(labels)
    p = random.dirichlet(np.ones(len(labels)), n)
    p[np.arange(n), truth] += 0.4
    p /= p.sum(axis=1, keepdims=True)
    return Scored(
        experiment, protocol, "features", labels,
        np.array([f"i{k:04d}" for k in range(n)]), np.array([f"P{k % 20:02d}" for k in range(n)]),
        np.array([f"s{k // 2:04d}" for k in range(n)]), np.arange(n) % folds, truth, p,
        p > 0.3 if said else None,
    )  # fmt: skip


def by_cell(rows) -> dict[tuple[str, str, str], Row]:
    found = {(row.inputs, row.label, row.metric): row for row in rows}
    assert len(found) == len(rows)
    return found


def test_figures_of_answers_are_those_of_evaluate():
    s = made()
    found = by_cell(measures.of_answers(s))
    assert {metric for _, _, metric in found} == set(measures.ANSWERS)
    weights = intervals.draws(s.subject)
    for metric in measures.ANSWERS:
        row = found["features", "all", metric]
        assert row.value == metrics.MEASURES[metric](s.truth, s.probabilities)
        bounds = intervals.bounds(intervals.resampled(s.truth, s.probabilities, weights)[metric])
        assert (row.low, row.high) == bounds
        assert row.low < row.value < row.high
        assert (row.experiment, row.protocol) == ("softmax", "subject-10fold")
        assert math.isnan(row.paper)


def test_the_papers_number_stands_beside_its_split_only():
    found = by_cell(measures.of_answers(made(protocol="paper-split", folds=1)))
    assert found["features", "all", "accuracy"].paper == 0.22
    assert math.isnan(found["features", "all", "mcc"].paper)


def answers(s, tested):
    places = [s.labels.index(label) for label in tested]
    shown = s.truth[:, None] == np.array(places)
    return detection.Answers(tuple(tested), shown, s.said[:, places], s.probabilities[:, places])


@pytest.mark.parametrize("tested", [SEVEN, paper.SIX, ("anger", "fear")])
def test_figures_of_detections_are_those_of_evaluate(tested):
    s = made(experiment="table1")
    found = by_cell(measures.of_detections(s, tested))
    value = detection.figures(answers(s, tested))
    for k, label in enumerate(tested):
        for figure in (*detection.COUNTS, *detection.FIGURES):
            assert found["features", label, figure].value == pytest.approx(value[figure][k], nan_ok=True)
    assert found["features", "macro", "f1"].value == pytest.approx(detection.macro(value["f1"]))
    six = ("features", "macro-6", "f1") in found
    assert six == (set(paper.SIX) <= set(tested))
    if six:
        inside = [tested.index(label) for label in paper.SIX]
        assert found["features", "macro-6", "f1"].value == pytest.approx(detection.macro(value["f1"][inside]))
    assert math.isnan(found["features", "anger", "TP"].low)


@pytest.mark.parametrize(
    ("protocol", "folds", "draws"), [("paper-split", 4, 4), ("sequence-split", 4, 4), ("loso", 4, 1)]
)
def test_counts_are_means_over_draws_and_figures_are_not(protocol, folds, draws):
    s = made(experiment="table1", protocol=protocol, folds=folds)
    found = by_cell(measures.of_detections(s, paper.SIX))
    value = detection.figures(answers(s, paper.SIX))
    for k, label in enumerate(paper.SIX):
        assert found["features", label, "TP"].value == value["TP"][k] / draws
        assert found["features", label, "accuracy"].value == pytest.approx(value["accuracy"][k])
    total = sum(found["features", "anger", name].value for name in detection.COUNTS)
    assert total == len(s.truth) / draws


def test_softmax_answers_have_no_detections():
    with pytest.raises(ValueError, match="softmax declares nothing present"):
        measures.of_detections(made(said=False), SEVEN)


def test_always_no_scores_833_on_the_reports_composition():
    s = made(n=7 * 150, experiment="table1", protocol="paper-split", folds=1)
    six = [s.labels.index(label) for label in paper.SIX]
    chosen = np.concatenate([np.flatnonzero(s.truth == k)[:25] for k in six])
    found = by_cell(measures.of_detections(measures.always_no(measures.taken(s, chosen)), paper.SIX))
    assert found["always-no", "macro-6", "accuracy"].value == pytest.approx(paper.ALWAYS_NO)
    assert found["always-no", "macro-6", "balanced_accuracy"].value == pytest.approx(0.5)
    assert found["always-no", "anger", "TN"].value == 125
    assert found["always-no", "anger", "FN"].value == 25
    assert found["always-no", "macro-6", "f1"].value == 0


def test_majority_is_counted_on_the_other_folds():
    s = replace(made(n=12, labels=("a", "b", "c")), truth=np.array([0] * 6 + [1] * 4 + [2] * 2),
                fold=np.array([0] * 6 + [1] * 6))  # fmt: skip
    found = measures.majority(s)
    assert found.probabilities.argmax(axis=1).tolist() == [1] * 6 + [0] * 6
    assert (found.inputs, found.said) == ("majority", None)
    assert (found.probabilities == baselines.majority(s.truth, s.fold, 3)).all()


def test_differences_are_paired_by_person():
    one, other = made(seed=1), made(seed=2)
    (row,) = measures.difference(one, other, ("accuracy",), inputs="features minus pixels", protocol="x minus y")
    of, minus = (metrics.MEASURES["accuracy"](s.truth, s.probabilities) for s in (one, other))
    assert row.value == pytest.approx(of - minus)
    assert (row.inputs, row.protocol, row.label) == ("features minus pixels", "x minus y", "all")
    a, b = paired.draws(one.subject, other.subject)
    apart = [
        intervals.resampled(s.truth, s.probabilities, w)["accuracy"] for s, w in ((one, a), (other, b))
    ]  # fmt: skip
    assert (row.low, row.high) == intervals.bounds(apart[0] - apart[1])
    (same,) = measures.difference(one, one, ("accuracy",), inputs="nothing")
    assert (same.value, same.low, same.high) == (0, 0, 0)  # unpaired resamples would leave a width
    assert same.protocol == one.protocol


def test_differences_of_detections_are_paired_too_and_may_be_over_other_rows():
    s = made(experiment="table1")
    half = measures.taken(s, np.arange(0, 140, 2))
    rows = by_cell(measures.detection_difference(half, s, paper.SIX, ("accuracy", "f1"), inputs="gain"))
    assert set(rows) == {("gain", mean, name) for mean in ("macro", "macro-6") for name in ("accuracy", "f1")}
    value = [detection.macro(detection.figures(answers(x, paper.SIX))["f1"]) for x in (half, s)]
    assert rows["gain", "macro-6", "f1"].value == pytest.approx(value[0] - value[1])
    for row in measures.detection_difference(s, s, paper.SIX, ("f1",), inputs="none"):
        assert (row.value, row.low, row.high) == (0, 0, 0)


def test_the_frames_of_another_as_often_as_it_has_them():
    s = made(n=6)
    other = measures.taken(s, np.array([4, 1, 4]))
    found = measures.on_frames_of(s, other)
    assert found.item.tolist() == ["i0004", "i0001", "i0004"]
    assert (found.probabilities == s.probabilities[[4, 1, 4]]).all()
    with pytest.raises(KeyError, match="i0004"):
        measures.on_frames_of(measures.taken(s, np.array([0, 1])), other)


def test_pooling_by_hand():
    p = np.array([[0.5, 0.3, 0.2], [0.1, 0.6, 0.3], [0.2, 0.2, 0.6]])
    s = Scored("sequence", "loso", "features", ("a", "b", "c"), np.array(["f1", "f2", "g1"]),
               np.array(["P", "P", "Q"]), np.array(["f", "f", "g"]), np.array([0, 0, 1]),
               np.array([1, 1, 2]), p)  # fmt: skip
    wanted = {
        "mean": ([0.3, 0.45, 0.25], measures.mean),
        "max": (np.array([0.5, 0.6, 0.3]) / 1.4, measures.largest),
        "product": (np.array([0.05, 0.18, 0.06]) / 0.29, measures.product),
    }
    for name, (probabilities, how) in wanted.items():
        found = measures.pooled(s, how, name)
        assert found.probabilities[0] == pytest.approx(probabilities)
        assert found.probabilities[1] == pytest.approx(p[2])
        assert (found.item.tolist(), found.subject.tolist(), found.truth.tolist()) == (
            ["f", "g"],
            ["P", "Q"],
            [1, 2],
        )
        assert (found.fold.tolist(), found.inputs) == ([0, 1], name)


@given(st.integers(2, 400), st.integers(0, 99))
def test_the_product_of_many_small_probabilities_does_not_vanish(frames, seed):
    p = np.random.default_rng(seed).dirichlet([1, 1, 1], frames)
    p[:, 0] = 0
    found = measures.product(p)
    assert np.isfinite(found).all()
    assert found.max() == 1
    logs = np.log(np.maximum(p, 1e-12)).sum(axis=0)
    assert found.argmax() == logs.argmax()


def test_parts_of_one_classifier_become_one():
    s = made(n=10)
    parts = [measures.taken(s, np.arange(4)), replace(s, inputs="pixels"), measures.taken(s, np.arange(4, 10))]
    whole, pixels = measures.joined(parts)
    for name in ("item", "subject", "sequence", "fold", "truth", "probabilities", "said"):
        assert (getattr(whole, name) == getattr(s, name)).all()
    assert pixels.inputs == "pixels"
    assert measures.joined([replace(part, said=None) for part in parts])[0].said is None


def test_points_renamed_and_recalls():
    row = Row("softmax", "loso", "features", "all", "accuracy", 0.5, 0.25, 0.75)
    assert measures.times(row, 100, "leak") == replace(row, experiment="leak", value=50, low=25, high=75)
    assert measures.renamed(row, "sequence_accuracy").metric == "sequence_accuracy"
    s = made()
    recalls = {row.label: row.value for row in measures.recalls(s, "recall")}
    answer = s.probabilities.argmax(axis=1)
    for k, label in enumerate(SEVEN):
        assert recalls[label] == pytest.approx((answer[s.truth == k] == k).mean())

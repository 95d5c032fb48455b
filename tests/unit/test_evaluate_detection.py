import numpy as np
import pytest

from mien.evaluate import baselines, detection, intervals, metrics, paired
from mien.reproduce import paper

SUBJECTS = np.array([f"s{i // 5}" for i in range(40)])


def answers(shown, said, scores=None, labels=("a", "b")):
    shown, said = np.array(shown, bool), np.array(said, bool)
    return detection.Answers(labels, shown, said, said.astype(float) if scores is None else np.array(scores))


def random_answers(seed, n=40, right=0.8):
    random = np.random.default_rng(seed)
    shown = detection.shown(np.arange(n) % 3, 3)
    said = np.where(random.random((n, 3)) < right, shown, ~shown)
    return answers(shown, said, random.random((n, 3)), ("a", "b", "c"))


@pytest.mark.parametrize("table", [paper.WITH_FACS, paper.FEATURES_ONLY])
def test_the_report_s_own_counts_give_its_own_accuracies(table):
    rows = np.array([row[1:] for row in table.values()], float)
    found = detection.of_counts(detection.Counts(*rows.T))
    np.testing.assert_allclose(found["accuracy"], [row.accuracy for row in table.values()], atol=0.005)


def test_the_report_s_macro_means():
    # worked out by hand from its Table 1 (b): accuracy .761, TPR .493, FPR .185, F1 .395, balanced .654, MCC .28
    rows = np.array([row[1:] for row in paper.FEATURES_ONLY.values()], float)
    means = {
        name: float(detection.macro(value))
        for name, value in detection.of_counts(detection.Counts(*rows.T)).items()
    }
    wanted = {"accuracy": 0.761, "tpr": 0.493, "fpr": 0.185, "f1": 0.395, "balanced_accuracy": 0.654, "mcc": 0.28}
    for name, value in wanted.items():
        assert means[name] == pytest.approx(value, abs=0.005), name


def test_a_label_that_nothing_shows_has_no_hit_rate_and_is_left_out_of_the_mean():
    found = detection.figures(answers([[1, 0], [0, 0]], [[1, 0], [0, 0]]))
    assert found["tpr"][0] == found["f1"][0] == found["auc"][0] == found["balanced_accuracy"][0] == 1
    for name in ("tpr", "f1", "auc", "balanced_accuracy"):
        assert np.isnan(found[name][1]), name
        assert detection.macro(found[name]) == 1
    assert found["fpr"][1] == 0
    assert found["precision"][1] == found["mcc"][1] == 0  # never declared
    assert np.isnan(detection.macro(np.array([np.nan, np.nan])))


def test_a_label_that_everything_shows_has_no_false_alarm_rate():
    found = detection.figures(answers([[1, 1], [1, 0]], [[1, 1], [0, 0]]))
    assert np.isnan(found["fpr"][0])
    assert np.isnan(found["balanced_accuracy"][0])
    assert found["tpr"][0] == 0.5


def test_always_no_is_right_where_labels_are_rare_and_worth_nothing():
    truth = np.arange(140) % 7
    said = baselines.always_no(140, 7)
    found = detection.figures(detection.Answers(tuple("abcdefg"), detection.shown(truth, 7), said, said * 1.0))
    np.testing.assert_allclose(found["accuracy"], 6 / 7)
    np.testing.assert_allclose(found["balanced_accuracy"], 0.5)
    np.testing.assert_allclose(found["auc"], 0.5)
    assert not found["f1"].any()
    assert not found["mcc"].any()


def test_intervals_of_labels_and_means():
    given = random_answers(0)
    found = detection.measured(
        given, intervals.draws(SUBJECTS, 300, 1), {"macro": ("a", "b", "c"), "macro-2": ("a", "c")}
    )
    assert {label for label, _ in found} == {"a", "b", "c", "macro", "macro-2"}
    for (label, name), each in found.items():
        value, low, high = each.interval()
        assert low <= value <= high, (label, name)
        assert low < high, (label, name)
    each = [found[label, "f1"].value for label in "abc"]
    assert found["macro", "f1"].value == pytest.approx(np.mean(each))
    assert found["macro-2", "f1"].value == pytest.approx((each[0] + each[2]) / 2)
    assert ("macro", "TP") not in found
    assert ("a", "TP") in found


def test_all_labels_are_the_mean_if_none_is_named():
    given = random_answers(0)
    found = detection.measured(given, intervals.draws(SUBJECTS, 10, 1))
    assert found["macro", "auc"].value == pytest.approx(detection.figures(given)["auc"].mean())


def test_a_difference_is_paired_by_person():
    better, worse = random_answers(0, right=0.9), random_answers(0, right=0.7)
    weights = intervals.draws(SUBJECTS, 500, 1)
    a, b = (detection.measured(given, weights)["macro", "balanced_accuracy"] for given in (better, worse))
    value, low, high = paired.difference(a, b)
    assert value == pytest.approx(a.value - b.value)
    assert 0 < low < value < high
    assert paired.difference(a, a) == (0, 0, 0)
    assert paired.difference(b, a) == pytest.approx((-value, -high, -low))


def test_tests_on_different_rows_are_paired_by_person():
    some = np.flatnonzero(np.arange(40) % 2 == 0)
    ours, theirs = paired.draws(SUBJECTS, SUBJECTS[some], 50, 3)
    np.testing.assert_array_equal(ours[:, some], theirs)
    few = SUBJECTS == "s1"
    ours, theirs = paired.draws(SUBJECTS, SUBJECTS[few], 50, 3)
    assert theirs.shape == (50, 5)
    np.testing.assert_array_equal(ours[:, few], theirs)


def test_where_somebody_is_not_drawn_there_is_no_value_and_the_others_make_the_interval():
    given = random_answers(0)
    few = SUBJECTS == "s1"
    part = detection.Answers(given.labels, given.shown[few], given.said[few], given.scores[few])
    ours, theirs = paired.draws(SUBJECTS, SUBJECTS[few], 200, 3)
    a, b = detection.measured(given, ours)["a", "accuracy"], detection.measured(part, theirs)["a", "accuracy"]
    assert np.isnan(b.resampled).any()
    assert all(np.isfinite(paired.difference(a, b)))


def test_differences_of_the_most_probable_label():
    random = np.random.default_rng(4)
    truth = np.arange(40) % 4
    p = np.eye(4)[truth] + random.random((40, 4))
    p /= p.sum(axis=1, keepdims=True)
    q = np.full((40, 4), 0.25)
    weights = intervals.draws(SUBJECTS, 200, 1)
    ours, theirs = paired.measured(truth, p, weights), paired.measured(truth, q, weights)
    assert set(ours) == set(metrics.MEASURES)
    for name in ("accuracy", "balanced_accuracy", "macro_f1"):
        value, low, high = paired.difference(ours[name], theirs[name])
        assert value == pytest.approx(metrics.MEASURES[name](truth, p) - metrics.MEASURES[name](truth, q))
        assert 0 < low <= value <= high
        assert ours[name].interval().value == metrics.MEASURES[name](truth, p)


def test_unlike_resamples_are_refused():
    given = random_answers(0)
    a, b = (detection.measured(given, intervals.draws(SUBJECTS, n, 1))["a", "f1"] for n in (10, 11))
    with pytest.raises(ValueError, match="share their resamples, not have 10 and 11"):
        paired.difference(a, b)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shown": np.zeros((2, 3), bool)}, "shown must be"),
        ({"said": np.zeros((3, 2), bool)}, "said must be"),
        ({"said": np.zeros((2, 2))}, "must hold bools"),
        ({"scores": np.array([[0, 1], [np.nan, 0]])}, "finite"),
        ({"labels": ("a", "a")}, "different labels"),
    ],
)
def test_nonsense_is_refused(change, message):
    plain = {
        "labels": ("a", "b"),
        "shown": np.eye(2, dtype=bool),
        "said": np.eye(2, dtype=bool),
        "scores": np.eye(2),
    }
    with pytest.raises(ValueError, match=message):
        detection.Answers(**{**plain, **change})


def test_no_rows_are_refused():
    with pytest.raises(ValueError, match="one row or more"):
        answers(np.zeros((0, 2)), np.zeros((0, 2)))


@pytest.mark.parametrize(
    ("weights", "means", "message"),
    [
        (np.ones((3, 39)), None, r"weights must be \(resamples, 40\)"),
        (np.ones((3, 40)), {"macro": ("a", "zeal")}, "'macro' over"),
        (np.ones((3, 40)), {"macro": ()}, "'macro' over"),
        (np.ones((3, 40)), {"a": ("b",)}, "'a' over"),
    ],
)
def test_weights_and_means_that_do_not_fit(weights, means, message):
    with pytest.raises(ValueError, match=message):
        detection.measured(random_answers(0), weights, means)


@pytest.mark.parametrize(
    "truth", [np.array([0, 3]), np.array([-1, 0]), np.array([0.0, 1.0]), np.zeros((2, 2), int)]
)
def test_truth_that_is_no_label(truth):
    with pytest.raises(ValueError, match="truth"):
        detection.shown(truth, 3)


class TestShuffledLabels:
    sequences = np.repeat([f"q{i}" for i in range(12)], 3)
    labels = np.repeat(np.arange(12) % 4, 3)

    def test_frames_of_a_sequence_stay_together_and_every_label_keeps_its_sequences(self):
        found = baselines.shuffle_labels(self.labels, self.sequences, seed=1)
        for name in set(self.sequences):
            assert len(set(found[self.sequences == name])) == 1
        np.testing.assert_array_equal(np.bincount(found), np.bincount(self.labels))
        assert (found != self.labels).any()
        assert found.dtype == self.labels.dtype

    def test_the_seed_decides_and_nothing_is_changed_in_place(self):
        before = self.labels.copy()
        one, again, other = (baselines.shuffle_labels(self.labels, self.sequences, s) for s in (1, 1, 2))
        np.testing.assert_array_equal(one, again)
        assert (one != other).any()
        np.testing.assert_array_equal(self.labels, before)

    def test_a_neutral_first_frame_is_a_run_of_its_own(self):
        labels = self.labels + 1
        labels[::3] = 0
        found = baselines.shuffle_labels(labels, self.sequences, seed=1)
        assert all(len(set(found[3 * i + 1 : 3 * i + 3])) == 1 for i in range(12))
        assert any(found[3 * i] != 0 for i in range(12))

    def test_order_of_rows_does_not_matter(self):
        order = np.random.default_rng(0).permutation(36)
        found = baselines.shuffle_labels(self.labels, self.sequences, 1)
        np.testing.assert_array_equal(
            baselines.shuffle_labels(self.labels[order], self.sequences[order], 1), found[order]
        )

    def test_shapes_must_match(self):
        with pytest.raises(ValueError, match=r"must both be \(n,\)"):
            baselines.shuffle_labels(self.labels, self.sequences[1:], 0)

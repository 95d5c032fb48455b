import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

import torch

from mien.errors import TrainingError
from mien.learn import thresholds
from mien.learn.heads import logistic as part


def people(n=120, subjects=20, noise=0.3, seed=0, classes=3):
    random = np.random.default_rng(seed)
    y = np.arange(n) % classes
    x = (np.eye(classes, 5)[y] + random.normal(0, noise, (n, 5))).astype(np.float32)
    return x, y, np.array([f"s{i // (n // subjects)}" for i in range(n)])


def head(**options):
    return part.build(part.Options(**options))


def test_each_label_is_a_question_of_its_own():
    x, _, _ = people()
    fitted = head().fit(*people(), 3, 0)
    none, two = np.zeros((1, 5), np.float32), np.array([[1, 1, 0, 0, 0]], np.float32)
    assert fitted.detect(none).sum() == 0
    assert fitted.present(two)[0, :2].min() > fitted.present(two)[0, 2]
    assert fitted.present(x).dtype == np.float64
    np.testing.assert_array_equal(fitted.detect(x), fitted.present(x) >= fitted.thresholds)


def test_probabilities_are_those_of_every_label_divided_by_their_sum():
    x, _, _ = people(seed=1)
    fitted = head().fit(*people(), 3, 0)
    p = fitted.present(x)
    np.testing.assert_allclose(fitted.probabilities(x), p / p.sum(axis=1, keepdims=True), rtol=1e-12)


@pytest.mark.parametrize("far", [-1e4, 1e4])
def test_where_all_labels_are_denied_or_sure_rows_still_sum_to_one(far):
    choices = part.Choices((1.0,) * 2, (True,) * 2, (0.5,) * 2, (0.0,) * 2)
    fitted = part.LogisticClassifier(np.zeros((2, 3), np.float32), np.array([far, far - 1], np.float32), choices)
    x = np.zeros((1, 3), np.float32)
    np.testing.assert_allclose(fitted.probabilities(x).sum(), 1)
    with torch.inference_mode():
        run = torch.nn.Sequential(*fitted.layers())(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(run, fitted.probabilities(x), atol=1e-6)


def test_against_scikit_learn():
    from sklearn.linear_model import LogisticRegression

    x, y, subjects = people()
    fitted = head(C=(0.5,), standardise=(False,), balance=1.0, threshold="half").fit(x, y, subjects, 3, 0)
    for k in range(3):
        theirs = LogisticRegression(C=0.5, class_weight="balanced", tol=1e-8).fit(x.astype(float), y == k)
        np.testing.assert_allclose(fitted.present(x)[:, k], theirs.predict_proba(x)[:, 1], atol=5e-3)
    assert fitted.thresholds.tolist() == [0.5] * 3


def test_choices_are_made_on_subjects_that_were_held_out():
    # As in the softmax head's test: a feature of each person's own misleads whoever is judged on the same people.
    random = np.random.default_rng(0)
    x, y, subjects = people(noise=1.2)
    own = np.zeros((120, 60), np.float32)
    own[np.arange(120), (np.arange(120) // 6) * 3 + y] = 3
    x = np.hstack([x, own + random.normal(0, 0.01, own.shape).astype(np.float32)])
    assert head(C=(0.001, 100.0), standardise=(False,)).choose(x, y, subjects, 3, 0).C == (0.001,) * 3
    seen = head(C=(100.0,), standardise=(False,), threshold="half").fit(x, y, subjects, 3, 0)
    assert (seen.probabilities(x).argmax(axis=1) == y).all()  # what would have misled it


def test_each_label_has_its_own_strength():
    random = np.random.default_rng(0)
    y = np.arange(240) % 3
    x = random.normal(0, 1, (240, 80)).astype(np.float32)
    x[:, 0] += 9 * (y == 0)  # the first label is plain to see, the others cannot be told apart
    choices = head(C=(0.01, 10.0)).choose(x, y, np.array([f"s{i // 6}" for i in range(240)]), 3, 0)
    assert choices.C[0] == 10
    assert choices.C[1] == choices.C[2] == 0.01


def test_features_of_very_different_size_want_standardising():
    x, y, subjects = people()
    x = x * np.array([1e-3, 1e3, 1, 1, 1], np.float32)
    assert head(C=(0.1,), standardise=(False, True)).choose(x, y, subjects, 3, 0).standardise[0]


def test_fit_is_choose_and_then_fit_with():
    x, y, subjects = people()
    learner = head(standardise=(False, True))
    whole = learner.fit(x, y, subjects, 3, 5)
    choices = learner.choose(x, y, subjects, 3, 5)
    parts = learner.fit_with(choices, x, y, 3)
    assert (parts.W.tobytes(), parts.b.tobytes()) == (whole.W.tobytes(), whole.b.tobytes())
    assert parts.choices == whole.choices == choices
    np.testing.assert_array_equal(parts.thresholds, choices.thresholds)


def test_rare_labels_are_declared_by_their_own_threshold():
    random = np.random.default_rng(0)
    y = (np.arange(400) % 20 == 0).astype(np.intp)
    x = (y[:, None] * 1.5 + random.normal(0, 1, (400, 2))).astype(np.float32)
    subjects = np.array([f"s{i % 40 // 2}" for i in range(400)])
    said = {c: head(balance=0.0, threshold=c).fit(x, y, subjects, 2, 0).detect(x)[:, 1] for c in ("half", "f1")}
    f1 = {c: 2 * (s & (y == 1)).sum() / (s.sum() + (y == 1).sum()) for c, s in said.items()}
    assert f1["f1"] > f1["half"] + 0.1


def test_two_labels_and_figures_by_number():
    x, y, subjects = people(classes=2)
    fitted = head(C=(0.1, 1.0)).fit(x, y, subjects, 2, 0)
    assert (fitted.probabilities(x).argmax(axis=1) == y).mean() > 0.9
    figures = fitted.figures()
    assert set(figures) == {"inner_loss", "standardised", "C_1", "C_2", "threshold_1", "threshold_2"}
    assert figures["threshold_2"] == fitted.thresholds[1]


def test_a_label_that_one_person_alone_shows():
    x, y, subjects = people()
    y = np.where(subjects == "s3", 2, np.minimum(y, 1))
    with pytest.raises(TrainingError, match="too few subjects show label number 3"):
        head().fit(x, y, subjects, 3, 0)
    assert head(C=(0.1,), threshold="half").fit(x, y, subjects, 3, 0).present(x).shape == (120, 3)


def test_a_single_label_is_refused():
    x, y, subjects = people()
    with pytest.raises(TrainingError, match="two labels or more"):
        head().fit(x, y * 0, subjects, 1, 0)


def test_a_solver_that_is_not_done_is_refused_without_a_warning():
    with pytest.raises(TrainingError, match="label number 1 of 3 not done after 2 iterations"):
        head(C=(100.0,), iterations=2).fit(*people(), 3, 0)


@pytest.mark.parametrize(
    "options",
    [
        {"C": ()},
        {"C": (0.0,)},
        {"balance": 1.5},
        {"standardise": ()},
        {"threshold": "best"},
        {"inner_folds": 1},
        {"iterations": 0},
    ],
)
def test_impossible_options(options):
    with pytest.raises(ValueError, match=next(iter(options))):
        part.Options(**options)


class TestThreshold:
    def merit(self, shown, scores, cut, criterion):
        said = scores >= cut
        if criterion == "f1":
            return 2 * (said & shown).sum() / (said.sum() + shown.sum())
        return ((said & shown).sum() / shown.sum() + (~said & ~shown).sum() / (~shown).sum()) / 2

    @pytest.mark.parametrize("criterion", ["f1", "balanced"])
    @pytest.mark.parametrize("seed", range(5))
    def test_no_cut_is_better(self, criterion, seed):
        random = np.random.default_rng(seed)
        shown = random.random(60) < 0.3
        scores = np.clip(np.round(random.normal(0.4 + 0.2 * shown, 0.2), 1), 0, 1)
        cut = thresholds.threshold(shown, scores, criterion)
        best = max(self.merit(shown, scores, c, criterion) for c in np.linspace(-0.01, 1.01, 103))
        assert self.merit(shown, scores, cut, criterion) == pytest.approx(best)

    def test_of_equal_cuts_the_one_nearest_to_one_half(self):
        shown, scores = np.array([False, True, False, True]), np.array([0.1, 0.2, 0.6, 0.8])
        # cuts .15 (two hits, one alarm) and .7 (one hit, no alarm): balanced accuracy .75 for both
        assert thresholds.threshold(shown, scores, "balanced") == pytest.approx(0.7)

    def test_half_is_half(self):
        assert thresholds.threshold(np.array([True]), np.array([0.9]), "half") == 0.5

    @pytest.mark.parametrize(
        ("shown", "scores", "message"),
        [
            ([True, True], [0.1, 0.2], "rows that show"),
            ([False, False], [0.1, 0.2], "rows that show"),
            ([True, False], [0.1], r"must both be \(n,\)"),
            ([True, False], [0.1, np.nan], r"\[0, 1\]"),
            ([True, False], [0.1, 1.2], r"\[0, 1\]"),
        ],
    )
    def test_nonsense_is_refused(self, shown, scores, message):
        with pytest.raises(ValueError, match=message):
            thresholds.threshold(np.array(shown), np.array(scores), "f1")


RECIPE = """
name = "detector"
seed = 3
[patches]
size = 12
[features]
name = "sparse_autoencoder"
units = 12
rho = 0.2
beta = 0.1
iterations = 20
[head]
name = "logistic"
C = [0.01, 0.1]
threshold = "balanced"
inner_folds = 3
"""


def test_from_a_recipe_to_a_model_file(tmp_path):
    pytest.importorskip("onnx")
    from mien import modelfile
    from mien.data import opening
    from mien.learn import export, fit, recipe, training_set
    from mien.models.onnx import OnnxModel

    dataset = opening.open_dataset("synthetic:people=6")
    plan = recipe.parse(RECIPE, "test")
    trained = fit.train(plan, dataset)
    assert export.export(trained, dataset, tmp_path / "detector.onnx") <= export.TOLERANCE
    file = modelfile.read(tmp_path / "detector.onnx")
    patches = training_set.cut(training_set.labelled(dataset.items, dataset.labels), plan.patches)
    np.testing.assert_allclose(OnnxModel(file).run(patches).expressions, trained.predict(patches), atol=1e-5)
    told = file.meta.notes["figures"]["head"]
    assert told["threshold_1"] == trained.classifier.thresholds[0]

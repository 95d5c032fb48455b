"""What classifiers see, that none of it knows the tested faces, and what they answer."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from mien.data.dataset import Dataset, Item
from mien.data.splits import Fold
from mien.errors import DataError, TrainingError
from mien.labels import LabelSet
from mien.learn import facs
from mien.learn.heads import logistic, softmax
from mien.reproduce import classify, corpus, settings, views
from mien.reproduce.bench import Bench
from mien.reproduce.divisions import Division
from mien.reproduce.stages import Stages

LABELS = ("anger", "fear", "surprise")
PEOPLE = 12
FEW = replace(settings.DRAWN, iterations=3, seed=1)


@pytest.fixture(autouse=True)
def _few_units(monkeypatch):
    monkeypatch.setattr(views, "UNITS", 6)


def pixels(label: int, seed: int) -> np.ndarray:
    """A bright bar whose height tells the label, and noise."""
    face = np.random.default_rng([label, seed]).integers(60, 110, (24, 24)).astype(np.uint8)
    face[8 * label : 8 * label + 6, 3:21] += 120
    return face


def made(coded=True, change=()) -> corpus.Corpus:
    """Three labels, two frames of each by every person; faces in ``change`` show other pixels."""
    items = []
    for person in range(PEOPLE):
        for label, expression in enumerate(LABELS):
            for frame in range(2):
                row = len(items)
                face = pixels(label, row) if row not in change else pixels(label, row + 500)[::-1]
                sequence = f"P{person:02d}_{label}"
                codes = (int(label == 0), int(label > 0)) if coded else None
                items.append(
                    Item(f"{sequence}_{frame}", f"P{person:02d}", sequence, frame, expression, codes, face.copy)
                )
    return corpus.gather(Dataset("made", tuple(items), LabelSet(LABELS), ("AU01", "AU02")))


def by_person(found: corpus.Corpus, groups: int = 3) -> Division:
    numbers = np.array([int(name[1:]) % groups for name in found.subject.tolist()])
    folds = tuple(
        Fold(tuple(np.flatnonzero(numbers != k).tolist()), tuple(np.flatnonzero(numbers == k).tolist()))
        for k in range(groups)
    )
    learned = tuple(fold.train for fold in folds)
    return Division("subject-10fold", "", False, folds, learned, tuple(range(groups)), LABELS)


# ------------------------------------------------------------------------------------------------- views


def test_a_view_does_not_know_the_faces_that_it_did_not_learn_on(tmp_path):
    whole = made()
    fold = by_person(whole).folds[0]
    other = made(change=fold.test)
    assert (other.patches[list(fold.test)] != whole.patches[list(fold.test)]).any()
    one = views.view(whole, fold.train, FEW, Stages(tmp_path), {})
    (tmp_path / "other").mkdir()
    two = views.view(other, fold.train, FEW, Stages(tmp_path / "other"), {})
    rows = list(fold.train)
    for name in (views.FEATURES, views.PIXELS, views.PCA):
        assert one.of[name][rows].tobytes() == two.of[name][rows].tobytes()
    assert one.predicted[rows].tobytes() == two.predicted[rows].tobytes()
    assert (one.of[views.FEATURES][list(fold.test)] != two.of[views.FEATURES][list(fold.test)]).any()
    assert one.signature != two.signature


def test_predicted_codes_never_come_from_a_predictor_that_saw_the_person(tmp_path, monkeypatch):
    """A code that one person alone carries, with a feature that tells the person, is not predicted for it."""
    whole = made()
    fold = by_person(whole).folds[0]
    alone = str(whole.subject[fold.train[0]])
    codes = np.zeros_like(whole.codes)
    codes[whole.subject == alone, 0] = 1
    planted = np.random.default_rng(0).normal(0, 1, (len(codes), 4)).astype(np.float32)
    planted[:, 0] = 10 * (whole.subject == alone)
    monkeypatch.setattr(views, "encoded", lambda *_: planted)
    found = views.view(replace(whole, codes=codes), fold.train, FEW, Stages(tmp_path), {})
    mine = np.flatnonzero(whole.subject == alone)
    assert np.abs(found.predicted[mine, 0]).max() < 0.2
    naive = facs.fit(planted[list(fold.train)], codes[list(fold.train)], whole.subject[list(fold.train)], 1)
    assert naive.scores(planted)[mine, 0].min() > 0.3  # one that saw the person knows


def test_predicted_codes_of_the_tested_ignore_their_true_codes(tmp_path):
    whole = made()
    fold = by_person(whole).folds[0]
    lied = whole.codes.copy()
    lied[list(fold.test)] = 1 - lied[list(fold.test)]
    one = views.view(whole, fold.train, FEW, Stages(tmp_path), {})
    two = views.view(replace(whole, codes=lied), fold.train, FEW, Stages(tmp_path), {})
    assert one.predicted.tobytes() == two.predicted.tobytes()


def test_inputs_are_joined_in_the_order_of_their_names(tmp_path):
    whole = made()
    further = np.ones((len(whole.label), 2), np.float32)
    found = views.view(whole, by_person(whole).folds[0].train, FEW, Stages(tmp_path), {views.ONLINE: further})
    joint = found.inputs("online-features+facs+predicted-facs+pixels")
    assert joint.dtype == np.float32
    assert joint.shape == (len(whole.label), 2 + 2 + 2 + 576)
    assert (joint[:, :2] == 1).all()
    assert (joint[:, 2:4] == whole.codes).all()
    assert (joint[:, 4:6] == found.predicted).all()
    assert (joint[:, 6:] == whole.flat).all()


def test_unknown_inputs_and_missing_labels_are_refused(tmp_path):
    plain = made(coded=False)
    found = views.view(plain, by_person(plain).folds[0].train, FEW, Stages(tmp_path), {})
    assert found.predicted is None
    with pytest.raises(KeyError, match="colour"):
        found.inputs("features+colour")
    for name in ("facs", "predicted-facs", "tracking"):
        with pytest.raises(DataError, match=f"made: has no {name} labels"):
            found.inputs(f"features+{name}")


def test_features_are_kept_by_rows_name_and_sizes(tmp_path):
    whole = made()
    rows = by_person(whole).folds[0].train
    for name, units, learned in (
        (views.FEATURES, (6,), rows), (views.FEATURES, (6,), rows), (views.FEATURES, (6, 3), rows),
        (views.FEATURES, (6,), rows[1:]), (views.PCA, (6,), rows), (views.PIXELS, (6,), rows),
    ):  # fmt: skip
        views.encoded(whole, learned, name, units, FEW, Stages(tmp_path))
    assert len(list(tmp_path.iterdir())) == 4


def test_there_are_no_more_components_than_faces_vary_in():
    assert views.learner(views.PCA, (250,), 30, FEW).options.units == 29
    assert views.learner(views.PCA, (250,), 900, FEW).options.units == 250


def test_a_bench_with_online_features_does_not_take_views_made_without_them(tmp_path):
    whole = made()
    division = by_person(whole)
    bench = Bench(whole, {division.name: division}, FEW, Stages(tmp_path), lambda *_: None)
    rows = division.learned[0]
    assert bench.view(rows) is bench.view(rows)
    further = np.ones((len(whole.label), 2), np.float32)
    later = replace(bench, online=further)
    assert (later.view(rows).inputs(views.ONLINE) == further).all()


# --------------------------------------------------------------------------------------------- classify

SOFTMAX = softmax.Options(C=(0.1,), standardise=(True,))
LOGISTIC = logistic.Options(C=(0.1,), inner_folds=3)


def scored(folder: Path, options=SOFTMAX, shuffled=False, whole=None, seed=1):
    whole = whole or made()
    division = by_person(whole)
    seen = [views.made(whole, learned, {views.PIXELS: whole.flat}) for learned in division.learned]
    return classify.score(
        "table1", whole, division, lambda k: seen[k], views.PIXELS, options, replace(FEW, seed=seed),
        Stages(folder), shuffled=shuffled,
    )  # fmt: skip


def test_every_tested_row_is_scored_once_in_the_order_of_folds_and_rows(tmp_path):
    whole = made()
    found = scored(tmp_path)
    wanted = [(k, row) for k, fold in enumerate(by_person(whole).folds) for row in fold.test]
    assert found.fold.tolist() == [k for k, _ in wanted]
    rows = [row for _, row in wanted]
    for name in ("item", "subject", "sequence"):
        assert (getattr(found, name) == getattr(whole, name)[rows]).all()
    assert (found.truth == whole.label[rows]).all()
    assert found.probabilities.shape == (len(rows), 3)
    assert found.probabilities.sum(axis=1) == pytest.approx(1)
    assert found.said is None
    assert (found.experiment, found.protocol, found.inputs, found.labels) == (
        "table1", "subject-10fold", "pixels", LABELS,
    )  # fmt: skip
    assert (found.probabilities.argmax(axis=1) == found.truth).mean() > 0.95


def test_folds_that_share_a_view_in_turn_come_out_in_the_order_of_the_folds(tmp_path):
    whole = made()
    single = by_person(whole, PEOPLE)
    learned = tuple(tuple(np.flatnonzero(np.arange(len(whole.label)) // 6 % 2 != k).tolist()) for k in (0, 1))
    loso = replace(single, learned=learned, uses=tuple(k % 2 for k in range(PEOPLE)))
    seen = [views.made(whole, rows, {views.PIXELS: whole.flat}) for rows in learned]
    found = classify.score(
        "softmax", whole, loso, lambda k: seen[k], views.PIXELS, SOFTMAX, FEW, Stages(tmp_path)
    )  # fmt: skip
    assert found.fold.tolist() == sorted(found.fold.tolist())
    assert found.item.tolist() == [whole.item[row] for fold in loso.folds for row in fold.test]
    assert len(list(tmp_path.iterdir())) == 2


def test_logistic_regressions_declare(tmp_path):
    found = scored(tmp_path, LOGISTIC)
    assert found.said.dtype == np.bool_
    assert found.said.shape == found.probabilities.shape == (len(found.truth), 3)
    truth = found.truth[:, None] == np.arange(3)
    assert (found.said == truth).mean() > 0.95
    assert 0 <= found.probabilities.min() <= found.probabilities.max() <= 1


@pytest.mark.parametrize("options", [SOFTMAX, LOGISTIC])
def test_the_tested_persons_truth_changes_no_answer_about_it(tmp_path, options):
    whole = made()
    test = list(by_person(whole).folds[0].test)
    lied = whole.label.copy()
    lied[test] = (lied[test] + 1) % 3
    (tmp_path / "lied").mkdir()
    one, two = scored(tmp_path, options), scored(tmp_path / "lied", options, whole=replace(whole, label=lied))
    first = one.fold == 0
    assert one.probabilities[first].tobytes() == two.probabilities[first].tobytes()
    assert (one.truth[first] != two.truth[first]).all()
    assert (one.probabilities[~first] != two.probabilities[~first]).any()


@pytest.mark.parametrize("options", [SOFTMAX, LOGISTIC])
def test_what_is_kept_is_what_was_computed(tmp_path, options):
    fresh = scored(tmp_path, options)
    assert len(list(tmp_path.iterdir())) == 3
    again = scored(tmp_path, options)
    assert again.probabilities.tobytes() == fresh.probabilities.tobytes()
    assert (again.said is None) == (fresh.said is None)
    (tmp_path / "later").mkdir()
    scored(tmp_path / "later", options, shuffled=True)  # other stages first
    later = scored(tmp_path / "later", options)
    assert later.probabilities.tobytes() == fresh.probabilities.tobytes()


def test_shuffled_labels_are_learned_and_the_truth_is_told(tmp_path):
    found = scored(tmp_path, shuffled=True)
    assert found.inputs == "shuffled-labels"
    assert (found.truth == scored(tmp_path).truth).all()
    right = [
        (s.probabilities.argmax(axis=1) == s.truth).mean()
        for s in (scored(tmp_path, shuffled=True, seed=seed) for seed in range(6))
    ]
    assert 0.15 < np.mean(right) < 0.55  # the same learner is right about nearly all with the true ones


def test_a_label_without_a_training_face_is_a_training_error(tmp_path):
    whole = made()
    lone = whole.label.copy()
    lone[:] = np.where(np.arange(len(lone)) % 6 < 3, 0, 1)
    lone[by_person(whole).folds[0].test[0]] = 2
    with pytest.raises(TrainingError, match="no training face for label number 3"):
        scored(tmp_path, whole=replace(whole, label=lone))

"""Who is scored by which model: nobody by one that has seen them."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("onnx")

from mien import modelfile, plugins
from mien.data import parts, splits
from mien.data.dataset import PARTS, Dataset, Item
from mien.errors import DataError, MissingExtraError
from mien.evaluate import predict
from mien.labels import LabelSet
from mien.learn import export, fit, recipe, training_set

RECIPE = """
name = "small"
seed = 4
[patches]
size = 8
[features]
name = "sparse_autoencoder"
units = 5
rho = 0.2
beta = 0.1
iterations = 10
[head]
name = "softmax"
C = [1.0]
"""
LABELS = ("anger", "happiness", "neutral")


def picture(k):
    face = np.random.default_rng(k).integers(60, 90, (20, 20)).astype(np.uint8)
    face[(slice(0, 8), slice(12, 20), slice(6, 14))[k % 3], 4:16] += 120
    return face


def dataset(first=0, n=36, **changes):
    items = tuple(
        Item(f"i{k:03}", f"s{k // 3:02}", f"q{k}", 0, LABELS[k % 3], None, lambda k=k: picture(k))
        for k in range(first, first + n)
    )
    return dataclasses.replace(Dataset("squares", items, LabelSet(LABELS), terms="free"), **changes)


def quiet(stage, done, of):
    pass


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    target = tmp_path_factory.mktemp("model") / "small.onnx"
    export.export(fit.train(recipe.parse(RECIPE, "test").with_seed(11), dataset()), dataset(), target)
    return modelfile.read(target)


def test_every_face_is_scored_once_by_a_model_that_never_saw_the_person(file, monkeypatch):
    seen = []
    train = fit.train

    def watched(plan, data, progress):
        seen.append((plan, {item.subject for item in data.items}))
        return train(plan, data, progress)

    monkeypatch.setattr(fit, "train", watched)
    folds = splits.protocol("subject-10fold").folds(dataset())
    found = predict.retrained(file, dataset(), folds, "subject-10fold", quiet)
    assert found.item.tolist() == [item.name for item in dataset().items]
    assert len(seen) == 10
    for number, (plan, people) in enumerate(seen):
        assert plan.seed == 11  # the model's, not the recipe text's
        assert plan.text == RECIPE
        held_out = set(found.subject[found.fold == number].tolist())
        assert held_out
        assert not held_out & people
        assert len(held_out | people) == 12
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1)
    assert (found.probabilities.argmax(axis=1) == found.truth).mean() > 0.8
    assert found.setting.retrained
    assert not found.setting.synthetic


def test_a_face_without_a_label_is_not_scored(file):
    items = tuple(dataclasses.replace(i, expression=None) if i.name == "i004" else i for i in dataset().items)
    data = dataset(items=items)
    folds = [splits.Fold(train=tuple(range(18, 36)), test=tuple(range(18)))]
    found = predict.retrained(file, data, folds, "halves", quiet)
    assert len(found.item) == 17
    assert "i004" not in found.item


def test_a_protocol_that_scores_twice_is_refused(file):
    fold = splits.Fold(train=tuple(range(18, 36)), test=tuple(range(18)))
    with pytest.raises(DataError, match="scores some faces twice"):
        predict.retrained(file, dataset(), [fold, fold], "twice", quiet)


def test_as_is_scores_other_faces_with_the_file_s_own_weights(file):
    other = dataset(first=100, synthetic=True)
    found = predict.as_is(file, other)
    assert len(found.item) == 36
    assert set(found.fold.tolist()) == {0}
    assert found.setting.protocol == "as-is"
    assert not found.setting.retrained
    assert found.setting.synthetic
    assert (found.probabilities.argmax(axis=1) == found.truth).mean() > 0.8


def test_as_is_refuses_the_data_it_was_trained_on(file):
    with pytest.raises(DataError, match=r"trained on these very faces .*leak"):
        predict.as_is(file, dataset())


def test_as_is_refuses_one_of_several_sets_it_was_trained_on(tmp_path):
    sources = [dataset(), dataset(first=100, name="others")]
    both = training_set.join(sources)
    export.export(fit.train(recipe.parse(RECIPE, "test"), both), both, tmp_path / "both.onnx", sources)
    with pytest.raises(DataError, match="trained on these very faces"):
        predict.as_is(modelfile.read(tmp_path / "both.onnx"), sources[1])


def divided(first=0):
    """12 faces to train on, 12 to choose by, 12 to test on."""
    items = tuple(
        dataclasses.replace(item, part=PARTS[k // 12]) for k, item in enumerate(dataset(first=first).items)
    )
    return dataset(items=items)


def test_a_model_may_be_scored_on_the_parts_it_was_not_trained_on(tmp_path):
    train = parts.for_training(divided())
    export.export(fit.train(recipe.parse(RECIPE, "test"), train), train, tmp_path / "part.onnx")
    file = modelfile.read(tmp_path / "part.onnx")
    for name in ("validation", "test"):
        plan = splits.protocol(name)
        found = predict.as_is(file, plan.select(divided()), plan.name)
        assert found.setting.protocol == name
        assert found.setting.data == f"squares-{name}"
        assert len(found.item) == 12
    for seen in (divided(), train, parts.of_part(divided(), "train")):
        with pytest.raises(DataError, match=r"trained on these very faces \(squares.*train\).*leak"):
            predict.as_is(file, seen)


def test_what_the_notes_of_a_model_name_is_refused_too(file):
    other = dataset(first=100)
    notes = {"trained_on": [{"data": "x"}, {"data": "squares", "fingerprint": other.fingerprint()}]}
    noted = dataclasses.replace(file, meta=dataclasses.replace(file.meta, notes=notes))
    with pytest.raises(DataError, match="trained on these very faces"):
        predict.as_is(noted, other)


def test_faces_beside_are_trained_on_in_every_fold_and_never_scored(file, monkeypatch):
    seen = []
    train = fit.train

    def watched(plan, data, progress):
        seen.append(data)
        return train(plan, data, progress)

    monkeypatch.setattr(fit, "train", watched)
    beside = dataset(first=100, name="web", terms="not free", synthetic=True)
    folds = [
        splits.Fold(tuple(range(18, 36)), tuple(range(18))),
        splits.Fold(tuple(range(18)), tuple(range(18, 36))),
    ]
    found = predict.retrained(file, dataset(), folds, "halves", quiet, [beside])
    assert found.item.tolist() == [item.name for item in dataset().items]
    for fold, data in zip(folds, seen, strict=True):
        names = {item.name for item in data.items}
        own = {f"squares/{dataset().items[i].name}" for i in fold.train}
        assert names == own | {f"web/{item.name}" for item in beside.items}
    assert (found.setting.beside, found.setting.data) == ("web", "squares")
    assert (found.setting.terms, found.setting.synthetic) == ("free; not free", True)


def test_the_data_cannot_lie_beside_itself(file):
    fold = splits.Fold(train=tuple(range(18, 36)), test=tuple(range(18)))
    with pytest.raises(DataError, match="different data sets"):
        predict.retrained(file, dataset(), [fold], "half", quiet, [dataset()])


def test_a_fold_trains_on_faces_without_a_label_of_people_it_does_not_score(file, monkeypatch):
    seen = []
    train = fit.train

    def watched(plan, data, progress):
        seen.append([item.name for item in data.items])
        return train(plan, data, progress)

    monkeypatch.setattr(fit, "train", watched)
    untold = {"i004": {}, "i019": {}, "i022": {"part": "test"}}  # of a person who is scored, of two who are not
    items = tuple(
        dataclasses.replace(i, expression=None, **untold[i.name]) if i.name in untold else i
        for i in dataset().items
    )
    labelled = [k for k, item in enumerate(items) if item.expression]
    fold = splits.Fold(tuple(k for k in labelled if k >= 18), tuple(k for k in labelled if k < 18))
    found = predict.retrained(file, dataset(items=items), [fold], "half", quiet)
    assert seen == [[f"i{k:03}" for k in range(18, 36) if k != 22]]
    assert not set(untold) & set(found.item.tolist())


def test_a_recipe_that_begins_with_a_model_of_the_scored_faces_is_refused(file, monkeypatch):
    parse = recipe.parse

    class Begun:
        """The recipe, begun with the fixture's model."""

        def __init__(self, text, where):
            self._inner, self.start = parse(text, where), str(file.path)

        def __getattr__(self, name):
            return getattr(self._inner, name)

        def with_seed(self, seed):
            return self

    monkeypatch.setattr(recipe, "parse", Begun)
    with pytest.raises(DataError, match=r"small\.onnx: was trained on these very faces"):
        predict.retrained(file, dataset(), [], "subject-10fold", quiet)


def test_as_is_refuses_a_label_that_the_model_does_not_know(file):
    items = tuple(dataclasses.replace(i, expression="fear") for i in dataset(first=100).items)
    with pytest.raises(DataError, match="has no label fear"):
        predict.as_is(file, dataset(items=items, labels=LabelSet(("fear", "neutral"))))


def test_as_is_needs_a_labelled_face(file):
    items = tuple(dataclasses.replace(i, expression=None) for i in dataset(first=100).items)
    with pytest.raises(DataError, match="no labelled face"):
        predict.as_is(file, dataset(items=items))


def test_training_anew_without_the_extra_says_what_to_install(file, monkeypatch):
    def missing(module):
        raise MissingExtraError("this needs torch, which is not installed: pip install 'mien[train]'")

    monkeypatch.setattr(plugins, "load", missing)
    with pytest.raises(MissingExtraError, match=r"mien\[train\]"):
        predict.retrained(file, dataset(), [], "subject-10fold", quiet)

"""Who is scored by which model: nobody by one that has seen them."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("onnx")

from mien import modelfile, plugins
from mien.data import splits
from mien.data.dataset import Dataset, Item
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

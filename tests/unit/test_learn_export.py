import dataclasses

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("onnx")

import onnx
import torch

from mien import modelfile
from mien.data.dataset import Dataset, Item
from mien.errors import OutputError, TrainingError
from mien.labels import LabelSet
from mien.learn import export, fit, recipe, training_set
from mien.models.onnx import OnnxModel

RECIPE = """
name = "small"
seed = 4
[patches]
size = 8
[augmentation]
mirror = true
copies = 1
[features]
name = "sparse_autoencoder"
units = 6
rho = 0.2
beta = 0.1
iterations = 20
[head]
name = "softmax"
C = [0.1, 1.0]
inner_folds = 3
"""
LABELS = ("anger", "happiness", "neutral")


def picture(k):
    """A grey square with a bright corner that tells the label, and noise that tells nothing."""
    face = np.random.default_rng(k).integers(60, 90, (20, 20)).astype(np.uint8)
    face[(slice(0, 8), slice(12, 20), slice(6, 14))[k % 3], 4:16] += 120
    return face


def dataset(n=36, **changes):
    items = tuple(
        Item(f"i{k:03}", f"s{k // 3 % 6}", f"q{k}", 0, LABELS[k % 3], None, lambda k=k: picture(k))
        for k in range(n)
    )
    made = Dataset("squares", items, LabelSet(LABELS), synthetic=True, terms="free")
    return dataclasses.replace(made, **changes)


@pytest.fixture(scope="module")
def trained():
    return fit.train(recipe.parse(RECIPE, "test"), dataset())


def patches():
    return training_set.cut(dataset().items, recipe.parse(RECIPE, "test").patches)


def test_it_learned(trained):
    truth = np.arange(36) % 3
    assert (trained.predict(patches()).argmax(axis=1) == truth).mean() > 0.9
    assert (trained.items, trained.subjects) == (36, 6)


def test_the_file_says_where_it_comes_from(trained, tmp_path):
    target = tmp_path / "small.onnx"
    difference = export.export(trained, dataset(), target)
    assert difference <= export.TOLERANCE
    meta = modelfile.read(target).meta
    assert meta.labels.expressions == LABELS
    assert meta.preprocessing == {
        "size": 8,
        "margin": 1.0,
        "interpolation": "area-bilinear",
        "scaling": "min-max",
        "alignment": "box",
    }
    made = meta.provenance
    assert recipe.parse(made.recipe, "file").with_seed(made.seed) == trained.recipe
    assert made.fingerprint == dataset().fingerprint()
    assert (made.data, made.items, made.subjects, made.seed) == ("squares", 36, 6, 4)
    assert made.synthetic
    assert made.terms == "free"
    assert meta.notes["figures"]["features"] == trained.features.figures()


def test_onnx_runtime_gives_what_torch_gives(trained, tmp_path):
    target = tmp_path / "small.onnx"
    export.export(trained, dataset(), target)
    model = OnnxModel(modelfile.read(target))
    np.testing.assert_allclose(model.run(patches()).expressions, trained.predict(patches()), atol=1e-5)
    one = model.run(patches()[:1]).expressions  # any n
    np.testing.assert_allclose(one, trained.predict(patches())[:1], atol=1e-5)


def test_the_graph_s_interface_and_its_features(trained):
    content = export.graph(trained)
    model = onnx.load_from_string(content)
    onnx.checker.check_model(model, full_check=True)
    assert [i.name for i in model.graph.input] == ["patches"]
    assert [o.name for o in model.graph.output] == ["probabilities", "features"]
    shape = model.graph.input[0].type.tensor_type.shape.dim
    assert [d.dim_param or d.dim_value for d in shape] == ["n", 8, 8]
    from onnx.reference import ReferenceEvaluator

    probabilities, features = ReferenceEvaluator(model).run(None, {"patches": patches()})
    np.testing.assert_allclose(probabilities, trained.predict(patches()), atol=1e-5)
    np.testing.assert_allclose(features, trained.features.encode(patches().reshape(36, -1)), atol=1e-5)


def test_training_again_gives_the_same_bytes_and_another_seed_does_not(trained, tmp_path):
    plan = recipe.parse(RECIPE, "test")
    for name, again in (("a", plan), ("b", plan), ("c", plan.with_seed(5))):
        export.export(fit.train(again, dataset()), dataset(), tmp_path / f"{name}.onnx")
    a, b, c = ((tmp_path / f"{name}.onnx").read_bytes() for name in "abc")
    assert a == b
    assert a != c


class Wavering:
    """A classifier whose weights are other ones every time they are asked for: a broken exporter."""

    def __init__(self, inner):
        self.inner, self.calls = inner, 0

    def figures(self):
        return {}

    def layers(self):
        self.calls += 1
        linear, last = self.inner.layers()
        with torch.no_grad():
            linear.weight.add_(1e-3 * self.calls)
            linear.bias[0] += 1e-3 * self.calls
        return linear, last


def test_a_file_that_does_not_compute_the_same_is_not_written(trained, tmp_path):
    target = tmp_path / "small.onnx"
    broken = dataclasses.replace(trained, classifier=Wavering(trained.classifier))
    with pytest.raises(TrainingError, match=r"not written: ONNX Runtime differs from torch by"):
        export.export(broken, dataset(), target)
    assert list(tmp_path.iterdir()) == []


class Foreign:
    def figures(self):
        return {}

    def layers(self):
        return (torch.nn.Dropout(),)


def test_a_layer_without_a_counterpart_is_named(trained, tmp_path):
    with pytest.raises(TrainingError, match="Dropout"):
        export.export(dataclasses.replace(trained, classifier=Foreign()), dataset(), tmp_path / "small.onnx")


def test_no_folder_to_write_to(trained, tmp_path):
    with pytest.raises(OutputError, match="does not exist"):
        export.export(trained, dataset(), tmp_path / "none" / "small.onnx")


def test_a_label_that_no_face_shows_is_named():
    with pytest.raises(TrainingError, match="squares: no training face shows fear"):
        fit.train(recipe.parse(RECIPE, "test"), dataset(labels=LabelSet((*LABELS, "fear"))))


def test_faces_without_a_label_are_left_aside(trained):
    items = dataset().items
    unlabelled = dataclasses.replace(items[0], name="z", subject="other", expression=None)
    again = fit.train(recipe.parse(RECIPE, "test"), dataset(items=(*items, unlabelled)))
    assert again.items == 36
    assert again.predict(patches()).tobytes() == trained.predict(patches()).tobytes()

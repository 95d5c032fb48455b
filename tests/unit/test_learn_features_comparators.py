"""What learned features are compared with: principal components and the pixels themselves."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

from mien import recipe
from mien.data.dataset import Dataset, Item
from mien.errors import TrainingError
from mien.labels import LabelSet
from mien.learn import export, fit
from mien.learn import recipe as train_recipe
from mien.learn.features import pca, pixels


def faces(n=60, seed=0):
    random = np.random.default_rng(seed)
    return random.uniform(0, 1, (n, 16)).astype(np.float32)


def test_components_are_those_of_scikit_learn():
    decomposition = pytest.importorskip("sklearn.decomposition")
    for whiten in (False, True):
        found = pca.build(pca.Options(units=5, whiten=whiten)).fit(faces(), 0)
        reference = decomposition.PCA(5, whiten=whiten, svd_solver="full").fit(faces().astype(float))
        wanted = reference.transform(faces(9, seed=1).astype(float))
        if whiten:  # scikit-learn divides by n - 1, we by n
            wanted *= np.sqrt(60 / 59)
        ours = found.encode(faces(9, seed=1))
        signs = np.sign((ours * wanted).sum(axis=0))
        np.testing.assert_allclose(ours, wanted * signs, atol=1e-4)
        assert found.figures()["explained_variance"] == pytest.approx(reference.explained_variance_ratio_.sum())


def test_features_are_centred_and_ordered_and_of_unit_variance_where_asked():
    found = pca.build(pca.Options(units=5)).fit(faces(), 0).encode(faces())
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-6)
    assert (np.diff(found.var(axis=0)) < 0).all()
    whitened = pca.build(pca.Options(units=5, whiten=True)).fit(faces(), 0).encode(faces())
    np.testing.assert_allclose(np.cov(whitened.T, bias=True), np.eye(5), atol=1e-5)


def test_the_largest_weight_of_a_component_is_positive():
    W = pca.build(pca.Options(units=16)).fit(faces(), 0).W
    assert (W[np.arange(16), np.abs(W).argmax(axis=1)] > 0).all()


def test_more_components_than_the_faces_vary_in_are_refused():
    with pytest.raises(TrainingError, match=r"vary in 9 directions, fewer than units = 12"):
        pca.build(pca.Options(units=12)).fit(faces(10), 0)


def test_pixels_are_pixels():
    features = pixels.build(pixels.Options()).fit(faces(), 0)
    assert features.units == 16
    np.testing.assert_array_equal(features.encode(faces()), faces())


@pytest.mark.parametrize("name", ["pixels", "pca"])
def test_a_model_of_them_is_written_and_gives_what_torch_gives(name, tmp_path):
    labels = LabelSet(("anger", "happiness"))

    def picture(k):
        face = np.random.default_rng(k).integers(60, 90, (12, 12)).astype(np.uint8)
        face[4 * (k % 2) : 4 * (k % 2) + 4] += 120
        return face

    items = tuple(
        Item(f"i{k:02}", f"s{k // 2 % 6}", f"q{k}", 0, labels.expressions[k % 2], None, lambda k=k: picture(k))
        for k in range(24)
    )
    units = "units = 5" if name == "pca" else ""
    text = f'name = "small"\nseed = 4\npatches = {{size = 8}}\n[features]\nname = "{name}"\n{units}\n'
    text += '[head]\nname = "softmax"\nC = [1.0]\n'
    data = Dataset("stripes", items, labels, synthetic=True, terms="free")
    trained = fit.train(train_recipe.parse(text, "test"), data)
    assert export.export(trained, data, tmp_path / "small.onnx") <= export.TOLERANCE


def test_an_option_for_pixels_is_refused():
    with pytest.raises(recipe.RecipeError, match="unknown key 'units'"):
        recipe.part("learn.features", {"name": "pixels", "units": 3}, "", "test")

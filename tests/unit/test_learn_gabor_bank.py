import dataclasses

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("skimage")
pytest.importorskip("onnx")

import onnx
from onnx.reference import ReferenceEvaluator

from mien.data.dataset import Dataset, Item
from mien.errors import TrainingError
from mien.labels import LabelSet
from mien.learn import export, fit, recipe, training_set
from mien.learn.features import gabor

SIDE = 32
OPTIONS = gabor.Options(wavelengths=(4.0, 8.0), orientations=8, stride=4)


def grating(angle, wavelength, phase=0.0, side=SIDE):
    """A wave that goes along ``angle``, from x towards y, as one flattened patch (1, pixels) in [0, 1]."""
    y, x = np.mgrid[:side, :side]
    wave = np.cos(2 * np.pi / wavelength * (x * np.cos(angle) + y * np.sin(angle)) + phase)
    return (0.5 + 0.4 * wave).reshape(1, -1).astype(np.float32)


def laid(options=OPTIONS, side=SIDE):
    return gabor.build(options).fit(np.zeros((2, side * side), np.float32), 0)


def middle(features, x):
    """Magnitudes (filters,) at a place far from the edges."""
    k = features.places
    return features.encode(x).reshape(-1, k, k)[:, k // 2, k // 2]


@pytest.mark.parametrize("turn", range(8))
@pytest.mark.parametrize("scale", [0, 1])
def test_a_grating_is_answered_most_by_the_filter_of_its_angle_and_wavelength(turn, scale):
    answers = middle(laid(), grating(np.pi * turn / 8, OPTIONS.wavelengths[scale]))
    assert answers.argmax() == 8 * scale + turn
    assert answers[8 * scale + (turn + 4) % 8] < 0.1 * answers.max()  # next to nothing across


def test_magnitudes_do_not_depend_on_the_phase():
    features = laid()
    answers = [middle(features, grating(0.3, 8.0, phase))[8:] for phase in np.linspace(0, 2 * np.pi, 7)]
    assert np.ptp(answers, axis=0).max() < 0.02 * np.max(answers)


def test_plain_brightness_is_answered_by_nothing_even_at_the_edges():
    features = laid()
    assert features.encode(np.full((1, SIDE**2), 0.8, np.float32)).max() < 1e-5


def test_magnitudes_follow_the_contrast():
    features = laid()
    half = 0.5 + (grating(0, 8.0) - 0.5) / 2
    np.testing.assert_allclose(middle(features, half), middle(features, grating(0, 8.0)) / 2, rtol=1e-3, atol=1e-4)


def test_units_are_ordered_by_filter_row_and_column():
    features = laid()
    x = np.full((SIDE, SIDE), 0.5, np.float32)
    x[4:6, 24:28] = 1  # above, on the right
    where = features.encode(x.reshape(1, -1)).reshape(16, features.places, features.places).mean(axis=0)
    row, column = np.unravel_index(where.argmax(), where.shape)
    assert row <= 1
    assert column >= features.places - 3


@pytest.mark.parametrize(("side", "stride"), [(6, 1), (7, 3), (24, 4), (25, 6), (48, 5)])
def test_every_size_and_stride_spreads_its_places_evenly(side, stride):
    """A face upside down and mirrored has the same magnitudes at the opposite places."""
    options = dataclasses.replace(OPTIONS, wavelengths=(3.0, 6.0), stride=stride)
    features = laid(options, side)
    assert features.places == -(-side // stride)
    x = np.random.default_rng(0).random((3, side, side), np.float32)
    found = [
        features.encode(np.ascontiguousarray(a).reshape(3, -1)).reshape(3, 16, features.places, features.places)
        for a in (x, x[:, ::-1, ::-1])
    ]
    left = (side - 1 - (features.places - 1) * stride) / 2
    if left == int(left):  # else the middle of the places lies half a pixel from the patch's
        np.testing.assert_allclose(found[1][:, :, ::-1, ::-1], found[0], atol=1e-5)
    assert features.units == 16 * features.places**2


def test_the_kernels_are_scikit_image_s_but_for_mean_and_length():
    from skimage.filters import gabor_kernel

    own = gabor.bank(dataclasses.replace(OPTIONS, wavelengths=(4.0,)), SIDE)
    assert own.dtype == np.complex64
    np.testing.assert_allclose(own.sum(axis=(1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose((np.abs(own) ** 2).sum(axis=(1, 2)), 1, atol=1e-6)
    theirs = gabor_kernel(1 / 4, theta=np.pi / 8, n_stds=gabor.HILL)
    reach, across, down = own.shape[1] // 2, theirs.shape[1] // 2, theirs.shape[0] // 2
    cut = own[1, reach - down : reach + down + 1, reach - across : reach + across + 1]
    likeness = abs((cut.conj() * theirs).sum()) / np.linalg.norm(cut) / np.linalg.norm(theirs)
    assert likeness > 0.99


def test_a_magnitude_is_the_length_of_two_convolutions():
    features = laid()
    x = np.random.default_rng(1).random((1, SIDE, SIDE), np.float32)
    k = features.kernels[9]
    reach, place = len(k) // 2, 3
    row = column = (SIDE - 1 - (features.places - 1) * 4) // 2 + 4 * place
    padded = np.pad(x[0], reach, mode="edge")
    patch = padded[row : row + len(k), column : column + len(k)]
    wanted = abs((patch * k).sum())
    found = features.encode(x.reshape(1, -1)).reshape(16, features.places, features.places)[9, place, place]
    assert found == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize(
    ("pixels", "options", "cause"),
    [
        (35, OPTIONS, "square patches of 6x6 pixels or more, not of 35"),
        (25, OPTIONS, "square patches of 6x6 pixels or more, not of 25"),
        (36, OPTIONS, "waves of 8 pixels at every 4 pixels do not fit patches of 6x6"),
        (36, dataclasses.replace(OPTIONS, wavelengths=(3.0,), stride=7), "at every 7 pixels do not fit"),
    ],
)
def test_patches_that_do_not_fit(pixels, options, cause):
    with pytest.raises(TrainingError, match=cause):
        gabor.build(options).fit(np.zeros((3, pixels), np.float32), 0)


@pytest.mark.parametrize(
    "wrong",
    [
        {"wavelengths": ()},
        {"wavelengths": (1.5,)},
        {"wavelengths": (4.0, 4.0)},
        {"wavelengths": (float("nan"),)},
        {"orientations": 0},
        {"stride": 0},
        {"bandwidth": 9.0},
    ],
)
def test_impossible_options(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        gabor.Options(**wrong)


RECIPE = """
name = "small"
seed = 4
[patches]
size = 12
[augmentation]
mirror = true
[features]
name = "gabor"
wavelengths = [4.0, 6.0]
orientations = 4
[head]
name = "boosted_svm"
rounds = 6
inner_folds = 3
"""
LABELS = ("across", "down", "none")


def picture(k):
    """Stripes whose direction tells the label, at a phase that tells nothing, and noise."""
    random = np.random.default_rng(k)
    angle = (0, np.pi / 2)[k % 2]
    wave = grating(angle, 7.0, random.uniform(0, 6), 24).reshape(24, 24) * (k % 3 < 2)
    return np.clip(100 * wave + random.uniform(0, 40, (24, 24)) + 60, 0, 255).astype(np.uint8)


def dataset():
    def label(k):
        return LABELS[2] if k % 3 == 2 else LABELS[k % 2]

    items = tuple(
        Item(f"i{k:03}", f"s{k // 6}", f"q{k}", 0, label(k), None, lambda k=k: picture(k)) for k in range(72)
    )
    return Dataset("stripes", items, LabelSet(LABELS), synthetic=True, terms="free")


@pytest.fixture(scope="module")
def trained():
    return fit.train(recipe.parse(RECIPE, "test"), dataset())


def test_recipe_to_file(trained, tmp_path):
    assert export.export(trained, dataset(), tmp_path / "small.onnx") <= export.TOLERANCE
    patches = training_set.cut(dataset().items, trained.recipe.patches)
    truth = [LABELS.index(item.expression) for item in dataset().items]
    assert (trained.predict(patches).argmax(axis=1) == truth).mean() > 0.9
    model = onnx.load_from_string(export.graph(trained))
    probabilities, features = ReferenceEvaluator(model).run(None, {"patches": patches})
    np.testing.assert_allclose(probabilities, trained.predict(patches), atol=1e-5)
    np.testing.assert_allclose(features, trained.features.encode(patches.reshape(72, -1)), atol=1e-5)
    assert (tmp_path / "small.onnx").stat().st_size < 40_000  # kernels, not a matrix of them at every place

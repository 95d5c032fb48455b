"""Every feature learner and every head keeps the promises of ``learn.interfaces``, found by itself."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from mien import plugins  # noqa: E402
from mien.errors import TrainingError  # noqa: E402

FEATURES = plugins.names("learn.features")
HEADS = plugins.names("learn.heads")
# what makes a fit quick, or possible on faces of 6x6, where a part has it
QUICK = {"units": 7, "layers": (9, 7), "iterations": 15, "steps": 2000, "epochs": 5, "wavelengths": (3.0, 5.0)} | {
    "maps": (4, 5),
    "pooling": (2, 1),
    "averaging": (1, 1),
}
NOT_RANDOM = {"gabor", "pca", "pixels"}


def quick(part):
    names = {f.name for f in dataclasses.fields(part.Options)}
    return part.Options(**{k: v for k, v in QUICK.items() if k in names and "features" in part.__name__})


def faces(n=40, pixels=36, seed=0):
    random = np.random.default_rng(seed)
    shapes = random.uniform(0, 1, (4, pixels))
    x = shapes[np.arange(n) % 4] + random.normal(0, 0.1, (n, pixels))
    return np.clip(x, 0, 1).astype(np.float32)


def labels(n=40):
    return np.arange(n) % 4, np.array([f"s{k % 10}" for k in np.arange(n) // 2])


def run(layers, x):
    with torch.inference_mode():
        return torch.nn.Sequential(*layers).eval()(torch.from_numpy(x)).numpy()


def test_there_are_parts():
    assert "sparse_autoencoder" in FEATURES
    assert {"logistic", "softmax"} <= set(HEADS)


@pytest.mark.parametrize("room", ["learn.features", "learn.heads"])
def test_options_are_frozen_and_documented(room):
    for name in plugins.names(room):
        part = plugins.part(room, name)
        assert part.__doc__
        assert dataclasses.is_dataclass(part.Options)
        assert part.Options.__dataclass_params__.frozen
        for field in dataclasses.fields(part.Options):
            assert field.name in part.Options.__doc__


@pytest.mark.parametrize("name", FEATURES)
class TestFeatures:
    def fitted(self, name, seed=3, progress=None):
        part = plugins.part("learn.features", name)
        extra = () if progress is None else (progress,)
        return part.build(quick(part)).fit(faces(), seed, *extra)

    def test_encode(self, name):
        features = self.fitted(name)
        encoded = features.encode(faces(9, seed=1))
        assert encoded.shape == (9, features.units)
        assert encoded.dtype == np.float32
        assert np.isfinite(encoded).all()
        assert encoded.std(axis=0).max() > 0  # says something about the face

    def test_one_face_alone_gives_what_it_gives_among_others(self, name):
        features, x = self.fitted(name), faces(9, seed=1)
        np.testing.assert_allclose(features.encode(x[4:5])[0], features.encode(x)[4], atol=1e-6)

    def test_layers_compute_the_same(self, name):
        features, x = self.fitted(name), faces(9, seed=1)
        np.testing.assert_allclose(run(features.layers(), x), features.encode(x), atol=1e-6)

    def test_same_seed_same_bits_another_seed_other_bits(self, name):
        x = faces(9, seed=1)
        once, again, other = (self.fitted(name, seed).encode(x).tobytes() for seed in (3, 3, 4))
        assert once == again
        assert (once == other) == (name in NOT_RANDOM)

    def test_bits_do_not_depend_on_threads_and_the_number_is_restored(self, name):
        before = torch.get_num_threads()
        x, found = faces(9, seed=1), []
        try:
            for threads in (1, 3):
                torch.set_num_threads(threads)
                found.append(self.fitted(name).encode(x).tobytes())
                assert torch.get_num_threads() == threads
        finally:
            torch.set_num_threads(before)
        assert found[0] == found[1]

    def test_global_random_numbers_are_left_alone(self, name):
        torch.manual_seed(0)
        np.random.seed(0)
        wanted = torch.rand(1).item(), np.random.rand()
        torch.manual_seed(0)
        np.random.seed(0)
        self.fitted(name)
        assert (torch.rand(1).item(), np.random.rand()) == wanted

    def test_progress_ends_at_its_end(self, name):
        calls = []
        self.fitted(name, progress=lambda *call: calls.append(call))
        assert calls
        assert calls[-1][1] == calls[-1][2]
        assert all(0 <= done <= of for _, done, of in calls)

    def test_figures_are_plain_numbers(self, name):
        figures = self.fitted(name).figures()
        assert figures
        assert all(type(value) is float and np.isfinite(value) for value in figures.values())

    @pytest.mark.parametrize("x", [np.zeros((0, 36), np.float32), np.zeros((5, 6, 6), np.float32)])
    def test_too_little_or_misshapen_data_is_refused(self, name, x):
        part = plugins.part("learn.features", name)
        with pytest.raises(TrainingError, match=name):
            part.build(quick(part)).fit(x, 0)


@pytest.mark.parametrize("name", HEADS)
class TestHeads:
    def fitted(self, name, seed=3, progress=None):
        part = plugins.part("learn.heads", name)
        extra = () if progress is None else (progress,)
        return part.build(quick(part)).fit(faces(), *labels(), 4, seed, *extra)

    def test_probabilities(self, name):
        p = self.fitted(name).probabilities(faces(9, seed=1))
        assert p.shape == (9, 4)
        assert p.dtype == np.float64
        assert (p >= 0).all()
        np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)

    def test_learns_what_is_plain_to_see(self, name):
        p = self.fitted(name).probabilities(faces())
        assert (p.argmax(axis=1) == labels()[0]).mean() > 0.95

    def test_layers_compute_the_same(self, name):
        head, x = self.fitted(name), faces(9, seed=1)
        np.testing.assert_allclose(run(head.layers(), x), head.probabilities(x), atol=1e-5)

    def test_same_seed_same_bits(self, name):
        x = faces(9, seed=1)
        assert self.fitted(name).probabilities(x).tobytes() == self.fitted(name).probabilities(x).tobytes()

    def test_many_of_one_label_do_not_swallow_the_others(self, name):
        random = np.random.default_rng(0)
        y = np.array([0] * 300 + [1] * 12 + [2] * 12)
        x = (np.eye(3, 6)[y] * 0.8 + random.normal(0, 0.5, (324, 6))).astype(np.float32)
        people = np.array([f"s{i % 12}" for i in range(324)])
        part = plugins.part("learn.heads", name)
        answer = part.build(quick(part)).fit(x, y, people, 3, 0).probabilities(x).argmax(axis=1)
        assert min((answer[y == k] == k).mean() for k in range(3)) > 0.5

    def test_a_label_without_a_face_is_refused(self, name):
        part = plugins.part("learn.heads", name)
        with pytest.raises(TrainingError, match="label"):
            part.build(quick(part)).fit(faces(), *labels(), 5, 0)

    def test_progress_ends_at_its_end(self, name):
        calls = []
        self.fitted(name, progress=lambda *call: calls.append(call))
        assert calls[-1][1] == calls[-1][2]

    def test_figures_are_plain_numbers(self, name):
        assert all(type(value) is float and np.isfinite(value) for value in self.fitted(name).figures().values())

    def test_choices_can_be_made_once_and_used_again(self, name):
        part = plugins.part("learn.heads", name)
        head, x = part.build(quick(part)), faces(9, seed=1)
        choices = head.choose(faces(), *labels(), 4, 3)
        again = head.fit_with(choices, faces(), labels()[0], 4)
        assert again.probabilities(x).tobytes() == self.fitted(name).probabilities(x).tobytes()
        hash(choices)  # plain values: they can name what was kept under them
        others = head.fit_with(choices, faces(seed=2)[:30], labels(30)[0], 4)
        assert others.probabilities(x).shape == (9, 4)
        with pytest.raises(TrainingError, match="label"):
            head.fit_with(choices, faces(), labels()[0], 5)

    def test_a_detector_s_answers_belong_together(self, name):
        fitted, x = self.fitted(name), faces(9, seed=1)
        if not hasattr(fitted, "detect"):
            pytest.skip(f"{name} gives one answer out of all labels")
        p = fitted.present(x)
        assert p.shape == (9, 4)
        assert p.dtype == np.float64
        assert ((p >= 0) & (p <= 1)).all()
        assert fitted.thresholds.shape == (4,)
        assert ((fitted.thresholds > 0) & (fitted.thresholds < 1)).all()
        np.testing.assert_array_equal(fitted.detect(x), p >= fitted.thresholds)
        np.testing.assert_array_equal(p.argmax(axis=1), fitted.probabilities(x).argmax(axis=1))

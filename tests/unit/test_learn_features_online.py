"""The online autoencoder: what it learns, when it is stopped, and how it goes on after a stop."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("numba")

from mien import recipe
from mien.errors import OutputError, RecipeError, TrainingError
from mien.learn.features import _divergence
from mien.learn.features import online_autoencoder as part
from mien.learn.features._divergence import CHUNK, cause

QUICK = {"units": 8, "rho": 0.2, "beta": 0.5, "weight_decay": 1e-5, "steps": 60_000}


def faces(n=60, seed=0):
    """Patches of 6x6 with a common mean and three ways to vary, as faces have."""
    random = np.random.default_rng(seed)
    mean, ways = random.uniform(0.3, 0.7, 36), random.normal(0, 0.2, (3, 36))
    return np.clip(mean + random.normal(size=(n, 3)) @ ways, 0, 1).astype(np.float32)


def whitened(n=5000, seed=0):
    """64-pixel patches as whitened pictures give them: mean 0, heavy tails, cut at three deviations, in [-1, 1]."""
    x = np.random.default_rng(seed).laplace(size=(n, 64))
    return np.clip(x / (3 * x.std()), -1, 1).astype(np.float32)


def same(one, other):
    return all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name)) for field in dataclasses.fields(one)
    )


@pytest.mark.parametrize(("activation", "rho", "alpha"), [("logistic", 0.2, 0.2), ("tanh", -0.6, 0.02)])
def test_rebuilds_unseen_faces_better_than_their_mean_does(activation, rho, alpha):
    x = faces(200)
    options = part.Options(**QUICK | {"activation": activation, "rho": rho, "alpha": alpha})
    features = part.build(options).fit(x[:150], 0)
    unseen = x[150:]
    error = ((features.reconstruct(unseen) - unseen) ** 2).sum(axis=1).mean()
    assert error < 0.3 * ((x[:150].mean(axis=0) - unseen) ** 2).sum(axis=1).mean()


def test_error_of_the_curve_is_that_of_the_units_own_range():
    x = faces()
    features = part.build(part.Options(**QUICK)).fit(x, 0)
    error = ((features.reconstruct(x) - x) ** 2).sum(axis=1).mean()
    assert features.figures()["error"] == pytest.approx(error, rel=0.2)
    assert features.run.curve.shape == (3, 3)
    assert features.run.curve[2, 0] < features.run.curve[0, 0]
    assert features.run.by_mean == pytest.approx(x.var(axis=0, dtype=float).sum(), rel=1e-6)


def test_running_mean_comes_to_what_was_wanted():
    features = part.build(part.Options(**QUICK | {"beta": 5.0})).fit(faces(), 0)
    np.testing.assert_allclose(features.run.rho_hat, 0.2, atol=0.06)
    assert features.encode(faces()).mean() == pytest.approx(0.2, abs=0.05)


def test_start():
    x = faces()
    made = {
        start: part._begin(x, part.Options(units=9, start=start), 0, 1.0) for start in ("symmetric", "positive")
    }
    for start, run in made.items():
        low = -1 if start == "symmetric" else 0
        for W, inputs in ((run.W1, 36), (run.W2, 9)):
            assert low / inputs**0.5 <= W.min() < 0.1 + low / inputs**0.5
            assert 0.9 / inputs**0.5 < W.max() <= 1 / inputs**0.5
        assert not run.b1.any()
        assert not run.b2.any()
        assert not run.rho_hat.any()


def test_a_stopped_run_goes_on_to_the_same_bits(tmp_path):
    x, options = faces(), part.Options(**QUICK | {"steps": 250_000, "units": 4})
    whole = part.train(x, options, 3)
    file = tmp_path / "run.npz"

    class Stop(Exception):
        pass

    def stopping(stage, done, of):
        if done == 220_000:
            raise Stop

    with pytest.raises(Stop):
        part.train(x, options, 3, stopping, file)
    seen = []
    resumed = part.train(x, options, 3, lambda *call: seen.append(call), file)
    assert seen[0] == ("features", 220_000, 250_000)  # saved at 200,000
    assert same(whole, resumed)
    again = []
    assert same(whole, part.train(x, options, 3, lambda *call: again.append(call), file))
    assert again == []
    assert [p.name for p in tmp_path.iterdir()] == ["run.npz"]


def test_the_file_of_another_run_is_refused(tmp_path):
    x, options, file = faces(), part.Options(**QUICK | {"steps": 100}), tmp_path / "run.npz"
    part.train(x, options, 3, checkpoint=file)
    before = file.read_bytes()
    others = [
        (x, options, 4),
        (x, dataclasses.replace(options, alpha=0.1), 3),
        (x[:-1], options, 3),
    ]
    for other in others:
        with pytest.raises(TrainingError, match=r"run\.npz: is not from a run with these .* delete it"):
            part.train(*other, checkpoint=file)
    assert file.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut off", b"words", b"\x93NUMPY\x01\x00"])
def test_a_damaged_file_is_refused(tmp_path, content):
    file = tmp_path / "run.npz"
    file.write_bytes(content)
    with pytest.raises(TrainingError, match=r"run\.npz: (cannot be read|is not from).*delete it"):
        part.train(faces(), part.Options(**QUICK), 3, checkpoint=file)


def test_another_numpy_file_is_refused(tmp_path):
    file = tmp_path / "run.npz"
    with file.open("wb") as out:
        np.save(out, np.zeros(3))
    with pytest.raises(TrainingError, match=r"run\.npz: .*delete it"):
        part.train(faces(), part.Options(**QUICK), 3, checkpoint=file)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OutputError, match="does not exist"):
        part.train(faces(), part.Options(**QUICK | {"steps": 10}), 3, checkpoint=tmp_path / "no" / "run.npz")


@pytest.mark.parametrize("start", ["symmetric", "positive"])
def test_the_report_s_alpha_with_tanh_units_is_stopped(start, tmp_path):
    options = part.Options(units=30, activation="tanh", alpha=0.2, rho=-0.996, steps=4_000_000, start=start)
    with pytest.raises(TrainingError) as caught:
        part.train(whitened(), options, 0, checkpoint=tmp_path / "run.npz")
    message = str(caught.value)
    assert "stopped at step 80000 of 4000000, tanh units, alpha 0.2: the reconstruction error is" in message
    assert "a constant, the mean example, has" in message
    assert not (tmp_path / "run.npz").exists()  # nothing that looks like a good run


@pytest.mark.parametrize(
    ("x", "options"),
    [
        (whitened(), {"activation": "tanh", "alpha": 0.007, "rho": -0.996}),
        ((whitened() + 1) / 2, {"activation": "logistic", "alpha": 0.2, "rho": 0.02}),
        (faces(), {"activation": "logistic", "alpha": 0.2, "rho": 0.02}),
    ],
)
def test_good_runs_are_not_stopped(x, options):
    run = part.train(x, part.Options(units=10, steps=400_000, **options), 0)
    assert run.position == 400_000


def curve(errors, lowest=0.02, highest=0.03):
    errors = np.asarray(errors, float)
    return np.stack([errors, np.full_like(errors, lowest), np.full_like(errors, highest)], axis=1)


LOGISTIC = {"rho": 0.02, "low": 0.0, "high": 1.0}
LONG = _divergence.SUSTAINED


def test_what_is_not_finite_is_stopped_at_once():
    assert "finite" in cause(curve([np.nan]), 1.0, **LOGISTIC)
    assert "finite" in cause(curve([1.0], lowest=np.inf), 1.0, **LOGISTIC)


@pytest.mark.parametrize(
    ("errors", "stopped"),
    [
        ([9.0] * 3, False),  # the first is not judged
        ([9.0] * 4, True),
        ([9.0, 9.0, 1.9, 9.0], False),
        ([9.0, 9.0, 7.0, 5.0], False),  # gets better
        ([1.2] * LONG, False),
        ([1.2] * (LONG + 1), True),
        ([1.04] * 200, False),
        (np.linspace(1.5, 1.2, LONG + 1), False),  # gets better
        ([1.13] * 30 + [0.98] * 170, False),  # tanh units with the exercise's constants
    ],
)
def test_bad_reconstruction_is_stopped_after_a_while(errors, stopped):
    assert bool(cause(curve(errors), 1.0, **LOGISTIC)) == stopped


def test_units_stuck_at_one_value_are_stopped_after_a_million_steps():
    assert LONG * CHUNK == 1_000_000
    for lowest, highest in ((0.0, 1e-5), (0.999, 1.0)):
        assert cause(curve([0.9] * LONG, lowest, highest), 1.0, **LOGISTIC) is None
        assert "stuck at" in cause(curve([0.9] * (LONG + 1), lowest, highest), 1.0, **LOGISTIC)
    assert cause(curve([0.9] * 200, 0.0, 0.02), 1.0, **LOGISTIC) is None


@pytest.mark.parametrize(
    ("options", "cause"),
    [
        ({"units": 0}, "units"),
        ({"alpha": 0.0}, "alpha"),
        ({"alpha": float("inf")}, "alpha"),
        ({"beta": -1.0}, "beta"),
        ({"alpha": 0.5, "weight_decay": 2.0}, "weight_decay"),
        ({"rho": -0.5}, "rho must lie between 0 and 1 for logistic"),
        ({"rho": -1.0, "activation": "tanh"}, "rho must lie between -1 and 1 for tanh"),
        ({"steps": 0}, "steps"),
    ],
)
def test_impossible_options(options, cause):
    with pytest.raises(ValueError, match=cause):
        part.Options(**options)


def test_options_come_from_the_recipe():
    table = {"name": "online_autoencoder", "units": 30, "activation": "tanh", "rho": -0.9, "start": "positive"}
    assert recipe.part("learn.features", table, "", "test").options.activation == "tanh"
    for key, value in (("activation", "relu"), ("start", "zero"), ("rho", -2.0)):
        with pytest.raises(RecipeError, match=key):
            recipe.part("learn.features", table | {key: value}, "", "test")


def test_examples_out_of_range_are_refused():
    options = part.Options(**QUICK)
    with pytest.raises(TrainingError, match=r"\[0, 1\].*from -"):
        part.train(whitened(), options, 0)
    with pytest.raises(TrainingError, match=r"\[-1, 1\]"):
        part.train(2 * whitened(), part.Options(activation="tanh", rho=-0.9), 0)
    broken = faces()
    broken[3, 5] = np.nan
    with pytest.raises(TrainingError, match="nan"):
        part.train(broken, options, 0)
    with pytest.raises(TrainingError, match="all 5 examples are the same"):
        part.train(np.full((5, 9), 0.5, np.float32), options, 0)


def test_tanh_layers_take_patches_in_the_unit_range():
    x = faces()
    features = part.build(part.Options(**QUICK | {"activation": "tanh", "rho": -0.6, "alpha": 0.02})).fit(x, 0)
    run = features.run
    wanted = np.tanh((2 * x - 1) @ run.W1.T + run.b1)
    np.testing.assert_allclose(features.encode(x), wanted, atol=1e-5)
    (W, b), *more = features.stack
    assert not more
    np.testing.assert_allclose(np.tanh(x @ W.T + b), wanted, atol=1e-5)

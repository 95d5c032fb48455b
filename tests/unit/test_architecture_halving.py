"""Halving: the planted rank without labels, the right depth of budget, and the smallest network that is as good."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from mien.errors import RecipeError, TrainingError
from mien.learn.architecture import examples, family, halving
from mien.learn.architecture.family import Shape
from mien.learn.architecture.score import Score
from mien.learn.features import belief_network, pca, pixels, sparse_autoencoder, stack
from mien.learn.heads import softmax
from mien.recipe import Part

AUTOENCODER = Part("learn.features", "sparse_autoencoder", sparse_autoencoder.Options(9, 0.3, 0.1, 3e-5, 60))
HEAD = Part("learn.heads", "softmax", softmax.Options(C=(0.1,), standardise=(True,)))


def planes(rank, columns, rows, noise, seed):
    g = np.random.default_rng(seed)
    x = g.normal(size=(rows, rank)) @ g.normal(size=(rank, columns)) / np.sqrt(rank)
    x += noise * g.normal(size=(rows, columns))
    return ((x - x.min()) / np.ptp(x)).astype(np.float32)


def people(rows, count=24):
    return [f"p{k % count:02}" for k in range(rows)]


@pytest.mark.parametrize("rank", [5, 10])
def test_without_labels_the_planted_rank_is_chosen(rank):
    faces = examples.checked(planes(rank, 48, 400, 1.0, rank), people(400), None, 6)
    sizes = tuple(round(rank * by) for by in (0.5, 0.75, 1, 1.5, 3))
    found = halving.estimate(faces, AUTOENCODER, HEAD, halving.Options((1,), sizes, rounds=1, folds=2), 0)
    assert found.measure == "hidden pixels"
    assert abs(found.chosen.shape.units - rank) <= 0.2 * rank
    assert all(trial.accuracy is None for trial in found.trials)


def test_labels_are_scored_on_other_people_and_the_rounds_spend_more_and_more():
    g = np.random.default_rng(0)
    labels = np.arange(240) % 3
    x = g.random((240, 36)).astype(np.float32) * 0.4
    for k in range(3):
        x[labels == k, 12 * k : 12 * k + 12] += 0.5
    faces = examples.checked(x, people(240), labels, 6)
    seen = []
    options = halving.Options((1, 2), (2, 6, 12), rounds=2, folds=3, shortest=0.3)
    found = halving.estimate(faces, AUTOENCODER, HEAD, options, 1, lambda *told: seen.append(told))
    first = [trial for trial in found.trials if trial.budget.round == 1]
    last = [trial for trial in found.trials if trial.budget.round == 2]
    assert len(first) == 6
    assert 2 <= len(last) < 6
    assert {trial.shape for trial in last} <= {trial.shape for trial in first}
    assert found.measure == "log-probability"
    assert found.chosen in last
    assert found.chosen.accuracy.value > 0.9
    assert found.chosen.weights <= found.best.weights
    assert seen[-1][1] == seen[-1][2] == len(found.trials)
    assert halving.estimate(faces, AUTOENCODER, HEAD, options, 1) == found


def test_the_last_round_takes_all_steps_all_people_and_all_folds():
    short, middle, full = halving.budgets(halving.Options(rounds=3, folds=5, shortest=0.25))
    assert (full.steps, full.people, full.folds) == (1.0, 1.0, 5)
    assert (short.steps, short.people) == (0.25, 0.5)
    assert short.steps < middle.steps < full.steps
    (only,) = halving.budgets(halving.Options(rounds=1, folds=2, duration=0.5))
    assert (only.steps, only.people, only.folds) == (0.5, 1.0, 2)


def trial(units, value, error=0.01):
    budget = halving.Budget(1, 1.0, 1.0, 2)
    return halving.Trial(Shape(1, units), units * 10, budget, Score(value, error, 9), None)


def test_the_smallest_network_as_good_as_the_best_is_never_dropped():
    trials = [trial(64, 0.895), trial(125, 0.88), trial(250, 0.899), trial(500, 0.90), trial(1000, 0.898)]
    assert [t.shape.units for t in halving._survivors(trials, 0.4)] == [64, 250, 500]


def test_the_next_smaller_networks_get_the_full_training_too():
    grid = tuple(Shape(layers, units) for layers in (1, 2) for units in (64, 125, 250, 500, 1000))
    found = [trial(64, 0.80), trial(500, 0.895), trial(1000, 0.90)]
    assert halving._below(grid, found) == [Shape(1, 250), Shape(1, 125)]


def test_a_network_that_a_short_round_dropped_is_chosen_if_it_is_as_good():
    faces = examples.checked(planes(6, 48, 400, 1.0, 3), people(400), None, 6)
    options = halving.Options((1,), (3, 6, 7, 8, 9, 24), rounds=2, keep=0.2, folds=2, shortest=0.1)
    found = halving.estimate(faces, AUTOENCODER, HEAD, options, 0)
    last = {t.shape.units: t for t in found.trials if t.budget.round == 2}
    smaller = [units for units in options.units if units < found.chosen.shape.units]
    assert found.chosen.score.value >= found.best.score.value - found.best.score.error
    assert not smaller or smaller[-1] in last  # the one below was looked at, and was worse
    assert all(last[units].score.value < found.best.score.value - found.best.score.error for units in smaller[-1:])


def test_people_of_a_short_round_are_among_those_of_a_longer_one():
    faces = examples.checked(planes(3, 10, 100, 0.5, 0), people(100), None, 4)
    few, more = (set(halving._drawn(faces, share, 5).subjects.tolist()) for share in (0.5, 0.75))
    assert len(few) == 12
    assert few < more


def test_labels_that_one_person_each_shows_cannot_be_judged():
    x = planes(3, 10, 60, 0.5, 0)
    labels = np.arange(60) % 6
    faces = examples.checked(x, people(60, 6), labels, 4)
    with pytest.raises(TrainingError, match="too few people show every expression"):
        halving.estimate(faces, AUTOENCODER, HEAD, halving.Options((1,), (3,), 1, folds=2), 0)


class Broken:
    @staticmethod
    def fit(x, seed, progress=None):
        raise TrainingError("brittle: four units are too many")


def test_a_network_that_cannot_be_trained_is_dropped_and_told(monkeypatch):
    x = planes(3, 10, 60, 0.5, 0)
    faces = examples.checked(x, people(60, 6), None, 4)
    build = Part.build
    monkeypatch.setattr(
        Part, "build", lambda part: Broken if getattr(part.options, "units", 0) == 4 else build(part)
    )
    found = halving.estimate(faces, AUTOENCODER, HEAD, halving.Options((1,), (2, 4), 1, folds=2), 0)
    assert [trial.shape.units for trial in found.trials] == [2]
    assert found.failures == (halving.Failure(Shape(1, 4), 1, "brittle: four units are too many"),)
    with pytest.raises(TrainingError, match=r"none of 1 networks .* four units are too many"):
        halving.estimate(faces, AUTOENCODER, HEAD, halving.Options((1,), (4,), 1, folds=2), 0)


@pytest.mark.parametrize(
    "wrong", [{"layers": ()}, {"units": (0,)}, {"rounds": 0}, {"folds": 1}, {"keep": 1.0}, {"shortest": 0.0}]
)
def test_impossible_options_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        halving.Options(**wrong)


def test_a_single_autoencoder_becomes_a_stack_where_it_gets_more_layers():
    one, two = family.sized(AUTOENCODER, (7,)), family.sized(AUTOENCODER, (7, 7))
    assert (one.name, one.options.units) == ("sparse_autoencoder", 7)
    assert two == Part("learn.features", "stack", stack.Options((7, 7), 0.3, 0.1, 3e-5, 60))
    belief = family.sized(Part("learn.features", "belief_network", belief_network.Options()), (8, 8, 8))
    assert belief.options == replace(belief_network.Options(), layers=(8, 8, 8))


def test_what_has_no_such_choice_is_refused():
    with pytest.raises(RecipeError, match="pca leaves no choice of layers"):
        family.sized(Part("learn.features", "pca", pca.Options()), (4, 4))
    assert not family.deepens(Part("learn.features", "pca", pca.Options()))
    with pytest.raises(RecipeError, match="pixels leaves no choice of units or layers"):
        family.sized(Part("learn.features", "pixels", pixels.Options()), (4,))
    with pytest.raises(RecipeError, match="stack with layers of"):
        family.sized(Part("learn.features", "stack", stack.Options()), (0,))


def test_a_shortened_learner_takes_a_share_of_its_steps():
    assert family.shortened(AUTOENCODER, 0.5).options.iterations == 30
    assert family.shortened(AUTOENCODER, 1e-9).options.iterations == 1

    @dataclass(frozen=True)
    class Several:
        epochs: tuple[int, ...] = (50, 10)

    several = Part("learn.features", "several", Several())
    assert family.shortened(several, 0.2).options.epochs == (10, 2)
    assert family.repeated(several, 12).options.epochs == (600, 120)
    assert family.repeated(AUTOENCODER, 12) == AUTOENCODER  # a step of L-BFGS sees all faces


def test_weights_are_counted_from_the_pixels_up():
    assert Shape(1, 250).weights(576) == 576 * 250
    assert Shape(3, 10).weights(20) == 200 + 100 + 100

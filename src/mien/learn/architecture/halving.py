"""Successive halving over layers and units: much time for the promising networks, little for the others.

All candidates are trained for a short while on some of the people, the best third of them for longer on more, and
so on until few are left, which are trained as the recipe says on all people (Jamieson & Talwalkar 2016). Whoever
leads early is often a small network that learns fast, and scores are noisy; hence the smallest candidate within one
standard error of the best is never dropped, and at the end it is the one that is chosen.

With labels, the score is how the recipe's head on the features does on held-out people: the mean log-probability
of the true label, which is steadier than the share of right answers shown beside it. Without, it is the share of
hidden pixels of held-out people that the features tell (``reconstruction``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from mien.errors import TrainingError
from mien.learn.architecture import family, reconstruction
from mien.learn.architecture.family import Shape
from mien.learn.architecture.score import Score, scored, smallest_within_one_error
from mien.learn.inner_folds import inner_folds
from mien.learn.interfaces import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mien.learn.architecture.examples import Examples
    from mien.learn.interfaces import Classifier, FeatureLearner, Features, Head
    from mien.recipe import Part

Measure = Literal["log-probability", "hidden pixels"]

SMALLEST = 1e-12  # probability, in logarithms


@dataclass(frozen=True, slots=True)
class Options:
    """What is tried, and how long.

    Attributes:
        layers: numbers of layers.
        units: of each layer.
        rounds: from the short one to the full one.
        keep: share of the candidates that go on to the next round.
        folds: groups of people of the last round, held out in turn; earlier rounds hold fewer of them out.
        shortest: share of the recipe's steps in the first round; between the first and the last round it grows by
            equal factors, and so does the share of the people, from a half.
        duration: share of the recipe's steps that the last round takes.
    """

    layers: tuple[int, ...] = (1, 2, 3)
    units: tuple[int, ...] = (64, 125, 250, 500, 1000)
    rounds: int = 3
    keep: float = 1 / 3
    folds: int = 5
    shortest: float = 0.2
    duration: float = 1.0

    def __post_init__(self) -> None:
        for name, sizes in (("layers", self.layers), ("units", self.units)):
            if not sizes or min(sizes) < 1:
                raise ValueError(f"{name} must list numbers of 1 or more, not {sizes}")
        if self.rounds < 1 or self.folds < 2:
            raise ValueError("rounds must be 1 or more and folds 2 or more")
        if not (0 < self.keep < 1 and 0 < self.shortest <= 1 and 0 < self.duration <= 1):
            raise ValueError("keep must lie between 0 and 1, shortest and duration above 0 and up to 1")


@dataclass(frozen=True, slots=True)
class Budget:
    """What one round spends on a candidate.

    Attributes:
        round: from 1.
        steps: share of the recipe's steps.
        people: share of the people.
        folds: how many groups of them are held out in turn.
    """

    round: int
    steps: float
    people: float
    folds: int


@dataclass(frozen=True, slots=True)
class Trial:
    """One candidate in one round.

    Attributes:
        shape: its layers and units.
        weights: how many it has.
        budget: of the round.
        score: what it is judged by; higher is better.
        accuracy: share of right answers on held-out people, where there are labels.
    """

    shape: Shape
    weights: int
    budget: Budget
    score: Score
    accuracy: Score | None


@dataclass(frozen=True, slots=True)
class Failure:
    """A candidate that could not be trained within its round's budget, and was dropped.

    Attributes:
        shape: its layers and units.
        round: from 1.
        why: the error.
    """

    shape: Shape
    round: int
    why: str


@dataclass(frozen=True, slots=True)
class Halving:
    """All trials and what is read off them.

    Attributes:
        measure: what the score is.
        trials: in the order in which they were made.
        chosen: the smallest of the last round within one standard error of the best.
        best: of the last round.
        failures: candidates that could not be trained.
    """

    measure: Measure
    trials: tuple[Trial, ...]
    chosen: Trial
    best: Trial
    failures: tuple[Failure, ...] = ()


def estimate(
    examples: Examples, features: Part, head: Part, options: Options, seed: int, progress: Progress = silent
) -> Halving:
    """Find layers and units.

    Args:
        examples: the faces; labelled or not.
        features: a feature learner; its size is what is sought.
        head: of the recipe; used where there are labels.
        options: what is tried.
        seed: of people, folds and training; the same for all candidates of a round.
        progress: called after every trial.

    Raises:
        TrainingError: too few people, or of one label, or no candidate could be trained.
        RecipeError: the learner leaves no choice of units.
    """
    depths = options.layers if family.deepens(features) else (1,)
    left = [Shape(layers, units) for layers in sorted(set(depths)) for units in sorted(set(options.units))]
    grid = tuple(left)
    of = _trials(len(left), options)
    trials: list[Trial] = []
    failures: list[Failure] = []

    def tried(shape: Shape, budget: Budget) -> Iterator[Trial]:
        done = len(trials) + len(failures)
        progress("halving", done, max(of, done + 1))
        learner = family.shortened(family.sized(features, shape.widths), budget.steps)
        chosen = _drawn(examples, budget.people, seed)
        try:
            score, accuracy = _score(chosen, learner.build, head.build, options.folds, budget.folds, seed)
        except TrainingError as error:  # a deep network may learn nothing in a short round
            failures.append(Failure(shape, budget.round, str(error)))
            return
        trials.append(Trial(shape, shape.weights(examples.x.shape[1]), budget, score, accuracy))
        yield trials[-1]

    found: list[Trial] = []
    for budget in budgets(options):
        found = [trial for shape in left for trial in tried(shape, budget)]
        if not found:
            raise TrainingError(
                f"architecture: none of {len(left)} networks could be trained in round {budget.round}; the last: "
                f"{failures[-1].why}"
            )
        left = [trial.shape for trial in _survivors(found, options.keep)]
    for shape in _below(grid, found):
        found += tried(shape, found[0].budget)
        if _smallest(found).shape != shape:
            break
    done = len(trials) + len(failures)
    progress("halving", done, done)
    measure: Measure = "hidden pixels" if examples.labels is None else "log-probability"
    best = max(found, key=lambda trial: trial.score.value)
    return Halving(measure, tuple(trials), _smallest(found), best, tuple(failures))


def budgets(o: Options) -> tuple[Budget, ...]:
    """What every round spends, from the short one to the full one."""
    found = []
    for place in range(o.rounds):
        along = (place + 1) / o.rounds if o.rounds == 1 else place / (o.rounds - 1)
        steps = o.duration * o.shortest ** (1 - along)
        people = 0.5 ** (1 - along)
        folds = max(2, round(o.folds * (place + 1) / o.rounds))
        found.append(Budget(place + 1, steps, people, folds))
    return tuple(found)


def _survivors(trials: list[Trial], keep: float) -> list[Trial]:
    """The best ``keep`` of them, with the smallest that is as good as anybody can tell; in their order."""
    count = max(2, math.ceil(keep * len(trials)))
    best = sorted(trials, key=lambda trial: -trial.score.value)[:count]
    near = _smallest(trials)
    return [trial for trial in trials if trial in best or trial is near]


def _smallest(trials: list[Trial]) -> Trial:
    return smallest_within_one_error(trials, lambda trial: trial.score, lambda trial: trial.weights)


def _below(grid: tuple[Shape, ...], found: list[Trial]) -> list[Shape]:
    """Smaller networks, as deep as the chosen one, that were dropped before the last round; the largest first.

    A short round shows which networks are good, not which are as good as the best: those next below the chosen one
    get the full training too, for as long as the smaller one is within one standard error.
    """
    chosen = _smallest(found).shape
    known = {trial.shape for trial in found}
    below = [shape for shape in grid if shape.layers == chosen.layers and shape.units < chosen.units]
    return sorted((shape for shape in below if shape not in known), key=lambda shape: -shape.units)


def _trials(candidates: int, o: Options) -> int:
    """About how many trials there will be."""
    found = 0
    for _ in range(o.rounds):
        found += candidates
        candidates = min(candidates, max(2, math.ceil(o.keep * candidates)))
    return found


def _drawn(examples: Examples, share: float, seed: int) -> Examples:
    """The faces of a share of the people; a larger share holds the people of a smaller one."""
    people = np.unique(examples.subjects)
    order = np.random.default_rng([seed, 12]).permutation(len(people))
    chosen = people[order[: math.ceil(share * len(people))]]
    return examples.where(np.isin(examples.subjects, chosen))


def _score(
    examples: Examples,
    learner: Callable[[], FeatureLearner],
    head: Callable[[], Head],
    folds: int,
    used: int,
    seed: int,
) -> tuple[Score, Score | None]:
    """The score of one candidate, and its accuracy where there are labels."""
    fold = inner_folds(examples.subjects, folds, seed)
    values, right = np.full((2, len(fold)), np.nan)
    for k in range(used):
        inside, outside = examples.where(fold != k), examples.where(fold == k)
        if inside.labels is not None and len(np.unique(inside.labels)) < examples.classes:
            continue  # a rare label is with this fold's people only; the others judge
        features = learner().fit(inside.x, seed)
        if inside.labels is None or outside.labels is None:
            hidden = reconstruction.hide(features.encode, inside.x, outside.x, seed)
            values[fold == k] = reconstruction.shares(hidden)
        else:
            p = _fitted(head(), features, inside, seed).probabilities(features.encode(outside.x))
            values[fold == k] = np.log(np.maximum(p[np.arange(len(p)), outside.labels], SMALLEST))
            right[fold == k] = p.argmax(axis=1) == outside.labels
    judged = np.isfinite(values)
    if len(np.unique(examples.subjects[judged])) < 2:
        raise TrainingError(
            "too few people show every expression to hold some of them out; give more people, or leave rare labels "
            "out"
        )
    whose = examples.subjects[judged]
    return scored(values[judged], whose), None if examples.labels is None else scored(right[judged], whose)


def _fitted(head: Head, features: Features, inside: Examples, seed: int) -> Classifier:
    if inside.labels is None:
        raise ValueError("a head needs labels")
    return head.fit(features.encode(inside.x), inside.labels, inside.subjects, inside.classes, seed)

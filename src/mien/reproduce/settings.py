"""How much of everything: the report's sizes, and smaller ones for a first look."""

from __future__ import annotations

from dataclasses import dataclass, field

from mien.learn.heads import logistic, softmax

_STRENGTHS = (0.001, 0.003, 0.01, 0.03, 0.1)
_FEW = (0.003, 0.03)


def _softmax(strengths: tuple[float, ...], folds: int = 5) -> softmax.Options:
    return softmax.Options(C=strengths, standardise=(True,), balance=0.5, inner_folds=folds)


def _logistic(strengths: tuple[float, ...], folds: int = 5) -> logistic.Options:
    return logistic.Options(C=strengths, standardise=(True,), balance=0.5, inner_folds=folds)


@dataclass(frozen=True, slots=True)
class Settings:
    """Sizes of the experiments; the report's own where it gives them.

    Attributes:
        seed: of all random numbers.
        quick: fewer steps and folds, and the report says so.
        steps: of the online rule, one face each (section 2.2: 4 million).
        natural_steps: the same for patches of photographs (section 2.1).
        iterations: of L-BFGS for the batch form.
        draws: how often the report's random split of frames is drawn.
        curve_draws: random choices of people per point of the curve over labelled people.
        natural_iterations: of L-BFGS for patches of photographs.
        tuning_steps: of fine-tuning.
        copies: altered copies of each training face for fine-tuning.
        tuned_folds: how many of the ten groups of people are scored after fine-tuning.
        softmax, logistic: the classifiers, with the strengths that are tried in inner folds over people.
        people: numbers of labelled people of the curve, besides all of them.
        family_folds: how many of the ten groups are scored by the family of the belief network.
        at_most: options of the family's features and heads, and how large they may be; none in a full run.
    """

    seed: int = 2010
    quick: bool = False
    steps: int = 4_000_000
    natural_steps: int = 4_000_000
    iterations: int = 100
    draws: int = 10
    curve_draws: int = 3
    natural_iterations: int = 400
    tuning_steps: int = 1500
    copies: int = 20
    tuned_folds: int = 10
    softmax: softmax.Options = field(default_factory=lambda: _softmax(_STRENGTHS))
    logistic: logistic.Options = field(default_factory=lambda: _logistic(_STRENGTHS))
    people: tuple[int, ...] = (10, 20, 40, 80)
    family_folds: int = 10
    at_most: tuple[tuple[str, int], ...] = ()


FULL = Settings()
QUICK = Settings(
    quick=True,
    steps=200_000,
    natural_steps=2_000_000,
    iterations=20,
    draws=1,
    curve_draws=1,
    natural_iterations=200,
    tuning_steps=300,
    copies=3,
    tuned_folds=2,
    softmax=_softmax(_FEW, 3),
    logistic=_logistic((0.01,), 3),
    people=(10, 40),
    family_folds=2,
    at_most=(("features.epochs", 4), ("features.faces", 200), ("features.iterations", 150), ("head.rounds", 30)),
)
DRAWN = Settings(
    quick=True,
    steps=60_000,
    natural_steps=1_000_000,
    iterations=15,
    draws=1,
    curve_draws=1,
    natural_iterations=60,
    tuning_steps=100,
    copies=2,
    tuned_folds=2,
    softmax=_softmax((0.01,)),
    logistic=_logistic((0.01,), 3),
    people=(10,),
    family_folds=2,
    at_most=(
        ("features.epochs", 1),
        ("features.faces", 40),
        ("features.iterations", 20),
        ("features.units", 60),
        ("head.rounds", 5),
    ),
)
"""For faces drawn by code, which only show what the report looks like."""


def for_run(*, drawn: bool, quick: bool) -> Settings:
    """The sizes of a run without data, of a quick one, or of the whole report."""
    if drawn:
        return DRAWN
    return QUICK if quick else FULL

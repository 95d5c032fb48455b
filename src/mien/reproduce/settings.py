"""How much of everything: the report's sizes, and smaller ones for a first look."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Sizes of the experiments; the report's own where it gives them.

    Attributes:
        seed: of all random numbers.
        quick: fewer steps and folds, and the report says so.
        units: of the hidden layer (section 3.3).
        steps: of the online rule, one face each (section 2.2: 4 million).
        natural_steps: the same for patches of photographs (section 2.1).
        iterations: of L-BFGS for the batch form.
        draws: how often the report's random split of frames is drawn.
        curve_draws: random choices of people per point of the curve over labelled people.
        tuning_steps: of fine-tuning.
        tuned_networks: networks whose answers are averaged after fine-tuning.
    """

    seed: int = 2010
    quick: bool = False
    units: int = 250
    steps: int = 4_000_000
    natural_steps: int = 4_000_000
    iterations: int = 100
    draws: int = 10
    curve_draws: int = 3
    tuning_steps: int = 1500
    tuned_networks: int = 1


FULL = Settings()
QUICK = Settings(
    quick=True,
    steps=100_000,
    natural_steps=1_000_000,
    iterations=40,
    draws=2,
    curve_draws=1,
    tuning_steps=300,
)

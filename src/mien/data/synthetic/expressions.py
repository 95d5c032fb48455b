"""Which action units an expression takes.

``agrees`` states the criteria by which CK+ names an expression (Lucey et al. 2010, table 2); ``peak`` chooses a
set of units that keeps to them, and varies the rest as people do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.data.synthetic.actions import Movement, Side
from mien.labels import EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mien.data.synthetic.people import Person

PRESENT = 0.3
"""From this intensity on an action unit counts as present."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How an expression is shown.

    Attributes:
        cores: sets of units of which one, chosen by its weight, is always there.
        extras: how often each further unit joins, 0 to 1.
        mean: mean intensity of a unit at the peak, where it is not ``usual``.
        usual: mean intensity of particular units.
        one_sided: how often the units that can be one-sided are.
    """

    cores: tuple[tuple[float, tuple[str, ...]], ...]
    extras: Mapping[str, float]
    mean: float = 0.8
    usual: Mapping[str, float] | None = None
    one_sided: float = 0.0


RECIPES: dict[str, Recipe] = {
    "anger": Recipe(
        ((1.0, ("AU23", "AU24")),),
        {"AU04": 0.9, "AU07": 0.75, "AU17": 0.85, "AU05": 0.15, "AU18": 0.08, "AU09": 0.05},
    ),
    "contempt": Recipe(
        ((1.0, ("AU14",)),), {"AU12": 0.3, "AU24": 0.15, "AU17": 0.15, "AU02": 0.1}, mean=0.8, one_sided=0.8,
        usual={"AU12": 0.4},
    ),
    "disgust": Recipe(
        ((0.75, ("AU09",)), (0.15, ("AU10",)), (0.1, ("AU09", "AU10"))),
        {"AU04": 0.55, "AU07": 0.5, "AU17": 0.6, "AU06": 0.3, "AU25": 0.25, "AU15": 0.05},
    ),
    "fear": Recipe(
        ((1.0, ("AU01", "AU02", "AU04")),),
        {"AU05": 0.7, "AU20": 0.8, "AU25": 0.85, "AU26": 0.2, "AU16": 0.15, "AU07": 0.15, "AU21": 0.1},
        usual={"AU02": 0.55, "AU04": 0.6, "AU26": 0.4},
    ),
    "happiness": Recipe(
        ((1.0, ("AU12",)),), {"AU06": 0.9, "AU25": 0.9, "AU26": 0.15, "AU07": 0.1, "AU16": 0.08}, mean=0.85,
        usual={"AU26": 0.4},
    ),
    "neutral": Recipe(((1.0, ()),), {}),
    "sadness": Recipe(
        ((0.9, ("AU01", "AU04", "AU15")), (0.1, ("AU06", "AU15"))), {"AU17": 0.85, "AU11": 0.2, "AU07": 0.1},
        usual={"AU04": 0.55},
    ),
    "surprise": Recipe(
        ((0.75, ("AU01", "AU02", "AU25", "AU27")), (0.25, ("AU01", "AU02", "AU25", "AU26"))), {"AU05": 0.75},
        mean=0.8, usual={"AU05": 0.38},
    ),
}  # fmt: skip


def agrees(expression: str, present: Iterable[str]) -> bool:
    """Whether a set of present units meets the criterion of CK+ for ``expression``.

    Intensity is not looked at: fear wants AU01+02+04 and surprise AU01+02 or AU05, whatever their strength.
    """
    units = set(present)
    criteria: dict[str, tuple[set[str], ...]] = {
        "anger": ({"AU23", "AU24"},),
        "contempt": ({"AU14"},),
        "disgust": ({"AU09"}, {"AU10"}),
        "fear": ({"AU01", "AU02", "AU04"},),
        "happiness": ({"AU12"},),
        "sadness": ({"AU01", "AU04", "AU15"}, {"AU11"}, {"AU06", "AU15"}),
        "surprise": ({"AU01", "AU02"}, {"AU05"}),
    }
    if expression == "neutral":
        return not units
    return any(criterion <= units for criterion in criteria[expression])


def peak(person: Person, expression: str) -> Movement:
    """How this person shows ``expression`` at its strongest; always the same for the same person.

    Raises:
        ValueError: not one of ``EXPRESSIONS``.
    """
    if expression not in EXPRESSIONS:
        raise ValueError(f"{expression!r} is not an expression; they are {', '.join(EXPRESSIONS)}")
    recipe = RECIPES[expression]
    rng = np.random.default_rng([person.manner, EXPRESSIONS.index(expression)])
    weights, cores = zip(*recipe.cores, strict=True)
    units = [*cores[int(rng.choice(len(cores), p=weights))]]
    units += [unit for unit, share in recipe.extras.items() if rng.random() < share]
    usual = recipe.usual or {}
    intensity = {}
    for unit in dict.fromkeys(units):
        strength = usual.get(unit, recipe.mean) * person.vigour * rng.normal(1, 0.15)
        intensity[unit] = float(np.clip(strength, PRESENT + 0.02, 1))
    side: Side = "both"
    if rng.random() < recipe.one_sided:
        side = "left" if rng.random() < 0.5 else "right"
    return Movement(intensity, side)

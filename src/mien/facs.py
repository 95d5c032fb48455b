"""From action units to expressions by rule: which combination of action units speaks for which expression.

The rules are those of ``mien.labels.COMBINATIONS``. They are a second opinion beside a model's own expression
probabilities, one that a reader can check by eye; they decide nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from mien.labels import COMBINATIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.labels import LabelSet

PRESENT = 0.5
"""Probability from which on an action unit is there."""


class Rule(NamedTuple):
    """A combination of a model's action units.

    Attributes:
        expression: that it speaks for.
        present: places of the units that must be shown, in the model's order.
        absent: places of those that must not.
    """

    expression: str
    present: tuple[int, ...]
    absent: tuple[int, ...]

    def strength(self, probabilities: NDArray[np.float64]) -> float:
        """How probable the least probable of its conditions is: at ``PRESENT`` and above all of them hold.

        The minimum, not the product: action units of one expression come together, so they are anything but
        independent, and a product would punish a combination for its length.
        """
        shown = min(float(probabilities[unit]) for unit in self.present)
        return min([shown, *(1 - float(probabilities[unit]) for unit in self.absent)])


def rules(labels: LabelSet) -> tuple[Rule, ...]:
    """The rules that a model can be asked about: for its expressions, from its action units.

    A combination with a unit that the model lacks is left out; a unit that should be absent, and that the model
    lacks, is not asked for.
    """
    place = {unit: k for k, unit in enumerate(labels.action_units)}
    return tuple(
        Rule(
            expression,
            tuple(place[unit] for unit in wanted.present),
            tuple(place[unit] for unit in wanted.absent if unit in place),
        )
        for expression in labels.expressions
        for wanted in COMBINATIONS.get(expression, ())
        if all(unit in place for unit in wanted.present)
    )


def strengths(rules: tuple[Rule, ...], probabilities: NDArray[np.float64]) -> dict[str, float]:
    """Strength of the strongest rule of each expression that has any, 0 to 1.

    Args:
        rules: from ``rules``.
        probabilities: float64 (units,) of the model's action units.
    """
    found: dict[str, float] = {}
    for rule in rules:
        found[rule.expression] = max(found.get(rule.expression, 0.0), rule.strength(probabilities))
    return found


def evidence(rules: tuple[Rule, ...], units: tuple[str, ...], probabilities: NDArray[np.float64]) -> str:
    """The rules that hold, in words: ``happiness .93 = AU06 AU12``; several expressions parted by ``; ``.

    Args:
        rules: from ``rules``.
        units: the model's action units.
        probabilities: float64 (units,).

    Returns:
        Each expression with a rule of strength ``PRESENT`` or more, the strongest first: the strength of its
        strongest rule, and the units of all its rules that hold, each of which is there. Empty where none holds.
    """
    held: dict[str, tuple[float, set[int]]] = {}
    for rule in rules:
        strength = rule.strength(probabilities)
        if strength >= PRESENT:
            before, named = held.get(rule.expression, (0.0, set[int]()))
            held[rule.expression] = max(before, strength), named | set(rule.present)
    strongest_first = sorted(held.items(), key=lambda item: -item[1][0])  # ties stay in the labels' order
    return "; ".join(
        f"{expression} {f'{strength:.2f}'.lstrip('0')} = {' '.join(sorted(units[k] for k in named))}"
        for expression, (strength, named) in strongest_first
    )

"""Recipes of one family: the same in all but the number of layers, their units and how long they learn."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from mien.errors import RecipeError
from mien.learn.features import stack
from mien.recipe import Part

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOM = "learn.features"

_DURATIONS = ("iterations", "epochs", "steps")
"""Names under which parts say how long they learn."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A stack of layers.

    Attributes:
        layers: how many.
        units: of each.
    """

    layers: int
    units: int

    @property
    def widths(self) -> tuple[int, ...]:
        """Units of every layer, from the lowest up."""
        return (self.units,) * self.layers

    def weights(self, inputs: int) -> int:
        """Weights between ``inputs`` and the top: the size by which networks are compared."""
        return sum(below * above for below, above in pairwise((inputs, *self.widths)))


def sized(part: Part, widths: Sequence[int]) -> Part:
    """The feature learner with layers of these ``widths``, all else as it is.

    A single autoencoder becomes a stack of such where it gets more than one layer.

    Raises:
        RecipeError: it has no such choice.
    """
    options = part.options
    fields = _fields(options)
    try:
        if "layers" in fields:
            return replace(part, options=replace(options, layers=tuple(widths)))
        if "units" in fields and len(widths) == 1:
            return replace(part, options=replace(options, units=widths[0]))
        if part.name == "sparse_autoencoder":
            kept = {name: value for name, value in dataclasses.asdict(options).items() if name != "units"}
            return Part(ROOM, "stack", stack.Options(layers=tuple(widths), **kept))
    except ValueError as error:
        raise RecipeError(f"[features] {part.name} with layers of {widths} units: {error}") from None
    what = "layers" if "units" in fields else "units or layers"
    raise RecipeError(f"[features] {part.name} leaves no choice of {what}; take one that does, such as stack")


def deepens(part: Part) -> bool:
    """Whether the learner can have more than one layer."""
    return "layers" in _fields(part.options) or part.name == "sparse_autoencoder"


def repeated(part: Part, views: int) -> Part:
    """The learner for the faces themselves, where the recipe gives it ``views`` altered copies of each.

    What counts passes over the faces makes as many more, so that the updates of the weights stay as many.
    """
    if "epochs" not in _fields(part.options):
        return part
    value = part.options.epochs
    epochs = tuple(views * count for count in value) if isinstance(value, tuple) else views * value
    return replace(part, options=replace(part.options, epochs=epochs))


def shortened(part: Part, share: float) -> Part:
    """The learner stopped after ``share`` of its steps, at least one."""
    found: dict[str, Any] = {}
    for name in set(_DURATIONS) & _fields(part.options):
        value = getattr(part.options, name)
        several = isinstance(value, tuple)
        counts = tuple(max(1, round(share * count)) for count in (value if several else (value,)))
        found[name] = counts if several else counts[0]
    return replace(part, options=replace(part.options, **found))


def _fields(options: Any) -> set[str]:  # noqa: ANN401  any part's options
    return {field.name for field in dataclasses.fields(options)}

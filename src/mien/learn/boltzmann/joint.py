"""The joint top machine: features of a face, its expression, its action units and whose face it is, in one machine.

Susskind, Hinton, Movellan & Anderson (2008) put labels beside the features of a belief network as further visible
units of its top machine, so that one model of p(features, expression, units, identity) answers all questions:

- which expression: ``p(y | f)`` is proportional to ``exp(-F(f, y))``, exact, a sum over the labels (Hinton,
  Osindero & Teh 2006, section 6);
- which action units: their means with the features held, by mean field or by Gibbs sampling;
- which face: Gibbs sampling with the labels held.

A block that is missing is held at zero: it then adds nothing to what the hidden units receive, and the machine is
the one without it. That is a proper model only if it was trained with blocks missing, see ``joint_training``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from mien.errors import TrainingError
from mien.learn.boltzmann.machine import Block, Machine

if TYPE_CHECKING:
    from torch import Generator, Tensor

KINDS = ("binary", "softmax", "binary", "softmax")
"""Of the four blocks, in order: features, expressions, action units, people."""


@dataclass(frozen=True, slots=True)
class Places:
    """Where the four kinds of units lie among the visible ones."""

    features: slice
    expressions: slice
    units: slice
    people: slice

    @staticmethod
    def of(features: int, expressions: int, units: int, people: int) -> Places:
        """The places of so many units of each kind, in this order."""
        ends = [features, features + expressions, features + expressions + units]
        return Places(
            slice(0, ends[0]), slice(ends[0], ends[1]), slice(ends[1], ends[2]), slice(ends[2], ends[2] + people)
        )


def blocks(features: int, expressions: int, units: int, people: int) -> tuple[Block, ...]:
    """The visible blocks of a joint machine.

    Raises:
        ValueError: one of them has no unit.
    """
    counts = (features, expressions, units, people)
    return tuple(Block(kind, count) for kind, count in zip(KINDS, counts, strict=True))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, eq=False)
class Hold:
    """What a chain may change, and what it may not.

    Attributes:
        values: visible states (n, visible): what is held; 0 where a block is missing.
        free: (n, visible), 1 where a unit is drawn, 0 where it stays at its value. A softmax block is free or held
            as a whole.
    """

    values: Tensor
    free: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """A machine over features, expressions, action units and people.

    Attributes:
        machine: its four visible blocks are of ``KINDS``.

    Raises:
        ValueError: other blocks.
    """

    machine: Machine

    def __post_init__(self) -> None:
        if tuple(block.kind for block in self.machine.blocks) != KINDS:
            raise ValueError(f"a joint machine has blocks of {', '.join(KINDS)}, not {self.machine.blocks}")

    @property
    def places(self) -> Places:
        """Where each kind of units lies."""
        return Places.of(*(block.units for block in self.machine.blocks))

    def posterior(self, features: Tensor, units: Tensor | None = None) -> Tensor:
        """p(expression | features, and the action units where given), exact: free energy over the labels.

        Identity is missing, and so are the action units where they are not given.

        Args:
            features: (n, features) in [0, 1].
            units: (n, units) in [0, 1].

        Returns:
            (n, expressions); rows sum to 1.

        Raises:
            TrainingError: another width, or values that are not in [0, 1].
        """
        machine, places = self.machine, self.places
        v = self._given(features, units)
        field = functional.linear(v, machine.W, machine.b)
        labels = range(places.expressions.start, places.expressions.stop)
        found = [machine.a[k] + functional.softplus(field + machine.W[:, k]).sum(dim=1) for k in labels]
        return torch.softmax(torch.stack(found, dim=1), dim=1)

    def action_units(self, features: Tensor, steps: int = 50) -> Tensor:
        """Means (n, units) of the action units given the features, by mean field.

        Hidden units, expression and action units settle together, from expressions by their exact posterior and
        units at their base rates; identity is missing.

        Raises:
            TrainingError: as ``posterior``.
        """
        hold = self._asked(features)
        places, v = self.places, hold.values.clone()
        v[:, places.expressions] = self.posterior(features)
        v[:, places.units] = torch.sigmoid(self.machine.a[places.units])
        for _ in range(steps):
            v = held(self.machine.visible(self.machine.hidden(v)), hold)
        return v[:, places.units]

    def sampled_action_units(self, features: Tensor, steps: int, random: Generator) -> Tensor:
        """As ``action_units``, by Gibbs sampling: their mean probabilities over the second half of the steps.

        Raises:
            TrainingError: as ``posterior``.
        """
        hold = self._asked(features)
        v, found = hold.values, []
        for step in range(steps):
            h = self.machine.sample_hidden(v, random)
            if 2 * step >= steps:
                found.append(self.machine.visible(h)[:, self.places.units])
            v = held(self.machine.sample_visible(h, random), hold)
        return torch.stack(found).mean(dim=0)

    def sample(self, hold: Hold, steps: int, random: Generator) -> Tensor:
        """Visible states (n, visible) after so many Gibbs steps from features at their base rates."""
        base = torch.sigmoid(self.machine.a).expand_as(hold.values)
        v = held(torch.bernoulli(base, generator=random), hold)
        for _ in range(steps):
            v = held(self.machine.sample_visible(self.machine.sample_hidden(v, random), random), hold)
        return v

    def nothing_held(self, count: int) -> Hold:
        """A hold of ``count`` rows that is all free but for the people, who are missing."""
        values = self.machine.a.new_zeros(count, self.machine.visible_units)
        free = torch.ones_like(values)
        free[:, self.places.people] = 0
        return Hold(values, free)

    def with_people(self, shares: Tensor) -> Joint:
        """The machine whose people are mixtures of those of this one.

        Args:
            shares: (mixtures, people): to hold a mixture is to hold its shares.
        """
        machine, place = self.machine, self.places.people
        W = torch.cat([machine.W[:, : place.start], machine.W[:, place] @ shares.T], dim=1)
        a = torch.cat([machine.a[: place.start], shares @ machine.a[place]])
        told = (*machine.blocks[:-1], replace(machine.blocks[-1], units=len(shares)))
        return Joint(Machine(W, machine.b, a, told))

    def _given(self, features: Tensor, units: Tensor | None) -> Tensor:
        """Visible states (n, visible) with these features and units, all else missing."""
        wanted = self.places.features.stop
        _require("features", features, wanted)
        v = features.new_zeros(len(features), self.machine.visible_units)
        v[:, self.places.features] = features
        if units is not None:
            _require("action units", units, self.machine.blocks[2].units)
            v[:, self.places.units] = units
        return v

    def _asked(self, features: Tensor) -> Hold:
        """Features held, expressions and units free, people missing."""
        hold = self.nothing_held(len(features))
        hold.free[:, self.places.features] = 0
        return Hold(self._given(features, None), hold.free)


def held(states: Tensor, hold: Hold) -> Tensor:
    """``states`` with what is held put back."""
    return hold.free * states + (1 - hold.free) * hold.values


def _require(what: str, values: Tensor, width: int) -> None:
    if values.ndim != 2 or values.shape[1] != width:
        raise TrainingError(f"joint machine: needs {what} (n, {width}), not {tuple(values.shape)}")
    if not bool(((values >= 0) & (values <= 1)).all()):  # NaN fails both
        raise TrainingError(f"joint machine: {what} must be numbers in 0 to 1")

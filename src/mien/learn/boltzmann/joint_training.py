"""How the joint top machine is learned: free, and with its labels held.

Three gradients are added up for every batch:

- of ``log p(features, labels)``, by contrastive divergence from the batch;
- of ``log p(features | labels)``, by persistent chains whose labels are held at those of rows of the data, and
  handed new ones now and then; in every second chain the action units are drawn with the features. Generation asks
  for just this distribution, and the first gradient alone leaves it to chance: eight label units have little say
  beside hundreds of features;
- of ``log p(expression | features)``, which is exact. The second gradient does not care how probable a label is as
  a whole, and lets that drift (the hybrid objectives of Larochelle & Bengio 2008).

In every row expression, action units and identity are each missing by chance, so that the machine without them is
a proper model, too: a missing block is held at zero in both phases, and teaches its own weights nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn.functional import linear, softplus

from mien.errors import TrainingError
from mien.learn.boltzmann.joint import Hold, Joint, Places, blocks, held
from mien.learn.boltzmann.machine import Machine
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Generator, Tensor

HANDED_ON = 0.05
"""Share of the persistent chains that are handed new labels before each update."""

LOOSE = 0.5
"""Share of the chains in which action units are drawn, too, unless they are missing."""

EVERY = 100
"""Updates between two calls of the progress, and two looks whether the learning diverged."""

FARTHEST = 50.0
"""A weight beyond this is no longer learned: a unit that flips another one has about 5."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """What is learned; one row per face.

    Attributes:
        features: float32 (n, features) in [0, 1]: probabilities of binary units.
        expressions: float32 (n, expressions), one-hot.
        units: float32 (n, units) in [0, 1].
        people: float32 (n, people): shares of the people in a face, which sum to 1; one-hot for a single person's.
    """

    features: NDArray[np.float32]
    expressions: NDArray[np.float32]
    units: NDArray[np.float32]
    people: NDArray[np.float32]

    @property
    def widths(self) -> tuple[int, int, int, int]:
        """Units of each block."""
        return self.features.shape[1], self.expressions.shape[1], self.units.shape[1], self.people.shape[1]

    def checked(self) -> NDArray[np.float32]:
        """All blocks side by side, (n, visible).

        Raises:
            TrainingError: lengths that differ, fewer than two rows, values that are not in [0, 1], or shares that
                do not sum to 1.
        """
        for field in fields(self):
            block = getattr(self, field.name)
            if block.ndim != 2 or len(block) != len(self.features) or not block.shape[1]:
                raise TrainingError(
                    f"joint machine: {field.name} must be rows beside the features', not {block.shape}"
                )
            wrong = np.argwhere(~((block >= 0) & (block <= 1)))  # NaN fails both
            if len(wrong):
                row, unit = wrong[0]
                raise TrainingError(
                    f"joint machine: {len(wrong)} {field.name} are not numbers in 0 to 1, the first, "
                    f"{block[row, unit]:g}, in row {row + 1}, column {unit + 1}"
                )
        for name in ("expressions", "people"):
            away = np.flatnonzero(np.abs(getattr(self, name).sum(axis=1) - 1) > 1e-4)
            if len(away):
                raise TrainingError(
                    f"joint machine: {name} must sum to 1 in every row, but not in row {away[0] + 1}"
                )
        if len(self.features) < 2:
            raise TrainingError("joint machine: needs two rows or more to learn from")
        whole = [self.features, self.expressions, self.units, self.people]
        return np.concatenate(whole, axis=1, dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Options:
    """How the joint machine is trained.

    Attributes:
        hidden: hidden units.
        updates: how many.
        batch: rows per update.
        rate: learning rate at first; it falls linearly to 0.
        momentum: of the updates.
        weight_cost: of the squared weights.
        particles: persistent chains whose labels are held.
        gibbs_steps: that they take per update.
        free: weight of the gradient of log p(features, labels).
        held: weight of that of log p(features | labels).
        named: weight of that of log p(expression | features).
        missing: chance that the expression, the action units, the identity of a row are missing.
    """

    hidden: int = 800
    updates: int = 4000
    batch: int = 100
    rate: float = 0.05
    momentum: float = 0.5
    weight_cost: float = 2e-4
    particles: int = 200
    gibbs_steps: int = 2
    free: float = 1.0
    held: float = 1.0
    named: float = 1.0
    missing: tuple[float, float, float] = (0.1, 0.5, 0.3)

    def __post_init__(self) -> None:
        for name in ("hidden", "updates", "batch", "particles", "gibbs_steps"):
            if not 1 <= getattr(self, name) <= 1_000_000:
                raise ValueError(f"{name} must be 1 to 1000000, not {getattr(self, name)}")
        if not (0 < self.rate <= 10 and 0 <= self.momentum < 1 and 0 <= self.weight_cost <= 1):
            raise ValueError(
                "rate must lie above 0 and up to 10, momentum in 0 to below 1, weight_cost in 0 to 1, not "
                f"{self.rate}, {self.momentum}, {self.weight_cost}"
            )
        weights = (self.free, self.held, self.named)
        if min(weights) < 0 or not 0 < sum(weights) <= 100:
            raise ValueError(f"free, held and named must be 0 or more, and not all 0, not {weights}")
        if len(self.missing) != 3 or not all(0 <= chance <= 1 for chance in self.missing):
            raise ValueError(f"missing must list three chances of 0 to 1, not {self.missing}")


def train(rows: Rows, options: Options, seed: int, progress: Progress = silent) -> Joint:
    """Learn the joint machine.

    Args:
        rows: what is learned; each is drawn with the same chance.
        options: how.
        seed: of everything drawn; equal rows, options and seed give equal bits, whatever the number of threads.
        progress: called every 100 updates.

    Raises:
        TrainingError: rows as ``Rows.checked`` refuses them, or the learning diverged: with update and rate.
    """
    x = torch.from_numpy(rows.checked())
    with one_thread(), torch.no_grad():
        random = torch.Generator().manual_seed(seed)
        lesson = _Lesson.begun(x, rows.widths, options, random)
        for update in range(options.updates):
            rate = options.rate * (1 - update / options.updates)
            lesson.update(rate)
            if (update + 1) % EVERY == 0 or update + 1 == options.updates:
                _guard(lesson.machine, update + 1, rate)
                progress("joint machine", update + 1, options.updates)
    return Joint(lesson.machine)


@dataclass(slots=True, eq=False)
class _Lesson:
    """A machine in training with its rows and chains; ``update`` changes it in place."""

    machine: Machine
    x: Tensor
    places: Places
    options: Options
    random: Generator
    hold: Hold
    """Where the chains are free: at the features, and at the action units of some."""
    state: Tensor
    """Visible states of the chains (particles, visible)."""
    steps: tuple[Tensor, Tensor, Tensor]
    """Of W, b and a in the last update, for the momentum."""

    @staticmethod
    def begun(x: Tensor, widths: tuple[int, int, int, int], o: Options, random: Generator) -> _Lesson:
        """Weights from N(0, 0.01); binary units at their base rates; chains at rows drawn by chance."""
        places = Places.of(*widths)
        W = 0.01 * torch.randn(o.hidden, x.shape[1], generator=random)
        a = torch.zeros(x.shape[1])
        for place in (places.features, places.units):
            a[place] = torch.logit(x[:, place].mean(dim=0).clamp(0.01, 0.99))
        machine = Machine(W, torch.full((o.hidden,), -1.0), a, blocks(*widths))
        moved = (torch.zeros_like(machine.W), torch.zeros_like(machine.b), torch.zeros_like(machine.a))
        lesson = _Lesson(machine, x, places, o, random, Hold(x[:0], x[:0]), x[:0], moved)
        lesson.hold, lesson.state = lesson._begun(o.particles)
        return lesson

    def update(self, rate: float) -> None:
        o, machine = self.options, self.machine
        features, units = self.places.features, self.places.units
        v, there = self._masked(self._drawn(o.batch))
        v[:, features] = torch.bernoulli(v[:, features], generator=self.random)
        h = machine.hidden(v)
        n, m = len(v), o.particles
        dW, db, da = (0.0 * moved for moved in self.steps)
        if o.held:
            far = self._dream()
            fantasy = machine.hidden(far)
            dW += o.held * (h.T @ v / n - fantasy.T @ far / m)
            db += o.held * (h.mean(dim=0) - fantasy.mean(dim=0))
            for place in (features, units):
                da[place] += o.held * (v[:, place].mean(dim=0) - far[:, place].mean(dim=0))
        if o.free:
            near = machine.visible(torch.bernoulli(h, generator=self.random)) * there
            rebuilt = machine.hidden(near)
            dW += o.free * (h.T @ v - rebuilt.T @ near) / n
            db += o.free * (h - rebuilt).mean(dim=0)
            da += o.free * (v - near).mean(dim=0)
        if o.named:
            told = self._naming(v, there)
            for to, part in zip((dW, db, da), told, strict=True):
                to += o.named / n * part
        dW -= o.weight_cost * machine.W
        for moved, to, of in zip(self.steps, (dW, db, da), (machine.W, machine.b, machine.a), strict=True):
            moved.mul_(o.momentum).add_(to, alpha=rate)
            of.add_(moved)

    def _naming(self, v: Tensor, there: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradient of the summed log p(expression | the rest), of rows whose expression is there: for W, b, a."""
        machine, place = self.machine, self.places.expressions
        v = v[there[:, place.start] > 0]
        label, rest = v[:, place], v.clone()
        rest[:, place] = 0
        field = linear(rest, machine.W, machine.b)[:, :, None] + machine.W[:, place]  # (n, hidden, labels)
        chance = torch.softmax(machine.a[place] + softplus(field).sum(dim=1), dim=1)
        h, away = torch.sigmoid(field), label - chance
        weighed = h * away[:, None, :]
        both = weighed.sum(dim=2)
        dW = both.T @ rest
        dW[:, place] = weighed.sum(dim=0)
        da = torch.zeros_like(machine.a)
        da[place] = away.sum(dim=0)
        return dW, both.sum(dim=0), da

    def _dream(self) -> Tensor:
        """Visible states (particles, visible) after the chains' next steps."""
        hold, begun = self._begun(len(self.state))
        handed = torch.rand(len(self.state), 1, generator=self.random) < HANDED_ON
        kept = self.state.clone()
        self.state = torch.where(handed, begun, self.state)
        self.state[:, self.places.features] = kept[:, self.places.features]  # the chain itself goes on
        self.hold = Hold(
            torch.where(handed, hold.values, self.hold.values), torch.where(handed, hold.free, self.hold.free)
        )
        for _ in range(self.options.gibbs_steps):
            means = self.machine.visible(self.machine.sample_hidden(self.state, self.random))
            self.state = held(torch.bernoulli(means, generator=self.random), self.hold)
        return self.state

    def _begun(self, count: int) -> tuple[Hold, Tensor]:
        """Chains at rows drawn by chance, which hold the labels that are there, but half of them not the units."""
        rows, there = self._masked(self._drawn(count))
        free = torch.zeros_like(rows)
        free[:, self.places.features] = 1
        loose = torch.rand(count, 1, generator=self.random) < LOOSE
        free[:, self.places.units] = there[:, self.places.units] * loose
        return Hold(rows * (1 - free), free), torch.where(
            free > 0, torch.bernoulli(rows, generator=self.random), rows
        )

    def _drawn(self, count: int) -> Tensor:
        """Rows drawn by chance, (count, visible)."""
        return self.x[torch.randint(len(self.x), (count,), generator=self.random)]

    def _masked(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Rows with blocks of labels missing by chance, and 1 where a unit is there; both (n, visible)."""
        there = torch.ones_like(rows)
        places = (self.places.expressions, self.places.units, self.places.people)
        chances = torch.rand(len(rows), len(places), generator=self.random)
        for k, (place, missing) in enumerate(zip(places, self.options.missing, strict=True)):
            there[:, place] = (chances[:, k, None] >= missing).to(rows.dtype)
        return rows * there, there


def _guard(machine: Machine, update: int, rate: float) -> None:
    largest = max(float(part.abs().max()) for part in (machine.W, machine.b, machine.a))
    if not largest <= FARTHEST:  # NaN fails, too
        raise TrainingError(
            f"joint machine: learning diverged by update {update} at learning rate {rate:g}: the largest weight is "
            f"{largest:.3g}; use a smaller rate"
        )

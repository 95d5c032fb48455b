"""The invented people of a generator: blends of real ones, and of these the ones that are like nobody.

A blend of three people's identity units is somebody else, but now and then the machine gives such a somebody a face
that comes near one of the three. So more are invented than are wanted; each is drawn under every label, and those
whose faces come nearest to a real one are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from mien.learn.boltzmann.joint import held
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from mien.generation.likeness import Gallery
    from mien.learn.boltzmann.joint import Joint

MORE = 2
"""Times as many people are invented as are wanted."""

DRAWN = 2
"""Faces of each under each label, to see whom it is like."""

STEPS, SETTLING = 100, 5
"""Gibbs steps to each, and steps by means after them."""


@dataclass(frozen=True, slots=True)
class Options:
    """The invented people of the file.

    Attributes:
        count: how many.
        blended: real people in each, all different, in equal shares.
        strength: of their say: what their blend gives the hidden units is multiplied by it. A blend of three
            speaks a third as loud as a single person would.
    """

    count: int = 64
    blended: int = 3
    strength: float = 3.0

    def __post_init__(self) -> None:
        if not 1 <= self.count <= 10_000:
            raise ValueError(f"count must be 1 to 10000, not {self.count}")
        if not 2 <= self.blended <= 100:
            raise ValueError(f"blended must be 2 to 100, not {self.blended}: nobody real is to be shown")
        if not 0 < self.strength <= 100:
            raise ValueError(f"strength must lie above 0 and up to 100, not {self.strength}")


def invented(
    joint: Joint, faces: Callable[[Tensor], NDArray[np.float32]], gallery: Gallery, options: Options, seed: int
) -> Joint:
    """The machine with invented people in place of real ones.

    Args:
        joint: knows real people, as many as ``options.blended`` or more.
        faces: makes faces (n, size, size) of features (n, features).
        gallery: the real faces.
        options: how many.
        seed: of everything drawn; equal arguments give equal bits.
    """
    known = joint.machine.blocks[-1].units
    chance = np.random.default_rng([seed, 3])
    shares = np.zeros((MORE * options.count, known), np.float32)
    for row in shares:
        row[chance.choice(known, options.blended, replace=False)] = options.strength / options.blended
    tried = joint.with_people(torch.from_numpy(shares))
    with one_thread(), torch.inference_mode():
        likeness = _likeness(tried, faces, gallery, torch.Generator().manual_seed(seed))
    least = np.sort(np.argsort(likeness, kind="stable")[: options.count])  # those that stay keep their order
    return joint.with_people(torch.from_numpy(shares[least]))


def _likeness(
    joint: Joint, faces: Callable[[Tensor], NDArray[np.float32]], gallery: Gallery, random: torch.Generator
) -> NDArray[np.float64]:
    """How like somebody real the face of each person (people,) is that is most like anybody."""
    places, people = joint.places, joint.machine.blocks[-1].units
    most = np.full(people, -np.inf)
    for label in range(places.expressions.start, places.expressions.stop):
        hold = joint.nothing_held(people)
        hold.free[:, places.expressions] = 0
        hold.values[:, label] = 1
        hold.values[:, places.people] = torch.eye(people)
        for _ in range(DRAWN):
            v = joint.sample(hold, STEPS, random)
            for _ in range(SETTLING):
                v = held(joint.machine.visible(joint.machine.hidden(v)), hold)
            most = np.maximum(most, gallery.nearest(faces(v[:, places.features])).likeness)
    return most

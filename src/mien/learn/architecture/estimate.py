"""What was found about the layers and units that a data set supports."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mien import recipe as toml

if TYPE_CHECKING:
    from mien.learn.architecture.dimension import Dimension
    from mien.learn.architecture.halving import Halving
    from mien.learn.architecture.likelihood import Likelihood
    from mien.learn.architecture.pruning import Pruning
    from mien.learn.recipe import TrainRecipe


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """Four views of the same question, and the network to take.

    Attributes:
        dimension: how many directions the faces vary in.
        likelihood: how likely held-out faces are against hidden units.
        pruning: how many units of a large layer are in use.
        halving: how well networks of several layers and sizes do; it decides.
        recipe: the recommended one; its text is TOML that ``mien train`` takes.
        faces: how many were looked at, of
        people: how many people.
        labelled: whether labels were used.
        seed: of everything drawn.
    """

    dimension: Dimension
    likelihood: Likelihood
    pruning: Pruning
    halving: Halving
    recipe: TrainRecipe
    faces: int
    people: int
    labelled: bool
    seed: int


def written(plan: TrainRecipe, heading: str) -> str:
    """The TOML of a recipe, every setting spelled out, under a ``heading`` of plain text."""
    comment = "".join(f"# {line}\n" for line in heading.splitlines())
    tables = {
        "patches": plan.patches,
        "augmentation": plan.augmentation,
        "features": plan.features,
        "head": plan.head,
        **({} if plan.fine_tuning is None else {"fine_tuning": plan.fine_tuning}),
    }
    return f"{comment}name = {json.dumps(plan.name)}\nseed = {plan.seed}\n\n{toml.dump(tables)}"

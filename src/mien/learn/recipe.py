"""The training recipe: which patches, which features, which head, fine-tuned or not, from which seed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mien import plugins
from mien import recipe as toml
from mien.errors import RecipeError
from mien.faces import patches
from mien.learn import document, fine_tuning
from mien.learn.augmentation import Augmentation
from mien.learn.fine_tuning import FineTuning
from mien.learn.networks import recipe as network_recipe
from mien.learn.networks.recipe import NetworkRecipe
from mien.recipe import Part


@dataclass(frozen=True, slots=True)
class TrainRecipe:
    """All that ``mien train`` needs to know besides the data.

    Attributes:
        name: the model's short name.
        seed: of all random numbers, 0 to 2**31 - 1.
        patches: how faces are cut.
        augmentation: altered copies of the training faces.
        features: the feature learner.
        head: the classifier on top.
        text: the TOML it was read from; it travels in the model file.
        fine_tuning: how features and head are trained together afterwards; ``None``: they are not.

    Raises:
        RecipeError: fine-tuning is asked for, and these features or this head cannot be tuned.
    """

    name: str
    seed: int
    patches: patches.Options
    augmentation: Augmentation
    features: Part
    head: Part
    text: str
    fine_tuning: FineTuning | None = None

    def __post_init__(self) -> None:
        _tunable(self.fine_tuning, self.features, self.head, self.name)

    def with_seed(self, seed: int) -> TrainRecipe:
        """The same recipe from another seed.

        Raises:
            RecipeError: out of range.
        """
        return replace(self, seed=document.seed(seed, self.name))


@dataclass(frozen=True, slots=True)
class _Document:
    name: str
    seed: int
    features: dict[str, Any]
    head: dict[str, Any]
    patches: patches.Options = field(default_factory=patches.Options)
    augmentation: Augmentation = field(default_factory=Augmentation)
    fine_tuning: FineTuning | None = None


def read(recipe: str | Path) -> TrainRecipe | NetworkRecipe:
    """The recipe behind a path or a shipped name (``paper``, ``recipes/paper.toml``).

    Raises:
        UnknownPartError, RecipeError, MissingExtraError: as the message says.
    """
    path = toml.locate(recipe)
    _, text = toml.read(path)
    return parse(text, str(recipe))


def parse(text: str, where: str) -> TrainRecipe | NetworkRecipe:
    """The recipe in TOML ``text``; ``where`` names it in errors. One with a table [backbone] is a network's.

    Raises:
        RecipeError: an unknown or missing key, a wrong type, an impossible value.
        UnknownPartError: no feature learner or head of that name.
        MissingExtraError: a part needs an optional dependency.
    """
    tables = toml.parse(text, where)
    if "backbone" in tables:
        return network_recipe.parse(text, where)
    if "joint" in tables:
        raise RecipeError(
            f"{where}: the recipe of a generator, which names no expression; only 'mien train' takes it"
        )
    found = toml.options(_Document, tables, where)
    document.name(found.name, where)
    features = _part("learn.features", found.features, f"{where}: [features]")
    head = _part("learn.heads", found.head, f"{where}: [head]")
    _tunable(found.fine_tuning, features, head, where)
    return TrainRecipe(
        name=found.name,
        seed=document.seed(found.seed, where),
        patches=found.patches,
        augmentation=found.augmentation,
        features=features,
        head=head,
        text=text,
        fine_tuning=found.fine_tuning,
    )


def _part(room: str, table: dict[str, Any], where: str) -> Part:
    if "name" not in table:
        raise RecipeError(f"{where}: key 'name' is missing; there are: {', '.join(plugins.names(room))}")
    return toml.part(room, table, "", where)


def _tunable(asked: FineTuning | None, features: Part, head: Part, where: str) -> None:
    why = fine_tuning.unfit(features, head, asked.hidden) if asked else ""
    if why:
        raise RecipeError(f"{where}: [fine_tuning] {why}")

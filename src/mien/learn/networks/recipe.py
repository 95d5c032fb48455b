"""The recipe of a network: how faces are cut and altered, what is learned, how long, from which start."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from mien import recipe as toml
from mien.errors import RecipeError
from mien.faces import patches
from mien.learn import document, loop, photometry
from mien.learn.networks import backbone, calibration, pretraining, targets, views

Tuned = Literal["all", "heads"]


@dataclass(frozen=True, slots=True)
class Losses:
    """A recipe's table on what is minimised.

    Attributes:
        prior: how far the rarity of an expression among the faces that are drawn is taken out of the answers, 0 to
            1: the logits are compared after ``prior * log share`` was added to them (Menon et al. 2021).
        units: weight of the action units' mean cross-entropy against that of the expressions.
    """

    prior: float = 1.0
    units: float = 3.0

    def __post_init__(self) -> None:
        if not 0 <= self.prior <= 1 or not 0 <= self.units < 1e6:
            raise ValueError(f"prior must be 0 to 1, units 0 or more, not {self.prior} and {self.units}")


@dataclass(frozen=True, slots=True)
class NetworkRecipe:
    """All that ``mien train`` needs to know of a network besides the data.

    Attributes:
        name: the model's short name.
        seed: of all random numbers, 0 to 2**31 - 1.
        text: the TOML it was read from; it travels in the model file.
        patches: how faces are cut.
        backbone: the network.
        targets: what is learned, and how often each face is drawn.
        views: how faces are moved and covered in training.
        light: what the camera does to them.
        losses: what is minimised.
        training: how long and how fast.
        pretraining: of the backbone, without labels; none by default.
        calibration: on whom, and with which prior, scores are made probabilities.
        start: a model to begin with: a shipped one's name or a file; ``""``: random weights.
        tune: what learns on from there: ``all`` or the ``heads`` alone. Data that are not coded for action units
            leave those of the model as they are; but with ``all`` the backbone moves beneath them.
        slow: learning rate of the backbone and of the expressions' head as a share of the units', above 0 to 1.
        blend: how far the weights go from those of the start to those that were learned, above 0 to 1.
    """

    name: str
    seed: int
    text: str = ""
    patches: patches.Options = field(default_factory=patches.Options)
    backbone: backbone.Options = field(default_factory=backbone.Options)
    targets: targets.Options = field(default_factory=targets.Options)
    views: views.Options = field(default_factory=views.Options)
    light: photometry.Options = field(default_factory=photometry.Options)
    losses: Losses = field(default_factory=Losses)
    training: loop.Options = field(default_factory=loop.Options)
    pretraining: pretraining.Options = field(default_factory=pretraining.Options)
    calibration: calibration.Options = field(default_factory=calibration.Options)
    start: str = ""
    tune: Tuned = "all"
    slow: float = 1.0
    blend: float = 1.0

    def __post_init__(self) -> None:
        document.seed(self.seed, self.name)
        if not (0 < self.slow <= 1 and 0 < self.blend <= 1):
            raise RecipeError(
                f"{self.name}: slow and blend must be above 0, at most 1, not {self.slow}, {self.blend}"
            )
        if self.tune == "heads" and not self.start:
            raise RecipeError(f'{self.name}: tune = "heads" needs a model to start from; give start, or --from')
        if self.start and self.pretraining.steps:
            raise RecipeError(f"{self.name}: a model to start from has been trained; leave [pretraining] out")

    def factor(self, parameter: str) -> float:
        """By what the learning rate of a parameter of ``Network`` is multiplied."""
        return 1.0 if parameter.startswith("units.") else self.slow

    def with_seed(self, seed: int) -> NetworkRecipe:
        """The same recipe from another seed.

        Raises:
            RecipeError: out of range.
        """
        return replace(self, seed=seed)

    def starting_from(self, model: str, tune: str = "all") -> NetworkRecipe:
        """The same recipe from the weights of a model; the text that travels says so, too.

        Args:
            model: a shipped model's name, or a model file made by a network recipe.
            tune: ``all`` or ``heads``.

        Raises:
            RecipeError: ``tune`` is neither.
        """
        if tune not in get_args(Tuned):
            raise RecipeError(f"{self.name}: tune must be one of {', '.join(get_args(Tuned))}, not {tune!r}")
        made = replace(self, start=str(model), tune=tune)  # type: ignore[arg-type]
        return replace(made, text=made.spelled_out())

    def spelled_out(self) -> str:
        """The recipe as TOML, every setting given; what was said in comments is lost."""
        plain = {name: getattr(self, name) for name in ("name", "seed", "start", "tune", "slow", "blend")}
        tables = {name: getattr(self, name) for name in NetworkRecipe.__slots__ if name not in (*plain, "text")}
        return "\n".join([*(f"{key} = {json.dumps(value)}" for key, value in plain.items()), "", toml.dump(tables)])


def parse(text: str, where: str) -> NetworkRecipe:
    """The recipe in TOML ``text``; ``where`` names it in errors.

    Raises:
        RecipeError: an unknown or missing key, a wrong type, an impossible value.
    """
    return document.parse(NetworkRecipe, text, where)

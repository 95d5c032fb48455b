"""The recipe of a generator: how faces are cut and blended, and how each level is learned."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from mien import recipe as toml
from mien.errors import RecipeError
from mien.faces import patches
from mien.learn import document
from mien.learn.boltzmann import divergence, joint_training, unrolled
from mien.learn.generation import composites, people

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Layers:
    """The directed layers, learned greedily as machines.

    Attributes:
        sizes: units of each, from the lowest up.
        epochs: passes over the faces, per layer.
        rate: learning rate of the first layer, on Gaussian pixels, and of all others; it falls to a hundredth.
        rho, sparsity: wanted mean activation of a unit, and how strongly it is wanted.
        edge: weight of the pixels outside the face in the reconstruction, 0 to 1; those inside have 1.
    """

    sizes: tuple[int, ...] = (700, 500)
    epochs: int = 12
    rate: tuple[float, ...] = (0.0015, 0.05)
    rho: float = 0.15
    sparsity: float = 0.1
    edge: float = 0.4

    def __post_init__(self) -> None:
        if not self.sizes or not self.rate:
            raise ValueError("sizes and rate must list one number or more")
        if not 0 < self.edge <= 1:
            raise ValueError(f"edge must lie above 0 and up to 1, not {self.edge}")
        self.machines()

    def machines(self) -> tuple[divergence.Options, ...]:
        """How the machine of every layer is trained.

        Raises:
            ValueError: one of the options is impossible.
        """
        return tuple(
            divergence.Options(
                epochs=self.epochs,
                rate=self.rate[min(depth, len(self.rate) - 1)],
                rate_left=0.01,
                draw=False,  # less noise: these layers are codes, and are tuned as such afterwards
                rho=self.rho,
                sparsity=self.sparsity,
            )
            for depth in range(len(self.sizes))
        )


@dataclass(frozen=True, slots=True)
class GeneratorRecipe:
    """All that ``mien train`` needs to know of a generator besides the data.

    Attributes:
        name: its short name.
        seed: of all random numbers, 0 to 2**31 - 1.
        joint: how the joint machine is trained.
        patches: how faces are cut.
        composites: how they are blended.
        layers: how the directed layers below the joint machine are learned one by one.
        unrolled: how they are tuned together.
        people: the invented people.
        text: the TOML it was read from; it travels in the file.
    """

    name: str
    seed: int
    joint: joint_training.Options
    patches: patches.Options = field(default_factory=patches.Options)
    composites: composites.Options = field(default_factory=composites.Options)
    layers: Layers = field(default_factory=Layers)
    unrolled: unrolled.Options = field(default_factory=unrolled.Options)
    people: people.Options = field(default_factory=people.Options)
    text: str = ""

    def __post_init__(self) -> None:
        document.seed(self.seed, self.name)
        if self.patches.alignment == "box" or self.patches.scaling != "full-range":
            raise RecipeError(
                f'{self.name}: [patches] a generator wants alignment = "points" or "eyes" and scaling = '
                '"full-range": faces are blended point by point'
            )

    def with_seed(self, seed: int) -> GeneratorRecipe:
        """The same recipe from another seed.

        Raises:
            RecipeError: out of range.
        """
        return replace(self, seed=seed)


def holds(recipe: str | Path) -> bool:
    """Whether a recipe, by its path or shipped name, is a generator's: it has a table [joint].

    Raises:
        UnknownPartError, RecipeError: it cannot be found or read.
    """
    return "joint" in toml.read(toml.locate(recipe))[0]


def read(recipe: str | Path) -> GeneratorRecipe:
    """The recipe behind a path or a shipped name (``generators/composites``).

    Raises:
        UnknownPartError, RecipeError: as the message says.
    """
    return parse(toml.read(toml.locate(recipe))[1], str(recipe))


def parse(text: str, where: str) -> GeneratorRecipe:
    """The recipe in TOML ``text``; ``where`` names it in errors.

    Raises:
        RecipeError: an unknown or missing key, a wrong type, an impossible value.
    """
    return document.parse(GeneratorRecipe, text, where)

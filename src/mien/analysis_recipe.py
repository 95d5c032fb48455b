"""The analysis recipe: how a video is analysed, every setting of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from mien import plugins, recipe
from mien.errors import RecipeError
from mien.faces import cuts
from mien.temporal import abstention, baseline, smoothing

if TYPE_CHECKING:
    from pathlib import Path

T = TypeVar("T")

DEFAULT = {"detect": "anchor_free", "follow": "points", "track": "identity"}
"""The part of each room where a recipe names none."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a video is analysed; ``recipes/analyze.toml`` spells every setting out.

    Attributes:
        detect: the face detector, a part of ``mien.faces.detect``.
        follow: how known faces are followed and when new ones are looked for, a part of ``mien.faces.follow``.
        track: the tracker, a part of ``mien.faces.track``.
        shots: where a new shot begins.
        smoothing: of the probabilities over time.
        baseline: what a person's action units are measured from.
        abstention: when no expression is named.
    """

    detect: recipe.Part
    follow: recipe.Part
    track: recipe.Part
    shots: cuts.Options
    smoothing: smoothing.Options
    baseline: baseline.Options
    abstention: abstention.Options

    @property
    def text(self) -> str:
        """The recipe as TOML, every effective setting spelled out."""
        return recipe.dump({name: getattr(self, name) for name in Recipe.__slots__})

    @property
    def landmarks(self) -> bool:
        """Whether the faces of a run carry landmarks."""
        return bool(plugins.part(self.follow.room, self.follow.name).LANDMARKS)


def read_recipe(path: str | Path | None = None) -> Recipe:
    """The analysis recipe at ``path``, or the defaults.

    Raises:
        RecipeError, UnknownPartError: an unknown key or part, a wrong type, no such file.
    """
    where, tables = "defaults", dict[str, Any]()
    if path is not None:
        found = recipe.locate(path)
        tables, _ = recipe.read(found)
        where = str(found)
    for name in tables:
        if name not in Recipe.__slots__:
            raise RecipeError(f"{where}: unknown table {name!r}; known: {', '.join(Recipe.__slots__)}")
    detect, follow, track = (
        recipe.part(f"faces.{name}", recipe.section(tables, name, where), default, f"{where}: {name}")
        for name, default in DEFAULT.items()
    )

    def settings(kind: type[T], name: str) -> T:
        return recipe.options(kind, recipe.section(tables, name, where), f"{where}: {name}")

    return Recipe(
        detect,
        follow,
        track,
        shots=settings(cuts.Options, "shots"),
        smoothing=settings(smoothing.Options, "smoothing"),
        baseline=settings(baseline.Options, "baseline"),
        abstention=settings(abstention.Options, "abstention"),
    )

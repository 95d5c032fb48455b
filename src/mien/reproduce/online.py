"""The report's own way to features (section 2.2): one face at a time, alpha .2, beta 5, lambda .002.

Twice: on stills behind an oval mask (Fig. 3), and on the frames of section 3.2, for the classifiers. No labels are
used, but the frames that are tested later are among those learned from, as they must have been in the report; the
batch features, which every other number rests on, never see a tested person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.errors import TrainingError
from mien.faces.oval import mask
from mien.learn import training_set
from mien.learn.features import online_autoencoder
from mien.learn.interfaces import silent
from mien.reproduce.corpus import PATCH
from mien.reproduce.results import Row
from mien.reproduce.views import UNITS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mien.data.dataset import Dataset
    from mien.learn.interfaces import Progress
    from mien.reproduce.settings import Settings
    from mien.reproduce.stages import Stages

    Floats = NDArray[np.float32]

EXPERIMENT = "stills"
ALIVE = 0.05
"""A unit is alive if its activation varies by this much, in standard deviations over the faces."""
DIVERGENT = online_autoencoder.Options(units=64, activation="tanh", alpha=0.2, rho=-0.996, steps=1_000_000)
"""The report's alpha with tanh units; few of them, since any number diverges."""


@dataclass(frozen=True, slots=True)
class Learned:
    """Features learned online.

    Attributes:
        weights: encoder weights (units, 576).
        features: activations (n, units) of the faces learned from.
        curve: (chunks, 2): steps done, mean squared error per face over the chunk.
        by_mean: squared error per face of the mean face.
        alive: units whose activation varies from face to face.
    """

    weights: Floats
    features: Floats
    curve: NDArray[np.float64]
    by_mean: float
    alive: int


def masked(stills: Dataset) -> Floats:
    """The stills (n, 576) behind their oval masks."""
    return np.stack([mask(patch).ravel() for patch in training_set.cut(stills.items, PATCH)])


def learn(x: Floats, name: str, settings: Settings, stages: Stages, progress: Progress) -> Learned:
    """Learn from flattened patches (n, 576) in [0, 1]; a stopped run goes on from its checkpoint.

    Raises:
        TrainingError: it diverged.
    """
    options = online_autoencoder.Options(units=UNITS, steps=settings.steps)

    def told(_stage: str, done: int, of: int) -> None:
        progress(name, done, of)

    def make(checkpoint: Path) -> dict[str, NDArray[np.float64] | Floats]:
        found = online_autoencoder.build(options).fit(x, settings.seed, told, checkpoint)
        run = found.run
        done = np.minimum(np.arange(1, len(run.curve) + 1) * online_autoencoder.CHUNK, options.steps)
        return {
            "weights": run.W1,
            "features": found.encode(x),
            "curve": np.stack([done, run.curve[:, 0]], axis=1).astype(np.float64),
            "by_mean": np.array(run.by_mean, np.float64),
        }

    made = stages.get("online", {"x": x, "options": options, "seed": settings.seed}, make)
    alive = int((made["features"].std(axis=0) >= ALIVE).sum())
    return Learned(made["weights"], made["features"], made["curve"], float(made["by_mean"]), alive)


def stopped_at(x: Floats, settings: Settings, stages: Stages) -> str:
    """What the guard says of the report's alpha with tanh units; empty if it let the run pass."""

    def make(_checkpoint: Path) -> dict[str, NDArray[np.str_]]:
        try:
            online_autoencoder.build(DIVERGENT).fit(x, settings.seed, silent)
        except TrainingError as error:
            return {"words": np.array(str(error))}
        return {"words": np.array("")}

    return str(stages.get("guard", {"x": x, "options": DIVERGENT, "seed": settings.seed}, make)["words"])


def rows(inputs: str, learned: Learned) -> list[Row]:
    """Error and living units."""
    figures = {
        "sse": float(learned.curve[-1, 1]),
        "sse_of_mean_face": learned.by_mean,
        "sse_ratio": float(learned.curve[-1, 1]) / learned.by_mean,
        "units": float(len(learned.weights)),
        "units_alive": float(learned.alive),
        "steps": float(learned.curve[-1, 0]),
    }
    return [Row(EXPERIMENT, "none", inputs, "all", name, value) for name, value in figures.items()]

"""Logistic layers that have learned nothing: what learned layers, and every start of fine-tuning, must beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mien.learn import fine_tuning
from mien.learn.features._examples import checked
from mien.learn.fine_tuning import Tuned
from mien.learn.interfaces import Progress, silent
from mien.learn.tuned_features import TunedFeatures

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Options:
    """Options of random layers.

    Attributes:
        layers: units of each layer, from the lowest up.
    """

    layers: tuple[int, ...] = (250, 100)

    def __post_init__(self) -> None:
        if not self.layers or not all(1 <= units <= 100_000 for units in self.layers):
            raise ValueError(f"layers must list units from 1 to 100000, not {self.layers}")


def build(options: Options) -> RandomLayers:
    """The learner under ``options``."""
    return RandomLayers(options)


@dataclass(frozen=True, slots=True)
class RandomLayers:
    """Draws weights and looks at no face."""

    options: Options

    def fit(self, x: NDArray[np.float32], seed: int, progress: Progress = silent) -> TunedFeatures:
        """Layers with weights as ``fine_tuning.random_start`` draws them.

        Args:
            x: float32 (n, pixels) in [0, 1]; only the number of pixels counts.
            seed: of the weights.
            progress: called once, at the end.

        Raises:
            TrainingError: unfit examples.
        """
        x = checked("random_layers", x)
        layers = fine_tuning.random_start((x.shape[1], *self.options.layers), seed)
        found = TunedFeatures(Tuned(layers, layers[-1]), {"layers": float(len(layers))})
        progress("features", 1, 1)
        return found

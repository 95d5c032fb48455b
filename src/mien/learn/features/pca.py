"""Principal components: the linear features to beat, of the same size and under the same interface."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from mien.errors import TrainingError
from mien.learn.features._examples import checked
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

FLAT = 1e-10  # share of all variance below which a component is rounding noise


@dataclass(frozen=True, slots=True)
class Options:
    """Options of principal components.

    Attributes:
        units: components, those of largest variance first.
        whiten: scale every component to variance 1 over the training faces.
    """

    units: int = 250
    whiten: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.units <= 100_000:
            raise ValueError(f"units must be 1 to 100000, not {self.units}")


def build(options: Options) -> Pca:
    """The learner under ``options``."""
    return Pca(options)


@dataclass(frozen=True, slots=True)
class Pca:
    """Finds the components of patches without labels."""

    options: Options

    def fit(self, x: NDArray[np.float32], seed: int, progress: Progress = silent) -> PcaFeatures:
        """Learn from flattened patches.

        Args:
            x: float32 (n, pixels) in [0, 1].
            seed: not used; there is nothing random here.
            progress: called once, at the end.

        Raises:
            TrainingError: unfit examples, or fewer directions in which they vary than components.
        """
        del seed
        x = checked("pca", x)
        n, inputs = x.shape
        units = self.options.units
        with one_thread():
            mean = x.mean(axis=0, dtype=np.float64)
            centred = x - mean
            values, vectors = np.linalg.eigh(centred.T @ centred / n)
        variance = values[::-1]  # eigh gives the smallest first
        varied = int((variance > FLAT * variance.sum()).sum())
        if units > varied:
            raise TrainingError(
                f"pca: {n} faces of {inputs} pixels vary in {varied} directions, fewer than units = {units}; "
                "take fewer units or more faces"
            )
        components = vectors.T[::-1][:units]
        # A component and its negative explain the same; let the largest weight be positive.
        largest = np.abs(components).argmax(axis=1)
        components = components * np.sign(components[np.arange(units), largest])[:, None]
        if self.options.whiten:
            components = components / np.sqrt(variance[:units])[:, None]
        progress("features", 1, 1)
        explained = float(variance[:units].sum() / variance.sum())
        return PcaFeatures(components.astype(np.float32), (-components @ mean).astype(np.float32), explained)


@dataclass(frozen=True, slots=True)
class PcaFeatures:
    """Fitted components.

    Attributes:
        W: float32 (units, pixels), one component a row.
        b: float32 (units,), ``-W mean``: features are projections of the patch minus the mean.
        explained: share of the variance of the training faces that the components hold.
    """

    W: NDArray[np.float32]
    b: NDArray[np.float32]
    explained: float

    @property
    def units(self) -> int:
        """Components."""
        return len(self.b)

    def encode(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features ``x W' + b`` (n, units) of flattened patches (n, pixels)."""
        with one_thread():
            W, b = torch.from_numpy(self.W), torch.from_numpy(self.b)
            found: NDArray[np.float32] = nn.functional.linear(
                torch.from_numpy(np.ascontiguousarray(x)), W, b
            ).numpy()
        return found

    def layers(self) -> tuple[nn.Module, ...]:
        """Linear."""
        linear = nn.Linear(self.W.shape[1], self.units)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(self.W))
            linear.bias.copy_(torch.from_numpy(self.b))
        return (linear,)

    def figures(self) -> dict[str, float]:
        """Share of the variance that the components hold."""
        return {"explained_variance": self.explained}

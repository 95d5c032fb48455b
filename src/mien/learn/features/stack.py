"""Stacked sparse autoencoders (sections 3.3 and 4.1 of the report): each layer learns the one below it.

The report's variants are ``layers = [250]``, ``[250, 100]`` and ``[500]``. Every layer is a ``sparse_autoencoder``;
the first sees the faces, each further one the activations of the layer below, which lie in (0, 1) as its logistic
units need. What the layers learn one by one, ``learn.equations.stack_cost_and_gradient`` can tune together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from mien.errors import TrainingError
from mien.learn.equations import Layer, encode_stack
from mien.learn.features import sparse_autoencoder
from mien.learn.features._examples import checked
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from mien.learn.features.sparse_autoencoder import AutoencoderFeatures


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the stack; all but the first hold for every layer, as in ``sparse_autoencoder``.

    Attributes:
        layers: units of each layer, from the lowest up.
        rho: wanted mean activation of a unit.
        beta: weight of the sparsity term.
        weight_decay: lambda, on weights only.
        iterations: of L-BFGS, per layer.
    """

    layers: tuple[int, ...] = (250, 100)
    rho: float = 0.05
    beta: float = 3.0
    weight_decay: float = 1e-4
    iterations: int = 400

    def __post_init__(self) -> None:
        if not self.layers:
            raise ValueError("layers must list the units of one layer or more")
        for units in self.layers:
            self.layer(units)

    def layer(self, units: int) -> sparse_autoencoder.Options:
        """The options of a layer of ``units``.

        Raises:
            ValueError: one of them is impossible.
        """
        return sparse_autoencoder.Options(units, self.rho, self.beta, self.weight_decay, self.iterations)


def build(options: Options) -> Stack:
    """The learner under ``options``."""
    return Stack(options)


@dataclass(frozen=True, slots=True)
class Stack:
    """Learns ``StackFeatures`` from patches without labels, layer by layer."""

    options: Options

    def fit(self, x: NDArray[np.float32], seed: int, progress: Progress = silent) -> StackFeatures:
        """Learn from flattened patches.

        Args:
            x: float32 (n, pixels) in [0, 1].
            seed: of the starting weights; layer l starts from ``seed + l``, the first from ``seed`` itself, so that
                a stack of one layer is the ``sparse_autoencoder`` of that seed.
            progress: called every tenth iteration, counted over all layers.

        Raises:
            TrainingError: as in ``sparse_autoencoder``, with the layer.
        """
        x = checked("stack", x)
        o = self.options
        learned: list[AutoencoderFeatures] = []
        for depth, units in enumerate(o.layers):

            def over_all(stage: str, done: int, of: int, below: int = depth) -> None:
                progress(stage, below * of + done, len(o.layers) * of)

            try:
                learned.append(sparse_autoencoder.build(o.layer(units)).fit(x, seed + depth, over_all))
            except TrainingError as error:
                raise TrainingError(f"stack: layer {depth + 1} ({x.shape[1]}-{units}): {error}") from None
            x = learned[-1].encode(x)
        return StackFeatures(tuple(learned))


@dataclass(frozen=True, slots=True)
class StackFeatures:
    """Fitted autoencoders, the lowest first; the features are the activations of the last."""

    autoencoders: tuple[AutoencoderFeatures, ...]

    @property
    def units(self) -> int:
        """Units of the last layer."""
        return self.autoencoders[-1].units

    @property
    def stack(self) -> tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...]:
        """The layers (W, b) of logistic units from the lowest up, as fine-tuning takes them."""
        return tuple(layer for autoencoder in self.autoencoders for layer in autoencoder.stack)

    def encode(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Activations (n, units) of the last layer for flattened patches (n, pixels)."""
        layers = [Layer(torch.from_numpy(W), torch.from_numpy(b)) for W, b in self.stack]
        with one_thread():
            found: NDArray[np.float32] = encode_stack(layers, torch.from_numpy(np.ascontiguousarray(x)))[-1].numpy()
        return found

    def layers(self) -> tuple[nn.Module, ...]:
        """Linear and Sigmoid, once per layer."""
        return tuple(module for autoencoder in self.autoencoders for module in autoencoder.layers())

    def figures(self) -> dict[str, float]:
        """The figures of every layer's autoencoder, as ``layer1_cost`` and so on."""
        return {
            f"layer{depth}_{name}": value
            for depth, autoencoder in enumerate(self.autoencoders, 1)
            for name, value in autoencoder.figures().items()
        }

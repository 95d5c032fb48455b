"""Features before and after fine-tuning: a stack of logistic layers, as any trained model has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import torch
from torch import nn

from mien.learn.descent import EVERY
from mien.learn.interfaces import Features

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mien.learn.fine_tuning import Layer, Tuned


@runtime_checkable
class Stacked(Features, Protocol):
    """Features that are a stack of logistic layers, which fine-tuning can go on from."""

    @property
    def stack(self) -> tuple[Layer, ...]:
        """The layers (W (units, inputs), b (units,)), the lowest first; float32."""


@dataclass(frozen=True, slots=True)
class TunedFeatures:
    """The layers of a tuned network, as features like any other.

    Attributes:
        tuned: the network.
        before: figures of the features that it started from.
    """

    tuned: Tuned
    before: dict[str, float]

    @property
    def units(self) -> int:
        """Units of the last layer."""
        return len(self.tuned.layers[-1][1])

    @property
    def stack(self) -> tuple[Layer, ...]:
        """The layers (W, b), the lowest first."""
        return self.tuned.layers

    def encode(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Activations (n, units) of the last layer for flattened patches (n, pixels)."""
        return self.tuned.features(x)

    def layers(self) -> tuple[nn.Module, ...]:
        """Linear and Sigmoid, once per layer."""
        return tuple(module for layer in self.tuned.layers for module in (_linear(layer), nn.Sigmoid()))

    def figures(self) -> dict[str, float]:
        """Figures of the start; steps, and the mean loss over the first and the last of them."""
        losses = self.tuned.losses
        found = self.before | {"tuning_steps": float(len(losses))}
        if losses:
            first, last = losses[:EVERY], losses[-EVERY:]
            found |= {"tuning_loss_first": sum(first) / len(first), "tuning_loss_last": sum(last) / len(last)}
        return found


def _linear(layer: Layer) -> nn.Linear:
    W, b = layer
    linear = nn.Linear(W.shape[1], len(b), device="meta")  # there it draws no random weights first
    linear.weight, linear.bias = nn.Parameter(torch.tensor(W)), nn.Parameter(torch.tensor(b))
    return linear

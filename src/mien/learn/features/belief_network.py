"""Deep belief networks as features: restricted Boltzmann machines stacked on faces (the report's title, [1], [4]).

Each machine learns the joint distribution of its units and those below; the features are the means of the top
machine's hidden units, recognised from the face upwards. Faces enter as standardised Gaussian pixels, or as
probabilities of binary ones. ``learn.boltzmann`` has the machinery; a network can also dream faces.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import nn

from mien.errors import TrainingError
from mien.learn.boltzmann import belief_network, divergence, up_down
from mien.learn.boltzmann.machine import Block
from mien.learn.boltzmann.standardisation import Standardisation
from mien.learn.features._examples import checked
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from mien.learn.boltzmann.belief_network import BeliefNetwork

    Layer = tuple[NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the belief network; the last entry of ``rate`` holds for all further layers.

    Attributes:
        layers: units of each layer, from the lowest up.
        visible: ``gaussian``: pixels are standardised, one by one; ``binary``: they are probabilities.
        epochs: passes over the faces, per layer.
        rate: learning rate of the first layer, and of the others; it falls to a tenth.
        batch: faces per update.
        momentum: as in ``learn.boltzmann.divergence``, as are the next five.
        weight_cost: of the squared weights.
        gibbs_steps: k of contrastive divergence.
        persistent: whether its chains go on from batch to batch.
        rho: wanted mean activation of a unit.
        sparsity: how strongly it is wanted; 0: not at all. On held-out people of CK+, a little of it helped.
        up_down_epochs: of the up-down algorithm, which learns all layers together once each has learned alone.
        up_down_rate: its learning rates, as in ``learn.boltzmann.up_down``.
        held_out: share of the faces, the last ones, that are not learned but watched for learning by heart.
    """

    layers: tuple[int, ...] = (500, 250)
    visible: Literal["gaussian", "binary"] = "gaussian"
    epochs: int = 20
    rate: tuple[float, ...] = (0.005, 0.05)
    batch: int = 100
    momentum: float = 0.9
    weight_cost: float = 2e-4
    gibbs_steps: int = 1
    persistent: bool = False
    rho: float = 0.1
    sparsity: float = 0.1
    up_down_epochs: int = 0
    up_down_rate: tuple[float, ...] = (0.0005, 0.005)
    held_out: float = 0.1

    def __post_init__(self) -> None:
        if not self.layers or not all(1 <= units <= 100_000 for units in self.layers):
            raise ValueError(f"layers must list the units, 1 to 100000, of one layer or more, not {self.layers}")
        if not self.rate:
            raise ValueError("rate must list one number or more")
        if not 0 <= self.held_out <= 0.5:
            raise ValueError(f"held_out must be 0 to 0.5, not {self.held_out}")
        if self.up_down_epochs < 0:
            raise ValueError(f"up_down_epochs must be 0 or more, not {self.up_down_epochs}")
        self.machines()
        self.together()

    def machines(self) -> tuple[divergence.Options, ...]:
        """How the machine of every layer is trained.

        Raises:
            ValueError: one of the options is impossible.
        """
        return tuple(
            divergence.Options(
                epochs=self.epochs,
                rate=self.rate[min(depth, len(self.rate) - 1)],
                rate_left=0.1,
                batch=self.batch,
                momentum=self.momentum,
                weight_cost=self.weight_cost,
                steps=self.gibbs_steps,
                persistent=self.persistent,
                rho=self.rho,
                sparsity=self.sparsity,
            )
            for depth in range(len(self.layers))
        )

    def together(self) -> up_down.Options:
        """How the layers are learned together afterwards, if they are.

        Raises:
            ValueError: one of the options is impossible.
        """
        return up_down.Options(max(self.up_down_epochs, 1), self.up_down_rate, self.batch)


def build(options: Options) -> BeliefNetworkLearner:
    """The learner under ``options``."""
    return BeliefNetworkLearner(options)


@dataclass(frozen=True, slots=True)
class BeliefNetworkLearner:
    """Learns ``BeliefNetworkFeatures`` from patches without labels."""

    options: Options

    def fit(self, x: NDArray[np.float32], seed: int, progress: Progress = silent) -> BeliefNetworkFeatures:
        """Learn from flattened patches.

        Args:
            x: float32 (n, pixels) in [0, 1]; copies of a face beside it.
            seed: of everything drawn; layer l has ``seed + l``.
            progress: called after every epoch, counted over all layers.

        Raises:
            TrainingError: too few faces, NaN, values outside [0, 1], constant pixels where they are Gaussian, or
                the learning diverged: with the layer, the epoch and the rate.
        """
        x = checked("belief_network", x)
        o = self.options
        kept = len(x) - int(o.held_out * len(x))
        try:
            scale = Standardisation.of(x[:kept]) if o.visible == "gaussian" else None
            rows = x if scale is None else scale.entered(x)
            seen, watched = rows[:kept], rows[kept:] if kept < len(x) else None
            block = Block(o.visible, x.shape[1])
            learned = belief_network.greedy(seen, block, o.layers, o.machines(), seed, progress, held_out=watched)
            network, figures = learned.network, _figures(learned.curves, "layer")
            if o.up_down_epochs:
                learned = up_down.tune(network, seen, o.together(), seed, progress, held_out=watched)
                network, figures = learned.network, figures | _figures(learned.curves, "up_down")
        except TrainingError as error:
            raise TrainingError(f"belief_network: {error}") from None
        return BeliefNetworkFeatures(network, scale, figures)


@dataclass(frozen=True, slots=True, eq=False)
class BeliefNetworkFeatures:
    """A learned network.

    Attributes:
        network: on float32.
        scale: how pixels become its visible units; None: as they are.
        fit_figures: about the learning.
    """

    network: BeliefNetwork
    scale: Standardisation | None
    fit_figures: dict[str, float]

    @property
    def units(self) -> int:
        """Hidden units of the top machine."""
        return self.network.top.hidden_units

    @property
    def stack(self) -> tuple[Layer, ...]:
        """The logistic layers (W, b) on pixels as they are, from the lowest up, as fine-tuning takes them."""
        (W, b), *above = self.network.stack()
        return ((W, b) if self.scale is None else self.scale.folded(W, b), *above)

    def encode(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Means (n, units) of the top units for flattened patches (n, pixels)."""
        with one_thread(), torch.inference_mode():
            h = torch.from_numpy(np.ascontiguousarray(x))
            for W, b in self.stack:
                h = torch.sigmoid(nn.functional.linear(h, torch.from_numpy(W), torch.from_numpy(b)))
            found: NDArray[np.float32] = h.numpy()
        return found

    def reconstruct(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """The patches (n, pixels) as the network makes them from their features, by means all the way."""
        with one_thread(), torch.inference_mode():
            h = torch.from_numpy(self.encode(x))
            return self._pixels(self.network.generate(self.network.top.visible(h)))

    def dream(self, count: int, steps: int, seed: int) -> NDArray[np.float32]:
        """Patches (count, pixels) that the network thinks up after ``steps`` Gibbs steps in its top machine."""
        with one_thread(), torch.inference_mode():
            return self._pixels(self.network.dream(count, steps, torch.Generator().manual_seed(seed)))

    def layers(self) -> tuple[nn.Module, ...]:
        """Linear and Sigmoid, once per layer."""
        return tuple(module for layer in self.stack for module in (_linear(layer), nn.Sigmoid()))

    def figures(self) -> dict[str, float]:
        """Epochs of each layer and of all together; reconstruction, mean activation, free-energy gap at the end."""
        return dict(self.fit_figures)

    def _pixels(self, v: Tensor) -> NDArray[np.float32]:
        found: NDArray[np.float32] = v.numpy() if self.scale is None else self.scale.left(v.numpy())
        return found


def _figures(curves: tuple[tuple[divergence.Epoch, ...], ...], stage: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for depth, curve in enumerate(curves, 1):
        name, last = stage if stage != "layer" else f"layer{depth}", curve[-1]
        found |= {
            f"{name}_epochs": float(len(curve)),
            f"{name}_reconstruction": last.reconstruction,
            f"{name}_rho_hat": last.rho_hat,
        }
        if last.free_energy_gap is not None:
            found[f"{name}_free_energy_gap"] = last.free_energy_gap
    return found


def _linear(layer: Layer) -> nn.Linear:
    W, b = layer
    linear = nn.Linear(W.shape[1], len(b), device="meta")  # there it draws no random weights first
    linear.weight, linear.bias = nn.Parameter(torch.tensor(W)), nn.Parameter(torch.tensor(b))
    return linear

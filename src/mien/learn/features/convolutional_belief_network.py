"""Convolutional deep belief network: small filters, learned all over the face (Lee, Grosse, Ranganath & Ng 2009).

The lowest convolutional machine learns the faces, each further one the pooling units of the one below,
without labels. What the head sees are the chances of the pooling units of the layers, averaged over small squares:
filters of both sizes, somewhat blind to where exactly their edge or part of a face lies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from mien.errors import TrainingError
from mien.learn.boltzmann import convolutional_divergence
from mien.learn.features._examples import checked
from mien.learn.features._whitening import Whitening
from mien.learn.interfaces import Progress, silent
from mien.learn.layers import Branches, ProbabilisticPooling
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from mien.learn.boltzmann.convolutional import ConvolutionalMachine, Visible
    from mien.learn.boltzmann.convolutional_divergence import Epoch

AT_ONCE = 256
"""Faces that go through the layers together; more would take memory and no less time."""


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the network; each tuple has one number per layer, the lowest first.

    Attributes:
        maps: hidden maps.
        sides: of the filters, odd.
        pooling: sides of the blocks in which at most one unit is on; a layer's map must consist of whole blocks.
        averaging: sides of the squares of pooling units whose mean is a feature; 0: the layer gives none.
        whitening: faces pass a fixed filter first that evens out their spectrum (Olshausen & Field 1997); faces in
            local contrast do not need it.
        contrast: deviation of what the lowest layer sees, in units of its noise; Lee's sigma is its inverse.
        faces: to learn from at most, drawn by chance; small filters see thousands of places in each of them.
        epochs: passes over these faces, for every layer.
        batch: faces per update.
        rate: learning rates, of gradients per face and place.
        momentum: of the updates; 0.5 at most in the first five epochs.
        weight_cost: of the squared weights.
        rho: wanted mean activations of the hidden units, and
        sparsity: how strongly they are wanted.
    """

    maps: tuple[int, ...] = (24, 40)
    sides: tuple[int, ...] = (7, 5)
    pooling: tuple[int, ...] = (2, 2)
    averaging: tuple[int, ...] = (2, 2)
    whitening: bool = False
    contrast: float = 2.0
    faces: int = 600
    epochs: int = 12
    batch: int = 20
    rate: tuple[float, ...] = (0.05, 1.0)
    momentum: float = 0.9
    weight_cost: float = 1e-3
    rho: tuple[float, ...] = (0.05, 0.03)
    sparsity: float = 5.0

    def __post_init__(self) -> None:
        tuples = {f.name: getattr(self, f.name) for f in fields(self) if isinstance(getattr(self, f.name), tuple)}
        if not self.maps or len({len(values) for values in tuples.values()}) > 1:
            raise ValueError(f"{', '.join(tuples)} must each list one number per layer, as many as maps has")
        if not all(1 <= maps <= 10_000 for maps in self.maps):
            raise ValueError(f"maps must be 1 to 10000, not {self.maps}")
        if not all(1 <= side <= 99 and side % 2 for side in self.sides):
            raise ValueError(f"sides must be odd, 1 to 99, not {self.sides}")
        if not all(1 <= block <= 100 for block in self.pooling):
            raise ValueError(f"pooling must be 1 to 100, not {self.pooling}")
        if not all(0 <= side <= 100 for side in self.averaging) or not any(self.averaging):
            raise ValueError(f"averaging must be 0 to 100, and not 0 for every layer, not {self.averaging}")
        if not 2 <= self.faces <= 10_000_000:
            raise ValueError(f"faces must be 2 or more, not {self.faces}")
        if not 0 < self.contrast <= 100:
            raise ValueError(f"contrast must lie above 0 and up to 100, not {self.contrast}")
        for depth in range(len(self.maps)):
            self.training(depth)

    def training(self, depth: int) -> convolutional_divergence.Options:
        """How layer ``depth``, from 0, is trained.

        Raises:
            ValueError: one of its options is impossible.
        """
        return convolutional_divergence.Options(
            self.epochs,
            self.batch,
            self.rate[depth],
            self.momentum,
            self.weight_cost,
            self.rho[depth],
            self.sparsity,
        )


def build(options: Options) -> ConvolutionalBeliefNetwork:
    """The learner under ``options``."""
    return ConvolutionalBeliefNetwork(options)


@dataclass(frozen=True, slots=True)
class ConvolutionalBeliefNetwork:
    """Learns ``ConvolutionalFeatures`` from patches without labels, layer by layer."""

    options: Options

    def fit(self, x: NDArray[np.float32], seed: int, progress: Progress = silent) -> ConvolutionalFeatures:
        """Learn from flattened patches.

        Args:
            x: float32 (n, pixels) in [0, 1], the pixels of squares.
            seed: of everything drawn; layer l is trained from ``seed + l``.
            progress: called after every epoch, counted over all layers.

        Returns:
            The features. Equal inputs and seed give equal bits on one machine, whatever its number of threads.

        Raises:
            TrainingError: unfit examples, faces too small for the layers, or the learning diverged.
        """
        x = checked("convolutional_belief_network", x)
        o = self.options
        side = _side(x.shape[1], o)
        with one_thread(), torch.no_grad():
            chosen = np.random.default_rng([seed, 7]).permutation(len(x))[: o.faces]
            pictures = torch.from_numpy(x[chosen]).view(-1, 1, side, side)
            whitening = Whitening.of(pictures, o.contrast, filtered=o.whitening)
            v = _passed(whitening.layers(), pictures)
            machines: list[ConvolutionalMachine] = []
            curves: list[tuple[Epoch, ...]] = []
            for depth, maps in enumerate(o.maps):

                def over_all(stage: str, done: int, of: int, below: int = depth) -> None:
                    progress(stage, below * of + done, len(o.maps) * of)

                kind: Visible = "binary" if depth else "gaussian"
                trained = convolutional_divergence.train(
                    v, kind, maps, o.sides[depth], o.pooling[depth], o.training(depth), seed + depth, over_all
                )
                machines.append(trained.machine)
                curves.append(trained.curve)
                if depth + 1 < len(o.maps):
                    v = _passed(_layer(trained.machine), v)
        return ConvolutionalFeatures(side, whitening, tuple(machines), o.averaging, tuple(curves))


@dataclass(frozen=True, slots=True, eq=False)
class ConvolutionalFeatures:
    """A fitted network.

    Attributes:
        side: of the faces.
        whitening: what the lowest machine sees of them.
        machines: the lowest first.
        averaging: as in ``Options``.
        curves: of each machine's training.
    """

    side: int
    whitening: Whitening
    machines: tuple[ConvolutionalMachine, ...]
    averaging: tuple[int, ...]
    curves: tuple[tuple[Epoch, ...], ...]

    @property
    def units(self) -> int:
        """Maps times places, over the layers that give features."""
        found, side = 0, self.side
        for machine, square in zip(self.machines, self.averaging, strict=True):
            side //= machine.pooling
            found += machine.maps * (side // square) ** 2 if square else 0
        return found

    def encode(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features (n, units) of flattened patches (n, pixels)."""
        with one_thread(), torch.inference_mode():
            found: NDArray[np.float32] = _passed(self.layers(), torch.tensor(x)).numpy()
        return found

    def layers(self) -> tuple[nn.Module, ...]:
        """Whitening or scaling; per machine, convolution and probabilistic pooling; features branch off.

        What is learned further by fine-tuning are the convolutions; the whitening's needs no gradient.
        """
        chain: list[nn.Module] = []
        for machine, square in reversed(list(zip(self.machines, self.averaging, strict=True))):
            own = nn.Sequential(nn.AvgPool2d(square), nn.Flatten()) if square else None
            if own is not None and chain:
                chain = [Branches([own, nn.Sequential(*chain)])]
            elif own is not None:
                chain = [*own]
            chain = [*_layer(machine), *chain] if chain else []
        return (nn.Unflatten(1, (1, self.side, self.side)), *self.whitening.layers(), *chain)

    def figures(self) -> dict[str, float]:
        """Of every layer: reconstruction in the first and the last epoch, mean activation in the last."""
        found: dict[str, float] = {}
        for depth, curve in enumerate(self.curves, 1):
            found |= {
                f"layer{depth}_reconstruction_first": curve[0].reconstruction,
                f"layer{depth}_reconstruction": curve[-1].reconstruction,
                f"layer{depth}_rho_hat": curve[-1].rho_hat,
            }
        return found


def _side(pixels: int, o: Options) -> int:
    """The side of faces of so many pixels, which every layer can tile with whole blocks.

    Raises:
        TrainingError: no square, or some layer cannot.
    """
    side = math.isqrt(pixels)
    if side**2 != pixels:
        raise TrainingError(f"convolutional_belief_network: needs square faces, and {pixels} pixels are none")
    left = side
    for depth, (block, square) in enumerate(zip(o.pooling, o.averaging, strict=True), 1):
        whole = block * max(square, 1)
        if left < whole or left % block or (left // block) % max(square, 1):
            raise TrainingError(
                f"convolutional_belief_network: the maps of layer {depth} are {left} x {left} for faces of "
                f"{side} x {side}, no multiple of its pooling ({block}) times averaging ({square}); choose others, "
                "or faces of another size"
            )
        left //= block
    return side


def _layer(machine: ConvolutionalMachine) -> tuple[nn.Module, ...]:
    """From a machine's visible units to the chances of its pooling units."""
    maps, channels, side, _ = machine.W.shape
    convolution = nn.Conv2d(channels, maps, side, padding=side // 2, device="meta")  # there it draws no weights
    convolution.weight = nn.Parameter(machine.W.clone())
    convolution.bias = nn.Parameter(machine.b.clone())
    return convolution, ProbabilisticPooling(machine.pooling)


def _passed(layers: tuple[nn.Module, ...], x: Tensor) -> Tensor:
    network = nn.Sequential(*layers).eval()
    return torch.cat([network(part) for part in torch.split(x, AT_ONCE)])

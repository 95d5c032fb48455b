"""Fine-tuning: all layers and the softmax on top trained together, the step that the report left out.

The stack that was learned without labels is the starting point; the labels then move every weight (Hinton &
Salakhutdinov 2006). ``learn.equations.stack_cost_and_gradient`` writes the back-propagation out; here torch's own
is used, because dropout, which keeps a few hundred sequences from being learned by heart, changes the graph at
every step.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from mien.errors import TrainingError
from mien.learn.descent import descend, diverged, dropped, require_labels, share
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from mien.recipe import Part

    Layer = tuple[NDArray[np.float32], NDArray[np.float32]]

STACKS = (
    "belief_network",
    "online_autoencoder",
    "random_layers",
    "sparse_autoencoder",
    "sparse_encoding_machine",
    "stack",
)
"""The parts of ``learn.features`` whose features are logistic layers and say so by ``stack``."""

CONVOLUTIONS = ("convolutional_belief_network",)
"""The parts whose features ``learn.convolutional_tuning`` tunes."""

HEAD = "softmax"


@dataclass(frozen=True, slots=True)
class FineTuning:
    """Options of fine-tuning.

    Attributes:
        steps: of AdamW, one batch each; 0 leaves the network as it is.
        rate: largest learning rate; it rises over the first three tenths of the steps and falls to nothing, while
            the momentum does the reverse (torch's ``OneCycleLR``).
        weight_decay: of AdamW.
        dropout: share of the pixels, and of the units of every further layer, that are left out at random.
        smoothing: share of the label that is spread over all labels.
        balance: how far rare labels are drawn more often: an example of a label with share s is drawn in proportion
            to s**-balance.
        batch: faces per step.
        hidden: rectified units between convolutional features and the softmax; 0: none.
    """

    steps: int = 1500
    rate: float = 5e-3
    weight_decay: float = 1e-3
    dropout: tuple[float, ...] = (0.2, 0.5)
    smoothing: float = 0.05
    balance: float = 1.0
    batch: int = 128
    hidden: int = 0

    def __post_init__(self) -> None:
        if self.steps < 0 or self.batch < 1:
            raise ValueError(f"steps must be 0 or more and batch 1 or more, not {self.steps} and {self.batch}")
        if not 0 <= self.hidden <= 100_000:
            raise ValueError(f"hidden must be 0 to 100000, not {self.hidden}")
        if not (0 < self.rate < np.inf and 0 <= self.weight_decay < np.inf):
            raise ValueError(
                f"rate must be above 0 and weight_decay 0 or more, not {self.rate} and {self.weight_decay}"
            )
        if not self.dropout or not all(0 <= share < 1 for share in self.dropout):
            raise ValueError(f"dropout must list one or more shares from 0 to below 1, not {self.dropout}")
        if not (0 <= self.smoothing < 1 and 0 <= self.balance <= 1):
            raise ValueError(
                f"smoothing must be 0 to below 1 and balance 0 to 1, not {self.smoothing} and {self.balance}"
            )


@dataclass(frozen=True, slots=True)
class Tuned:
    """A tuned network.

    Attributes:
        layers: logistic layers (W (units, inputs), b (units,)), the lowest first; float32.
        top: the softmax (W (classes, units), b (classes,)) on top; float32.
        losses: the loss of every step, nats, under dropout and smoothed labels.
    """

    layers: tuple[Layer, ...]
    top: Layer
    losses: tuple[float, ...] = ()

    def features(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Activations (n, units) of the last layer for flattened patches (n, pixels)."""
        with one_thread(), torch.inference_mode():
            found: NDArray[np.float32] = _through(_tensors(self.layers), _rows(x)).numpy()
        return found

    def probabilities(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (n, classes) of flattened patches (n, pixels); rows sum to 1."""
        W, b = self.top
        logits = self.features(x).astype(np.float64) @ W.T.astype(np.float64) + b
        raised = np.exp(logits - logits.max(axis=1, keepdims=True))
        found: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
        return found


def tune(
    layers: Sequence[Layer],
    top: Layer,
    x: NDArray[np.float32],
    labels: NDArray[np.intp],
    options: FineTuning,
    seed: int,
    progress: Progress = silent,
) -> Tuned:
    """Train the stack and the softmax together.

    It is done in coordinates in which the mean face is 0 and a pixel varies by 1: the same networks, but a step
    that changes a weight no longer shifts every unit, and a pixel that is left out by dropout is that of the mean
    face instead of black. On held-out people of CK+ the loss fell by a tenth.

    Args:
        layers: the logistic layers (W (units, inputs), b (units,)), the lowest first.
        top: the softmax (W (classes, units), b (classes,)).
        x: flattened patches (n, pixels), altered copies among them.
        labels: (n,) index of each row's label.
        options: how.
        seed: of the batches and of dropout; equal inputs and seed give equal bits.
        progress: called now and then.

    Raises:
        TrainingError: shapes that do not fit, a label without an example, or the loss is no longer finite.
    """
    _check(layers, top, x, labels)
    random = torch.Generator().manual_seed(seed)
    about = _Centring.of(x)
    faces, truth = _rows((x - about.mean) / about.spread), torch.tensor(labels)
    with one_thread():
        pairs = _tensors([*about.entered([*layers, top])])

        def cost(chosen: Tensor) -> Tensor:
            return loss(pairs, faces[chosen], truth[chosen], options.smoothing, options.dropout, random)

        weights = [tensor.requires_grad_() for pair in pairs for tensor in pair]
        losses = descend(weights, cost, labels, options, random, progress)
    if not options.steps:  # to the last bit
        return Tuned(tuple(layers), top)
    found = about.left([(W.detach().numpy(), b.detach().numpy()) for W, b in pairs])
    if not all(np.isfinite(part).all() for pair in found for part in pair):
        raise diverged(options.steps, options)
    return Tuned(tuple(found[:-1]), found[-1], losses)


@dataclass(frozen=True, slots=True)
class _Centring:
    """Coordinates of the inputs in which training is done: (x - mean) / spread."""

    mean: NDArray[np.float32]
    spread: np.float32

    @classmethod
    def of(cls, x: NDArray[np.float32]) -> _Centring:
        mean = x.mean(axis=0, dtype=np.float64)
        spread = float(np.sqrt(((x - mean) ** 2).mean()))
        return cls(mean.astype(np.float32), np.float32(spread if spread > 0 else 1))

    def entered(self, layers: Sequence[Layer]) -> tuple[Layer, ...]:
        """The same network on centred inputs: its lowest layer takes up the change."""
        (W, b), *above = layers
        return ((W * self.spread, b + W @ self.mean), *above)

    def left(self, layers: Sequence[Layer]) -> list[Layer]:
        """The same network on the inputs as they are."""
        (W, b), *above = layers
        W = W / self.spread
        return [(W, b - W @ self.mean), *above]


def loss(
    pairs: Sequence[tuple[Tensor, Tensor]],
    x: Tensor,
    truth: Tensor,
    smoothing: float = 0.0,
    dropout: tuple[float, ...] = (0.0,),
    random: torch.Generator | None = None,
) -> Tensor:
    """What fine-tuning lowers: the mean cross-entropy of the softmax on top of the stack, nats; a scalar.

    Without dropout and smoothing it is the cost of ``learn.equations.stack_cost_and_gradient`` without decay.

    Args:
        pairs: the logistic layers (W, b) from the lowest up, and the softmax (W, b) last.
        x: (n, inputs).
        truth: (n,) index of each row's label.
        smoothing: as in ``FineTuning``.
        dropout: as in ``FineTuning``.
        random: what decides who is left out; nobody is without it.
    """
    *layers, (W, b) = pairs
    hidden = dropped(_through(layers, x, dropout, random), share(dropout, len(layers)), random)
    return functional.cross_entropy(hidden @ W.T + b, truth, label_smoothing=smoothing)


def unfit(features: Part, head: Part, hidden: int = 0) -> str:
    """Why a model of these parts cannot be fine-tuned, empty where it can; known before minutes of training."""
    if features.name not in STACKS + CONVOLUTIONS:
        known = ", ".join(STACKS + CONVOLUTIONS)
        return f"goes on from features made of logistic layers or convolutions ({known}), not from {features.name}"
    if hidden and features.name in STACKS:
        return f"puts hidden units on convolutions ({', '.join(CONVOLUTIONS)}) only, not on {features.name}"
    if getattr(features.options, "activation", "logistic") != "logistic":
        return f"goes on from logistic units, not from {features.options.activation} units"
    if head.name != HEAD:
        return f"goes on from the head {HEAD}, not from {head.name}"
    return ""


def random_start(sizes: Sequence[int], seed: int) -> tuple[Layer, ...]:
    """Logistic layers that have learned nothing, to see what learning without labels was worth.

    Weights are uniform in +-4 sqrt(6 / (inputs + units)) (Glorot & Bengio 2010, for logistic units); the biases put
    a grey face of 0.5 in the middle of every unit.
    """
    random = np.random.default_rng([seed, 6])
    found = []
    for inputs, units in pairwise(sizes):
        reach = 4 * float(np.sqrt(6 / (inputs + units)))
        W = random.uniform(-reach, reach, (units, inputs)).astype(np.float32)
        found.append((W, -0.5 * W.sum(axis=1)))
    return tuple(found)


def _through(
    layers: Sequence[tuple[Tensor, Tensor]],
    x: Tensor,
    dropout: tuple[float, ...] = (0.0,),
    random: torch.Generator | None = None,
) -> Tensor:
    for depth, (W, b) in enumerate(layers):
        x = torch.sigmoid(dropped(x, share(dropout, depth), random) @ W.T + b)
    return x


def _tensors(layers: Sequence[Layer]) -> list[tuple[Tensor, Tensor]]:
    return [(torch.tensor(W), torch.tensor(b)) for W, b in layers]


def _rows(x: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy(np.require(x, np.float32, ["C", "W"]))  # torch warns of what it could not write to


def _check(layers: Sequence[Layer], top: Layer, x: NDArray[np.float32], labels: NDArray[np.intp]) -> None:
    if x.ndim != 2:
        raise TrainingError(f"fine-tuning: needs faces as rows of pixels, not an array {x.shape}")
    inputs = x.shape[1]
    for W, b in [*layers, top]:
        if W.ndim != 2 or W.shape != (len(b), inputs):
            raise TrainingError(
                f"fine-tuning: a layer {W.shape} with {len(b)} biases does not fit on {inputs} numbers"
            )
        inputs = len(b)
    require_labels(labels, len(x), inputs)

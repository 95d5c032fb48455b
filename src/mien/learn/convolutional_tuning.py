"""Fine-tuning of convolutional features: all filters and the softmax on top trained together with the labels.

The filters that were learned without labels are the starting point. Probabilistic max pooling is differentiable as
it is: the chance that some unit of a block is on, ``s / (1 + s)`` with ``s`` the sum of ``exp(I)``.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from mien.errors import TrainingError
from mien.learn.descent import EVERY, descend, diverged, dropped, require_labels, share
from mien.learn.interfaces import Progress, silent
from mien.learn.layers import Branches
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Generator, Tensor

    from mien.learn.fine_tuning import FineTuning, Layer
    from mien.learn.interfaces import Features

AT_ONCE = 256  # faces that go through the layers together where nothing is learned
LEAST = 0.02  # of the largest deviation of a feature; one that varies less is not blown up to vary by 1


@dataclass(frozen=True, slots=True, eq=False)
class TunedConvolution:
    """Convolutional features after they were tuned, as features like any other.

    Attributes:
        chain: the layers, from flattened patches to features.
        units: how many numbers they give.
        losses: the loss of every step, nats, under dropout and smoothed labels.
        before: figures of the features that it started from.
    """

    chain: tuple[nn.Module, ...]
    units: int
    losses: tuple[float, ...]
    before: dict[str, float]

    def encode(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features (n, units) of flattened patches (n, pixels)."""
        with one_thread(), torch.inference_mode():
            found: NDArray[np.float32] = _passed(self.chain, torch.tensor(x)).numpy()
        return found

    def layers(self) -> tuple[nn.Module, ...]:
        """The layers."""
        return self.chain

    def figures(self) -> dict[str, float]:
        """Figures of the start; steps, and the mean loss over the first and the last of them."""
        found = self.before | {"tuning_steps": float(len(self.losses))}
        if self.losses:
            first, last = self.losses[:EVERY], self.losses[-EVERY:]
            found |= {"tuning_loss_first": sum(first) / len(first), "tuning_loss_last": sum(last) / len(last)}
        return found


def tune(
    features: Features,
    top: Layer,
    x: NDArray[np.float32],
    labels: NDArray[np.intp],
    options: FineTuning,
    seed: int,
    progress: Progress = silent,
) -> tuple[TunedConvolution, Layer]:
    """Train the convolutions of ``features`` and the softmax together.

    The softmax is trained on features of mean 0 and deviation 1, as they are at the start: the same networks, in
    coordinates in which one rate suits all.

    Args:
        features: whose layers to go on from; they are left as they are. Layers that want no gradient stay fixed.
        top: the softmax (W (classes, units), b (classes,)). With ``options.hidden`` it is not looked at but for its
            number of classes: rectified units come between, and both layers begin anew.
        x: flattened patches (n, pixels), altered copies among them.
        labels: (n,) index of each row's label.
        options: how; ``dropout`` has one share for the lowest convolution's inputs, one for each further layer's.
        seed: of the batches, of dropout and of new weights; equal inputs and seed give equal bits.
        progress: called now and then.

    Returns:
        The tuned features and the softmax on them.

    Raises:
        TrainingError: shapes that do not fit, a label without an example, or the loss is no longer finite.
    """
    if x.ndim != 2 or top[0].shape != (len(top[1]), features.units):
        raise TrainingError(
            f"fine-tuning: faces {x.shape} and a softmax {top[0].shape} do not fit on {features.units} features"
        )
    require_labels(labels, len(x), len(top[1]))
    if not options.steps:
        return TunedConvolution(features.layers(), features.units, (), features.figures()), top
    random = torch.Generator().manual_seed(seed)
    with one_thread():
        fixed, moving = _parted(tuple(copy.deepcopy(layer) for layer in features.layers()))
        with torch.no_grad():
            faces = _passed(fixed, torch.tensor(x))
            encoded = _passed(moving, faces)
        dense = _Dense.on(encoded, top, options.hidden, random)
        del encoded
        truth = torch.tensor(labels)
        depth = sum(_learns(layer) for layer in nn.Sequential(*moving).modules())

        def loss(chosen: Tensor) -> Tensor:
            found = through(moving, faces[chosen], options.dropout, random)
            answers = dense.through(found, share(options.dropout, depth), random)
            return functional.cross_entropy(answers, truth[chosen], label_smoothing=options.smoothing)

        weights = [p for p in nn.Sequential(*moving).parameters() if p.requires_grad] + dense.weights
        losses = descend(weights, loss, labels, options, random, progress)
        added, found_top = dense.layers()
        if not all(bool(torch.isfinite(weight).all()) for weight in weights):
            raise diverged(options.steps, options)
    chain = tuple(layer.requires_grad_(requires_grad=False) for layer in (*fixed, *moving, *added))
    units = options.hidden or features.units
    return TunedConvolution(chain, units, losses, features.figures()), found_top


def through(
    layers: Sequence[nn.Module],
    x: Tensor,
    dropout: tuple[float, ...] = (0.0,),
    random: Generator | None = None,
    depth: int = 0,
) -> Tensor:
    """What ``layers`` give of ``x``, a share of the inputs of every convolution that is learned left out.

    Args:
        layers: a chain; branches may end it.
        x: its input.
        dropout: as in ``FineTuning``.
        random: what decides what is left out; nothing is without it.
        depth: convolutions below.
    """
    for layer in layers:
        if isinstance(layer, Branches):
            parts = [through(list(branch), x, dropout, random, depth) for branch in _chains(layer)]
            x = torch.cat(parts, dim=1)
        elif _learns(layer):
            x = layer(dropped(x, share(dropout, depth), random))
            depth += 1
        else:
            x = layer(x)
    return x


@dataclass(frozen=True, slots=True, eq=False)
class _Dense:
    """What comes after the features in training: standardised features, perhaps rectified units, the softmax.

    Attributes:
        mean, spread: of the features (units,).
        hidden: (W, b) of the rectified units, or none.
        top: (W, b) of the softmax.
    """

    mean: Tensor
    spread: Tensor
    hidden: tuple[Tensor, Tensor] | None
    top: tuple[Tensor, Tensor]

    @classmethod
    def on(cls, encoded: Tensor, top: Layer, hidden: int, random: Generator) -> _Dense:
        """The softmax as it is, in these coordinates; or new layers for encoded faces (n, units)."""
        mean, spread = encoded.mean(dim=0), encoded.std(dim=0)
        spread = spread.clamp(min=max(LEAST * float(spread.max()), 1e-6))
        W, b = torch.tensor(top[0]), torch.tensor(top[1])
        if not hidden:
            return cls(mean, spread, None, _leaves(W * spread, b + W @ mean))
        units, classes = len(mean), len(b)
        drawn = (
            torch.randn(rows, columns, generator=random) * (gain / columns) ** 0.5
            for rows, columns, gain in ((hidden, units, 2.0), (classes, hidden, 1.0))
        )
        return cls(
            mean, spread, _leaves(next(drawn), torch.zeros(hidden)), _leaves(next(drawn), torch.zeros(classes))
        )

    @property
    def weights(self) -> list[Tensor]:
        return [*(self.hidden or ()), *self.top]

    def through(self, features: Tensor, left_out: float, random: Generator | None) -> Tensor:
        """Logits (n, classes) of features (n, units)."""
        x = dropped((features - self.mean) / self.spread, left_out, random)
        if self.hidden is not None:
            x = dropped(functional.linear(x, *self.hidden).relu(), left_out, random)
        return functional.linear(x, *self.top)

    def layers(self) -> tuple[tuple[nn.Module, ...], Layer]:
        """On the features as they are: modules that come behind them, and the softmax."""
        lowest, top = self.hidden or self.top, tuple(tensor.detach().numpy() for tensor in self.top)
        W = lowest[0].detach() / self.spread
        b = lowest[1].detach() - W @ self.mean
        if self.hidden is None:
            return (), (W.numpy(), b.numpy())
        linear = nn.Linear(W.shape[1], len(b), device="meta")  # there it draws no random weights first
        linear.weight, linear.bias = nn.Parameter(W), nn.Parameter(b)
        return (linear, nn.ReLU()), (top[0], top[1])


def _leaves(*tensors: Tensor) -> tuple[Tensor, Tensor]:
    W, b = (tensor.detach().clone().requires_grad_() for tensor in tensors)
    return W, b


def _learns(layer: nn.Module) -> bool:
    return isinstance(layer, nn.Conv2d) and layer.weight.requires_grad


def _parted(layers: tuple[nn.Module, ...]) -> tuple[tuple[nn.Module, ...], tuple[nn.Module, ...]]:
    """What comes before the first convolution that is learned, and the rest."""
    first = next((number for number, layer in enumerate(layers) if _learns(layer)), None)
    if first is None:
        raise TrainingError("fine-tuning: these features have no convolution that can be tuned")
    return layers[:first], layers[first:]


def _chains(layer: Branches) -> list[nn.Sequential]:
    return [branch for branch in layer.branches if isinstance(branch, nn.Sequential)]


def _passed(layers: Sequence[nn.Module], x: Tensor) -> Tensor:
    network = nn.Sequential(*layers).eval()
    return torch.cat([network(part) for part in torch.split(x, AT_ONCE)])

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
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    Layer = tuple[NDArray[np.float32], NDArray[np.float32]]

EVERY = 50  # steps between two calls of progress


@dataclass(frozen=True, slots=True)
class FineTuning:
    """Options of fine-tuning.

    Attributes:
        steps: of AdamW, one batch each; 0 leaves the stack as it is.
        rate: largest learning rate; it rises over the first third and falls to nothing.
        weight_decay: of AdamW.
        dropout: share of the pixels, and of the units of every further layer, that are left out at random.
        smoothing: share of the label that is spread over all labels.
        balance: how far rare labels are drawn more often: an example of a label with share s is drawn in proportion
            to s**-balance.
        batch: faces per step.
    """

    steps: int = 1500
    rate: float = 5e-3
    weight_decay: float = 1e-3
    dropout: tuple[float, ...] = (0.1, 0.2)
    smoothing: float = 0.05
    balance: float = 0.5
    batch: int = 128

    def __post_init__(self) -> None:
        if self.steps < 0 or self.batch < 1 or not self.rate > 0 or self.weight_decay < 0:
            raise ValueError("steps and weight_decay must be 0 or more, batch 1 or more, rate above 0")
        if not self.dropout or not all(0 <= share < 1 for share in self.dropout):
            raise ValueError(f"dropout must list one or more shares from 0 to below 1, not {self.dropout}")
        if not (0 <= self.smoothing < 1 and 0 <= self.balance <= 1):
            raise ValueError("smoothing must be 0 to below 1 and balance 0 to 1")


@dataclass(frozen=True, slots=True)
class Tuned:
    """A tuned network: logistic layers (W, b), and the softmax (W, b) on top; all float32."""

    layers: tuple[Layer, ...]
    top: Layer

    def features(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Activations (n, units) of the last layer for flattened patches (n, pixels)."""
        with one_thread(), torch.inference_mode():
            found: NDArray[np.float32] = _through(_tensors(self.layers), torch.from_numpy(x)).numpy()
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
    classes = len(top[1])
    _check(layers, top, x, labels)
    counts = np.bincount(labels, minlength=classes)
    chance = torch.from_numpy(((counts / len(labels)) ** -options.balance)[labels])
    random = torch.Generator().manual_seed(seed)
    faces, truth = torch.from_numpy(np.ascontiguousarray(x, np.float32)), torch.from_numpy(labels)
    with one_thread():
        weights = [tensor.requires_grad_() for pair in _tensors([*layers, top]) for tensor in pair]
        solver = torch.optim.AdamW(weights, lr=options.rate, weight_decay=options.weight_decay)
        schedule = (
            torch.optim.lr_scheduler.OneCycleLR(solver, options.rate, total_steps=options.steps)
            if options.steps
            else None
        )
        pairs = list(zip(weights[::2], weights[1::2], strict=True))
        for step in range(options.steps):
            chosen = torch.multinomial(chance, options.batch, replacement=True, generator=random)
            hidden = _through(pairs[:-1], faces[chosen], options.dropout, random)
            W, b = pairs[-1]
            logits = _dropped(hidden, _share(options.dropout, len(layers)), random) @ W.T + b
            loss = functional.cross_entropy(logits, truth[chosen], label_smoothing=options.smoothing)
            solver.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            solver.step()
            if schedule is not None:
                schedule.step()
            if step % EVERY == 0:
                if not bool(torch.isfinite(loss)):
                    raise TrainingError(
                        f"fine-tuning: the loss is no longer a finite number at step {step} with rate "
                        f"{options.rate:g}; give a smaller rate"
                    )
                progress("fine-tuning", step, options.steps)
    progress("fine-tuning", options.steps, options.steps)
    found = [(W.detach().numpy(), b.detach().numpy()) for W, b in pairs]
    if not all(np.isfinite(part).all() for pair in found for part in pair):
        raise TrainingError(f"fine-tuning: weights are no longer finite; give a smaller rate than {options.rate:g}")
    return Tuned(tuple(found[:-1]), found[-1])


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
        x = torch.sigmoid(_dropped(x, _share(dropout, depth), random) @ W.T + b)
    return x


def _dropped(x: Tensor, share: float, random: torch.Generator | None) -> Tensor:
    """``x`` with a share of its numbers left out and the others raised; torch's own takes no generator."""
    if share == 0 or random is None:
        return x
    return x * (torch.rand(x.shape, generator=random) >= share) / (1 - share)


def _share(dropout: tuple[float, ...], depth: int) -> float:
    return dropout[min(depth, len(dropout) - 1)]


def _tensors(layers: Sequence[Layer]) -> list[tuple[Tensor, Tensor]]:
    return [(torch.tensor(W), torch.tensor(b)) for W, b in layers]


def _check(layers: Sequence[Layer], top: Layer, x: NDArray[np.float32], labels: NDArray[np.intp]) -> None:
    sizes = [x.shape[1] if x.ndim == 2 else -1]
    for W, b in [*layers, top]:
        if W.ndim != 2 or W.shape != (len(b), sizes[-1]):
            raise TrainingError(f"fine-tuning: a layer of shape {W.shape} does not fit on {sizes[-1]} numbers")
        sizes.append(len(b))
    if len(labels) != len(x) or len(labels) == 0:
        raise TrainingError(f"fine-tuning: {len(x)} faces and {len(labels)} labels do not match")
    missing = sorted(set(range(sizes[-1])) - set(labels.tolist()))
    if missing:
        raise TrainingError(f"fine-tuning: no training face for label number {missing[0] + 1} of {sizes[-1]}")

"""The steps of fine-tuning, whatever it tunes: balanced batches, AdamW, one cycle of the rate."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from mien.errors import TrainingError
from mien.learn.interfaces import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Generator, Tensor

    from mien.learn.fine_tuning import FineTuning

EVERY = 50  # steps between two calls of progress


def descend(
    weights: Sequence[Tensor],
    loss: Callable[[Tensor], Tensor],
    labels: NDArray[np.intp],
    options: FineTuning,
    random: Generator,
    progress: Progress = silent,
) -> tuple[float, ...]:
    """Lower ``loss`` by changing ``weights`` in place; the loss of every step, nats.

    Args:
        weights: leaves that want a gradient.
        loss: takes the numbers (batch,) of the faces of a step, gives a scalar.
        labels: (n,) of the faces; every label from 0 to the largest has one.
        options: how.
        random: draws the batches, and whatever ``loss`` draws from it.
        progress: called now and then, and at the end.

    Raises:
        TrainingError: the loss is no longer finite; with the step and the rate.
    """
    chance = torch.from_numpy(((np.bincount(labels) / len(labels)) ** -options.balance)[labels])
    solver = torch.optim.AdamW(weights, lr=options.rate, weight_decay=options.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(solver, options.rate, total_steps=max(options.steps, 1))
    losses: list[float] = []
    for step in range(options.steps):
        cost = loss(torch.multinomial(chance, options.batch, replacement=True, generator=random))
        losses.append(float(cost.detach()))
        if not np.isfinite(losses[-1]):
            raise diverged(step, options)
        solver.zero_grad()
        cost.backward()  # type: ignore[no-untyped-call]
        solver.step()
        schedule.step()
        if step % EVERY == 0:
            progress("fine-tuning", step, options.steps)
    progress("fine-tuning", options.steps, options.steps)
    return tuple(losses)


def diverged(step: int, options: FineTuning) -> TrainingError:
    """What to raise when something is no longer a finite number at ``step``."""
    return TrainingError(
        f"fine-tuning: the loss is no longer a finite number at step {step} of {options.steps} with rate "
        f"{options.rate:g}; give a smaller rate"
    )


def dropped(x: Tensor, share: float, random: Generator | None) -> Tensor:
    """``x`` with a share of its numbers left out and the others raised; torch's own takes no generator."""
    if share == 0 or random is None:
        return x
    return x * (torch.rand(x.shape, generator=random) >= share) / (1 - share)


def share(dropout: tuple[float, ...], depth: int) -> float:
    """The share for layer ``depth``, from 0; the last of ``dropout`` holds for all further ones."""
    return dropout[min(depth, len(dropout) - 1)]


def require_labels(labels: NDArray[np.intp], faces: int, classes: int) -> None:
    """Refuse labels that do not fit the faces or the softmax.

    Raises:
        TrainingError: not one for each face, beyond the classes, or a class without a face.
    """
    if labels.shape != (faces,) or faces == 0:
        raise TrainingError(f"fine-tuning: {faces} faces and labels {labels.shape} do not match")
    wanted, shown = set(range(classes)), set(labels.tolist())
    if shown - wanted:
        raise TrainingError(f"fine-tuning: label numbers go beyond the softmax's {classes}")
    if wanted - shown:
        raise TrainingError(
            f"fine-tuning: no training face for label number {min(wanted - shown) + 1} of {classes}"
        )

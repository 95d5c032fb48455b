"""Rows of visible units: whether they fit the blocks they are meant for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mien.errors import TrainingError
from mien.learn.boltzmann.machine import Block

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

LEAST = 1e-6
"""Standard deviation up to which a Gaussian unit is constant; it should be 1."""

WHO = "boltzmann machine"


def checked(
    x: NDArray[np.floating], blocks: tuple[Block, ...], present: NDArray[np.floating] | None = None
) -> NDArray[np.float32]:
    """Rows to train on, float32 in one piece, with 0 where a unit is missing.

    A binary unit may be constant: its bias alone says so. A Gaussian unit may not: it cannot be standardised.

    Args:
        x: (n, visible).
        blocks: what the units are.
        present: (n, visible), 1 or 0; ``None``: all are.

    Raises:
        TrainingError: fewer than two rows, another width, NaN, values outside [0, 1] of binary units, softmax
            blocks that are not one-hot, constant Gaussian units, or a mask that is none.
    """
    if x.ndim == 2 and len(x) < 2:
        raise TrainingError(f"{WHO}: needs two rows or more to learn from, not {len(x)}")
    if present is not None:
        if present.shape != x.shape or not np.isin(present, (0, 1)).all():
            raise TrainingError(f"{WHO}: the mask of units present must be 0 or 1 for each of {x.shape} values")
        x = np.where(present > 0, x, 0)
    x = fitting(x, blocks, present)
    for block, place in places(blocks):
        if block.kind == "gaussian":
            _varied(x[:, place], None if present is None else present[:, place] > 0, place.start)
    return x


def fitting(
    x: NDArray[np.floating], blocks: tuple[Block, ...], present: NDArray[np.floating] | None = None
) -> NDArray[np.float32]:
    """Rows (n, visible) as float32 in one piece, whose values are such as their blocks can take.

    Raises:
        TrainingError: no rows, another width, NaN, values outside [0, 1], or blocks that are not one-hot.
    """
    width = sum(block.units for block in blocks)
    if x.ndim != 2 or not len(x) or x.shape[1] != width:
        raise TrainingError(f"{WHO}: needs rows of {width} values, as its blocks of units have them, not {x.shape}")
    x = np.ascontiguousarray(x, np.float32)
    wrong = np.argwhere(~np.isfinite(x))
    if len(wrong):
        raise TrainingError(f"{WHO}: {len(wrong)} values are not finite numbers, the first in {_at(wrong[0])}")
    for block, place in places(blocks):
        part = x[:, place]
        if block.kind == "binary":
            _between(part, place.start)
        elif block.kind == "softmax":
            _one_hot(part, None if present is None else present[:, place] > 0, place)
    return x


def same(x: NDArray[np.float32]) -> bool:
    """Whether all rows (n, visible) are one and the same."""
    return bool((x == x[0]).all())


def places(blocks: tuple[Block, ...]) -> Iterator[tuple[Block, slice]]:
    """Every block with its place among the units."""
    start = 0
    for block in blocks:
        yield block, slice(start, start + block.units)
        start += block.units


def mean(x: Tensor, present: Tensor | None) -> Tensor:
    """Mean of each unit (visible,) over the rows (n, visible) in which it is present; 0 where it never is."""
    if present is None:
        return x.mean(dim=0)
    return (x * present).sum(dim=0) / present.sum(dim=0).clamp(min=1)


def _between(part: NDArray[np.float32], start: int) -> None:
    wrong = np.argwhere((part < 0) | (part > 1))
    if len(wrong):
        row, unit = wrong[0]
        raise TrainingError(
            f"{WHO}: binary units need values in 0 to 1, but {len(wrong)} lie outside, the first, "
            f"{part[row, unit]:g}, in {_at((row, unit + start))}"
        )


def _one_hot(part: NDArray[np.float32], there: NDArray[np.bool_] | None, place: slice) -> None:
    fine = ((part == 1).sum(axis=1) == 1) & ((part == 0).sum(axis=1) == part.shape[1] - 1)
    if there is not None:
        torn = np.flatnonzero(there.any(axis=1) & ~there.all(axis=1))
        if len(torn):
            raise TrainingError(
                f"{WHO}: the softmax units {place.start + 1} to {place.stop} are present or missing together, but "
                f"in row {torn[0] + 1} only some are"
            )
        fine |= ~there.any(axis=1)
    wrong = np.flatnonzero(~fine)
    if len(wrong):
        raise TrainingError(
            f"{WHO}: of the softmax units {place.start + 1} to {place.stop} exactly one is 1 and the others 0, but "
            f"not in {len(wrong)} rows, the first being row {wrong[0] + 1}"
        )


def _varied(part: NDArray[np.float32], there: NDArray[np.bool_] | None, start: int) -> None:
    if there is None:
        spread = part.std(axis=0, dtype=np.float64)
    else:
        count = np.maximum(there.sum(axis=0), 1)
        middle = part.sum(axis=0, dtype=np.float64) / count
        spread = np.sqrt((np.where(there, part - middle, 0) ** 2).sum(axis=0) / count)
    constant = np.flatnonzero(spread <= LEAST)
    if len(constant):
        raise TrainingError(
            f"{WHO}: {len(constant)} Gaussian units are constant, the first in column {constant[0] + start + 1}; "
            "they cannot be standardised: leave them out"
        )


def _at(place: NDArray[np.intp] | tuple[int, int]) -> str:
    return f"row {place[0] + 1}, column {place[1] + 1}"

"""Pictures of a machine in training: its filters, what its chains see, and its curve."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mien import atomic, plugins
from mien.learn.filters import near_duplicates

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from mien.learn.boltzmann.divergence import Epoch, Watch
    from mien.learn.boltzmann.machine import Machine

MOST = 144
"""Filters, and fantasies, in one picture."""
SCALE = 3  # screen pixels per pixel
GAP = 2
ZERO = 128
"""Grey of a weight of 0."""


def watcher(
    folder: Path, every: int = 5, pixels: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None
) -> Watch:
    """What ``divergence.train`` may be given as ``watch``: writes ``pictures`` after every so many epochs.

    Args:
        folder: to write to; must exist.
        every: epochs between two pictures; the first epoch has one.
        pixels: visible states (n, visible) -> faces (n, side * side) in [0, 1], where the two differ, as in a
            higher layer or with standardised pixels; the filters are then left as they are.
    """

    def watch(machine: Machine, chains: Tensor, curve: tuple[Epoch, ...]) -> None:
        if curve[-1].number == 1 or curve[-1].number % every == 0:
            seen = chains[:MOST].cpu().numpy()
            pictures(machine, seen if pixels is None else pixels(seen), curve, folder)

    return watch


def pictures(machine: Machine, fantasies: NDArray[np.float32], curve: Sequence[Epoch], folder: Path) -> list[Path]:
    """Write the pictures of the epoch that ended.

    ``epoch_NNN_filters.png``: the weights of up to 144 hidden units, strongest first, each scaled by its own
    largest weight: mid grey is 0, white +. Left out where the visible units are no square. Their near-duplicates
    are counted in ``curve.png``'s title. ``epoch_NNN_fantasies.png``: what the chains see, black 0, white 1.
    ``curve.png``: reconstruction, mean activation and free-energy gap against epochs.

    Args:
        machine: as it stands.
        fantasies: visible states (n, side * side) in [0, 1]; none are drawn where they are no squares.
        curve: up to now, one epoch or more.
        folder: to write to; must exist.

    Returns:
        The files written.

    Raises:
        OutputError: the folder is missing or closed.
        MissingExtraError: matplotlib is not installed.
    """
    plugins.load("matplotlib.figure")  # a missing extra is said before anything is written
    name, written = f"epoch_{curve[-1].number:03d}", []
    title = f"{machine.hidden_units} hidden units"
    weights = machine.W.detach().cpu().numpy()
    if (side := _side(weights)) is not None:
        strongest = weights[np.argsort(-np.linalg.norm(weights, axis=1), kind="stable")][:MOST]
        alike = int(near_duplicates(strongest.reshape(-1, side, side)).sum())
        title += f"; {alike} near-duplicates among the {len(strongest)} strongest filters"
        peak = np.abs(strongest).max(axis=1, keepdims=True)
        level = np.divide(strongest, peak, out=np.zeros_like(strongest), where=peak > 0)
        written.append(folder / f"{name}_filters.png")
        atomic.write_bytes(written[-1], sheet(ZERO + level * (255 - ZERO), side))
    if (side := _side(fantasies)) is not None:
        written.append(folder / f"{name}_fantasies.png")
        atomic.write_bytes(written[-1], sheet(np.clip(fantasies[:MOST], 0, 1) * 255, side))
    written.append(folder / "curve.png")
    atomic.write_bytes(written[-1], _curve(curve, title))
    return written


def sheet(grey: NDArray[np.floating], side: int) -> bytes:
    """Pictures (n, side * side) of grey 0 to 255 side by side in one PNG, as square as possible."""
    across = math.ceil(math.sqrt(len(grey)))
    step = side * SCALE + GAP
    canvas = np.full((math.ceil(len(grey) / across) * step - GAP, across * step - GAP), 255, np.uint8)
    block = np.ones((SCALE, SCALE), np.uint8)
    for place, row in enumerate(np.rint(grey).astype(np.uint8)):
        top, left = place // across * step, place % across * step
        canvas[top : top + side * SCALE, left : left + side * SCALE] = np.kron(row.reshape(side, side), block)
    done, png = cv2.imencode(".png", canvas)
    if not done:
        raise ValueError(f"OpenCV could not write a PNG of shape {canvas.shape}")
    return png.tobytes()


def _side(rows: NDArray[np.floating]) -> int | None:
    """Pixels along each side of the rows (n, pixels); ``None`` where they are no squares, or none are there."""
    side = math.isqrt(rows.shape[1])
    return side if len(rows) and side > 1 and side**2 == rows.shape[1] else None


def _curve(curve: Sequence[Epoch], title: str) -> bytes:
    figure = plugins.load("matplotlib.figure").Figure(figsize=(7, 6), layout="constrained")
    axes = figure.subplots(3, 1, sharex=True)
    epochs = [epoch.number for epoch in curve]
    shown = {
        "reconstruction\n(per row)": [epoch.reconstruction for epoch in curve],
        "mean activation": [epoch.rho_hat for epoch in curve],
        "free-energy gap\n(nats)": [
            math.nan if epoch.free_energy_gap is None else epoch.free_energy_gap for epoch in curve
        ],
    }
    for panel, (name, values) in zip(axes, shown.items(), strict=True):
        panel.plot(epochs, values, marker=".", color="#1f4e79")
        panel.set_ylabel(name)
        panel.grid(alpha=0.3)
        if all(math.isnan(value) for value in values):
            panel.text(0.5, 0.5, "nothing was held out", transform=panel.transAxes, ha="center", va="center")
    axes[-1].set_xlabel("epoch")
    figure.suptitle(title)
    into = io.BytesIO()
    figure.savefig(into, format="png", dpi=110)
    return into.getvalue()

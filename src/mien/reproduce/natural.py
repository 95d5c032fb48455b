"""Fig. 1: sparse autoencoders on whitened photographs, and whether what they learn are edges (section 2.1).

The report shows 30 pictures and leaves the judgement to the eye. Here each filter is fitted by a Gabor function,
and so are principal components of the same patches and plain noise, without which no fit says anything. Besides
the report's online rule, the batch form of the later CS294A exercise is run on the same patches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.data import photographs
from mien.errors import DataError
from mien.learn import gabor, gradient_check, snapshots
from mien.learn.features import online_autoencoder, pca, sparse_autoencoder
from mien.learn.filters import (
    EDGE_LIKE,
    activity,
    near_duplicates,
    orientation_histogram,
    squared_error,
)
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread
from mien.reproduce.results import Row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mien.data.photographs import Photographs

    Floats = NDArray[np.float32]

SIDE = 8  # pixels of a patch
HELD_OUT = 7  # every seventh photograph, by name
CHECKED = 20  # patches over which the gradient is checked
NOISE = 100  # pictures of noise


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything.

    Attributes:
        steps: of the online rule, one patch each.
        units: of the online network, 64-30-64.
        patches: that its steps draw from.
        batch_units, batch_patches, iterations: of the batch form, 64-25-64.
        heldout: patches of the photographs held out.
    """

    steps: int = 4_000_000
    units: int = 30
    patches: int = 200_000
    batch_units: int = 25
    batch_patches: int = 10_000
    iterations: int = 400
    heldout: int = 10_000


FULL = Sizes()


@dataclass(frozen=True, slots=True)
class Criterion:
    """One acceptance number: what was measured, what it must be, and whether it is.

    Attributes:
        inputs, metric: the row it belongs to.
        value: measured.
        relation: one of ``>= <= < ``.
        bound: what ``value`` is held against.
    """

    inputs: str
    metric: str
    value: float
    relation: str
    bound: float

    @property
    def passed(self) -> bool:
        """Whether ``value relation bound``; a NaN never passes."""
        if self.relation == ">=":
            return self.value >= self.bound
        return self.value < self.bound or (self.relation == "<=" and self.value == self.bound)


@dataclass(frozen=True, slots=True)
class Natural:
    """What came of it.

    Attributes:
        online: float32 (units, 64), encoder weights of the online network after its last step.
        batch: float32 (batch units, 64), the same of the batch form.
        curve: float64 (chunks, 2): steps done, and the mean squared error per patch over the chunk's steps.
        zero: squared error per patch, of the patches learned from, of the predictor that says nothing.
        figures: numbers by input (``online batch pca noise zero``) and metric.
        criteria: the acceptance numbers.
        photographs: that were used.
        skipped: those that could not be, each with its reason.
    """

    online: Floats
    batch: Floats
    curve: NDArray[np.float64]
    zero: float
    figures: dict[str, dict[str, float]]
    criteria: tuple[Criterion, ...]
    photographs: int
    skipped: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether every acceptance number is met."""
        return all(criterion.passed for criterion in self.criteria)


def run(
    images: Photographs,
    seed: int = 2010,
    progress: Progress = silent,
    checkpoint: Path | None = None,
    sizes: Sizes = FULL,
) -> Natural:
    """Learn both networks from the photographs and measure their filters.

    Args:
        images: two photographs or more; a seventh of them (one at least) is held out.
        seed: of everything random; equal inputs give equal numbers.
        progress: called with the stages ``online`` and ``batch``.
        checkpoint: file from which a stopped online run goes on.
        sizes: how much of everything.

    Raises:
        DataError: fewer than two photographs, or they show nothing.
        TrainingError: a network learned nothing, or ``checkpoint`` is of another run.
        OutputError: ``checkpoint`` cannot be written.
    """
    with one_thread():
        learned, heldout = _patches(images, seed, sizes)
        zero = squared_error(heldout, np.zeros_like(heldout))
        online, curve, online_figures = _online(learned, heldout, seed, progress, checkpoint, sizes)
        batch, batch_figures = _batch(learned, heldout, seed, progress, sizes)
        noise = np.random.default_rng([seed, 5]).standard_normal((NOISE, SIDE * SIDE))
        figures = {
            "online": online_figures,
            "batch": batch_figures,
            "pca": _principal(learned, heldout, sizes),
            "noise": _gabor_figures(noise),
            "zero": {"heldout_sse": zero},
        }
    return Natural(
        online=online,
        batch=batch,
        curve=curve,
        zero=squared_error(learned, np.zeros_like(learned)),
        figures=figures,
        criteria=criteria(figures),
        photographs=len(images.pictures),
        skipped=images.skipped,
    )


def rows(natural: Natural) -> list[Row]:
    """The numbers for ``results.csv``, one per row; then one per criterion, 1 where it is met."""
    found = [
        Row("fig1", "none", inputs, "all", metric, value)
        for inputs, figures in natural.figures.items()
        for metric, value in figures.items()
    ]
    met = [Row("fig1", "none", c.inputs, "all", f"accepted_{c.metric}", float(c.passed)) for c in natural.criteria]
    return found + met


def summary(natural: Natural) -> Sequence[str]:
    """The acceptance numbers in words, one line each."""
    return [
        f"{c.inputs} {c.metric}: {c.value:.4g} ({c.relation} {c.bound:.4g}: {'met' if c.passed else 'MISSED'})"
        for c in natural.criteria
    ]


def criteria(figures: dict[str, dict[str, float]]) -> tuple[Criterion, ...]:
    """The acceptance numbers among ``figures``.

    No filter has to look like an edge to somebody: it must be fitted by a Gabor function better than chance
    (noise) and than a basis that needs no learning of sparsity (principal components). A sparse code is *not*
    expected to rebuild better than principal components, only better than nothing.
    """
    online, batch, control = figures["online"], figures["batch"], figures["pca"]

    def of(inputs: str, metric: str, relation: str, bound: float) -> Criterion:
        return Criterion(inputs, metric, figures[inputs][metric], relation, bound)

    return (
        of("online", "median_gabor_r2", ">=", 0.90),
        of("online", "share_gabor_r2_above_0.7", ">=", 0.60),
        of("online", "heldout_sse", "<", figures["zero"]["heldout_sse"]),
        of("online", "dead_filters", "<=", 0.10 * online["filters"]),
        of("online", "near_duplicates", "<", 0.20 * online["filters"]),
        of("online", "active_fraction", "<", 0.05),
        of("batch", "gradient_check", "<", 1e-9),
        of("batch", "median_gabor_r2", ">=", max(0.90, control["median_gabor_r2"] + 0.15)),
        of("batch", "rho_hat_error", "<=", 0.005),
        of("batch", "reconstruction_of_mean", "<", 0.75),
        of("batch", "near_duplicates", "<", 0.20 * batch["filters"]),
        of("batch", "active_fraction", "<", 0.05),
    )


def _patches(images: Photographs, seed: int, sizes: Sizes) -> tuple[Floats, Floats]:
    """Patches in [-1, 1] to learn from, and such of photographs that are held out."""
    if len(images.pictures) < 2:
        raise DataError("one photograph is not enough: a second one is needed to be held out; give more")
    whitened = photographs.whiten_all(images.pictures)
    kept = [picture for k, picture in enumerate(whitened) if k % HELD_OUT]
    count = max(sizes.patches, sizes.batch_patches)
    learned = photographs.patches(kept, count, SIDE, seed)
    heldout = photographs.patches(whitened[::HELD_OUT], sizes.heldout, SIDE, seed + 1)
    limit = photographs.truncation(learned)
    return photographs.scaled(learned, limit), photographs.scaled(heldout, limit)


def _online(
    learned: Floats, heldout: Floats, seed: int, progress: Progress, checkpoint: Path | None, sizes: Sizes
) -> tuple[Floats, NDArray[np.float64], dict[str, float]]:
    """The report's rule with the constants of the CS294A exercise."""
    options = online_autoencoder.Options(
        units=sizes.units,
        activation="tanh",
        alpha=0.007,
        beta=5.0,
        weight_decay=0.002,
        rho=-0.996,
        steps=sizes.steps,
        start="positive",
    )
    x = learned[: sizes.patches]
    run = online_autoencoder.train(x, options, seed, _renamed("online", progress), checkpoint)
    seen = snapshots.take(run, options, x, heldout, seed)
    hidden = activity(snapshots.hidden(run.W1, run.b1, heldout), -1, 1)
    averaged = seen.averaged
    figures = _gabor_figures(run.W1) | {
        "heldout_sse": float(seen.errors.mean()),
        "heldout_sse_lowest": float(seen.errors.min()),
        "heldout_sse_highest": float(seen.errors.max()),
        "heldout_sse_averaged_weights": squared_error(
            heldout, snapshots.rebuilt((averaged.W1, averaged.b1, averaged.W2, averaged.b2), heldout)
        ),
        "online_sse": float(run.curve[-len(run.curve) // 4 :, 0].mean()),
        "active_fraction": hidden.active_fraction,
        "mean_activation": hidden.mean,
        "dead_filters": float(hidden.dead.sum()),
        "rho_hat_lowest": float(run.rho_hat.min()),
        "rho_hat_highest": float(run.rho_hat.max()),
        "steps": float(run.position),
    }
    done = np.minimum(np.arange(1, len(run.curve) + 1) * online_autoencoder.CHUNK, run.position)
    return run.W1, np.stack([done, run.curve[:, 0]], axis=1).astype(np.float64), figures


def _batch(
    learned: Floats, heldout: Floats, seed: int, progress: Progress, sizes: Sizes
) -> tuple[Floats, dict[str, float]]:
    """The batch form with the constants of the CS294A exercise; squared errors in its own scaling, [0.1, 0.9]."""
    options = sparse_autoencoder.Options(
        units=sizes.batch_units, rho=0.01, beta=3.0, weight_decay=1e-4, iterations=sizes.iterations
    )
    x = photographs.for_logistic(learned[: sizes.batch_patches])
    unseen = photographs.for_logistic(heldout)
    found = sparse_autoencoder.build(options).fit(x, seed, _renamed("batch", progress))
    fit = found.figures()
    hidden = activity(found.encode(unseen), 0, 1)
    figures = _gabor_figures(found.W1) | {
        "gradient_check": gradient_check.relative_error(x[:CHECKED], options, seed),
        "cost": fit["cost"],
        "reconstruction": fit["reconstruction"],
        "reconstruction_of_mean": fit["reconstruction"] / fit["reconstruction_by_mean"],
        "rho_hat_lowest": fit["rho_hat_low"],
        "rho_hat_highest": fit["rho_hat_high"],
        "rho_hat_error": max(fit["rho_hat_high"] - options.rho, options.rho - fit["rho_hat_low"]),
        "heldout_sse": squared_error(unseen, found.reconstruct(unseen)),
        "heldout_sse_of_mean": squared_error(unseen, x.mean(axis=0, dtype=np.float64)),
        "active_fraction": hidden.active_fraction,
        "mean_activation": hidden.mean,
        "dead_filters": float(hidden.dead.sum()),
    }
    return found.W1, figures


def _principal(learned: Floats, heldout: Floats, sizes: Sizes) -> dict[str, float]:
    """As many principal components of the same patches as the batch form has units: the control."""
    half = np.float32(0.5)
    x = (learned[: sizes.batch_patches] + 1) * half
    found = pca.build(pca.Options(units=sizes.batch_units)).fit(x, 0)
    rebuilt = found.encode((heldout + 1) * half) @ found.W + x.mean(axis=0)
    return _gabor_figures(found.W) | {"heldout_sse": squared_error(heldout, 2 * rebuilt - 1)}


def _gabor_figures(weights: NDArray[np.floating]) -> dict[str, float]:
    pictures = weights.reshape(-1, SIDE, SIDE)
    fits = gabor.fit(pictures)
    r2 = np.nan_to_num(fits.r2, nan=0.0)  # a flat filter is no edge
    directions = orientation_histogram(fits.orientation[r2 >= EDGE_LIKE])
    return {
        "filters": float(len(weights)),
        "median_gabor_r2": float(np.median(r2)),
        "share_gabor_r2_above_0.7": float((r2 >= EDGE_LIKE).mean()),
        "share_gabor_r2_above_0.5": float((r2 >= 0.5).mean()),
        "near_duplicates": float(near_duplicates(pictures).sum()),
        "near_duplicates_same_place_and_sign": float(near_duplicates(pictures, 0, polar=True).sum()),
        "orientation_bins_filled": float((directions > 0).sum()),
    }


def _renamed(stage: str, progress: Progress) -> Progress:
    def call(_: str, done: int, of: int) -> None:
        progress(stage, done, of)

    return call

"""Softmax regression on features (sections 3.4 and 4.3 of the report), with a proper solver.

Faces of rare labels weigh more (``learn.equations.softmax_cost_and_gradient``), so that the many neutral ones do
not swallow them. How strongly the weights are held back, and whether the features
are standardised first, is chosen on subjects that the try was not fitted on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from mien.errors import TrainingError
from mien.learn.heads._regression import scaling, solve
from mien.learn.inner_folds import example_weights, inner_folds
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Options:
    """Options of softmax regression.

    Attributes:
        C: candidates for the inverse of the weight decay; one candidate is taken as it is.
        standardise: candidates: give every feature mean 0 and variance 1 first, or not.
        balance: how far rare labels are weighted up: an example of a label with share s of the faces weighs
            s**-balance. 1: every label weighs the same in total; 0: every face does. In between, an uncertain
            face is still more likely to be called what is frequent.
        inner_folds: groups of subjects for the choice among candidates.
        iterations: most steps of the solver.
    """

    C: tuple[float, ...] = (0.1, 1.0, 10.0)
    standardise: tuple[bool, ...] = (False,)
    balance: float = 1.0
    inner_folds: int = 5
    iterations: int = 1000

    def __post_init__(self) -> None:
        if not self.C or not all(c > 0 for c in self.C):
            raise ValueError(f"C must be one or more numbers above 0, not {self.C}")
        if not 0 <= self.balance <= 1:
            raise ValueError(f"balance must be 0 to 1, not {self.balance}")
        if not self.standardise:
            raise ValueError("standardise must list true, false or both")
        if self.inner_folds < 2 or self.iterations < 1:
            raise ValueError("inner_folds must be 2 or more and iterations 1 or more")


def build(options: Options) -> SoftmaxRegression:
    """The head under ``options``."""
    return SoftmaxRegression(options)


@dataclass(frozen=True, slots=True)
class Choices:
    """What was chosen among the candidates.

    Attributes:
        C: inverse of the weight decay.
        standardise: whether features get mean 0 and variance 1 first.
        inner_loss: the held-out loss that chose them, nats; 0 where there was nothing to choose.
    """

    C: float
    standardise: bool
    inner_loss: float


@dataclass(frozen=True, slots=True)
class SoftmaxRegression:
    """Learns a ``SoftmaxClassifier`` from features and labels."""

    options: Options

    def fit(
        self,
        features: NDArray[np.float32],
        labels: NDArray[np.intp],
        subjects: NDArray[np.str_],
        classes: int,
        seed: int,
        progress: Progress = silent,
    ) -> SoftmaxClassifier:
        """Learn from features (n, units), labels (n,) and subjects (n,); see ``interfaces.Head``.

        Raises:
            TrainingError: a class has no example, there are too few subjects to choose on, or the solver was not
                done.
        """
        choices = self.choose(features, labels, subjects, classes, seed, progress)
        classifier = self.fit_with(choices, features, labels, classes)
        progress("head", 1, 1)
        return classifier

    def choose(
        self,
        features: NDArray[np.float32],
        labels: NDArray[np.intp],
        subjects: NDArray[np.str_],
        classes: int,
        seed: int,
        progress: Progress = silent,
    ) -> Choices:
        """The best candidate, see ``interfaces.ChoosingHead``.

        Candidates are compared by the mean log-probability of the true label of held-out subjects, weighted as
        in the fit: it rewards being right and being honestly unsure.

        Raises:
            TrainingError: a class has no example, or there are too few subjects to choose on.
        """
        rows = self._rows(features, labels, classes)
        candidates = [(C, standardise) for standardise in self.options.standardise for C in self.options.C]
        with one_thread():
            losses = self._held_out_losses(candidates, rows, subjects, classes, seed, progress)
        best = int(np.argmin(losses))
        return Choices(*candidates[best], float(losses[best]))

    def fit_with(
        self, choices: Choices, features: NDArray[np.float32], labels: NDArray[np.intp], classes: int
    ) -> SoftmaxClassifier:
        """Learn with ``choices`` from features (n, units) and labels (n,), trying nothing.

        Raises:
            TrainingError: a class has no example, or the solver was not done.
        """
        rows = self._rows(features, labels, classes)
        with one_thread():
            W, b, steps = _fit(rows, choices.C, choices.standardise, self.options.iterations)
        if steps >= self.options.iterations:
            raise TrainingError(f"softmax: not done after {steps} iterations; allow more, or give a smaller C")
        return SoftmaxClassifier(W, b, choices)

    def _rows(self, features: NDArray[np.float32], labels: NDArray[np.intp], classes: int) -> _Rows:
        missing = sorted(set(range(classes)) - set(labels.tolist()))
        if missing:
            raise TrainingError(f"softmax: no training face for label number {missing[0] + 1} of {classes}")
        return _Rows(features.astype(np.float64), labels, example_weights(labels, classes, self.options.balance))

    def _held_out_losses(
        self,
        candidates: list[tuple[float, bool]],
        rows: _Rows,
        subjects: NDArray[np.str_],
        classes: int,
        seed: int,
        progress: Progress,
    ) -> NDArray[np.float64]:
        if len(candidates) == 1:
            return np.zeros(1)
        fold = inner_folds(subjects, self.options.inner_folds, seed)
        held_out = np.full((len(candidates), len(rows.y)), np.nan)
        for k in range(self.options.inner_folds):
            inside, outside = fold != k, np.flatnonzero(fold == k)
            if len(set(rows.y[inside].tolist())) < classes:
                continue  # a rare label is with this fold's subjects only; the other folds judge
            for i, (C, standardise) in enumerate(candidates):
                W, b, _ = _fit(rows.where(inside), C, standardise, self.options.iterations)
                p = _probabilities(rows.x[outside], W, b)
                held_out[i, outside] = -np.log(np.maximum(p[np.arange(len(p)), rows.y[outside]], 1e-12))
                progress("head", k * len(candidates) + i, self.options.inner_folds * len(candidates))
        judged = np.isfinite(held_out[0])
        if not judged.any():
            raise TrainingError(
                "softmax: too few subjects per label to choose C; give one C in the recipe, or more data"
            )
        found: NDArray[np.float64] = np.average(held_out[:, judged], axis=1, weights=rows.w[judged])
        return found


@dataclass(frozen=True, slots=True)
class _Rows:
    """Features (n, units) float64, labels (n,) and weights (n,)."""

    x: NDArray[np.float64]
    y: NDArray[np.intp]
    w: NDArray[np.float64]

    def where(self, chosen: NDArray[np.bool_]) -> _Rows:
        return _Rows(self.x[chosen], self.y[chosen], self.w[chosen])


@dataclass(frozen=True, slots=True)
class SoftmaxClassifier:
    """A fitted softmax regression: weights (classes, units) and biases (classes,), float32."""

    W: NDArray[np.float32]
    b: NDArray[np.float32]
    choices: Choices

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (n, classes); rows sum to 1."""
        return _probabilities(features, self.W, self.b)

    def layers(self) -> tuple[nn.Module, ...]:
        """Linear and Softmax."""
        linear = nn.Linear(self.W.shape[1], self.W.shape[0])
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(self.W))
            linear.bias.copy_(torch.from_numpy(self.b))
        return linear, nn.Softmax(dim=1)

    def figures(self) -> dict[str, float]:
        """The chosen C, whether features were standardised, and the held-out loss that chose them."""
        return {
            "C": self.choices.C,
            "standardised": float(self.choices.standardise),
            "inner_loss": self.choices.inner_loss,
        }


def _fit(
    rows: _Rows, C: float, standardise: bool, iterations: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], int]:
    scaled = scaling(rows.x, standardise)
    W, b, steps = solve(scaled(rows.x), rows.y, rows.w, C, iterations)
    if len(W) == 1:  # two classes: the solver gives one row, the log-odds of the second
        W, b = np.vstack([-W / 2, W / 2]), np.concatenate([-b / 2, b / 2])
    return *scaled.undo(W, b), steps


def _probabilities(x: NDArray[Any], W: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    logits = x.astype(np.float64) @ W.T.astype(np.float64) + b
    logits -= logits.max(axis=1, keepdims=True)
    raised = np.exp(logits)
    found: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return found

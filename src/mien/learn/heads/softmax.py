"""Softmax regression on features (sections 3.4 and 4.3 of the report), with a proper solver.

Faces of rare labels weigh more (``learn.equations.softmax_cost_and_gradient``), so that the many neutral ones do
not swallow them. How strongly the weights are held back, and whether the features
are standardised first, is chosen on subjects that the try was not fitted on.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from torch import nn

from mien.errors import TrainingError
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 1e-3  # of the solver: largest slope; tighter costs time and changes no answer
TINY = 1e-6  # a feature that varies less than this is not blown up to unit variance


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

        Candidates are compared by the mean log-probability of the true label of held-out subjects, weighted as
        in the fit: it rewards being right and being honestly unsure.

        Raises:
            TrainingError: a class has no example, or there are too few subjects to choose on.
        """
        missing = sorted(set(range(classes)) - set(labels.tolist()))
        if missing:
            raise TrainingError(f"softmax: no training face for label number {missing[0] + 1} of {classes}")
        weights = example_weights(labels, classes, self.options.balance)
        rows = _Rows(features.astype(np.float64), labels, weights)
        with one_thread():
            choices = [(C, standardise) for standardise in self.options.standardise for C in self.options.C]
            losses = self._held_out_losses(choices, rows, subjects, classes, seed, progress)
            best = int(np.argmin(losses))
            C, standardise = choices[best]
            W, b, steps = _fit(rows, C, standardise, self.options.iterations)
        if steps >= self.options.iterations:
            raise TrainingError(f"softmax: not done after {steps} iterations; allow more, or give a smaller C")
        progress("head", len(choices), len(choices))
        figures = {"C": C, "standardised": float(standardise), "inner_loss": float(losses[best])}
        return SoftmaxClassifier(W, b, figures)

    def _held_out_losses(
        self,
        choices: list[tuple[float, bool]],
        rows: _Rows,
        subjects: NDArray[np.str_],
        classes: int,
        seed: int,
        progress: Progress,
    ) -> NDArray[np.float64]:
        if len(choices) == 1:
            return np.zeros(1)
        fold = inner_folds(subjects, self.options.inner_folds, seed)
        held_out = np.full((len(choices), len(rows.y)), np.nan)
        for k in range(self.options.inner_folds):
            inside, outside = fold != k, np.flatnonzero(fold == k)
            if len(set(rows.y[inside].tolist())) < classes:
                continue  # a rare label is with this fold's subjects only; the other folds judge
            for i, (C, standardise) in enumerate(choices):
                W, b, _ = _fit(rows.where(inside), C, standardise, self.options.iterations)
                p = _probabilities(rows.x[outside], W, b)
                held_out[i, outside] = -np.log(np.maximum(p[np.arange(len(p)), rows.y[outside]], 1e-12))
                progress("head", k * len(choices) + i, self.options.inner_folds * len(choices))
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
    fit_figures: dict[str, float]

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
        return dict(self.fit_figures)


def inner_folds(subjects: NDArray[np.str_], folds: int, seed: int) -> NDArray[np.intp]:
    """A fold number (n,) for every row, the same for all rows of one subject, folds near equal in subjects.

    Raises:
        TrainingError: fewer subjects than folds.
    """
    people = np.unique(subjects)
    if len(people) < folds:
        raise TrainingError(
            f"softmax: {len(people)} subjects cannot make {folds} inner folds; give one C, or more data"
        )
    order = np.random.default_rng([seed, 3]).permutation(len(people))
    number = {person: int(place) % folds for person, place in zip(people.tolist(), order, strict=True)}
    return np.array([number[s] for s in subjects.tolist()], np.intp)


def example_weights(labels: NDArray[np.intp], classes: int, balance: float) -> NDArray[np.float64]:
    """Weight (n,) of each example, mean 1; see ``Options.balance``. Every label must have an example."""
    share = np.bincount(labels, minlength=classes) / len(labels)
    weights = (share**-balance)[labels]
    found: NDArray[np.float64] = weights / weights.mean()
    return found


def _fit(
    rows: _Rows, C: float, standardise: bool, iterations: int
) -> tuple[NDArray[np.float32], NDArray[np.float32], int]:
    # Centring changes nothing but the solver's speed: the biases, which no decay holds back, take it up.
    mean = rows.x.mean(axis=0)
    spread = np.maximum(rows.x.std(axis=0), TINY) if standardise else np.ones_like(mean)
    solver = LogisticRegression(C=C, max_iter=iterations, tol=TOLERANCE)
    with warnings.catch_warnings():
        # A candidate that has not converged is judged as it is, like one stopped early; the one that is kept
        # must have converged, which its caller checks.
        warnings.simplefilter("ignore", ConvergenceWarning)
        solver.fit((rows.x - mean) / spread, rows.y, sample_weight=rows.w)
    W, b = solver.coef_, solver.intercept_
    if len(W) == 1:  # two classes: scikit-learn keeps one row, the log-odds of the second
        W, b = np.vstack([-W / 2, W / 2]), np.concatenate([-b / 2, b / 2])
    W = W / spread
    steps = int(np.max(solver.n_iter_))
    return W.astype(np.float32), (b - W @ mean).astype(np.float32), steps


def _probabilities(x: NDArray[Any], W: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float64]:
    logits = x.astype(np.float64) @ W.T.astype(np.float64) + b
    logits -= logits.max(axis=1, keepdims=True)
    raised = np.exp(logits)
    found: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return found

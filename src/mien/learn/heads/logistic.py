"""One logistic regression per expression (sections 3.4 and 4.3 of the report, its Table 1).

Each expression is told from all the others by itself, so that none or several may be declared present. How
strongly the weights are held back, whether the features are standardised first, and from which probability on an
expression is declared present, is chosen for every expression on subjects that the try was not fitted on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import torch
from torch import nn

from mien.errors import TrainingError
from mien.learn.heads._regression import scaling, solve
from mien.learn.inner_folds import example_weights, inner_folds
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread
from mien.learn.thresholds import Criterion, threshold

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the regressions.

    Attributes:
        C: candidates for the inverse of the weight decay, chosen per label; one candidate is taken as it is.
        standardise: candidates: give every feature mean 0 and variance 1 first, or not; chosen per label.
        balance: how far the side that is rarer, mostly that of the label, is weighted up: an example of a side
            with share s of the faces weighs s**-balance. 1: both sides weigh the same in total; 0: every face does.
        threshold: what the threshold of every label maximises: ``f1``, ``balanced`` (the mean of hit rate and
            correct rejections), or ``half``: it is 0.5.
        inner_folds: groups of subjects for the choices.
        iterations: most steps of the solver.
    """

    C: tuple[float, ...] = (0.001, 0.003, 0.01, 0.03, 0.1)
    standardise: tuple[bool, ...] = (True,)
    balance: float = 1.0
    threshold: Criterion = "f1"
    inner_folds: int = 5
    iterations: int = 1000

    def __post_init__(self) -> None:
        if not self.C or not all(c > 0 for c in self.C):
            raise ValueError(f"C must be one or more numbers above 0, not {self.C}")
        if not self.standardise:
            raise ValueError("standardise must list true, false or both")
        if not 0 <= self.balance <= 1:
            raise ValueError(f"balance must be 0 to 1, not {self.balance}")
        if self.threshold not in get_args(Criterion):
            raise ValueError(f"threshold must be one of {', '.join(get_args(Criterion))}, not {self.threshold!r}")
        if self.inner_folds < 2 or self.iterations < 1:
            raise ValueError("inner_folds must be 2 or more and iterations 1 or more")


def build(options: Options) -> LogisticRegressions:
    """The head under ``options``."""
    return LogisticRegressions(options)


@dataclass(frozen=True, slots=True)
class Choices:
    """What was chosen for each label, in the order of the labels.

    Attributes:
        C: inverse of the weight decay.
        standardise: whether features get mean 0 and variance 1 first.
        thresholds: from which probability on the label is declared present.
        inner_losses: the held-out losses that chose C, nats; 0 where there was nothing to choose.
    """

    C: tuple[float, ...]
    standardise: tuple[bool, ...]
    thresholds: tuple[float, ...]
    inner_losses: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class LogisticRegressions:
    """Learns a ``LogisticClassifier`` from features and labels."""

    options: Options

    def fit(
        self,
        features: NDArray[np.float32],
        labels: NDArray[np.intp],
        subjects: NDArray[np.str_],
        classes: int,
        seed: int,
        progress: Progress = silent,
    ) -> LogisticClassifier:
        """Learn from features (n, units), labels (n,) and subjects (n,); see ``interfaces.Head``.

        Raises:
            TrainingError: a label has no example or is all there is, there are too few subjects to choose on, or
                a solver was not done.
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
        """Strength and threshold of every label, see ``interfaces.ChoosingHead``.

        Candidates are compared by the mean log-probability that held-out subjects get for showing or not showing
        the label, weighted as in the fit. The threshold is chosen on the same held-out probabilities.

        Raises:
            TrainingError: a label has no example or is all there is, or too few subjects show it.
        """
        _complete(labels, classes)
        candidates = [(C, standardise) for standardise in self.options.standardise for C in self.options.C]
        if len(candidates) == 1 and self.options.threshold == "half":
            (C, standardise), n = candidates[0], classes
            return Choices((C,) * n, (standardise,) * n, (0.5,) * n, (0.0,) * n)
        with one_thread():
            held_out = self._held_out(candidates, features, labels, subjects, classes, seed, progress)
        chosen = [self._choose_one(candidates, held_out[:, :, k], labels == k, k) for k in range(classes)]
        return Choices(*zip(*chosen, strict=True))

    def fit_with(
        self, choices: Choices, features: NDArray[np.float32], labels: NDArray[np.intp], classes: int
    ) -> LogisticClassifier:
        """Learn with ``choices`` from features (n, units) and labels (n,), trying nothing.

        Raises:
            TrainingError: a label has no example or is all there is, or a solver was not done.
        """
        _complete(labels, classes)
        x = features.astype(np.float64)
        W, b = np.empty((classes, x.shape[1]), np.float32), np.empty(classes, np.float32)
        with one_thread():
            for standardise in sorted(set(choices.standardise)):
                scaled = scaling(x, standardise)
                inside = scaled(x)
                for k in range(classes):
                    if choices.standardise[k] != standardise:
                        continue
                    found = self._solve(inside, labels == k, choices.C[k])
                    if found[2] >= self.options.iterations:
                        raise TrainingError(
                            f"logistic: label number {k + 1} of {classes} not done after {found[2]} iterations; "
                            "allow more, or give a smaller C"
                        )
                    W[k : k + 1], b[k : k + 1] = scaled.undo(*found[:2])
        return LogisticClassifier(W, b, choices)

    def _solve(
        self, x: NDArray[np.float64], shown: NDArray[np.bool_], C: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
        y = shown.astype(np.intp)
        return solve(x, y, example_weights(y, 2, self.options.balance), C, self.options.iterations)

    def _held_out(
        self,
        candidates: list[tuple[float, bool]],
        features: NDArray[np.float32],
        labels: NDArray[np.intp],
        subjects: NDArray[np.str_],
        classes: int,
        seed: int,
        progress: Progress,
    ) -> NDArray[np.float64]:
        """Log-odds (candidates, n, classes) of rows that the try did not see; NaN where it could not be fitted."""
        fold = inner_folds(subjects, self.options.inner_folds, seed)
        x = features.astype(np.float64)
        found = np.full((len(candidates), len(x), classes), np.nan)
        for f in range(self.options.inner_folds):
            inside, outside = fold != f, fold == f
            scalings = {standardise: scaling(x[inside], standardise) for standardise in self.options.standardise}
            rows = {s: (scaled(x[inside]), scaled(x[outside])) for s, scaled in scalings.items()}
            for i, (C, standardise) in enumerate(candidates):
                tried, judged = rows[standardise]
                for k in range(classes):
                    shown = labels[inside] == k
                    if shown.any() and not shown.all():  # else only this fold's subjects show it: others judge
                        W, b, _ = self._solve(tried, shown, C)
                        found[i, outside, k] = (judged @ W.T + b)[:, 0]
                progress("head", f * len(candidates) + i, self.options.inner_folds * len(candidates))
        return found

    def _choose_one(
        self, candidates: list[tuple[float, bool]], log_odds: NDArray[np.float64], shown: NDArray[np.bool_], k: int
    ) -> tuple[float, bool, float, float]:
        """C, standardise, threshold and loss of label ``k`` from held-out log-odds (candidates, n)."""
        judged = np.isfinite(log_odds[0])
        shown, log_odds = shown[judged], log_odds[:, judged]
        if not shown.any() or shown.all():
            raise TrainingError(
                f"logistic: too few subjects show label number {k + 1} to choose C and threshold; give one C and "
                'threshold = "half", or use more data'
            )
        weights = example_weights(shown.astype(np.intp), 2, self.options.balance)
        losses = np.average(_minus_log(np.where(shown, log_odds, -log_odds)), axis=1, weights=weights)
        best = int(np.argmin(losses))
        cut = threshold(shown, _probability(log_odds[best]), self.options.threshold)
        return *candidates[best], cut, float(losses[best])


@dataclass(frozen=True, slots=True)
class LogisticClassifier:
    """Fitted regressions: weights (classes, units) and biases (classes,), float32, and how they were chosen."""

    W: NDArray[np.float32]
    b: NDArray[np.float32]
    choices: Choices

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """From which probability on each label is declared present (classes,)."""
        return np.array(self.choices.thresholds)

    def present(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Independent probability (n, classes) that each label is shown."""
        return _probability(self._log_odds(features))

    def detect(self, features: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether each label is declared present (n, classes): its probability is at or above its threshold."""
        return self.present(features) >= self.thresholds

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """The probabilities of ``present`` (n, classes), divided by their sum so that rows sum to 1."""
        logs = -_minus_log(self._log_odds(features))  # as logs: where all labels are denied, a sum may be 0
        raised = np.exp(logs - logs.max(axis=1, keepdims=True))
        found: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
        return found

    def layers(self) -> tuple[nn.Module, ...]:
        """Linear, Softplus, Linear and Softmax.

        With z the log-odds, -Softplus(-z) is the logarithm of the logistic function, and Softmax divides what the
        logarithms stand for by their sum. The signs are in the weights of the two linear layers.
        """
        classes, units = self.W.shape
        odds, negate = nn.Linear(units, classes), nn.Linear(classes, classes)
        with torch.no_grad():
            odds.weight.copy_(torch.from_numpy(-self.W))
            odds.bias.copy_(torch.from_numpy(-self.b))
            negate.weight.copy_(-torch.eye(classes))
            negate.bias.zero_()
        return odds, nn.Softplus(), negate, nn.Softmax(dim=1)

    def figures(self) -> dict[str, float]:
        """Of every label number, from 1, its C and threshold; means over labels of the other choices' figures."""
        return {
            "inner_loss": float(np.mean(self.choices.inner_losses)),
            "standardised": float(np.mean(self.choices.standardise)),
            **{f"C_{k}": C for k, C in enumerate(self.choices.C, 1)},
            **{f"threshold_{k}": cut for k, cut in enumerate(self.choices.thresholds, 1)},
        }

    def _log_odds(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = features.astype(np.float64) @ self.W.T.astype(np.float64) + self.b
        return found


def _complete(labels: NDArray[np.intp], classes: int) -> None:
    counts = np.bincount(labels, minlength=classes)
    if counts.min() == 0:
        raise TrainingError(f"logistic: no training face for label number {counts.argmin() + 1} of {classes}")
    if classes < 2:
        raise TrainingError("logistic: needs two labels or more, there is nothing to tell a single one from")


def _minus_log(log_odds: NDArray[Any]) -> NDArray[np.float64]:
    """Minus the logarithm of the logistic function, without overflow."""
    found: NDArray[np.float64] = np.logaddexp(0, -log_odds)
    return found


def _probability(log_odds: NDArray[Any]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.exp(-_minus_log(log_odds))
    return found

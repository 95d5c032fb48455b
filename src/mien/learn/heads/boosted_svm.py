"""AdaBoost selects features, a linear support vector machine decides: "AdaSVM" of Bartlett et al. (2003, 2005).

Of thousands of Gabor magnitudes each label gets those that AdaBoost with thresholds on single features takes
(``heads._boosting``); on all that were taken, one linear SVM per label tells it from the rest (squared hinge loss).
Their margins become probabilities by a softmax over margins / temperature (Guo et al. 2017). How strongly the
weights are held back and the temperature are chosen on subjects that neither selection nor SVM had seen.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC
from torch import nn

from mien.errors import TrainingError
from mien.learn.heads import _boosting
from mien.learn.heads._regression import scaling
from mien.learn.inner_folds import example_weights, inner_folds
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

INTERCEPT = 10.0  # liblinear holds the bias back as if it were a weight; on so large an input hardly at all
COLDEST, HOTTEST = 1e-2, 1e2  # temperatures that are searched


@dataclass(frozen=True, slots=True)
class Options:
    """Options of selection and support vector machine.

    Attributes:
        rounds: of AdaBoost, and so most features that one label selects.
        C: candidates for the inverse of the weight decay, for features of variance 1.
        balance: how far the side that is rarer, mostly that of the label, is weighted up: an example of a side
            with share s of the faces weighs s**-balance. 1: both sides weigh the same in total; 0: every face does.
        inner_folds: groups of subjects for the choice of C and of the temperature.
        iterations: most steps of the solver.
    """

    rounds: int = 100
    C: tuple[float, ...] = (1e-4, 1e-3, 1e-2)
    balance: float = 1.0
    inner_folds: int = 3
    iterations: int = 1000

    def __post_init__(self) -> None:
        if not 1 <= self.rounds <= 100_000:
            raise ValueError(f"rounds must be 1 to 100000, not {self.rounds}")
        if not self.C or not all(c > 0 for c in self.C):
            raise ValueError(f"C must be one or more numbers above 0, not {self.C}")
        if not 0 <= self.balance <= 1:
            raise ValueError(f"balance must be 0 to 1, not {self.balance}")
        if self.inner_folds < 2 or self.iterations < 1:
            raise ValueError("inner_folds must be 2 or more and iterations 1 or more")


def build(options: Options) -> BoostedSvm:
    """The head under ``options``."""
    return BoostedSvm(options)


@dataclass(frozen=True, slots=True)
class Choices:
    """What was chosen on held-out subjects.

    Attributes:
        C: inverse of the weight decay.
        temperature: what margins are divided by before the softmax.
        inner_loss: the held-out loss that chose them, nats.
    """

    C: float
    temperature: float
    inner_loss: float


@dataclass(frozen=True, slots=True)
class BoostedSvm:
    """Learns a ``BoostedSvmClassifier`` from features and labels."""

    options: Options

    def fit(
        self,
        features: NDArray[np.float32],
        labels: NDArray[np.intp],
        subjects: NDArray[np.str_],
        classes: int,
        seed: int,
        progress: Progress = silent,
    ) -> BoostedSvmClassifier:
        """Learn from features (n, units), labels (n,) and subjects (n,); see ``interfaces.Head``.

        Raises:
            TrainingError: a label has no example or is all there is, there are too few subjects to choose on,
                features are not numbers or say nothing, or the solver was not done.
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
        """The best C and its temperature, see ``interfaces.ChoosingHead``.

        Features are selected anew in every fold. Candidates are compared, each at the temperature that is best for
        it, by the mean log-probability of the true label of held-out subjects, weighted by ``balance``.

        Raises:
            TrainingError: as in ``fit``.
        """
        _check(features, labels, classes)
        with one_thread():
            margins = self._held_out(features, labels, subjects, classes, seed, progress)
            judged = np.isfinite(margins[0, :, 0])
            if not judged.any():
                raise TrainingError(
                    "boosted_svm: too few subjects per label to choose C and a temperature on; use more data"
                )
            weights = example_weights(labels, classes, self.options.balance)[judged]
            found = [_temperature(m[judged], labels[judged], weights) for m in margins]
        best = int(np.argmin([loss for _, loss in found]))
        return Choices(self.options.C[best], *found[best])

    def fit_with(
        self, choices: Choices, features: NDArray[np.float32], labels: NDArray[np.intp], classes: int
    ) -> BoostedSvmClassifier:
        """Learn with ``choices`` from features (n, units) and labels (n,), trying nothing.

        Raises:
            TrainingError: as in ``fit``.
        """
        _check(features, labels, classes)
        with one_thread():
            selected = self._select(features, labels, classes)
            W, b, done = self._svm(features[:, selected], labels, classes, choices.C)
        if not done:
            raise TrainingError(
                f"boosted_svm: not done after {self.options.iterations} iterations; allow more, or give a smaller C"
            )
        whole = np.zeros((classes, features.shape[1]), np.float32)
        whole[:, selected] = W / choices.temperature
        return BoostedSvmClassifier(whole, (b / choices.temperature).astype(np.float32), len(selected), choices)

    def _select(self, x: NDArray[np.float32], labels: NDArray[np.intp], classes: int) -> NDArray[np.intp]:
        """The features (selected,) that some label takes, rising."""
        weights = np.stack([self._weights(labels == k) for k in range(classes)], axis=1)
        stumps = _boosting.boost(_boosting.binned(x), labels, weights, classes, self.options.rounds)
        found = {stump.feature for own in stumps for stump in own}
        if not found:
            raise TrainingError("boosted_svm: no feature tells any label from the others; are they all constant?")
        return np.array(sorted(found), np.intp)

    def _svm(
        self, x: NDArray[np.float32], labels: NDArray[np.intp], classes: int, C: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
        """Weights (classes, selected) and biases (classes,) on features as they are, and whether it was done."""
        own = x.astype(np.float64)
        scaled = scaling(own, standardise=True)
        inside = scaled(own)
        W, b, done = np.empty((classes, x.shape[1])), np.empty(classes), True
        for k in range(classes):
            shown = labels == k
            # The primal solver: nothing random in it, and fast where rows outnumber selected features.
            machine = LinearSVC(C=C, dual=False, max_iter=self.options.iterations, intercept_scaling=INTERCEPT)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                machine.fit(inside, shown, sample_weight=self._weights(shown))
            done &= int(machine.n_iter_) < self.options.iterations
            W[k], b[k] = machine.coef_[0] / scaled.spread, machine.intercept_[0]
        return W, b - W @ scaled.mean, done

    def _weights(self, shown: NDArray[np.bool_]) -> NDArray[np.float64]:
        return example_weights(shown.astype(np.intp), 2, self.options.balance)

    def _held_out(
        self,
        features: NDArray[np.float32],
        labels: NDArray[np.intp],
        subjects: NDArray[np.str_],
        classes: int,
        seed: int,
        progress: Progress,
    ) -> NDArray[np.float64]:
        """Margins (candidates, n, classes) of rows that the try did not see; NaN where it could not be fitted."""
        o = self.options
        fold = inner_folds(subjects, o.inner_folds, seed)
        found = np.full((len(o.C), len(labels), classes), np.nan)
        for f in range(o.inner_folds):
            inside, outside = fold != f, fold == f
            if len(set(labels[inside].tolist())) < classes:
                continue  # a rare label is with this fold's subjects only; the other folds judge
            tried = features[inside]
            selected = self._select(tried, labels[inside], classes)
            for i, C in enumerate(o.C):
                W, b, _ = self._svm(tried[:, selected], labels[inside], classes, C)
                found[i, outside] = features[np.ix_(outside, selected)] @ W.T + b
                progress("head", f * len(o.C) + i, o.inner_folds * len(o.C))
        return found


@dataclass(frozen=True, slots=True)
class BoostedSvmClassifier:
    """Fitted machines: weights (classes, units) and biases (classes,) of margins / temperature, float32.

    Attributes:
        W: 0 for features that were not selected.
        b: biases.
        selected: how many features were.
        choices: what was chosen on held-out subjects.
    """

    W: NDArray[np.float32]
    b: NDArray[np.float32]
    selected: int
    choices: Choices

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (n, classes); rows sum to 1."""
        return _softmax(_float64(features) @ _float64(self.W).T + self.b)

    def layers(self) -> tuple[nn.Module, ...]:
        """Linear and Softmax."""
        classes, units = self.W.shape
        linear = nn.Linear(units, classes, device="meta")  # there it draws no random weights first
        linear.weight, linear.bias = nn.Parameter(torch.tensor(self.W)), nn.Parameter(torch.tensor(self.b))
        return linear, nn.Softmax(dim=1)

    def figures(self) -> dict[str, float]:
        """How many features were selected, C, the temperature, and the held-out loss that chose them."""
        return {
            "selected": float(self.selected),
            "C": self.choices.C,
            "temperature": self.choices.temperature,
            "inner_loss": self.choices.inner_loss,
        }


def _check(features: NDArray[Any], labels: NDArray[np.intp], classes: int) -> None:
    missing = sorted(set(range(classes)) - set(labels.tolist()))
    if missing:
        raise TrainingError(f"boosted_svm: no training face for label number {missing[0] + 1} of {classes}")
    if classes < 2:
        raise TrainingError("boosted_svm: one label only; there is nothing to tell it from")
    if not np.isfinite(features).all():
        raise TrainingError("boosted_svm: features must be finite numbers, but some are not")


def _temperature(
    margins: NDArray[np.float64], labels: NDArray[np.intp], weights: NDArray[np.float64]
) -> tuple[float, float]:
    """The temperature under which the softmax of ``margins`` (n, classes) loses least, and the loss, nats."""

    def loss(logarithm: float) -> float:
        p = _softmax(margins / np.exp(logarithm))[np.arange(len(labels)), labels]
        return float(np.average(-np.log(np.maximum(p, 1e-12)), weights=weights))

    found = minimize_scalar(loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded")
    return float(np.exp(found.x)), float(found.fun)


def _softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: NDArray[np.float64] = raised / raised.sum(axis=1, keepdims=True)
    return found


def _float64(x: NDArray[np.float32]) -> NDArray[np.float64]:
    return x.astype(np.float64)

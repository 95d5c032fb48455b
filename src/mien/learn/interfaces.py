"""What the parts of this room promise each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

ChoicesT = TypeVar("ChoicesT")

Progress = Callable[[str, int, int], None]
"""Called as ``progress(stage, done, of)`` now and then while something long runs; must not raise."""


def silent(stage: str, done: int, of: int) -> None:
    """The progress callback that says nothing."""


class Features(Protocol):
    """Learned features: a fixed function from patches to numbers."""

    @property
    def units(self) -> int:
        """How many numbers per patch."""

    def encode(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features (n, units) of flattened patches (n, pixels) in [0, 1]."""

    def layers(self) -> tuple[nn.Module, ...]:
        """The same function as torch layers that ``learn.export`` knows; input (n, pixels) float32."""

    def figures(self) -> dict[str, float]:
        """Named figures about the fit, for the model's notes."""


class FeatureLearner(Protocol):
    """A part of ``learn.features``: its module has ``Options`` and ``build(options) -> FeatureLearner``."""

    def fit(self, x: NDArray[np.float32], seed: int, progress: Progress = silent) -> Features:
        """Learn from flattened patches (n, pixels) in [0, 1]; equal inputs give equal bits.

        Raises:
            TrainingError: too little data, or the learning diverged.
        """


class Classifier(Protocol):
    """A fitted head: a fixed function from features to label probabilities."""

    def probabilities(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (n, classes) of features (n, units); rows sum to 1."""

    def layers(self) -> tuple[nn.Module, ...]:
        """The same function as torch layers that ``learn.export`` knows; the last gives probabilities."""

    def figures(self) -> dict[str, float]:
        """Named figures about the fit, for the model's notes."""


class Head(Protocol):
    """A part of ``learn.heads``: its module has ``Options`` and ``build(options) -> Head``."""

    def fit(
        self,
        features: NDArray[np.float32],
        labels: NDArray[np.intp],
        subjects: NDArray[np.str_],
        classes: int,
        seed: int,
        progress: Progress = silent,
    ) -> Classifier:
        """Learn from features (n, units), labels (n,) in 0..classes-1 and the subject (n,) of each row.

        Whatever is chosen by trying is tried on subjects that the try was not fitted on.

        Raises:
            TrainingError: a class or subjects are missing.
        """


class Detector(Classifier, Protocol):
    """A classifier that also says of every label by itself whether it is shown; none or several may be."""

    @property
    def thresholds(self) -> NDArray[np.float64]:
        """From which probability on a label is declared present (classes,)."""

    def present(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Independent probabilities (n, classes) of features (n, units); rows sum to anything."""

    def detect(self, features: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether each label is declared present (n, classes)."""


class ChoosingHead(Head, Protocol[ChoicesT]):
    """A head whose choices can be made once and used for many fits, such as those of leave-one-subject-out.

    ``fit`` is ``choose`` and then ``fit_with`` on the same rows. A choice for a fit that leaves a subject out must
    itself be made without that subject; whoever uses it elsewhere has to see to that.
    """

    def choose(
        self,
        features: NDArray[np.float32],
        labels: NDArray[np.intp],
        subjects: NDArray[np.str_],
        classes: int,
        seed: int,
        progress: Progress = silent,
    ) -> ChoicesT:
        """What to fit with, tried on subjects that the try was not fitted on; arguments as in ``Head.fit``.

        Raises:
            TrainingError: a class is missing, or there are too few subjects to choose on.
        """

    def fit_with(
        self, choices: ChoicesT, features: NDArray[np.float32], labels: NDArray[np.intp], classes: int
    ) -> Classifier:
        """Learn with given choices from features (n, units) and labels (n,), trying nothing.

        Raises:
            TrainingError: a class is missing, or the solver was not done.
        """

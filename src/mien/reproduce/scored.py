"""What classifiers said about held-out frames: ``predictions.parquet``, from which every figure is computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Scored:
    """One classifier under one protocol; one row per scored frame (or per sequence, where frames were pooled).

    Attributes:
        experiment, protocol, inputs: as in ``results.Row``.
        labels: meaning of the columns below.
        item, subject, sequence: names (n,).
        fold: (n,) number of the fold in which the row was held out, from 0.
        truth: (n,) label index.
        probabilities: (n, labels); rows sum to 1 for softmax; independent probabilities for one logistic
            regression per expression.
        said: bool (n, labels), whether the expression was declared present, by thresholds that were chosen on
            training people; ``None`` for softmax, where the most probable label is the answer.
    """

    experiment: str
    protocol: str
    inputs: str
    labels: tuple[str, ...]
    item: NDArray[np.str_]
    subject: NDArray[np.str_]
    sequence: NDArray[np.str_]
    fold: NDArray[np.intp]
    truth: NDArray[np.intp]
    probabilities: NDArray[np.float64]
    said: NDArray[np.bool_] | None = None

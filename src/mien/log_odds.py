"""Probabilities as log-odds, on which evidence adds up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SURE = 1e-6
"""Probabilities are kept this far from 0 and 1, so that log-odds stay finite."""


def log_odds(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """``log(p / (1 - p))`` of probabilities of any shape, at most about 13.8 either way."""
    kept = np.clip(probabilities, SURE, 1 - SURE)
    return np.asarray(np.log(kept / (1 - kept)), np.float64)

"""One face's probabilities over time in bounded memory: means over bins that grow as the video goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Segment = tuple["NDArray[np.float64]", "NDArray[np.float64]", "NDArray[np.float64]"]
"""First moments (n,) and last moments (n,) of n bins in a row, and their mean probabilities (n, labels)."""

BINS = 2048
"""Bins per face at most: more than a picture has dots across."""


class Timeline:
    """Mean probabilities of one face in bins of equal length.

    Every observation has a bin of its own at first. Whenever the bins run out, they are made twice as long
    and neighbours are merged, so that memory stays the same on any length.

    Args:
        labels: how many probabilities an observation has, those of action units included.
    """

    def __init__(self, labels: int) -> None:
        self._used = 0
        self._width = 0.0  # seconds; 0: one bin per observation
        self._sums = np.zeros((BINS, labels))
        self._counts = np.zeros(BINS, np.int64)
        self._first = np.zeros(BINS)
        self._last = np.zeros(BINS)
        self._breaks = np.zeros(BINS, bool)

    @property
    def observations(self) -> int:
        """How many were added."""
        return int(self._counts[: self._used].sum())

    def add(self, moment: float, probabilities: NDArray[np.float64], *, after_gap: bool) -> None:
        """Add one observation.

        Args:
            moment: seconds (or the frame's number); one earlier than the last counts as the last's.
            probabilities: (labels,).
            after_gap: the face was out of sight in the analysed frame before.
        """
        last = self._used - 1
        if last >= 0:
            moment = max(moment, float(self._last[last]))
        same = last >= 0 and self._width > 0 and self._cell(moment) == self._cell(float(self._first[last]))
        if not same:
            if self._used == BINS:
                self._coarsen()
                self.add(moment, probabilities, after_gap=after_gap)
                return
            last = self._used
            self._used += 1
            self._sums[last] = 0
            self._counts[last] = 0
            self._first[last] = moment
            self._breaks[last] = after_gap
        self._sums[last] += probabilities
        self._counts[last] += 1
        self._last[last] = moment

    def segments(self, length: float = 0) -> list[Segment]:
        """Stretches without a gap, in bins of ``length`` seconds, or as fine as they are kept where that is 0."""
        if not self._used:
            return []
        used = slice(0, self._used)
        breaks = self._breaks[used]
        cells = self._first[used] // length if length > 0 else np.arange(self._used)
        starts = np.flatnonzero((np.diff(cells, prepend=-np.inf) != 0) | breaks)
        counts = np.add.reduceat(self._counts[used], starts)
        means = np.add.reduceat(self._sums[used], starts) / counts[:, None]
        cuts = np.flatnonzero(breaks[starts])
        cuts = cuts[cuts > 0]
        ends = np.append(starts[1:], self._used) - 1
        parts = (np.split(values, cuts) for values in (self._first[starts], self._last[ends], means))
        return list(zip(*parts, strict=True))

    def _cell(self, moment: float) -> int:
        return int(moment // self._width)

    def _coarsen(self) -> None:
        """Make bins twice as long (at the start: as long as needed to halve them) and merge neighbours."""
        while self._used == BINS:
            span = float(self._last[-1] - self._first[0])
            self._width = 2 * (self._width or span / BINS or 1.0)  # a clock that stands still has no span
            cells = self._first // self._width
            starts = np.flatnonzero(np.diff(cells, prepend=-np.inf))
            kept = len(starts)
            ends = np.append(starts[1:], BINS) - 1
            self._sums[:kept] = np.add.reduceat(self._sums, starts)
            self._counts[:kept] = np.add.reduceat(self._counts, starts)
            self._breaks[:kept] = self._breaks[starts]
            self._first[:kept] = self._first[starts]
            self._last[:kept] = self._last[ends]
            self._used = kept

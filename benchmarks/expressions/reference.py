"""Does a person's own neutral face help? ``python -m benchmarks.expressions.reference --units FILE``.

Takes ``action_units.parquet`` of ``mien evaluate default --data ckplus:ROOT --protocol subject-10fold`` and refers
the action units of every peak to the neutral first frame of its sequence, as ``[baseline] reference = "neutral"``
does in a video after some seconds of neutral face. Scored on the peaks alone, with and without: a neutral frame
that is its own reference proves nothing. The level of a typical neutral face is the mean over the other people.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # as in the package's __main__

from mien.errors import DataError, MienError
from mien.evaluate import action_units, unit_predictions
from mien.evaluate.unit_predictions import UnitPredictions
from mien.log_odds import log_odds

LARGEST = 2.0  # change of a unit's log-odds at most, the recipe's default


def referred(p: UnitPredictions, largest: float) -> tuple[UnitPredictions, UnitPredictions]:
    """The peaks as they are, and referred to the neutral frame of their sequence.

    Raises:
        DataError: no sequence has a neutral first frame and a peak.
    """
    sequence = np.array([item.rpartition("_")[0] for item in p.item])
    rest = ~p.truth.any(axis=1)
    neutral = {sequence[k]: k for k in np.flatnonzero(rest)}
    peaks = np.array([k for k in np.flatnonzero(~rest) if sequence[k] in neutral], np.intp)
    if not len(peaks):
        raise DataError("no sequence has both a face without any action unit and one with some; is this CK+?")
    own = np.array([neutral[sequence[k]] for k in peaks])
    odds = log_odds(p.probabilities)
    level = np.stack([odds[rest & (p.subject != p.subject[k])].mean(axis=0) for k in peaks])
    shift = np.clip(odds[own] - level, -largest, largest)
    plain = UnitPredictions(
        p.units, p.item[peaks], p.subject[peaks], p.fold[peaks], p.truth[peaks], p.probabilities[peaks], p.setting
    )
    return plain, replace(plain, probabilities=1 / (1 + np.exp(shift - odds[peaks])))


def main() -> int:
    """Print both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--units", type=Path, required=True)
    parser.add_argument("--largest", type=float, default=LARGEST)
    given = parser.parse_args()
    try:
        pair = referred(unit_predictions.read(given.units), given.largest)
        plain, own = (action_units.summarise(p) for p in pair)
    except MienError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    print(f"{plain.items} peaks of {plain.subjects} people; {plain.level:.0%} intervals by subject")
    print(f"{'':<6}{'as they are':>28}{'from the own neutral face':>30}")
    for name in plain.means:
        before, after = plain.means[name], own.means[name]
        print(f"{name:<20}{_told(before):>24}{_told(after):>30}")
    for one, other in zip(plain.units, own.units, strict=True):
        if one.figures and other.figures:
            a, b = one.figures["auc"].value, other.figures["auc"].value
            print(f"  {one.unit}  {one.positives:>4} positives   AUC {a:.3f} -> {b:.3f}  {b - a:+.3f}")
    return 0


def _told(interval: action_units.Interval) -> str:
    return f"{interval.value:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


if __name__ == "__main__":
    sys.exit(main())

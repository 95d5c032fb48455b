"""What a network is to answer: labels, votes and FACS codes as arrays, and how often each face is drawn.

Ten people voted on every face of FER+ (Barsoum et al. 2016): their shares are the target, which says how doubtful a
face is, where the majority's word would say nothing. Labels of an earlier annotation are mixed in with a small
weight: of the rare expressions they know more examples than the votes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.errors import TrainingError
from mien.labels import ACTION_UNITS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mien.data.dataset import Dataset, Item


@dataclass(frozen=True, slots=True)
class Options:
    """A recipe's table on labels.

    Attributes:
        former: weight of the label of an earlier annotation, where there is one, against the votes.
        unsure: every vote for "cannot tell" counts as so many votes, spread evenly over the expressions.
        smooth: share of a single label's weight that is spread evenly over the expressions.
        action_units: which are learned; empty: all that ``positives`` training faces or more show.
        positives: see ``action_units``.
        balance: how far rare expressions are drawn more often: 0 as often as they are, 1 as often as the others.
        even: how far a small data set among several is drawn more often; as ``balance``.
    """

    former: float = 0.2
    unsure: float = 0.5
    smooth: float = 0.05
    action_units: tuple[str, ...] = ()
    positives: int = 10
    balance: float = 0.5
    even: float = 0.5

    def __post_init__(self) -> None:
        for name in ("former", "smooth", "balance", "even"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be 0 to 1, not {getattr(self, name)}")
        if not 0 <= self.unsure <= 100 or self.positives < 1:
            raise ValueError(f"unsure must be 0 or more, positives 1 or more, not {self.unsure}, {self.positives}")
        unknown = sorted(set(self.action_units) - set(ACTION_UNITS))
        if unknown or len(set(self.action_units)) < len(self.action_units):
            raise ValueError(f"action_units must be different and known, not {', '.join(self.action_units)}")


@dataclass(frozen=True, slots=True)
class Targets:
    """Targets of n faces.

    Attributes:
        expressions: float32 (n, labels), rows sum to 1; all zero where nobody said what is shown.
        shown: bool (n,), whether somebody did.
        labels: (n,) index of the label, -1 where the face has none.
        units: float32 (n, units), 1 where an action unit is shown and 0 where not.
        coded: bool (n,), whether the face was coded.
    """

    expressions: NDArray[np.float32]
    shown: NDArray[np.bool_]
    labels: NDArray[np.intp]
    units: NDArray[np.float32]
    coded: NDArray[np.bool_]


def units(items: Sequence[Item], dataset: Dataset, options: Options) -> tuple[str, ...]:
    """The action units to be learned, in the order of ``ACTION_UNITS``.

    Raises:
        TrainingError: the recipe names units, and the data has no face with, or none without, one of them.
    """
    coded = [item.action_units for item in items if item.action_units is not None]
    codes = np.array(coded, np.intp).reshape(len(coded), len(dataset.action_units))
    counts = dict(zip(dataset.action_units, codes.sum(axis=0).tolist(), strict=True))
    if not options.action_units:
        return tuple(u for u in ACTION_UNITS if options.positives <= counts.get(u, 0) < len(coded))
    lacking = [u for u in options.action_units if not 0 < counts.get(u, 0) < len(coded)]
    if lacking:
        raise TrainingError(
            f"{dataset.name}: {len(coded)} faces are coded for action units, but none shows (or all show) "
            f"{', '.join(lacking)}; leave it out of [targets] action_units, or add data that has codes"
        )
    return tuple(u for u in ACTION_UNITS if u in options.action_units)


def targets(items: Sequence[Item], dataset: Dataset, names: tuple[str, ...], options: Options) -> Targets:
    """The targets of ``items``.

    Args:
        items: of ``dataset``.
        dataset: names the labels and units that the items have.
        names: the action units to be learned.
        options: see there.
    """
    labels = dataset.labels.expressions
    place = {label: k for k, label in enumerate(labels)}
    soft = np.zeros((len(items), len(labels)), np.float32)
    given = np.full(len(items), -1, np.intp)
    codes = np.zeros((len(items), len(names)), np.float32)
    coded = np.zeros(len(items), np.bool_)
    columns = [dataset.action_units.index(name) for name in names]
    for k, item in enumerate(items):
        if item.expression is not None:
            given[k] = place[item.expression]
        soft[k] = _soft(item, place, options)
        if item.action_units is not None and names:
            codes[k] = [item.action_units[c] for c in columns]
            coded[k] = True
    return Targets(soft, soft.sum(axis=1) > 0, given, codes, coded)


def _soft(item: Item, place: dict[str, int], options: Options) -> NDArray[np.float64]:
    count = len(place)
    found = np.zeros(count)
    if item.votes is not None:
        votes = np.array(item.votes.cast, np.float64) + options.unsure * item.votes.unsure / count
        if votes.sum() == 0:
            return found
        found = votes / votes.sum()
        if item.votes.former in place:
            found *= 1 - options.former
            found[place[item.votes.former]] += options.former
    elif item.expression is not None:
        found[:] = options.smooth / count
        found[place[item.expression]] += 1 - options.smooth
    return found


def chances(t: Targets, sources: NDArray[np.intp], options: Options) -> NDArray[np.float64]:
    """How likely each face is to be drawn, (n,), sum 1.

    A face counts by its expressions' rarity within its data set: with p_k the share of expression k,
    sum_k target_k * p_k ** -balance; a face without an expression counts as the average. A data set of n faces gets
    a share in proportion to n ** (1 - even).

    Args:
        t: the targets.
        sources: (n,) number of the data set that each face is from.
        options: see there.
    """
    found = np.zeros(len(sources))
    for source in np.unique(sources):
        inside = sources == source
        soft = t.expressions[inside].astype(np.float64)
        share = soft.sum(axis=0) / max(soft.sum(), 1e-9)
        weight = soft @ np.where(share > 0, np.maximum(share, 1e-9) ** -options.balance, 0.0)
        told = t.shown[inside]
        weight[~told] = weight[told].mean() if told.any() else 1.0
        found[inside] = weight / weight.sum() * inside.sum() ** (1 - options.even)
    return np.asarray(found / found.sum(), np.float64)

"""The same predictions as others in the field would count them: fewer expressions, forced choice among the rest.

CK+ (Lucey et al. 2010) is usually scored on the peaks of its 327 labelled sequences by seven expressions, with no
neutral face (``SEVEN``); with the neutral first frames there are eight classes (``EIGHT``). Contempt, which few
data sets know and 18 sequences show, is often left out: six expressions and neutral (``SIX_AND_NEUTRAL``). A model
that knows more expressions than a view has must choose among those of the view: the others' columns are left out,
and what remains is made to sum to 1.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mien.errors import DataError
from mien.labels import EXPRESSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mien.evaluate.predictions import Predictions

CONTEMPT, NEUTRAL = "contempt", "neutral"


@dataclass(frozen=True, slots=True)
class View:
    """A way to count.

    Attributes:
        name: short.
        text: one line for a table.
        labels: the expressions that count.
    """

    name: str
    text: str
    labels: tuple[str, ...]


SEVEN = View(
    "seven expressions",
    "peaks only, forced choice among the seven expressions other than neutral",
    tuple(label for label in EXPRESSIONS if label != NEUTRAL),
)
EIGHT = View("eight classes", "peaks and neutral frames, seven expressions and neutral", EXPRESSIONS)
SIX_AND_NEUTRAL = View(
    "six and neutral",
    "peaks and neutral frames without contempt, forced choice among six expressions and neutral",
    tuple(label for label in EXPRESSIONS if label != CONTEMPT),
)
VIEWS = (SEVEN, EIGHT, SIX_AND_NEUTRAL)


def seen(p: Predictions, view: View) -> Predictions:
    """The predictions as ``view`` counts them: faces that show one of its labels, forced choice among these.

    Action units are left out.

    Raises:
        DataError: the model lacks a label of the view, or no face shows one.
    """
    lacking = [label for label in view.labels if label not in p.labels]
    if lacking:
        raise DataError(
            f"{p.setting.model}: has no label {', '.join(lacking)}, so it cannot be seen as {view.name}"
        )
    columns = [p.labels.index(label) for label in view.labels]
    kept = np.isin(p.truth, columns)
    if not kept.any():
        raise DataError(f"{p.setting.data}: no face shows one of {', '.join(view.labels)}")
    place = np.full(len(p.labels), -1, np.intp)
    place[columns] = np.arange(len(columns))
    return replace(
        p,
        labels=view.labels,
        item=p.item[kept],
        subject=p.subject[kept],
        fold=p.fold[kept],
        truth=place[p.truth[kept]],
        probabilities=chosen_among(p.probabilities[kept], columns),
        action_units=None,
    )


def chosen_among(probabilities: NDArray[np.float64], columns: Sequence[int]) -> NDArray[np.float64]:
    """Probabilities (n, columns) made to sum to 1 again; even where all of these columns are 0."""
    part = probabilities[:, list(columns)]
    total = part.sum(axis=1, keepdims=True)
    even = np.full_like(part, 1 / len(columns))
    np.divide(part, total, out=even, where=total > 0)
    return even

"""Scores of many faces, some at a time: memory must not grow with their number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mien.models.onnx import Scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mien.expression import ExpressionModel
    from mien.types import Grey

AT_ONCE = 64
"""Faces in one run: a network's inner pictures of so many take some ten megabytes."""


def score(
    model: ExpressionModel, faces: Sequence[Grey], points: Sequence[NDArray[Any] | None] | None = None
) -> Scores:
    """What ``model`` says of pictures that are a face each.

    Args:
        model: any.
        faces: uint8 (height, width) each, in the geometry of the detector's box.
        points: (68, 2) of each, pixels; a model that aligns faces finds those that are not given itself.

    Raises:
        InputError, UnknownPartError, ModelError: as ``ExpressionModel.score``.
    """
    known = [None] * len(faces) if points is None else points
    found = [
        model.score(faces[k : k + AT_ONCE], [None] * len(faces[k : k + AT_ONCE]), known[k : k + AT_ONCE])
        for k in range(0, len(faces), AT_ONCE)
    ]
    if not found:
        return Scores(np.zeros((0, len(model.labels))), np.zeros((0, len(model.action_units))))
    return Scores(
        np.concatenate([part.expressions for part in found]), np.concatenate([part.action_units for part in found])
    )

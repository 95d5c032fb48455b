"""Measured figures of a shipped model, from the file beside its weights: ``default.json`` beside ``default.onnx``.

::

    {"sha256": "...", "figures": [
        {"what": "FER+ validation accuracy", "value": 0.85, "low": 0.84, "high": 0.86, "held_out": true}, ...]}
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mien.errors import ModelError, RecipeError
from mien.recipe import options

if TYPE_CHECKING:
    from mien.modelfile import ModelFile


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure.

    Attributes:
        what: what was measured, on what.
        value: the figure.
        low, high: its interval; left out where it has none.
        held_out: the model learned nothing from the faces it was measured on, nor was it chosen by them.
    """

    what: str
    value: float
    low: float | None = None
    high: float | None = None
    held_out: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one model file.

    Attributes:
        sha256: of the model file that they were measured with, hex.
        figures: in the order in which they are to be told.
    """

    sha256: str
    figures: tuple[Figure, ...]


def beside(file: ModelFile) -> Figures | None:
    """The figures that lie beside a model file; ``None`` where there are none.

    They count only if their ``sha256`` is the file's.

    Raises:
        ModelError: they cannot be read or understood.
    """
    path = file.path.with_suffix(".json")
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: the model's figures cannot be read ({error}); get the file again") from None
    try:
        return options(Figures, dict(json.loads(text)), str(path))
    except (ValueError, TypeError, RecursionError, RecipeError):
        raise ModelError(f"{path}: damaged: these are no figures of a model; get the file again") from None

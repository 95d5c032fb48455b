"""Probabilities over time as a picture: one panel per face, and its action units below; the most visible faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien import plugins
from mien.errors import UsageError
from mien.output.draft import Draft
from mien.output.timeline import Timeline

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mien.labels import LabelSet
    from mien.output.sink import Sink
    from mien.types import Frame, FrameResult, Observation, RunRecord

FORMATS = (".png", ".svg", ".pdf")
"""Picture formats by suffix."""

PANELS = 8
"""Faces that are drawn."""

_FOLLOWED = 64  # faces that are remembered; beyond that the least seen one is forgotten


@dataclass(frozen=True, slots=True)
class Options:
    """Which picture, the model's labels, and the title's first words, such as the source's name."""

    path: Path
    labels: LabelSet
    title: str = ""


def build(options: Options) -> Sink:
    """A sink that draws the picture when all results are in.

    Raises:
        UsageError: the suffix is no picture format.
        MissingExtraError: matplotlib is not installed.
        OutputError: the file cannot be written.
    """
    if options.path.suffix.lower() not in FORMATS:
        raise UsageError(f"{options.path}: a plot's name must end in {', '.join(FORMATS)}")
    plugins.load("matplotlib.figure")  # so that a missing extra is said before any work is done
    return Plot(options)


class Plot:
    """A plot in the making; a ``Sink``. Memory is bounded on any length and with any number of faces."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._draft = Draft(options.path)
        self._faces: dict[int, Timeline] = {}
        self._seen = 0
        self._before: frozenset[int] = frozenset()
        self._timed = True
        self._span = (0.0, 0.0)
        self._started = False

    def write(self, frame: Frame, result: FrameResult | None) -> None:
        """Take one frame's result."""
        moment = float(frame.index) if frame.time is None else frame.time
        self._timed = frame.time is not None
        self._span = (self._span[0] if self._started else moment, moment)
        self._started = True
        if result is None:
            return
        for face in result.faces:
            if face.face not in self._faces:
                self._seen += face.face not in self._before
                self._make_room()
                labels = self._options.labels
                self._faces[face.face] = Timeline(len(labels.expressions) + len(labels.action_units))
            line = self._faces[face.face]
            line.add(moment, _values(face), after_gap=face.face not in self._before)
        self._before = frozenset(face.face for face in result.faces)

    def finish(self, record: RunRecord) -> None:
        """Draw the picture and publish it.

        Raises:
            OutputError: the file cannot be written.
        """
        drawing = plugins.load("mien.output.chart")
        by_presence = sorted(self._faces, key=lambda face: (-self._faces[face].observations, face))
        chosen = sorted(by_presence[:PANELS])
        with self._draft.guarded():
            drawing.draw(
                self._draft.file,
                self._options.path.suffix.lower()[1:],
                self._options.labels,
                {face: self._faces[face] for face in chosen},
                self._span,
                timed=self._timed,
                title=self._options.title or record.source,
                note=_note(record, len(chosen), self._seen),
            )
        self._draft.publish()

    def abandon(self) -> None:
        """Remove the unfinished picture."""
        self._draft.discard()

    def _make_room(self) -> None:
        if len(self._faces) >= _FOLLOWED:
            away = [face for face in self._faces if face not in self._before] or list(self._faces)
            del self._faces[min(away, key=lambda face: self._faces[face].observations)]


def _values(face: Observation) -> NDArray[np.float64]:
    """Probabilities of the labels, then of the action units."""
    return (
        face.probabilities if face.action_units is None else np.concatenate([face.probabilities, face.action_units])
    )


def _note(record: RunRecord, drawn: int, seen: int) -> str:
    """What a reader needs to know beside the curves."""
    left_out = f"the {drawn} most visible of {seen} faces · " if seen > drawn else ""
    return f"{left_out}model {record.model} · what faces show, not what people feel"

"""A picture of what drove the model's answers: a few telling moments of each face (``--explain``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import cv2

from mien.errors import OutputError, UsageError
from mien.output import sheet
from mien.output.draft import Draft
from mien.output.moments import Moment, Moments

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from mien.labels import LabelSet
    from mien.output.sheet import Explanation
    from mien.output.sink import Sink
    from mien.types import Frame, FrameResult, Observation, Rgb, RunRecord

FORMATS = (".png",)
"""Picture formats by suffix."""

FACES = 6
"""Faces that are drawn."""
MOMENTS = 4
"""Moments of one face that are drawn, at most."""

_FOLLOWED = 16  # faces that are remembered; beyond that the least seen one is forgotten


class Explainer(Protocol):
    """What the sink asks about the faces that it keeps."""

    def patch(self, frame: Frame, face: Observation) -> NDArray[np.float32]:
        """The patch that the model was shown, float32 (size, size)."""

    def picture(self, frame: Frame, face: Observation, grown: float, pixels: int) -> Rgb:
        """The same square in colour, grown by a factor about its centre, uint8 (pixels, pixels, 3)."""

    def explain(self, patch: NDArray[np.float32], face: Observation) -> Explanation:
        """Which parts of the patch spoke for the face's expression and its strongest action units."""


@dataclass(frozen=True, slots=True)
class Options:
    """Which picture, the model's labels, who explains, and the title, such as the source's name."""

    path: Path
    labels: LabelSet
    explainer: Explainer
    title: str = ""


def build(options: Options) -> Sink:
    """A sink that explains and draws when all results are in.

    Raises:
        UsageError: the suffix is no picture format.
        OutputError: the file cannot be written.
    """
    if options.path.suffix.lower() not in FORMATS:
        raise UsageError(f"{options.path}: an explanation's name must end in {', '.join(FORMATS)}")
    return Explained(options)


class Explained:
    """An explanation in the making; a ``Sink``. Memory is bounded on any length and with any number of faces."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._draft = Draft(options.path)
        self._faces: dict[int, Moments] = {}
        self._before: frozenset[int] = frozenset()
        self._seen = 0

    def write(self, frame: Frame, result: FrameResult | None) -> None:
        """Keep what is telling of one frame."""
        if result is None:
            return
        clock = float(frame.index) if frame.time is None else frame.time
        for face in result.faces:
            if face.face not in self._faces:
                self._seen += face.face not in self._before
                self._make_room()
                self._faces[face.face] = Moments()
            moments = self._faces[face.face]
            moments.add(clock, self._options.labels.expressions, face, lambda face=face: self._cut(frame, face))  # type: ignore[misc]
        self._before = frozenset(face.face for face in result.faces)

    def finish(self, record: RunRecord) -> None:
        """Explain the chosen moments, draw the picture and publish it.

        Raises:
            ModelError: the model fails.
            OutputError: the file cannot be written.
        """
        by_presence = sorted(self._faces, key=lambda face: (-self._faces[face].seen, face))
        shown = sorted(by_presence[:FACES])
        with self._draft.guarded():
            explain = self._options.explainer.explain
            faces = {
                face: [
                    sheet.Card(moment, explain(moment.patch, moment.face))
                    for moment in self._faces[face].chosen(MOMENTS)
                ]
                for face in shown
            }
            left_out = f"the {len(shown)} most visible of {self._seen} faces, " if self._seen > len(shown) else ""
            picture = sheet.draw(
                self._options.labels,
                faces,
                title=self._options.title or record.source,
                note=f"{left_out}model {record.model}",
            )
            done, content = cv2.imencode(".png", picture[:, :, ::-1])
            if not done:
                raise OutputError(f"{self._draft.target}: the picture could not be encoded as PNG")
            self._draft.file.write(content.tobytes())
        self._draft.publish()

    def abandon(self) -> None:
        """Remove the unfinished picture."""
        self._draft.discard()

    def _cut(self, frame: Frame, face: Observation) -> Moment:
        explainer = self._options.explainer
        return Moment(
            clock=float(frame.index) if frame.time is None else frame.time,
            timed=frame.time is not None,
            face=face,
            patch=explainer.patch(frame, face),
            picture=explainer.picture(frame, face, sheet.GROWN, sheet.FACE),
        )

    def _make_room(self) -> None:
        if len(self._faces) >= _FOLLOWED:
            away = [face for face in self._faces if face not in self._before] or list(self._faces)
            del self._faces[min(away, key=lambda face: self._faces[face].seen)]

"""What a whole run showed, face by face: how long, which expressions and action units for how long, their peaks.

Accumulated frame by frame in memory that grows with the number of people, not with the length of the video.
A frame counts until the next frame's time, so a variable frame rate weighs every moment alike; without a clock
frames are counted and times are ``None``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.facs import PRESENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.types import FrameResult, Observation

MOST_SPANS = 1000  # per face: a face that flickers for hours must not fill the memory
MOST_UNCERTAIN = 1000  # returns that are listed one by one, for the same reason
UNCERTAIN = 0.8
"""A face that comes back under an old id with less certainty than this is listed as uncertain."""


@dataclass(slots=True)
class _FaceSums:
    """Running sums of one face; arrays are (labels + action units,), in this order."""

    first: float | None
    last: float | None
    first_frame: int
    last_frame: int
    observed: int  # frames
    lasted: float  # seconds
    named: int  # frames in which an expression was named
    named_seconds: float
    total: NDArray[np.float64]  # probabilities, summed over frames
    peak: NDArray[np.float64]
    peak_frame: NDArray[np.int64]
    peak_time: list[float | None]
    seconds: NDArray[np.float64]  # time for which each label was named, each action unit present
    frames: NDArray[np.int64]  # frames likewise
    spans: list[list[float | int | None]] = field(default_factory=list)


class Summary:
    """Takes a run's frames in order and says what they showed.

    Args:
        labels: the model's labels, in order.
        action_units: the model's action units, in order; empty where it gives none.
    """

    def __init__(self, labels: tuple[str, ...], action_units: tuple[str, ...] = ()) -> None:
        self._labels = labels
        self._units = action_units
        self._faces: dict[int, _FaceSums] = {}
        self._uncertain: list[dict[str, float | int | None]] = []
        self._frames = self._without = self._shots = 0
        self._pending: FrameResult | None = None
        self._step = 0.0
        self._seen = self._unseen = 0.0

    def add(self, result: FrameResult) -> None:
        """Take the next analysed frame."""
        if self._pending is not None and result.time is not None and self._pending.time is not None:
            self._step = max(result.time - self._pending.time, 0.0)
            self._count(self._pending, self._step)
        self._frames += 1
        self._without += not result.faces
        self._pending = result
        self._shots = max(self._shots, result.shot)
        for face in result.faces:
            self._note(result, face)

    def finish(self) -> dict[str, Any]:
        """The summary as JSON values; call once, after the last frame.

        Returns:
            ``frames``, ``seconds``, ``frames_without_face``, ``seconds_without_face``, ``shots`` (their number),
            ``uncertain``, a list of the returns in which an id may have gone to somebody else (``face``, ``frame``,
            ``time``, ``certainty``; the first ``MOST_UNCERTAIN``), and ``faces``, a list with
            ``face``, ``frames``, ``seconds``, ``first``, ``last`` (seconds), ``first_frame``, ``last_frame``,
            ``appearances`` (start, end in seconds, or frame numbers without a clock), ``withheld`` (``frames`` and
            ``seconds`` in which no expression was named), ``dominant`` (the label named for longest, ``None``
            where none ever was) and, per label, ``expressions`` (``frames``, ``seconds``, ``share`` of the face's
            frames, ``mean`` probability, ``peak`` with ``probability``, ``time``, ``frame``). A model with action
            units adds ``action_units``, per unit the same, of the frames in which its probability was
            ``mien.facs.PRESENT`` or more.
        """
        timed = self._pending is not None and self._pending.time is not None
        if self._pending is not None and timed:
            # The last frame has no successor: it counts as long as the one before it.
            self._count(self._pending, self._step)
            self._pending = None
        return {
            "frames": self._frames,
            "seconds": round(self._seen + self._unseen, 6) if timed else None,
            "frames_without_face": self._without,
            "seconds_without_face": round(self._unseen, 6) if timed else None,
            "shots": self._shots,
            "uncertain": self._uncertain,
            "faces": [self._face(number, sums, timed=timed) for number, sums in sorted(self._faces.items())],
        }

    def _note(self, result: FrameResult, face: Observation) -> None:
        count = len(self._labels) + len(self._units)
        sums = self._faces.get(face.face)
        if sums is None:
            sums = self._faces[face.face] = _FaceSums(
                first=result.time,
                last=result.time,
                first_frame=result.frame,
                last_frame=result.frame,
                observed=0,
                lasted=0.0,
                named=0,
                named_seconds=0.0,
                total=np.zeros(count),
                peak=np.full(count, -1.0),
                peak_frame=np.zeros(count, np.int64),
                peak_time=[None] * count,
                seconds=np.zeros(count),
                frames=np.zeros(count, np.int64),
            )
        here = result.time if result.time is not None else result.frame
        if face.state != "found" and sums.spans:
            sums.spans[-1][1] = here
        elif len(sums.spans) < MOST_SPANS:
            sums.spans.append([here, here])
        else:
            sums.spans[-1][1] = here
        sums.last, sums.last_frame = result.time, result.frame
        if face.state == "found" and face.certainty < UNCERTAIN and len(self._uncertain) < MOST_UNCERTAIN:
            told = {"face": face.face, "frame": result.frame, "time": result.time}
            self._uncertain.append({**told, "certainty": round(face.certainty, 6)})
        values = self._values(face)
        sums.observed += 1
        sums.named += bool(face.expression)
        sums.total += values
        sums.frames += self._shown(face, values)
        for place in np.flatnonzero(values > sums.peak):
            sums.peak[place] = values[place]
            sums.peak_frame[place] = result.frame
            sums.peak_time[place] = result.time

    def _count(self, result: FrameResult, seconds: float) -> None:
        for face in result.faces:
            sums = self._faces[face.face]
            sums.lasted += seconds
            sums.named_seconds += seconds * bool(face.expression)
            sums.seconds += seconds * self._shown(face, self._values(face))
        if result.faces:
            self._seen += seconds
        else:
            self._unseen += seconds

    def _values(self, face: Observation) -> NDArray[np.float64]:
        """The probabilities of one face, labels before action units."""
        if not self._units:
            return face.probabilities
        if face.action_units is None or len(face.action_units) != len(self._units):
            raise ValueError(f"face {face.face}: no probability for each of {len(self._units)} action units")
        return np.concatenate([face.probabilities, face.action_units])

    def _shown(self, face: Observation, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Which label is named, and which action units are present."""
        shown = values >= PRESENT
        shown[: len(self._labels)] = [label == face.expression for label in self._labels]
        return shown

    def _face(self, number: int, sums: _FaceSums, *, timed: bool) -> dict[str, Any]:
        labels = len(self._labels)
        frames, lasted = sums.frames[:labels], sums.seconds[:labels]
        longest = int(np.argmax(lasted if timed and lasted.any() else frames))
        told = {
            "face": number,
            "frames": sums.observed,
            "seconds": round(sums.lasted, 6) if timed else None,
            "first": sums.first,
            "last": sums.last,
            "first_frame": sums.first_frame,
            "last_frame": sums.last_frame,
            "appearances": sums.spans,
            "withheld": {
                "frames": sums.observed - sums.named,
                "seconds": round(sums.lasted - sums.named_seconds, 6) if timed else None,
            },
            "dominant": self._labels[longest] if sums.named else None,
            "expressions": {label: _told(sums, i, timed=timed) for i, label in enumerate(self._labels)},
        }
        if self._units:
            told["action_units"] = {
                unit: _told(sums, labels + i, timed=timed) for i, unit in enumerate(self._units)
            }
        return told


def _told(sums: _FaceSums, place: int, *, timed: bool) -> dict[str, Any]:
    """The sums of one label or action unit as JSON values."""
    return {
        "frames": int(sums.frames[place]),
        "seconds": round(float(sums.seconds[place]), 6) if timed else None,
        "share": round(int(sums.frames[place]) / sums.observed, 6),
        "mean": round(float(sums.total[place]) / sums.observed, 6),
        "peak": {
            "probability": round(float(sums.peak[place]), 6),
            "time": sums.peak_time[place],
            "frame": int(sums.peak_frame[place]),
        },
    }

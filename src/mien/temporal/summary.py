"""What a whole run showed, face by face: how long, which expressions for how long, the peak of each.

Accumulated frame by frame in memory that grows with the number of people, not with the length of the video.
A frame counts until the next frame's time, so a variable frame rate weighs every moment alike; without a clock
frames are counted and times are ``None``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.types import FrameResult, Observation

MOST_SPANS = 1000  # per face: a face that flickers for hours must not fill the memory
MOST_UNCERTAIN = 1000  # returns that are listed one by one, for the same reason
UNCERTAIN = 0.8
"""A face that comes back under an old id with less certainty than this is listed as uncertain."""


@dataclass(slots=True)
class _FaceSums:
    """Running sums of one face."""

    first: float | None
    last: float | None
    first_frame: int
    last_frame: int
    total: NDArray[np.float64]  # probabilities, summed over frames
    peak: NDArray[np.float64]
    peak_frame: NDArray[np.int64]
    peak_time: list[float | None]
    seconds: NDArray[np.float64]  # time for which each label was the most probable
    frames: NDArray[np.int64]  # frames likewise
    spans: list[list[float | int | None]] = field(default_factory=list)


class Summary:
    """Takes a run's frames in order and says what they showed.

    Args:
        labels: the model's labels, in order.
    """

    def __init__(self, labels: tuple[str, ...]) -> None:
        self._labels = labels
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
            ``appearances`` (start, end in seconds, or frame numbers without a clock), ``dominant`` and, per label,
            ``expressions`` (``frames``, ``seconds``, ``share`` of the face's frames, ``mean`` probability, ``peak``
            with ``probability``, ``time``, ``frame``).
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
        count = len(self._labels)
        sums = self._faces.get(face.face)
        if sums is None:
            sums = self._faces[face.face] = _FaceSums(
                first=result.time,
                last=result.time,
                first_frame=result.frame,
                last_frame=result.frame,
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
        sums.total += face.probabilities
        sums.frames[self._labels.index(face.expression)] += 1
        for label in np.flatnonzero(face.probabilities > sums.peak):
            sums.peak[label] = face.probabilities[label]
            sums.peak_frame[label] = result.frame
            sums.peak_time[label] = result.time

    def _count(self, result: FrameResult, seconds: float) -> None:
        for face in result.faces:
            self._faces[face.face].seconds[self._labels.index(face.expression)] += seconds
        if result.faces:
            self._seen += seconds
        else:
            self._unseen += seconds

    def _face(self, number: int, sums: _FaceSums, *, timed: bool) -> dict[str, Any]:
        frames = int(sums.frames.sum())
        return {
            "face": number,
            "frames": frames,
            "seconds": round(float(sums.seconds.sum()), 6) if timed else None,
            "first": sums.first,
            "last": sums.last,
            "first_frame": sums.first_frame,
            "last_frame": sums.last_frame,
            "appearances": sums.spans,
            "dominant": self._labels[int(np.argmax(sums.seconds if timed and sums.seconds.any() else sums.frames))],
            "expressions": {
                label: {
                    "frames": int(sums.frames[i]),
                    "seconds": round(float(sums.seconds[i]), 6) if timed else None,
                    "share": round(int(sums.frames[i]) / frames, 6),
                    "mean": round(float(sums.total[i]) / frames, 6),
                    "peak": {
                        "probability": round(float(sums.peak[i]), 6),
                        "time": sums.peak_time[i],
                        "frame": int(sums.peak_frame[i]),
                    },
                }
                for i, label in enumerate(self._labels)
            },
        }

"""A tracker by motion, overlap and looks.

Each face moves at its last speed (an alpha-beta filter); a found face goes to the known face whose expected
place it covers best and whose picture it resembles most. The picture is a 16x16 patch, kept for one video only
and good for nothing but telling apart the people in front of this camera: it is no recogniser of persons.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from mien.faces import patches
from mien.faces.follow import Expected
from mien.types import Box, Face, TrackedFace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.faces.shared import Shared
    from mien.types import FaceState, Grey

_LOOKS = patches.Options(size=16)
# Correlation of looks, measured: one face within a clip .9 to 1, faces of two people .27 (95 % below .62).
SURELY = 0.75
UNLIKE = 0.2  # below it, not even a half covered face is the same
REFRESH = 0.2  # seconds between two looks at a face in sight


@dataclass(frozen=True, slots=True)
class Options:
    """Tracker settings.

    Attributes:
        max_gap: seconds that a face may be out of sight and keep its id.
        steadiness: 0 takes the detector's boxes as they are, near 1 hardly follows them.
        likeness: correlation of looks (-1 to 1) below which a face is somebody else, once it was lost.
    """

    max_gap: float = 1.0
    steadiness: float = 0.4
    likeness: float = 0.5

    def __post_init__(self) -> None:
        if self.max_gap < 0:
            raise ValueError("max_gap must be 0 seconds or more")
        if not 0 <= self.steadiness < 1:
            raise ValueError("steadiness must be 0 to below 1")
        if not -1 <= self.likeness <= 1:
            raise ValueError("likeness must be -1 to 1")


def build(options: Options, shared: Shared | None = None) -> OverlapTracker:  # noqa: ARG001  as all trackers
    """A tracker for one video; needs no network."""
    return OverlapTracker(options)


@dataclass(slots=True, eq=False)
class _Track:
    """One face's memory: filtered box, speed in pixels per second, looks."""

    id: int
    face: Face  # as given out last
    box: Box
    seen: float
    looks: NDArray[np.float32]
    looked: float  # when the looks were last refreshed
    speed: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    lost: bool = False
    covered: bool = False  # lost behind another face, not out of the picture
    anywhere: bool = False  # lost at a cut

    def expected(self, now: float) -> Box:
        # A lost face rarely keeps its speed: a tenth of a second is as far as it is trusted.
        return self._after(min(now - self.seen, 0.1))

    def away(self, face: Box, now: float) -> float:
        """How far ``face`` is from where this one may be, in widths of the larger."""
        distance = _distance(self.expected(now), face)
        if self.lost:  # it may have stopped out of sight, or walked on behind somebody
            distance = min(distance, _distance(self.box, face))
        if self.covered:
            distance = min(distance, _distance(self._after(now - self.seen), face))
        return distance

    def _after(self, seconds: float) -> Box:
        return self.box.moved(float(self.speed[0]) * seconds, float(self.speed[1]) * seconds)


class OverlapTracker:
    """See the module's text; implements ``mien.faces.track.Tracker``."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._tracks: list[_Track] = []
        self._next = 1

    @property
    def lost(self) -> tuple[int, ...]:
        """Ids out of sight now but still awaited."""
        return tuple(track.id for track in self._tracks if track.lost)

    def expected(self, now: float) -> list[Expected]:
        """Where each known face should be; forgets those lost for longer than ``max_gap``."""
        self._forget(now)
        here = [track for track in self._tracks if not track.anywhere]
        return [Expected(track.id, track.expected(now), track.lost, track.face) for track in here]

    def cut(self) -> None:
        """A new shot begins; who looks alike beyond doubt keeps the id, wherever that is."""
        for track in self._tracks:
            track.lost, track.covered, track.anywhere = True, False, True

    def update(self, faces: list[Face], grey: Grey, now: float) -> list[TrackedFace]:
        """Give each face its id; see ``Tracker.update``."""
        self._forget(now)
        looks = _Looks(grey, faces)
        owner = self._assign(faces, looks, now)
        tracked: list[TrackedFace] = []
        for index, face in enumerate(faces):
            track = owner.get(index)
            state: FaceState
            if track is None:
                track = _Track(self._next, face, face.box, now, looks.of(index), now)
                self._next += 1
                self._tracks.append(track)
                state = "tentative"
            else:
                state = "found" if track.lost else "confirmed"
                self._move(track, face.box, now)
                if now - track.looked >= REFRESH and not _covered(face.box, faces):
                    track.looks, track.looked = track.looks + 0.3 * (looks.of(index) - track.looks), now
            track.lost, track.anywhere, track.seen = False, False, now
            track.face = replace(face, box=track.box)
            tracked.append(TrackedFace(track.id, track.face, state))
        present = {face.id for face in tracked}
        for track in self._tracks:
            if not track.lost and track.id not in present:
                track.covered = any(track.expected(now).overlap(face.box) > 0.1 for face in faces)
            track.lost = track.id not in present
        return sorted(tracked, key=lambda face: face.id)

    def _forget(self, now: float) -> None:
        # Only a face that was missed in a frame is lost: where frames are further apart than ``max_gap``, one that
        # is in every frame keeps its id.
        longest = self._options.max_gap + 1e-9
        self._tracks = [track for track in self._tracks if not track.lost or now - track.seen <= longest]

    def _assign(self, faces: list[Face], looks: _Looks, now: float) -> dict[int, _Track]:
        """Which found face belongs to which track: the obvious ones first, then the cheapest pairs."""
        owner = self._obvious(faces, now)
        taken = {track.id for track in owner.values()}
        pairs: list[tuple[float, int, int]] = []
        for t, track in enumerate(self._tracks):
            for f, face in enumerate(faces):
                if track.id not in taken and f not in owner:
                    cost = self._cost(track, face, looks.of(f), now)
                    if cost is not None:
                        pairs.append((cost, t, f))
        for _, t, f in sorted(pairs):
            track = self._tracks[t]
            if track.id not in taken and f not in owner:
                taken.add(track.id)
                owner[f] = track
        return owner

    def _obvious(self, faces: list[Face], now: float) -> dict[int, _Track]:
        """Faces that cover the expected place of one track in sight while nobody else is near either of them."""
        places = [(track, track.expected(now).scaled(1.5)) for track in self._tracks if not track.anywhere]
        near = {f: [t for t, place in places if place.overlap(face.box) > 0] for f, face in enumerate(faces)}
        owner: dict[int, _Track] = {}
        for f, tracks in near.items():
            alone = len(tracks) == 1 and sum(tracks[0] in others for others in near.values()) == 1
            if alone and not tracks[0].lost and tracks[0].expected(now).overlap(faces[f].box) > 0.5:
                owner[f] = tracks[0]
        return owner

    def _cost(self, track: _Track, face: Face, looks: NDArray[np.float32], now: float) -> float | None:
        """How badly the face continues the track, or None where it cannot be the same."""
        if track.anywhere:
            alike = _correlation(track.looks, looks)
            return 4.0 + 2 * (1 - alike) if alike > SURELY else None  # after everybody with a place
        expected = track.expected(now)
        ratio = face.box.width / expected.width
        if not 0.6 <= ratio <= 1 / 0.6:
            return None
        alike = _correlation(track.looks, looks)
        # Who comes out from behind somebody is half covered yet, and looks like neither.
        if track.lost and alike < (UNLIKE if track.covered else self._options.likeness):
            return None
        distance = track.away(face.box, now)
        # In widths: a face in sight moves little between frames, out of sight it may go three a second; the same
        # face beyond doubt may have gone further.
        gap = now - track.seen
        if distance > (1.2 + 8 * gap if alike > SURELY else 0.5 + 3 * gap):
            return None
        # A face that stayed in sight has the first claim; among the others, closeness and looks decide.
        return distance + 2 * (1 - alike) + (1 - expected.overlap(face.box)) + (0.5 if track.lost else 0.0)

    def _move(self, track: _Track, box: Box, now: float) -> None:
        """Alpha-beta filter: between the expected and the found box; a face that was lost starts afresh."""
        elapsed = now - track.seen
        if track.lost or elapsed <= 0:
            track.box, track.speed = box, np.zeros(2)
            return
        expected = track.expected(now)
        follow = 1 - self._options.steadiness
        (ex, ey), (bx, by) = expected.centre, box.centre
        off = np.array([bx - ex, by - ey])
        # A jump of a quarter of the face is motion, not jitter: follow it at once.
        if float(np.hypot(*off)) > 0.25 * box.width:
            follow = 1.0
        cx, cy = ex + follow * off[0], ey + follow * off[1]
        width = expected.width + min(follow, 0.5) * (box.width - expected.width)
        height = expected.height + min(follow, 0.5) * (box.height - expected.height)
        track.speed = track.speed + 0.3 * follow * off / elapsed
        track.box = Box(float(cx - width / 2), float(cy - height / 2), width, height)


class _Looks:
    """The looks of one frame's faces, cut when they are asked for: most frames leave nothing to decide."""

    def __init__(self, grey: Grey, faces: list[Face]) -> None:
        self._grey, self._faces = grey, faces
        self._cut: dict[int, NDArray[np.float32]] = {}

    def of(self, index: int) -> NDArray[np.float32]:
        """The looks of face ``index``: 256 numbers of mean 0 and length 1."""
        if index not in self._cut:
            self._cut[index] = _looks(self._grey, self._faces[index].box)
        return self._cut[index]


def _covered(box: Box, faces: list[Face]) -> bool:
    """Whether another face lies over this one, whose looks are then a mixture."""
    return any(face.box is not box and face.box.overlap(box) > 0 for face in faces)


def _distance(one: Box, other: Box) -> float:
    """Between the centres, in widths of the larger box."""
    (ax, ay), (bx, by) = one.centre, other.centre
    return math.hypot(bx - ax, by - ay) / max(one.width, other.width)


def _looks(grey: Grey, box: Box) -> NDArray[np.float32]:
    """The face's picture, 256 numbers of mean 0 and length 1 (all zero where it is of one grey)."""
    flat = patches.cut(grey, box, _LOOKS).ravel()
    flat -= flat.mean()
    length = float(np.linalg.norm(flat))
    if length > 0:
        flat /= length
    return flat


def _correlation(kept: NDArray[np.float32], seen: NDArray[np.float32]) -> float:
    length = float(np.linalg.norm(kept) * np.linalg.norm(seen))
    return float(kept @ seen) / length if length > 0 else 0.0

"""A tracker by motion, overlap and signatures: who somebody is, and how certain that is.

A face that alone covers the place where one known face should be continues it; that is nearly every frame, and
costs nothing. Where it is not so clear, all faces in doubt are decided together by the odds of their places and of
their signatures (see ``_assignment``): two who cross, somebody new, somebody back. Places count less the longer a
face was out of sight, and nothing across a cut: then the signature alone decides, and must be the surer of it.

A signature is kept for one video, as long as its face is awaited. It tells apart the people in front of this
camera; it is no recogniser of persons.

States: a face is *tentative* until it was seen ``confirm`` frames or seconds and stood free and whole in the frame
(a second at most). Then it is asked once more whether it is somebody who was lost, and if so goes on under the old
id, *found*; else it is *confirmed*. A tentative face that vanishes is forgotten soon. Ids are never used twice.

Certainty is 1 for a face followed without rivals. It falls to the probability of the decision where one had to be
made, and stays there until later looks at the face, compared with what was known of it before and with its rivals,
have made up for the doubt.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from mien import modelfile
from mien.faces.follow import Expected
from mien.faces.shared import Shared
from mien.faces.signature import SignatureNetwork
from mien.faces.track import _looks, _places
from mien.faces.track._assignment import assign
from mien.faces.track._motion import Motion
from mien.types import Box, Face, TrackedFace

if TYPE_CHECKING:
    from mien.faces.track._looks import Seen, Signatures
    from mien.types import FaceState, Grey

PLACE = 1.0  # seconds out of sight for which a face is still expected about where it was
TENTATIVE_GAP = 0.3  # seconds after which a tentative face that vanished is forgotten
UNDECIDED = 1.0  # seconds after which a face is confirmed even if it never stood free
ANYWHERE = -2.2  # log-odds that a face far from its place is the same: nine others might be
IN_PLACE, BACK, FADING = (
    3.0,
    1.5,
    1.2,
)  # log-odds of a place that fits: in sight, lost, less per second out of sight
SURE = 0.95  # certainty above which a face is followed without doubt again, and its looks are learned from


@dataclass(frozen=True, slots=True)
class Options:
    """Tracker settings.

    Attributes:
        max_gap: seconds that a face may be out of sight and keep its id, also across cuts.
        confirm: seconds from which a new face is no longer tentative; three frames are enough as well.
        refresh: seconds between two looks at a face that stands free.
        trust: share of the found box in the filtered one, for faces without landmarks; 1 takes it as it is.
    """

    max_gap: float = 10.0
    confirm: float = 0.1
    refresh: float = 0.5
    trust: float = 0.6

    def __post_init__(self) -> None:
        if min(self.max_gap, self.confirm, self.refresh) < 0:
            raise ValueError("max_gap, confirm and refresh must be 0 seconds or more")
        if not 0 < self.trust <= 1:
            raise ValueError("trust must be above 0 and at most 1")


def build(options: Options, shared: Shared | None = None) -> IdentityTracker:
    """A tracker for one video, with the signature network that ships with mien.

    Raises:
        UnknownPartError, ModelError: the network is missing or damaged.
    """
    held = Shared() if shared is None else shared
    network = held.get("signature", lambda: SignatureNetwork(modelfile.read_network("signature")))
    return IdentityTracker(options, network)


@dataclass(slots=True, eq=False)
class _Track:
    """One face's memory."""

    id: int
    face: Face  # as given out last
    motion: Motion
    born: float
    frames: int = 1
    looks: _looks.Looks = field(default_factory=_looks.Looks)
    looked: float = -math.inf  # when the last look was taken
    certainty: float = 1.0
    confirmed: bool = False
    lost: bool = False
    placed: bool = True  # its place still means something
    covered: bool = False  # lost behind another face, not out of the picture

    @property
    def seen(self) -> float:
        """Seconds of the last sight."""
        return self.motion.time

    def expected(self, now: float) -> Box:
        gap = now - self.seen
        # A lost face rarely keeps its speed, unless it walks on behind somebody.
        return self.motion.after(gap if self.covered or not self.lost else min(gap, 0.1))

    def place(self, face: Face, now: float) -> float:
        """Log-odds of the place: that this face is found at ``face``, against somebody new there."""
        if not self.placed:
            return ANYWHERE
        box, gap = self.expected(now), now - self.seen
        away = _places.distance(box, face.box)
        if self.lost:
            away = min(away, _places.distance(self.face.box, face.box))
        reach = 0.2 + 1.5 * min(gap, 2.0)
        size = math.log(face.box.width / box.width) / (0.2 + 0.2 * min(gap, 2.0))
        odds = (BACK - FADING * gap if self.lost else IN_PLACE) - 0.5 * (away / reach) ** 2 - 0.5 * size**2
        # It may be anywhere by now, but not so soon after it was in sight.
        return max(odds, ANYWHERE) if self.lost else odds


class IdentityTracker:
    """See the module's text; implements ``mien.faces.track.Tracker``."""

    def __init__(self, options: Options, network: Signatures) -> None:
        self._options = options
        self._network = network
        self._tracks: list[_Track] = []
        self._next = 1

    @property
    def lost(self) -> tuple[int, ...]:
        """Ids out of sight now but still awaited."""
        return tuple(sorted(track.id for track in self._tracks if track.lost))

    def cut(self) -> None:
        """A new shot begins; see ``Tracker.cut``."""
        for track in self._tracks:
            track.lost, track.placed, track.covered = True, False, False

    def expected(self, now: float) -> list[Expected]:
        """Where each known face should be; see ``Tracker.expected``."""
        self._forget(now)
        return [
            Expected(track.id, track.expected(now), track.lost, track.face)
            for track in self._tracks
            if not track.lost or (track.placed and now - track.seen <= PLACE)
        ]

    def update(self, faces: list[Face], grey: Grey, now: float) -> list[TrackedFace]:
        """Give each face its id; see ``Tracker.update``."""
        self._forget(now)
        seen = _looks.Seen(self._network, grey, faces)
        free = _places.free(faces, grey)
        owner = self._obvious(faces, now)
        decided = self._decide(faces, seen, owner, now)
        tracked: list[TrackedFace] = []
        fresh: list[tuple[int, _Track]] = []  # faces to be looked at
        for index, face in enumerate(faces):
            track = owner.get(index)
            state: FaceState
            if index in decided:
                track, certainty = decided[index]
                track.certainty = min(track.certainty, certainty)
            if track is None:
                track = _Track(self._next, face, Motion.at(face.box, now), now)
                self._next += 1
                self._tracks.append(track)
                state = "tentative"
                fresh.append((index, track))
            else:
                state = "found" if track.lost else "confirmed" if track.confirmed else "tentative"
                self._move(track, face, now)
            if track not in (t for _, t in fresh) and free[index] and self._due(track, now):
                fresh.append((index, track))
            tracked.append(TrackedFace(track.id, track.face, state, track.certainty))
        self._miss({face.id for face in tracked}, faces, now)
        self._look(seen, fresh, now)
        for index in range(len(faces)):
            tracked[index] = self._settled(tracked[index], free=free[index], now=now)
        return sorted(tracked, key=lambda face: face.id)

    def _forget(self, now: float) -> None:
        # Only a face that was missed in a frame is lost, however far apart the frames are.
        longest = self._options.max_gap + 1e-9
        self._tracks = [
            track
            for track in self._tracks
            if not track.lost or now - track.seen <= (longest if track.confirmed else min(longest, TENTATIVE_GAP))
        ]

    def _obvious(self, faces: list[Face], now: float) -> dict[int, _Track]:
        """Faces that cover the expected place of one track in sight, and nobody else has to do with either."""
        tracks = [track for track in self._tracks if track.placed]
        if not tracks or not faces:
            return {}
        shared = _places.overlaps([track.expected(now) for track in tracks], [face.box for face in faces])
        best = shared > 0.5
        alone = best & ((shared > 0.15).sum(axis=0, keepdims=True) == 1)
        alone &= (shared > 0.15).sum(axis=1, keepdims=True) == 1
        return {int(f): tracks[t] for t, f in np.argwhere(alone) if not tracks[t].lost}

    def _decide(
        self, faces: list[Face], seen: Seen, owner: dict[int, _Track], now: float
    ) -> dict[int, tuple[_Track, float]]:
        """The other faces: whom each of them continues, and how certain that is."""
        taken = {track.id for track in owner.values()}
        tracks = [track for track in self._tracks if track.id not in taken]
        left = [index for index in range(len(faces)) if index not in owner]
        if not tracks or not left:
            return {}
        gains = np.array([[track.place(faces[f], now) for f in left] for track in tracks])
        possible = gains > -_looks.EVIDENCE
        asked = [f for i, f in enumerate(left) if possible[:, i].any()]
        signatures = dict(zip(asked, seen.of(asked), strict=True))
        for t, f in np.argwhere(possible):
            odds = _looks.evidence(self._network, tracks[t].looks, signatures[left[f]])
            # Who is half behind somebody looks like neither.
            gains[t, f] += odds / 2 if _places.covered(faces[left[f]], faces) else odds
        return {left[f]: (tracks[t], certainty) for f, (t, certainty) in assign(gains).items()}

    def _move(self, track: _Track, face: Face, now: float) -> None:
        if track.lost:
            track.motion.stop(face.box, now)
        elif face.landmarks is not None:
            track.motion.saw(face.box, now, 1.0)  # its points were steadied already
        else:
            face = replace(face, box=track.motion.saw(face.box, now, self._options.trust))
        track.face, track.frames = face, track.frames + 1
        track.lost, track.placed, track.covered = False, True, False

    def _miss(self, present: set[int], faces: list[Face], now: float) -> None:
        for track in self._tracks:
            if track.id not in present:
                if not track.lost:
                    track.covered = any(track.expected(now).overlap(face.box) > 0.1 for face in faces)
                track.lost = True

    def _due(self, track: _Track, now: float) -> bool:
        ripe = not track.confirmed and self._ripe(track, now)
        return ripe or now - track.looked >= self._options.refresh

    def _ripe(self, track: _Track, now: float) -> bool:
        return track.frames >= 3 or now - track.born >= self._options.confirm

    def _look(self, seen: Seen, fresh: list[tuple[int, _Track]], now: float) -> None:
        """Take a look at some faces: learn from it, or weigh it where it is in doubt who they are."""
        if not fresh:
            return
        for (_, track), signature in zip(fresh, seen.of([index for index, _ in fresh]), strict=True):
            if track.certainty >= SURE:
                if not track.confirmed:  # what was seen of it before, at the frame's edge perhaps, says less
                    track.looks = _looks.Looks()
                track.looks.learn(signature)
            else:
                odds = _looks.evidence(self._network, track.looks, signature)
                rivals = [
                    _looks.evidence(self._network, other.looks, signature)
                    for other in self._tracks
                    if other is not track and other.looks.known
                ]
                # Half: looks at one face in one light say much the same again.
                gain = 0.5 * min(odds, odds - max(rivals, default=-math.inf))
                certainty = 1 / (1 + math.exp(-_looks.log_odds(track.certainty) - gain))
                track.certainty = 1.0 if certainty >= SURE else certainty
            track.looked = now

    def _settled(self, tracked: TrackedFace, *, free: bool, now: float) -> TrackedFace:
        """A tentative face that has been seen long enough: confirmed, or found to be somebody who was lost."""
        track = next(track for track in self._tracks if track.id == tracked.id)
        if track.confirmed or not self._ripe(track, now) or not (free or now - track.born >= UNDECIDED):
            return tracked
        track.confirmed = True
        if tracked.state == "found":
            return tracked
        lost = [other for other in self._tracks if other.lost and other.confirmed and other.seen < track.born]
        gains = np.array(
            [[ANYWHERE + _looks.evidence(self._network, other.looks, track.looks.latest)] for other in lost]
        )
        found = assign(gains) if lost else {}
        if 0 not in found:
            return replace(tracked, state="confirmed")
        index, certainty = found[0]
        old = lost[index]
        old.motion, old.face, old.frames = track.motion, track.face, old.frames + track.frames
        old.lost, old.placed, old.covered = False, True, False
        old.certainty = min(old.certainty, certainty)
        self._tracks.remove(track)
        return TrackedFace(old.id, old.face, "found", old.certainty)

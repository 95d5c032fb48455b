"""Who is who, decided for all faces of a frame together, and how certain that is.

Gains are logarithms of odds: how much likelier the picture is if a face continues a track than if it were somebody
new. The best assignment has the largest sum. Frames leave few doubts: within each group of tracks and faces that
have to do with each other every assignment is tried, unless there are too many; then the best pairs go first.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST = 3000  # assignments that are tried in one group


def assign(gains: NDArray[np.float64]) -> dict[int, tuple[int, float]]:
    """The best assignment.

    Args:
        gains: float64 (tracks, faces), log-odds; pairs at or below 0 are not made.

    Returns:
        For each face that continues a track: the track, and the probability of that: how much the best assignment
        is better than the best one without this pair.
    """
    found: dict[int, tuple[int, float]] = {}
    for tracks, faces in _groups(gains > 0):
        # A rival need not be likely enough by itself to cast doubt on a pair, hence all gains of the group.
        part = gains[np.ix_(tracks, faces)]
        total, owner = _best(part)
        for face, track in owner.items():
            without = part.copy()
            without[track, face] = -math.inf
            margin = min(total - _best(without)[0], 50.0)
            found[faces[face]] = tracks[track], 1 / (1 + math.exp(-margin))
    return found


def _groups(joined: NDArray[np.bool_]) -> list[tuple[list[int], list[int]]]:
    """Tracks and faces that have to do with each other, directly or through others."""
    left, groups = set(range(joined.shape[1])), []
    while left:
        faces, tracks, fresh = set[int](), set[int](), {left.pop()}
        while fresh:
            faces |= fresh
            tracks |= {int(t) for f in fresh for t in np.flatnonzero(joined[:, f])}
            fresh = {int(f) for t in tracks for f in np.flatnonzero(joined[t])} - faces
        left -= faces
        if tracks:
            groups.append((sorted(tracks), sorted(faces)))
    return groups


def _best(gains: NDArray[np.float64]) -> tuple[float, dict[int, int]]:
    """The largest sum of gains, and the track of each face in it."""
    choices = [[int(t) for t in np.flatnonzero(gains[:, f] > 0)] for f in range(gains.shape[1])]
    if math.prod(len(choice) + 1 for choice in choices) > MOST:
        return _greedy(gains)
    best: tuple[float, dict[int, int]] = (0.0, {})

    def choose(face: int, total: float, owner: dict[int, int]) -> None:
        nonlocal best
        if face == len(choices):
            if total > best[0]:
                best = (total, dict(owner))
            return
        for track in choices[face]:
            if track not in owner.values():
                owner[face] = track
                choose(face + 1, total + float(gains[track, face]), owner)
                del owner[face]
        choose(face + 1, total, owner)

    choose(0, 0.0, {})
    return best


def _greedy(gains: NDArray[np.float64]) -> tuple[float, dict[int, int]]:
    pairs = np.argwhere(gains > 0)
    order = np.argsort(-gains[pairs[:, 0], pairs[:, 1]], kind="stable")
    owner: dict[int, int] = {}
    for track, face in pairs[order].tolist():
        if face not in owner and track not in owner.values():
            owner[face] = track
    return float(sum(gains[track, face] for face, track in owner.items())), owner

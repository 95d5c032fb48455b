"""Clips with exact truth: people who cross, hide, leave and come back, across cuts, near and far, nodding."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import cv2
import numpy as np

from benchmarks.faces import degradation
from benchmarks.faces.composites import HIGH, WIDE, background
from benchmarks.faces.cutouts import box_of, cut_out, face_area, paste
from benchmarks.faces.moving import Look, Moving

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.faces.cutouts import Cutout
    from benchmarks.faces.sources import Material, Portrait
    from mien.types import Box, Grey

RATE = 25  # frames per second
SEEN = 0.4  # share of a face that must be visible for it to count as being there

Path = Callable[[float], Look | None]
"""Seconds -> where a face is and how it is turned; None while it is away."""


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One face in one frame.

    Attributes:
        id: the person's, from 1, the same wherever the person appears in the clip.
        box: counted from the edge of the first pixel; may reach beyond the frame.
        points: float64 (68, 2), pixels.
        visible: share of the face that nothing covers and the frame holds, 0 to 1.
    """

    id: int
    box: Box
    points: NDArray[np.float64]
    visible: float


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """A person in one scene of a clip; of two, the later one is nearer to the camera."""

    id: int
    path: Path


@dataclass(frozen=True, slots=True, eq=False)
class Script:
    """What happens.

    Attributes:
        kind: of the motion, such as ``crossing``.
        seconds: length.
        shots: when each shot begins (the first at 0), which background it has, and who is in it.
        pillar: whether something stands before everybody.
        shake: largest movement of the camera, pixels.
        noise: of the sensor, standard deviation in grey levels.
    """

    kind: str
    seconds: float
    shots: tuple[tuple[float, int, tuple[Actor, ...]], ...]
    pillar: bool = False
    shake: float = 0.0
    noise: float = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A script with a cast, ready to be played.

    Attributes:
        name: unique.
        script: what happens.
        cast: portrait of each id.
        backgrounds: float32 (480, 640), by number.
        seed: of noise, shake and small movements.
    """

    name: str
    script: Script
    cast: dict[int, Portrait]
    backgrounds: tuple[NDArray[np.float32], ...]
    seed: int
    _cutouts: dict[tuple[int, int], Cutout] = field(default_factory=dict)

    @property
    def frames(self) -> int:
        """How many there are."""
        return round(self.script.seconds * RATE)

    @property
    def cuts(self) -> tuple[int, ...]:
        """Frames with which a new shot begins, the first one left out."""
        return tuple(math.ceil(start * RATE) for start, _, _ in self.script.shots[1:])

    def play(self) -> Iterator[tuple[Grey, tuple[Seen, ...]]]:
        """Frame by frame: the picture, and who is in it."""
        rng = np.random.default_rng(self.seed)
        phases = rng.uniform(0, 2 * np.pi, 4)
        for number in range(self.frames):
            t = number / RATE
            _, behind, actors = [shot for shot in self.script.shots if shot[0] <= t + 1e-9][-1]
            sway = self.script.shake * np.array([
                np.sin(11 * t + phases[0]) + 0.5 * np.sin(23 * t + phases[1]),
                np.sin(13 * t + phases[2]) + 0.5 * np.sin(19 * t + phases[3]),
            ]) / 1.5  # fmt: skip
            picture = self._backdrop(behind, sway)
            placed: list[tuple[Actor, Cutout, Moving]] = []
            covers: list[NDArray[np.float32]] = []
            for actor in actors:
                look = actor.path(t)
                if look is None:
                    continue
                cutout = self._cutout(actor.id, look.side)
                by = Moving(look.moved(*sway), cutout, t, actor.id + self.seed)
                covers.append(paste(picture, cutout, by, 1 + 0.05 * math.sin(1.7 * t + actor.id)))
                placed.append((actor, cutout, by))
            if self.script.pillar:
                covers.append(_pillar(picture, sway))
            truth = [
                _seen(actor.id, cutout, by, covers[place + 1 :]) for place, (actor, cutout, by) in enumerate(placed)
            ]
            yield (
                degradation.exposed(picture, rng, 1.0, self.script.noise),
                tuple(sorted((one for one in truth if one.visible > 0), key=lambda one: one.id)),
            )

    def _backdrop(self, number: int, sway: NDArray[np.float64]) -> NDArray[np.float32]:
        if not self.script.shake:
            return self.backgrounds[number].copy()
        shift = np.array([[1, 0, sway[0]], [0, 1, sway[1]]])
        return cv2.warpAffine(  # type: ignore[return-value]
            self.backgrounds[number], shift, (WIDE, HIGH), borderMode=cv2.BORDER_REPLICATE
        )

    def _cutout(self, person: int, side: float) -> Cutout:
        """The person at the next larger of a few sizes, so that the last step never averages much."""
        step = math.ceil(4 * math.log2(max(side, 16)))
        if (person, step) not in self._cutouts:
            coat = 40 + 37 * (person * 7 % 5)
            self._cutouts[person, step] = cut_out(self.cast[person], 2 ** (step / 4), coat)
        return self._cutouts[person, step]


def _pillar(picture: NDArray[np.float32], sway: NDArray[np.float64]) -> NDArray[np.float32]:
    """Something upright in the middle, as wide as a face."""
    cover = np.zeros(picture.shape, np.float32)
    left = round(WIDE / 2 - 60 + sway[0])
    cover[:, left : left + 120] = 1
    shade = 70 + 60 * np.sin(np.linspace(0, np.pi, 120, dtype=np.float32))
    picture[:, left : left + 120] = shade
    return cover


def _seen(person: int, cutout: Cutout, by: Moving, covers: list[NDArray[np.float32]]) -> Seen:
    points = by.forth(cutout.points)
    inside, whole = face_area((HIGH, WIDE), cutout, by)
    for cover in covers:
        inside &= cover < 0.5
    return Seen(person, box_of(points).box, points, min(float(inside.sum()) / max(whole, 1.0), 1.0))


def clips(material: Material, quick: bool = False, seed: int = 9) -> Iterator[Clip]:
    """All clips of the bench: each kind several times, with other people and scenes."""
    from benchmarks.faces.scripts import SCRIPTS

    rng = np.random.default_rng(seed)
    large = [one for one in material.portraits if max(one.picture.shape) >= 150]
    for number in range(1 if quick else 3):
        for kind, write in SCRIPTS.items():
            script = write(np.random.default_rng([seed, number, *kind.encode()]))
            people = sorted({actor.id for _, _, actors in script.shots for actor in actors})
            picks = rng.choice(len(large), len(people), replace=False)
            behind = 1 + max(shot[1] for shot in script.shots)
            scenes = tuple(background(material.scenes, rng) for _ in range(behind))
            cast = {person: large[int(pick)] for person, pick in zip(people, picks, strict=True)}
            yield Clip(f"{kind}/{number}", script, cast, scenes, int(rng.integers(2**31)))

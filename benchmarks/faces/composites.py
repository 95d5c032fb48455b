"""Still scenes: held-out people pasted into face-free scenes, 640x480, every face's place known exactly.

A *sweep* changes one thing in steps and holds the rest; ``mixed`` changes everything at once, as scenes do.
All is grey: that is all that mien's detectors ever see.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from benchmarks.faces import degradation
from benchmarks.faces.cutouts import box_of, cut_out, paste
from benchmarks.faces.degradation import blurred
from mien.faces.shape import Placement

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.faces.sources import Material, Portrait
    from mien.types import Box, Grey

WIDE, HIGH = 640, 480
MOST = 12  # faces of a scene
ROOM = 0.74  # sides of the box: radius about a face that no other one's may touch
SMALLEST, LARGEST = 24.0, 400.0

SWEEPS: dict[str, tuple[float, ...]] = {
    "size": (24, 32, 40, 56, 80, 112, 160, 240, 320, 400),  # side of the box, pixels
    "rotation": (0, 10, 20, 30, 45),  # degrees, to either side
    "blur": (0, 0.01, 0.02, 0.04, 0.06),  # standard deviation, sides of the box
    "noise": (0, 8, 16, 24, 32),  # standard deviation, grey levels of 255
    "darkness": (1, 0.5, 0.25, 0.12, 0.06),  # share of the light that is left
    "occlusion": (0, 0.15, 0.3, 0.45),  # share of the face's oval that is covered
}
UNITS = {
    "size": "side of the face's box, pixels",
    "rotation": "in-plane rotation, degrees",
    "blur": "blur, standard deviation in sides of the box",
    "noise": "noise, standard deviation in grey levels of 255",
    "darkness": "share of the light that is left",
    "occlusion": "share of the face that is covered",
}
USUAL_SIZES = (40.0, 160.0)  # of the sweeps that do not change the size


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """One face of a scene.

    Attributes:
        person: whose.
        box: counted from the edge of the first pixel.
        points: float64 (68, 2), pixels; a whole number is a pixel's centre.
        roll: degrees, clockwise as seen.
        blur, noise, light, occlusion: as in ``SWEEPS``.
    """

    person: str
    box: Box
    points: NDArray[np.float64]
    roll: float
    blur: float = 0.0
    noise: float = 0.0
    light: float = 1.0
    occlusion: float = 0.0

    @property
    def side(self) -> float:
        """Of the box, pixels."""
        return self.box.width


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A picture and all faces in it.

    Attributes:
        name: unique.
        sweep: ``mixed``, ``free`` (no face), or what is swept.
        level: of the sweep; 0 elsewhere.
        picture: grey.
        faces: the truth.
    """

    name: str
    sweep: str
    level: float
    picture: Grey
    faces: tuple[Truth, ...]


@dataclass(frozen=True, slots=True)
class Similarity:
    """From a cutout's canvas to the picture: ``points`` turned, scaled and moved; implements ``cutouts.Map``.

    Attributes:
        pivot: of the canvas, pixels.
        x, y: where the pivot goes, pixels.
        scale: pixels of the picture per pixel of the canvas.
        roll: degrees, clockwise as seen.
    """

    pivot: tuple[float, float]
    x: float
    y: float
    scale: float
    roll: float

    def forth(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """See ``cutouts.Map``."""
        return (points - self.pivot) @ self._turn().T * self.scale + (self.x, self.y)

    def back(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """See ``cutouts.Map``."""
        return (points - (self.x, self.y)) @ self._turn() / self.scale + self.pivot

    def _turn(self) -> NDArray[np.float64]:
        c, s = math.cos(math.radians(self.roll)), math.sin(math.radians(self.roll))
        return np.array([[c, -s], [s, c]])


@dataclass(frozen=True, slots=True)
class _Plan:
    """One face to be pasted."""

    at: Placement
    occlusion: float = 0.0


class Dealer:
    """Deals out people, each once before anyone comes again, and none twice in a scene."""

    def __init__(self, portraits: tuple[Portrait, ...], rng: np.random.Generator) -> None:
        self._portraits, self._rng = portraits, rng
        self._waiting: list[int] = []

    def deal(self, side: float, used: set[str]) -> Portrait:
        """The next person whose portrait has at least two thirds of the pixels that ``side`` asks for."""
        for turn in range(2):
            for place, number in enumerate(self._waiting):
                one = self._portraits[number]
                large = max(one.picture.shape) * 1.5 >= side
                if one.person not in used and large:
                    used.add(one.person)
                    del self._waiting[place]
                    return one
            if turn == 0:
                self._waiting += [int(k) for k in self._rng.permutation(len(self._portraits))]
        raise ValueError(f"too few people for faces of {side} pixels")


def background(scenes: tuple[Grey, ...], rng: np.random.Generator) -> NDArray[np.float32]:
    """A random part of a random scene, mirrored or not, float32 (480, 640), 0-255."""
    scene = scenes[int(rng.integers(len(scenes)))]
    high, wide = scene.shape
    part = min(wide / WIDE, high / HIGH) * float(rng.uniform(0.85, 1))
    w, h = int(part * WIDE), int(part * HIGH)
    x, y = int(rng.integers(wide - w + 1)), int(rng.integers(high - h + 1))
    view = cv2.resize(scene[y : y + h, x : x + w], (WIDE, HIGH), interpolation=cv2.INTER_CUBIC)
    return (view[:, ::-1] if rng.random() < 0.5 else view).astype(np.float32)


def still_scenes(material: Material, quick: bool = False, seed: int = 5) -> Iterator[Scene]:
    """All scenes of the bench, one after the other; the same for the same arguments.

    Args:
        material: people and scenes.
        quick: about a fifth of the scenes.
        seed: other scenes.
    """
    wanted = 12 if quick else 60  # faces per level
    for sweep, levels in SWEEPS.items():
        for level in levels:
            rng = np.random.default_rng([seed, *sweep.encode(), round(level * 1000)])
            dealer, faces, number = Dealer(material.portraits, rng), 0, 0
            while faces < wanted:
                scene = _swept(material, dealer, rng, sweep, level, f"{sweep}/{level:g}/{number}")
                faces, number = faces + len(scene.faces), number + 1
                yield scene
    rng = np.random.default_rng([seed, 0])
    dealer = Dealer(material.portraits, rng)
    for number in range(40 if quick else 200):
        yield _mixed(material, dealer, rng, f"mixed/{number}")


def free_scenes(material: Material) -> Iterator[Scene]:
    """The face-free scenes as they are, and with a longer side of 640 pixels."""
    for number, grey in enumerate(material.scenes):
        yield Scene(f"free/own/{number}", "free", 0, grey, ())
        scale = WIDE / max(grey.shape)
        size = round(grey.shape[1] * scale), round(grey.shape[0] * scale)
        large = cv2.resize(grey, size, interpolation=cv2.INTER_CUBIC)
        yield Scene(f"free/640/{number}", "free", WIDE, large, ())  # type: ignore[arg-type]


def _swept(
    material: Material, dealer: Dealer, rng: np.random.Generator, sweep: str, level: float, name: str
) -> Scene:
    low, high = (level, level) if sweep == "size" else USUAL_SIZES
    count = max(1, min(6, int(WIDE * HIGH / (2.4 * high) ** 2)))
    plans: list[_Plan] = []
    for _ in range(count):
        side = math.exp(rng.uniform(math.log(low), math.log(high)))
        roll = float(rng.choice((-1, 1))) * level if sweep == "rotation" else float(rng.uniform(-5, 5))
        place = _place(side, roll, plans, rng)
        if place is not None:
            plans.append(_Plan(place, level if sweep == "occlusion" else 0.0))
    values = {"blur": 0.0, "noise": 0.0, "darkness": 1.0, sweep: level}
    return _rendered(material, dealer, rng, plans, (name, sweep, level), values)


def _mixed(material: Material, dealer: Dealer, rng: np.random.Generator, name: str) -> Scene:
    plans: list[_Plan] = []
    for _ in range(int(rng.integers(0, MOST + 1))):
        side = math.exp(rng.uniform(math.log(SMALLEST), math.log(LARGEST)))
        roll = float(rng.uniform(-45, 45)) if rng.random() < 0.5 else float(rng.uniform(-10, 10))
        place = _place(side, roll, plans, rng)
        if place is not None:
            plans.append(_Plan(place, float(rng.uniform(0.05, 0.4)) if rng.random() < 0.2 else 0.0))
    values = {
        "blur": float(rng.uniform(0.005, 0.05)) if rng.random() < 0.3 else 0.0,
        "noise": float(rng.uniform(2, 24)) if rng.random() < 0.3 else 0.0,
        "darkness": math.exp(rng.uniform(math.log(0.1), 0)) if rng.random() < 0.3 else 1.0,
    }
    return _rendered(material, dealer, rng, plans, (name, "mixed", 0.0), values)


def _place(side: float, roll: float, plans: list[_Plan], rng: np.random.Generator) -> Placement | None:
    """A free place for a face, its box inside the picture; None if there is none."""
    for _ in range(30):
        x, y = (float(rng.uniform(side / 2, end - side / 2)) for end in (WIDE, HIGH))
        if all(math.hypot(x - p.at.x, y - p.at.y) > ROOM * (side + p.at.side) for p in plans):
            return Placement(x, y, side, roll)
    return None


def _rendered(
    material: Material, dealer: Dealer, rng: np.random.Generator, plans: list[_Plan],
    title: tuple[str, str, float], values: dict[str, float],
) -> Scene:  # fmt: skip
    picture = background(material.scenes, rng)
    faces: list[Truth] = []
    used: set[str] = set()
    for plan in sorted(plans, key=lambda p: p.at.y):  # who stands lower in the picture is nearer
        at = plan.at
        cutout = cut_out(dealer.deal(at.side, used), at.side, float(rng.uniform(25, 190)))
        x, y = at.x - 0.5, at.y - 0.5
        by = Similarity(cutout.middle, x, y, 1.0, at.roll)
        sigma = values["blur"] * at.side
        cutout = replace(cutout, grey=blurred(cutout.grey, sigma), alpha=blurred(cutout.alpha, sigma))
        paste(picture, cutout, by, float(rng.uniform(0.85, 1.15)))
        points = by.forth(cutout.points)
        where = box_of(points)
        kind = degradation.OCCLUDERS[int(rng.integers(len(degradation.OCCLUDERS)))]
        covered = degradation.occlude(picture, where, kind, plan.occlusion, rng)
        faces.append(
            Truth(cutout.person, where.box, points, where.roll, values["blur"], values["noise"],
                  values["darkness"], covered)
        )  # fmt: skip
    exposed = degradation.exposed(picture, rng, values["darkness"], values["noise"])
    return Scene(*title, exposed, tuple(faces))

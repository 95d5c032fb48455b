"""What happens in the clips; every kind a function of a random generator that sets sizes, speeds and sides."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmarks.faces.composites import HIGH, WIDE
from benchmarks.faces.motions import Actor, Path, Script
from benchmarks.faces.moving import Look

if TYPE_CHECKING:
    import numpy as np

Writer = Callable[["np.random.Generator"], Script]


def rest(x: float, y: float, side: float, phase: float = 0.0) -> Path:
    """Somebody who stands there, never quite still."""

    def path(t: float) -> Look:
        return Look(
            x + 3 * math.sin(0.9 * t + phase), y + 2 * math.sin(1.3 * t + phase), side,
            2 * math.sin(0.7 * t + phase), 6 * math.sin(0.6 * t + phase), 3 * math.sin(0.8 * t + phase),
        )  # fmt: skip

    return path


def walk(
    start: tuple[float, float], end: tuple[float, float], side: float, seconds: float, begin: float = 0.0
) -> Path:
    """From here to there at an even pace, bobbing; before and after, standing at the ends."""

    def path(t: float) -> Look:
        share = min(max((t - begin) / seconds, 0.0), 1.0)
        x, y = (a + (b - a) * share for a, b in zip(start, end, strict=True))
        return Look(x, y + 4 * math.sin(7 * t), side, 2 * math.sin(3.5 * t), 8 * math.sin(0.8 * t))

    return path


def crossing(rng: np.random.Generator) -> Script:
    """Two people pass each other, the later one in front."""
    side, seconds = float(rng.uniform(80, 130)), float(rng.uniform(2.4, 4))
    height = HIGH * 0.42
    left, right = 0.18 * WIDE, 0.82 * WIDE
    far = walk((left, height - 0.15 * side), (right, height - 0.1 * side), side * 0.9, seconds, 0.5)
    near = walk((right, height + 0.1 * side), (left, height + 0.05 * side), side * 1.1, seconds, 0.5)
    return Script("crossing", seconds + 1, ((0.0, 0, (Actor(1, far), Actor(2, near))),))


def occlusion(rng: np.random.Generator) -> Script:
    """One walks behind a pillar and comes out on the other side; another stands by."""
    side, seconds = float(rng.uniform(80, 120)), float(rng.uniform(2.5, 4.5))
    walker = walk((0.14 * WIDE, 0.36 * HIGH), (0.86 * WIDE, 0.4 * HIGH), side, seconds, 0.4)
    stander = rest(0.9 * WIDE, 0.82 * HIGH, side * 0.7)
    return Script("occlusion", seconds + 1, ((0.0, 0, (Actor(1, walker), Actor(2, stander))),), pillar=True)


def leave_and_return(rng: np.random.Generator) -> Script:
    """One leaves the frame for half a second to four and comes back on the other side; another stays."""
    side, away = float(rng.uniform(80, 120)), float(rng.choice((0.5, 1.0, 2.0, 4.0)))
    y = float(rng.uniform(0.35, 0.5)) * HIGH
    out = walk((0.3 * WIDE, y), (-0.7 * side, y), side, 1.2, 1.0)
    back = walk((WIDE + 0.7 * side, y * 0.9), (0.65 * WIDE, y * 0.9), side, 1.2, 2.0 + away)

    def path(t: float) -> Look:
        look = out(t) if t < 2.2 + away / 2 else back(t)
        assert look is not None
        return look

    stays = rest(0.47 * WIDE, 0.78 * HIGH, side * 0.8)
    return Script("leave and return", 4.4 + away, ((0.0, 0, (Actor(1, path), Actor(2, stays))),))


def cut_same(rng: np.random.Generator) -> Script:
    """Another camera sees the same two people at other places, then the first camera again."""
    side = float(rng.uniform(80, 130))
    first = Actor(1, rest(0.28 * WIDE, 0.4 * HIGH, side)), Actor(2, rest(0.7 * WIDE, 0.45 * HIGH, side, 2))
    second = (
        Actor(1, rest(0.66 * WIDE, 0.5 * HIGH, side * 1.3, 1)),
        Actor(2, rest(0.25 * WIDE, 0.4 * HIGH, side, 3)),
    )
    return Script("cut, same people", 4.5, ((0.0, 0, first), (1.5, 1, second), (3.0, 0, first)))


def cut_others(rng: np.random.Generator) -> Script:
    """To other people for a while, and back."""
    side = float(rng.uniform(80, 130))
    first = Actor(1, rest(0.28 * WIDE, 0.4 * HIGH, side)), Actor(2, rest(0.7 * WIDE, 0.45 * HIGH, side, 2))
    others = (
        Actor(3, rest(0.3 * WIDE, 0.45 * HIGH, side * 1.1, 1)),
        Actor(4, rest(0.72 * WIDE, 0.4 * HIGH, side, 3)),
    )
    back = float(rng.uniform(2.2, 3.5))
    return Script("cut, other people", back + 1.5, ((0.0, 0, first), (1.5, 1, others), (back, 0, first)))


def approach(rng: np.random.Generator) -> Script:
    """Somebody comes nearer, another goes away."""
    small, large = float(rng.uniform(36, 50)), float(rng.uniform(180, 240))

    def scaled(x: float, reverse: bool) -> Path:
        def path(t: float) -> Look:
            share = min(t / 4, 1.0)
            side = small * (large / small) ** (1 - share if reverse else share)
            return Look(
                x * WIDE, (0.45 + 0.02 * math.sin(3 * t)) * HIGH, side, 2 * math.sin(2 * t), 5 * math.sin(t)
            )

        return path

    return Script("approach", 4.2, ((0.0, 0, (Actor(1, scaled(0.3, False)), Actor(2, scaled(0.74, True)))),))


def turning(rng: np.random.Generator) -> Script:
    """One nods, shakes and tilts the head; another looks on."""
    side = float(rng.uniform(110, 160))

    def path(t: float) -> Look:
        return Look(
            0.36 * WIDE + 10 * math.sin(1.1 * t), 0.45 * HIGH, side,
            25 * math.sin(1.9 * t), 32 * math.sin(2.6 * t), 20 * math.sin(3.3 * t),
        )  # fmt: skip

    return Script("nod and turn", 4.5, ((0.0, 0, (Actor(1, path), Actor(2, rest(0.78 * WIDE, 0.5 * HIGH, 90)))),))


def entering(rng: np.random.Generator) -> Script:
    """Five people come in one after the other and stay."""
    side = float(rng.uniform(62, 78))
    actors = []
    for number in range(5):
        x, y = (0.12 + 0.19 * number) * WIDE, (0.3 if number % 2 else 0.62) * HIGH
        start = (-side, y) if number < 2 else (WIDE + side, y) if number > 2 else (x, -side)
        actors.append(Actor(number + 1, walk(start, (x, y), side, 0.9, 0.7 * number)))
    return Script("entering", 5.0, ((0.0, 0, tuple(actors)),))


def shaking(rng: np.random.Generator) -> Script:
    """Three people, and a camera in an unsteady hand."""
    side = float(rng.uniform(70, 110))
    people = tuple(
        Actor(k + 1, rest((0.2 + 0.3 * k) * WIDE, (0.4 + 0.12 * (k % 2)) * HIGH, side, k)) for k in range(3)
    )
    return Script("camera shake", 4.0, ((0.0, 0, people),), shake=float(rng.uniform(8, 14)), noise=4.0)


def still(rng: np.random.Generator) -> Script:
    """A face that does not move at all, 200 pixels, under a camera's noise: what trembles is not the face."""
    x, y = 0.5 * WIDE + float(rng.uniform(-30, 30)), 0.48 * HIGH + float(rng.uniform(-10, 10))
    roll = float(rng.uniform(-5, 5))

    def path(_: float) -> Look:
        return Look(x, y, 200.0, roll, stirring=0.0)

    return Script("still", 2.4, ((0.0, 0, (Actor(1, path),)),), noise=5.0)


SCRIPTS: dict[str, Writer] = {
    "crossing": crossing,
    "occlusion": occlusion,
    "leave and return": leave_and_return,
    "cut, same people": cut_same,
    "cut, other people": cut_others,
    "approach": approach,
    "nod and turn": turning,
    "entering": entering,
    "camera shake": shaking,
    "still": still,
}

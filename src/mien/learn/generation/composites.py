"""Composite faces: several people who show the same expression, blended into somebody who does not exist.

A generator that learns single faces gives them back: of a belief network trained on the 920 faces of CK+, more than
nine samples in ten were nearer to a training face than any two people of CK+ are to each other.
So it learns none. Every face it sees is a composite (Galton 1878) of people who share an expression: their points
are averaged, each picture is warped to the averaged points by a thin-plate spline (Bookstein 1989), and the warped
pictures are averaged; and a composite that is still like one of them is thrown away. What such a generator can
learn by heart is a composite.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mien.data import landmarks
from mien.errors import DataError, TrainingError
from mien.faces import align, patches
from mien.faces.shape import MIRRORED
from mien.learn.interfaces import Progress, silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mien.data.dataset import Item
    from mien.generation.likeness import Gallery
    from mien.labels import LabelSet

COARSE = 4
"""Pixels between the nodes at which a warp is computed; between them it is interpolated."""

STIFF = 0.1
"""How little a warp bends to follow points that lie close together."""

ROUNDS = 40
"""Times that composites which are too like a real face are made anew."""

AT_ONCE = 100
"""Composites between two calls of the progress."""

LIKE = 1.5
"""Action units in which two faces may differ until it becomes e times less probable that they are blended."""


@dataclass(frozen=True, slots=True)
class Options:
    """How faces are blended.

    Attributes:
        count: composites, in equal parts of each expression.
        people: in each composite, all different.
        evenness: of their shares: the parameter of a symmetric Dirichlet distribution; 30 keeps three people's
            shares within about a tenth of a third.
        alike: a composite that is more like a real face than this quantile of real people are like each other
            (``mien.generation.likeness``) is thrown away, and another one made in its place.
    """

    count: int = 4000
    people: int = 3
    evenness: float = 30.0
    alike: float = 0.9

    def __post_init__(self) -> None:
        if not 1 <= self.count <= 1_000_000:
            raise ValueError(f"count must be 1 to 1000000, not {self.count}")
        if not 2 <= self.people <= 10:
            raise ValueError(f"people must be 2 to 10, not {self.people}: a single face is no composite")
        if not 0 < self.evenness <= 1e6:
            raise ValueError(f"evenness must lie above 0, not {self.evenness}")
        if not 0.5 <= self.alike <= 1:
            raise ValueError(f"alike must be 0.5 to 1, not {self.alike}: half of all people are like somebody")


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Faces that may be blended, each one and its mirror image.

    Attributes:
        pixels: float32 (n, size, size), each face of mean 0 and standard deviation 1.
        points: float64 (n, 76, 2): the 68 points in pixels of the patch, and 8 fixed ones on its edge.
        labels: (n,) index of the expression.
        units: float32 (n, units), 0 or 1.
        people: (n,) number of the person, from 0.
    """

    pixels: NDArray[np.float32]
    points: NDArray[np.float64]
    labels: NDArray[np.intp]
    units: NDArray[np.float32]
    people: NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class Composites:
    """Blended faces.

    Attributes:
        pixels: float32 (n, size, size), each face of mean 0 and standard deviation 1.
        labels: (n,) index of the expression.
        units: float32 (n, units): shares of those who show each unit.
        people: float32 (n, people): share of each person.
    """

    pixels: NDArray[np.float32]
    labels: NDArray[np.intp]
    units: NDArray[np.float32]
    people: NDArray[np.float32]


def faces(items: Sequence[Item], labels: LabelSet, units: int, options: patches.Options) -> Faces:
    """The faces of ``items`` to be blended, and their mirror images.

    Where a face of an expression was not coded for action units, as the neutral ones of CK+ are not, it counts as
    showing none.

    Raises:
        DataError: an image cannot be read, or a face has no points that say where it is.
    """
    pixels, points = [], []
    for item in items:
        face = item.face()
        at = landmarks.points(item, face)
        try:
            pixels.append(patches.cut(face, None, options, at))
            points.append(_in_patch(at, options))
        except ValueError as error:
            raise DataError(f"{item.name}: {error}") from None
    plain, at_rest = evened(np.stack(pixels)), np.stack(points)
    shown = np.array([item.action_units or (0,) * units for item in items], np.float32).reshape(len(items), units)
    whose = np.unique([item.subject for item in items], return_inverse=True)[1]
    place = np.array([labels.expressions.index(str(item.expression)) for item in items], np.intp)
    mirrored = at_rest[:, list(MIRRORED)] * [-1, 1] + [options.size - 1, 0]
    return Faces(
        np.concatenate([plain, plain[:, :, ::-1]]),
        np.concatenate([_with_edge(at_rest, options.size), _with_edge(mirrored, options.size)]),
        np.tile(place, 2), np.tile(shown, (2, 1)), np.tile(whose, 2),
    )  # fmt: skip


def blended(faces: Faces, options: Options, gallery: Gallery, seed: int, progress: Progress = silent) -> Composites:
    """Composites of faces, the expressions in turn.

    The first person of each is drawn by chance, the others with a preference for faces with the same action units:
    two faces called contempt may have little else in common.

    Args:
        faces: to be blended.
        options: how many, of how many people.
        gallery: the real faces, to tell which composites are too like one of them.
        seed: of everything drawn; equal faces, options and seed give equal bits.
        progress: called now and then, with how many composites are made.

    Raises:
        TrainingError: an expression is shown by fewer people than one composite needs, or all that can be made of
            it are too like a real face.
    """
    random = np.random.default_rng([seed, 2])
    kinds = np.unique(faces.labels)
    for kind in kinds:
        there = len(np.unique(faces.people[faces.labels == kind]))
        if there < options.people:
            raise TrainingError(
                f"composites: {options.people} people are needed for each expression, but number {kind + 1} is "
                f"shown by {there}; use more data or blend fewer people"
            )
    most_alike = float(np.quantile(gallery.strangers().likeness, options.alike))
    size = faces.pixels.shape[1]
    made = Composites(
        np.empty((options.count, size, size), np.float32),
        np.array([kinds[k % len(kinds)] for k in range(options.count)], np.intp),
        np.empty((options.count, faces.units.shape[1]), np.float32),
        np.zeros((options.count, int(faces.people.max()) + 1), np.float32),
    )
    missing = np.arange(options.count)
    for _ in range(ROUNDS):
        for done, k in enumerate(missing, options.count - len(missing)):
            _make(made, int(k), faces, options, random)
            if done % AT_ONCE == 0:
                progress("composites", done, options.count)
        made.pixels[missing] = evened(made.pixels[missing])
        missing = missing[gallery.nearest(made.pixels[missing]).likeness > most_alike]
        if not len(missing):
            progress("composites", options.count, options.count)
            return made
    raise TrainingError(
        f"composites: after {ROUNDS} rounds {len(missing)} of expression number {made.labels[missing[0]] + 1} are "
        "still too like a real face; blend more people, or raise alike"
    )


def evened(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Patches (n, size, size), each with mean 0 and standard deviation 1: light and camera differ between clips."""
    mean, spread = pixels.mean(axis=(1, 2), keepdims=True), pixels.std(axis=(1, 2), keepdims=True)
    return np.asarray((pixels - mean) / np.maximum(spread, 1e-3), np.float32)


def _make(made: Composites, k: int, faces: Faces, options: Options, random: np.random.Generator) -> None:
    """Make the k-th composite anew."""
    chosen = _company(faces, int(made.labels[k]), options.people, random)
    shares = random.dirichlet(np.full(options.people, options.evenness))
    made.pixels[k] = _blend(faces.pixels[chosen], faces.points[chosen], shares)
    made.units[k] = np.clip(shares @ faces.units[chosen], 0, 1)
    made.people[k] = 0
    made.people[k, faces.people[chosen]] = shares / shares.sum()


def _company(faces: Faces, label: int, count: int, random: np.random.Generator) -> list[int]:
    """Faces of ``count`` different people that show the expression."""
    there = np.flatnonzero(faces.labels == label)
    chosen = [int(random.choice(there))]
    while len(chosen) < count:
        others = there[~np.isin(faces.people[there], faces.people[chosen])]
        unlike = np.abs(faces.units[others] - faces.units[chosen[0]]).sum(axis=1)
        chances = np.exp(-unlike / LIKE)
        chosen.append(int(random.choice(others, p=chances / chances.sum())))
    return chosen


def _blend(
    pixels: NDArray[np.float32], points: NDArray[np.float64], shares: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Faces (k, size, size) with points (k, 76, 2), warped to their mean points and averaged."""
    size = pixels.shape[1]
    target = np.tensordot(shares, points, 1)
    nodes = np.arange(0, size + COARSE, COARSE, dtype=np.float64)
    where = np.stack(np.meshgrid(nodes, nodes), axis=2).reshape(-1, 2)
    moved = _spline(target, points - target, where).reshape(len(points), len(nodes), len(nodes), 2)
    grid = np.arange(size, dtype=np.float32) / COARSE
    at = np.meshgrid(grid, grid)
    here = np.stack(np.meshgrid(np.arange(size), np.arange(size)), axis=2)
    found = np.zeros((size, size), np.float32)
    for face, shift, share in zip(pixels, moved.astype(np.float32), shares, strict=True):
        smooth = cv2.remap(shift, at[0], at[1], cv2.INTER_LINEAR)
        source = (here + smooth).astype(np.float32)
        warped = cv2.remap(face, source, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)  # type: ignore[call-overload]
        found += np.float32(share) * warped
    return found


def _spline(
    target: NDArray[np.float64], shifts: NDArray[np.float64], where: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Thin-plate splines through ``shifts`` (k, points, 2) at ``target`` (points, 2), at ``where``: (k, m, 2)."""
    n = len(target)
    straight = np.column_stack([np.ones(n), target])
    system = np.zeros((n + 3, n + 3))
    system[:n, :n] = _bending(target, target) + STIFF * np.eye(n)
    system[:n, n:], system[n:, :n] = straight, straight.T
    known = np.zeros((n + 3, 2 * len(shifts)))
    known[:n] = shifts.transpose(1, 0, 2).reshape(n, -1)
    basis = np.column_stack([_bending(where, target), np.ones(len(where)), where])
    found = np.asarray(basis @ np.linalg.solve(system, known))
    return found.reshape(len(where), len(shifts), 2).transpose(1, 0, 2)


def _bending(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """r^2 log r^2 of all distances r between points (n, 2) and (m, 2)."""
    squared = ((a[:, None] - b[None]) ** 2).sum(axis=2)
    return np.asarray(squared * np.log(squared + 1e-9))


def _in_patch(points: NDArray[np.float64], options: patches.Options) -> NDArray[np.float64]:
    """Points in pixels of the patch that ``patches.cut`` gives."""
    square = align.grown(patches.placement(points, options.alignment), options.margin)
    turn = np.radians(square.roll)
    x, y = ((points - [square.x, square.y]) / square.side).T
    turned = np.column_stack([np.cos(turn) * x + np.sin(turn) * y, np.cos(turn) * y - np.sin(turn) * x])
    return turned * options.size + (options.size - 1) / 2


def _with_edge(points: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Points (n, 68, 2) and the corners and middles of the edge."""
    edge = [(x, y) for x in (0, 0.5, 1) for y in (0, 0.5, 1) if (x, y) != (0.5, 0.5)]
    fixed = np.broadcast_to(np.array(edge) * (size - 1), (len(points), len(edge), 2))
    return np.concatenate([points, fixed], axis=1)

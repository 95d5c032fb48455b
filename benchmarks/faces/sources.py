"""Where the faces and the scenes behind them come from: held-out photographs, or drawings where there are none."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import cv2
import numpy as np

from mien.data.synthetic.expressions import peak
from mien.data.synthetic.people import invent
from mien.data.synthetic.portrait import Pose, landmarks, paint
from mien.errors import DataError
from mien.labels import EXPRESSIONS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.types import Grey

SCENES = Path(__file__).parents[2] / "training" / "faces" / "scenes.csv"
FOREIGN = "ckplus128/"  # CK+: its people are the first four letters of a file's name
BELIEVED = 0.12  # agreement of the teacher with itself, in eye distances, above which its points are no truth


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """One face, tight: the picture is hardly larger than the face's box.

    Attributes:
        name: unique.
        person: whose; no two portraits of a bench show the same person.
        picture: grey.
        points: float64 (68, 2), pixels; a whole number is a pixel's centre.
    """

    name: str
    person: str
    picture: Grey
    points: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What pictures are made of.

    Attributes:
        kind: ``photographs``, or ``drawn``: then the figures show that code works, not how well.
        portraits: of people that no network was trained on.
        scenes: grey, without any face, that no network was trained on.
        foreign: faces of a data set of which no network has seen any: the crops of CK+, where they are there.
    """

    kind: Literal["photographs", "drawn"]
    portraits: tuple[Portrait, ...]
    scenes: tuple[Grey, ...]
    foreign: tuple[Portrait, ...] = ()


def photographs(root: Path, labels: Path, most: int | None = None) -> Material:
    """The test people of ``root/portraits`` and the test scenes of ``root/natural``.

    Args:
        root: folder of the data sets.
        labels: the teacher's labels, arrays ``name``, ``points``, ``agreement``, ``faces``.
        most: portraits at most, drawn evenly; all where ``None``.

    Raises:
        DataError: a file is missing or not as expected.
    """
    from mien.learn.faces.bank import split_of  # the only part of the learning room that is needed

    try:
        with np.load(labels, allow_pickle=False) as stored:
            names, points, agreement, faces = (stored[k] for k in ("name", "points", "agreement", "faces"))
        with SCENES.open(newline="", encoding="utf-8") as file:
            free = [row["name"] for row in csv.DictReader(file) if (row["people"], row["split"]) == ("no", "test")]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{labels}, {SCENES}: cannot read labels or list of scenes ({error})") from None
    rows: dict[str, int] = {}
    for row, name in enumerate(map(str, names)):
        held_out = name.startswith("portraits/") and split_of(name) == "test"
        if held_out and faces[row] == 1 and agreement[row] <= BELIEVED:
            rows.setdefault(re.sub(r"_\d+$", "", Path(name).stem), row)
    people = sorted(rows)
    if most is not None and len(people) > most:
        people = [people[k] for k in np.linspace(0, len(people) - 1, most).astype(int)]
    portraits = tuple(
        Portrait(str(names[k]), person, _grey(root / str(names[k])), points[k, :, :2].astype(np.float64))
        for person in people
        for k in (rows[person],)
    )
    foreign = tuple(
        Portrait(name, Path(name).stem[:4], _grey(root / name), points[k, :, :2].astype(np.float64))
        for k, name in enumerate(map(str, names))
        if name.startswith(FOREIGN) and agreement[k] <= BELIEVED and (root / name).is_file()
    )
    scenes = tuple(_grey(root / "natural" / name) for name in sorted(free))
    return Material("photographs", portraits, scenes, foreign)


def drawn(people: int = 60, scenes: int = 20, seed: int = 0) -> Material:
    """Invented people with their exact points, and textures for scenes."""
    rng = np.random.default_rng(seed)
    portraits = []
    for number in range(people):
        person, side = invent(number, seed + 100), 256
        onto = np.full((280, 264), rng.integers(40, 220), np.uint8)
        movement = peak(person, EXPRESSIONS[number % len(EXPRESSIONS)]).scaled(float(rng.uniform(0, 0.8)))
        pose = Pose(132, 136, side, float(rng.uniform(-3, 3)))
        picture = paint(onto, person, movement, pose)
        # The drawing counts from the edge of the first pixel, points from its centre.
        points = landmarks(person, movement, pose) - 0.5
        portraits.append(Portrait(f"drawn/{number}", str(number), picture, points))
    return Material("drawn", tuple(portraits), tuple(_texture(rng) for _ in range(scenes)))


def _texture(rng: np.random.Generator) -> Grey:
    """Clouds of several sizes with a few hard edges, uint8 (321, 481)."""
    total = np.zeros((321, 481), np.float32)
    for cells in (3, 8, 24, 80):
        coarse = rng.standard_normal((cells, cells * 3 // 2)).astype(np.float32)
        total += cv2.resize(coarse, (481, 321), interpolation=cv2.INTER_CUBIC) / cells**0.4
    for _ in range(6):
        corners = rng.integers(0, (481, 321), (4, 2)).astype(np.int32)
        cv2.fillConvexPoly(total, cv2.convexHull(corners), float(rng.uniform(-1.5, 1.5)), cv2.LINE_8)
    low, high = np.percentile(total, [1, 99])
    return np.clip((total - low) / (high - low) * 200 + 25, 0, 255).astype(np.uint8)


def _grey(path: Path) -> Grey:
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise DataError(f"{path}: not a picture that can be read")
    return grey  # type: ignore[return-value]

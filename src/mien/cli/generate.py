"""``mien generate``: faces that show what is asked for, and that nobody has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from mien import atomic, modelfile, recipe
from mien.cli.screen import say
from mien.data import landmarks
from mien.data.opening import open_dataset
from mien.errors import DataError, UsageError
from mien.faces import patches
from mien.generation.clamp import asked
from mien.generation.generator import load_generator
from mien.generation.likeness import Gallery
from mien.labels import NEUTRAL
from mien.output import generated

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.generation.clamp import Clamp
    from mien.generation.generator import Generator

COLUMNS, ROWS = 8, 3
"""Faces in a picture."""

MORPHED = 4
"""People in a morph, unless one is asked for."""

FRAMES = (2, 250)
"""Least and most frames of a morph."""

USUAL = 25
"""Frames of a video, where nobody says."""

LINE = 25
"""Frames of a morph side by side in a picture."""


@click.command(
    "generate",
    epilog="Example: mien generate --label happiness -o happy.png",
)
@click.option("--label", "labels", multiple=True, metavar="LABEL", help="Expression that the faces show.")
@click.option(
    "--au",
    "units",
    multiple=True,
    metavar="AU06,AU12",
    help="Action units that they show; -AU25 for one that they do not. May be given more than once.",
)
@click.option("--identity", type=int, metavar="N", help="Which invented person; several by chance when left out.")
@click.option(
    "--frames",
    type=click.IntRange(*FRAMES),
    metavar="N",
    help="A morph of so many frames from the neutral face; 25 for a video when left out.",
)
@click.option(
    "--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True, metavar="N", help="Of chance."
)
@click.option("--model", default=modelfile.GENERATOR, show_default=True, metavar="NAME|FILE", help="Generator.")
@click.option(
    "--nearest",
    metavar="NAME:PATH",
    help="Data set of real faces: say how near each drawn face comes to them, and they to each other.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="OUT.png|.mp4",
    help="File to write: a picture, or a video of a morph.",
)
def command(
    labels: tuple[str, ...],
    units: tuple[str, ...],
    identity: int | None,
    frames: int | None,
    seed: int,
    model: str,
    nearest: str | None,
    output: Path,
) -> None:
    """Draw faces that show an expression or action units, of people who do not exist.

    A generator learned from composites of several people what expressions look like; equal calls give equal bits.
    What is not asked for is drawn by chance. A picture holds a grid of faces, or a row of frames for each person of
    a morph. Every file says that it shows no real person.
    """
    video = _suffix(output) == ".mp4"
    generator = load_generator(model)
    if len(labels) > 1:
        raise UsageError(f"--label was given twice: {', '.join(labels)}; a face shows one expression")
    clamp = asked(
        labels[0] if labels else None, [word for group in units for word in _words(group)], generator.labels
    )
    if identity is not None and not 1 <= identity <= generator.people:
        raise UsageError(
            f"--identity {identity}: {generator.meta.name} has people 1 to {generator.people}, all invented"
        )
    gallery = None if nearest is None else _gallery(nearest, generator)
    morph = video or frames is not None
    if morph and clamp.label == NEUTRAL:
        raise UsageError(
            "a morph goes from the neutral face to another; neutral is no other: ask for another label"
        )
    if morph:
        people = _chosen(generator, identity, seed, MORPHED if identity is None else 1)
        faces = generator.morph(clamp, people, frames or USUAL, seed)
    else:
        people = _chosen(generator, identity, seed, ROWS * COLUMNS)
        faces = generator.draw([clamp] * len(people), people, seed)
        faces = faces.reshape(ROWS, COLUMNS, *faces.shape[1:])
    told = _told(generator, clamp, people, seed)
    if video:
        generated.write_video(output, [generated.grid(faces[None, :, k]) for k in range(faces.shape[1])], told)
    else:
        generated.write_picture(output, generated.grid(_lines(faces)), told)
    say(f"wrote {output}: {generated.CLAIM}\n")
    if gallery is not None:
        last = faces[:, -1] if morph else faces.reshape(-1, *faces.shape[2:])
        say(_nearness(gallery, last, people))


def _suffix(output: Path) -> str:
    """The suffix of a file that can be written, known before anything is drawn.

    Raises:
        UsageError: another one.
        OutputError: it cannot be written.
    """
    suffix = output.suffix.lower()
    if suffix not in (".png", ".mp4"):
        raise UsageError(f"{output} must end in .png or .mp4")
    atomic.discard(atomic.temporary_for(output))
    return suffix


def _words(group: str) -> list[str]:
    """``AU06,-AU25`` in its parts.

    Raises:
        UsageError: one is empty.
    """
    words = [word.strip() for word in group.split(",")]
    if "" in words or "-" in words:
        raise UsageError(f"--au {group!r}: expected action units with commas between them, such as AU06,AU12,-AU25")
    return words


def _chosen(generator: Generator, identity: int | None, seed: int, count: int) -> list[int]:
    """Invented people: the one asked for, else by chance, nobody twice before everybody was there once."""
    if identity is not None:
        return [identity] * count
    random = np.random.default_rng([seed, 4])
    rounds = -(-count // generator.people)
    drawn = np.concatenate([random.permutation(generator.people) + 1 for _ in range(rounds)])
    return [int(person) for person in drawn[:count]]


def _lines(faces: NDArray[np.float32]) -> NDArray[np.float32]:
    """Faces (rows, columns, size, size), long rows broken into lines of equal length, white at the end."""
    rows, columns = faces.shape[:2]
    if columns <= LINE:
        return faces
    lines = -(-columns // LINE)
    filled = np.ones((rows, lines * LINE, *faces.shape[2:]), np.float32)
    filled[:, :columns] = faces
    return filled.reshape(rows * lines, LINE, *faces.shape[2:])


def _told(generator: Generator, clamp: Clamp, people: list[int], seed: int) -> dict[str, str]:
    """What the file says of how it was made."""
    shown = [clamp.label or "", *clamp.present, *(f"-{unit}" for unit in clamp.absent)]
    return {
        "Generator": f"{generator.meta.name} {generator.sha256}",
        "Shown": " ".join(filter(None, shown)),
        "People": " ".join(map(str, people)),
        "Seed": str(seed),
    }


def _gallery(spec: str, generator: Generator) -> Gallery:
    """The real faces of a data set, cut as the generator's training faces were.

    Raises:
        DataError: an image cannot be read, or its faces are not those of several people.
    """
    options = recipe.options(patches.Options, generator.meta.preprocessing, "preprocessing")
    dataset = landmarks.for_alignment(open_dataset(spec), options.alignment)
    items = [item for item in dataset.items if item.expression is not None]
    cut = np.zeros((len(items), options.size, options.size), np.float32)
    for item, into in zip(items, cut, strict=True):
        face = item.face()
        try:
            into[:] = patches.cut(face, None, options, landmarks.points(item, face))
        except ValueError as error:
            raise DataError(f"{item.name}: {error}") from None
    return Gallery(
        cut,
        [str(item.expression) for item in items],
        [item.subject for item in items],
        [item.name for item in items],
    )


def _nearness(gallery: Gallery, faces: NDArray[np.float32], people: list[int]) -> str:
    """How near each face comes to real ones, and a verdict."""
    found, yardstick = gallery.nearest(faces), gallery.strangers()
    lines = ["face  person  distance  likeness  most alike"]
    for k, person in enumerate(people):
        measured = f"{found.distance[k]:8.3f}  {found.likeness[k]:8.3f}"
        lines.append(f"{k + 1:4}  {person:6}  {measured}  {gallery.names[found.alike[k]]}")
    lines.append(f"real faces of different people ({len(gallery)}), each to the nearest of somebody else:")
    for name, values in (("distance", yardstick.distance), ("likeness", yardstick.likeness)):
        low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
        ends = f"{values.min():.3f} to {values.max():.3f}"
        lines.append(f"  {name}  {ends}, middle {middle:.3f}, nine in ten {low:.3f} to {high:.3f}")
    copied = int((found.likeness > yardstick.likeness.max()).sum())
    lines.append(
        f"CHECK FAILED: {copied} of {len(people)} drawn faces are more like a real one than two people are alike"
        if copied
        else "checked: no drawn face is more like a real one than two people are alike"
    )
    return "\n".join(lines) + "\n"

"""``--data`` of ``mien reproduce``: which pictures serve which experiment."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from mien.data import photographs
from mien.data.opening import open_dataset
from mien.data.photographs import Photographs
from mien.data.readable import Skip, held, readable
from mien.data.readers import ckplus, synthetic
from mien.data.synthetic import leaves
from mien.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mien.data.dataset import Dataset

PHOTOGRAPHS = "natural"
"""The name that ``--data`` knows photographs by, and of the folder beside the crops of CK+ that may hold them."""
LOOSE, TIGHT = "ckplus128", "ckplus48"
STILLS = ("jaffe", "tfeid")
"""Data sets of stills: given beside another one, they serve section 2.2 only."""
FRAMES = 3
"""Frames taken of the end of every sequence."""
DRAWN_FACES = synthetic.Options(people=10, frames=FRAMES)
DRAWN_PICTURES = 10


@dataclass(frozen=True, slots=True)
class Sources:
    """What the report is run on.

    Attributes:
        frames: the sequences' last frames, for sections 3 and 4.
        stills: faces, neutral ones among them where the data set has any, for section 2.2.
        pictures: photographs for section 2.1.
        pictures_from: where they come from, in words.
        drawn: the photographs are drawn by code.
        skipped: faces that could not be read, and photographs that could not be used.
        rest: other crops of the people of ``frames``, with neutral ones among them, where those lie beside; else
            ``None``.
    """

    frames: Dataset
    stills: Dataset
    pictures: Photographs
    pictures_from: str
    drawn: bool
    skipped: tuple[Skip, ...]
    rest: Dataset | None = None


def find(specs: Sequence[str]) -> Sources:
    """What ``--data`` named; without any, everything is drawn by code.

    Args:
        specs: each ``NAME:PATH``: one data set of faces; ``natural:FOLDER`` for photographs; ``jaffe`` or ``tfeid``
            beside another data set for the stills.

    Raises:
        UsageError: two data sets for one thing, or no folder after ``natural:``.
        UnknownPartError, DataError: as ``data.opening.open_dataset`` and ``data.photographs.read``.
    """
    folders = [spec.partition(":")[2].strip() for spec in specs if _name(spec) == PHOTOGRAPHS]
    faces = [spec for spec in specs if _name(spec) != PHOTOGRAPHS]
    apart = [spec for spec in faces if _name(spec) in STILLS] if len(faces) > 1 else []
    main = [spec for spec in faces if spec not in apart]
    if len(main) > 1 or len(apart) > 1 or len(folders) > 1 or (apart and not main):
        raise UsageError(
            f"--data {' --data '.join(specs)}: give one data set of sequences, and beside it at most one of stills "
            f"({' or '.join(STILLS)}) and one {PHOTOGRAPHS}:FOLDER"
        )
    if not all(folders):
        raise UsageError(f"--data {PHOTOGRAPHS}: give the folder of photographs: {PHOTOGRAPHS}:FOLDER")
    if not main:
        frames = stills = synthetic.build(DRAWN_FACES)
    else:
        frames, stills = _faces(main[0])
    beside = None if stills is frames else stills
    if apart:
        stills = open_dataset(apart[0])
    pictures, origin, drawn = _pictures(folders, main)
    shown, skipped = _loaded(frames)
    still, skipped_stills = (shown, skipped) if stills is frames else _loaded(stills)
    rest, skipped_rest = (still, ()) if beside is stills else (None, ()) if beside is None else _loaded(beside)
    unused = tuple(Skip(*line.split(": ", 1)) for line in pictures.skipped)
    everything = tuple(dict.fromkeys((*skipped, *skipped_stills, *skipped_rest, *unused)))
    return Sources(shown, still, pictures, origin, drawn, everything, rest)


def _loaded(dataset: Dataset) -> tuple[Dataset, tuple[Skip, ...]]:
    """The faces that can be read and have a label, in memory, and those that cannot be read."""
    labelled = replace(dataset, items=tuple(item for item in dataset.items if item.expression is not None))
    kept, skipped = readable(labelled)
    return held(kept), tuple(_without_folder(skip) for skip in skipped)


def _without_folder(skip: Skip) -> Skip:
    """Names the file alone: the report travels, the folders of the machine that made it do not."""
    file, colon, reason = skip.reason.partition(": ")
    return replace(skip, reason=f"{PurePath(file).name}{colon}{reason}")


def _name(spec: str) -> str:
    return spec.partition(":")[0].strip()


def _faces(spec: str) -> tuple[Dataset, Dataset]:
    """The sequences' last frames, and the stills."""
    name, _, argument = (part.strip() for part in spec.partition(":"))
    if name == "synthetic":
        drawn = synthetic.build(replace(synthetic.parse(argument), frames=FRAMES))
        return drawn, drawn
    if name == "ckplus" and argument:
        crops = _beside(argument, TIGHT)
        if crops is not None and (crops.parent / LOOSE).is_dir():
            return ckplus.build(ckplus.Options(str(crops))), ckplus.build(ckplus.Options(str(crops.parent / LOOSE)))
        if crops is None:
            found = ckplus.build(ckplus.Options(argument, last=FRAMES))
            return found, found
    found = open_dataset(spec)
    return found, found


def _beside(path: str, name: str) -> Path | None:
    """The folder ``name`` in the folder that ``path`` names, or beside it where that is one of crops; or None."""
    root = Path(path).expanduser()
    places = [root / name, root / "data" / name]
    if root.absolute().name in (LOOSE, TIGHT):
        places.append(root.absolute().parent / name)
    return next((place for place in places if place.is_dir()), None)


def _pictures(folders: Sequence[str], faces: Sequence[str]) -> tuple[Photographs, str, bool]:
    if folders:
        return photographs.read(Path(folders[0]).expanduser()), f"photographs in {Path(folders[0]).name}", False
    for spec in faces:
        name, _, argument = spec.partition(":")
        beside = _beside(argument.strip(), PHOTOGRAPHS) if name.strip() == "ckplus" and argument.strip() else None
        if beside is not None:
            return photographs.read(beside), f"photographs in {PHOTOGRAPHS}, beside the faces", False
    drawn = leaves.draw(DRAWN_PICTURES)
    names = tuple(f"leaves {number + 1}" for number in range(len(drawn)))
    return Photographs(drawn, names), "pictures of overlapping discs, drawn by code", True

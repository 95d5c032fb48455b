"""Anybody's own faces: a folder per class, ``PATH/happy/anna_01.png``.

The person is told by ``PATH/subjects.csv`` (columns ``file`` and ``subject``, files relative to PATH) or, without
it, by the file name up to its first underscore. Names such as ``anna_3_017.png`` (subject, sequence, frame) tell
the sequence too; otherwise every picture is one of its own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mien.data.dataset import Dataset, Item
from mien.data.picture import SUFFIXES, Picture
from mien.data.table import read_csv
from mien.errors import DataError
from mien.labels import LabelSet, canonical

if TYPE_CHECKING:
    from collections.abc import Iterable

TABLE = "subjects.csv"

_WITH_FRAME = re.compile(r"(.+_.+)_(\d+)")  # subject_sequence, frame


@dataclass(frozen=True, slots=True)
class Options:
    """Where the faces lie.

    Attributes:
        path: the folder that holds one folder per class.
    """

    path: str


def build(options: Options) -> Dataset:
    """The data set; its labels are the class folders' names in the house's words, sorted.

    Files that are no pictures by their suffix, and hidden ones, are passed over.

    Raises:
        DataError: there are no two classes with pictures, or somewhere no subject can be told.
    """
    root = Path(options.path)
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; give one that holds a folder of pictures per class")
    classes = sorted(f for f in root.iterdir() if f.is_dir() and not f.name.startswith("."))
    labels = sorted({canonical(folder.name) for folder in classes})
    if len(labels) < 2:
        raise DataError(
            f"{root}: has {len(labels)} class folder(s); two or more are needed, such as {root}/happiness"
        )
    subjects = _subjects(root / TABLE)
    found = [_item(root, file, subjects) for folder in classes for file in _pictures(folder)]
    return Dataset(
        name="folder",
        items=tuple(sorted(_placed(found), key=lambda item: item.name)),
        labels=LabelSet(tuple(labels)),
        terms="The pictures' terms are for their owner to know; mien was told none.",
    )


def _pictures(folder: Path) -> list[Path]:
    found = []
    for file in sorted(folder.iterdir()):
        if file.name.startswith("."):
            continue
        if file.is_dir():
            raise DataError(f"{file}: a folder within a class is not read; put its pictures into {folder}")
        if file.suffix.lower() in SUFFIXES:
            found.append(file)
    if not found:
        raise DataError(f"{folder}: holds no picture; remove this class or fill it ({' '.join(SUFFIXES)})")
    return found


def _item(root: Path, file: Path, subjects: dict[str, str] | None) -> Item:
    """The item of one picture; its place is its frame number, to be turned into a place by ``_placed``."""
    name = file.relative_to(root).as_posix()
    if subjects is None:
        subject, underscore, _ = file.stem.partition("_")
        if not underscore or not subject:
            raise DataError(
                f"{file}: who is this? Without subjects there is no honest split: name files subject_picture, such "
                f"as anna_01{file.suffix}, or add {root / TABLE} with the columns file,subject"
            )
    else:
        subject = subjects.get(name, "")
        if not subject:
            raise DataError(f"{file}: {TABLE} does not say who this is; add the line {name},SUBJECT")
    with_frame = _WITH_FRAME.fullmatch(file.stem)
    # a slash cannot be in a stem, so that no two sequences share a name
    sequence = f"{subject}/{with_frame[1] if with_frame else name}"
    number = int(with_frame[2]) if with_frame else 0
    return Item(name, subject, sequence, number, canonical(file.parent.name), None, Picture(file))


def _placed(items: Iterable[Item]) -> list[Item]:
    """The items with their places in their sequences, from 0, by frame number."""
    sequences: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        sequences[item.sequence].append(item)
    return [
        replace(item, place=place)
        for sequence in sequences.values()
        for place, item in enumerate(sorted(sequence, key=lambda item: (item.place, item.name)))
    ]


def _subjects(table: Path) -> dict[str, str] | None:
    """Whose face each file is, by path relative to the data set, or None without a table."""
    if not table.exists():
        return None
    found: dict[str, str] = {}
    for row in read_csv(table, ("file", "subject")):
        name, subject = row["file"].strip().replace("\\", "/").removeprefix("./"), row["subject"].strip()
        if found.setdefault(name, subject) != subject:
            raise DataError(f"{table}: says both {found[name]} and {subject} for {name}; keep one")
    return found

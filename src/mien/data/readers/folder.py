"""Anybody's own faces: a folder per class, ``PATH/happy/anna_01.png``.

The person is told by ``PATH/subjects.csv`` (columns ``file`` and ``subject``, files relative to PATH) or, without
it, by the file name up to its first underscore. Names such as ``anna_3_017.png`` (subject, sequence, frame) tell
the sequence too; otherwise every picture is one of its own. Pictures may differ in size.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from mien.data.dataset import Dataset, Item
from mien.data.picture import SUFFIXES, Picture
from mien.data.readers._classes import class_folders, files_of, label_set, subjects_of
from mien.labels import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable

TERMS = "The pictures' terms are for their owner to know; mien was told none."

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
        DataError: there are no two classes with pictures, somewhere no subject can be told, or ``subjects.csv``
            names pictures that are not there.
    """
    root = Path(options.path)
    folders = class_folders(root, "pictures")
    files = [file for folder in folders for file in files_of(folder, SUFFIXES, "picture")]
    subjects = subjects_of(root, files)
    found = [_item(root, file, subjects) for file in files]
    return Dataset(
        name="folder",
        items=tuple(sorted(_placed(found), key=lambda item: item.name)),
        labels=label_set(folders),
        terms=TERMS,
    )


def _item(root: Path, file: Path, subjects: dict[str, str]) -> Item:
    """The item of one picture; its place is its frame number, to be turned into a place by ``_placed``."""
    name = file.relative_to(root).as_posix()
    with_frame = _WITH_FRAME.fullmatch(file.stem)
    # a slash cannot be in a stem, so that no two sequences share a name
    sequence = f"{subjects[name]}/{with_frame[1] if with_frame else name}"
    number = int(with_frame[2]) if with_frame else 0
    return Item(name, subjects[name], sequence, number, canonical(file.parent.name), None, Picture(file))


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

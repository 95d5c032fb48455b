"""CK+ as face crops: ``ckplus128/<expression>/S005_001_00000011.png`` beside ``ckplus_au.csv``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mien.data.dataset import Item
from mien.data.picture import Picture
from mien.data.table import read_csv
from mien.errors import DataError
from mien.labels import ACTION_UNITS, EXPRESSIONS, canonical

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "ckplus128"
TABLE = "ckplus_au.csv"

STEM = re.compile(r"(S\d{3})_(\d{3})_(\d{8})")
"""Subject, sequence and frame (from 1) in the name of a CK+ picture without its suffix."""
NONE_PRESENT = (0,) * len(ACTION_UNITS)
"""Action units of a first frame: a sequence begins without any, by construction of the data set."""


def items(folder: Path) -> list[Item]:
    """One item per crop in ``folder``, the ``ckplus128`` folder, in no particular order.

    Raises:
        DataError: as ``ckplus.build``.
    """
    coded = _action_units(folder.absolute().parent / TABLE)
    found: dict[str, Item] = {}
    for file in sorted(folder.glob("*/*.png")):
        if file.name.startswith("."):  # what file managers leave behind
            continue
        item = _item(file, coded)
        if item.name in found:
            raise DataError(f"{file}: lies also in folder {found[item.name].expression}; keep the right one")
        found[item.name] = item
    if not found:
        raise DataError(f"{folder}: holds no crop; expected {folder}/<expression>/S005_001_00000011.png")
    return list(found.values())


def _item(file: Path, coded: dict[str, tuple[str, tuple[int, ...]]]) -> Item:
    expression = canonical(file.parent.name)
    if expression not in EXPRESSIONS:
        raise DataError(f"{file.parent}: no expression of CK+; the folders are {', '.join(EXPRESSIONS)}")
    named = STEM.fullmatch(file.stem)
    if named is None:
        raise DataError(f"{file}: not named subject_sequence_frame, as S005_001_00000011.png; rename or remove it")
    subject, sequence, place = named[1], f"{named[1]}_{named[2]}", int(named[3]) - 1
    if expression == "neutral":
        if place != 0:
            raise DataError(f"{file}: is called neutral, but only a first frame (00000001) is; move or remove it")
        units = NONE_PRESENT
    else:
        if sequence not in coded:
            raise DataError(f"{file}: its sequence {sequence} has no row in {TABLE}; use the table of these crops")
        emotion, units = coded[sequence]
        if emotion != expression:
            raise DataError(f"{file}: lies in folder {file.parent.name}, but {TABLE} says {emotion}; mend either")
    return Item(file.stem, subject, sequence, place, expression, units, Picture(file))


def _action_units(table: Path) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Expression and action units at the peak of every sequence in the table."""
    found: dict[str, tuple[str, tuple[int, ...]]] = {}
    for row in read_csv(table, ("subject", "sequence", "emotion", *ACTION_UNITS)):
        sequence = row["sequence"]
        wrong = next((unit for unit in ACTION_UNITS if row[unit] not in ("0", "1")), None)
        if wrong:
            raise DataError(f"{table}: sequence {sequence}: {wrong} is {row[wrong]!r}; it must be 0 or 1")
        if sequence in found:
            raise DataError(f"{table}: sequence {sequence} has two rows; remove one")
        found[sequence] = (canonical(row["emotion"]), tuple(int(row[unit]) for unit in ACTION_UNITS))
    return found

"""CK+ as face crops: ``ckplus128/<expression>/S005_001_00000011.png`` beside ``ckplus_au.csv``.

Two sets are known. ``ckplus128`` holds loose crops of first frames (neutral) and peaks, ``ckplus48`` tight ones of
the last three frames of every labelled sequence. The table has one row per labelled sequence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mien.data.dataset import Item
from mien.data.picture import Picture
from mien.data.table import read_csv
from mien.errors import DataError
from mien.labels import ACTION_UNITS, EXPRESSIONS, canonical

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

TABLE = "ckplus_au.csv"

STEM = re.compile(r"(S\d{3})_(\d{3})_(\d{8})")
"""Subject, sequence and frame (from 1) in the name of a CK+ picture without its suffix."""
NONE_PRESENT = (0,) * len(ACTION_UNITS)
"""Action units of a first frame: a sequence begins without any, by construction of the data set."""

_Coded = tuple[str, tuple[int, ...]]  # expression and action units at a sequence's peak


@dataclass(frozen=True, slots=True)
class Crops:
    """One set of crops.

    Attributes:
        folder: its name on disk.
        labels: the expressions it has folders for.
    """

    folder: str
    labels: tuple[str, ...]


LOOSE = Crops("ckplus128", EXPRESSIONS)
TIGHT = Crops("ckplus48", tuple(e for e in EXPRESSIONS if e != "neutral"))


def items(folder: Path, crops: Crops) -> list[Item]:
    """One item per crop in ``folder``, in no particular order.

    The last frame of a sequence is its peak, to which the table's action units apply; of the labelled frames before
    it nobody knows them.

    Raises:
        DataError: as ``ckplus.build``.
    """
    coded = _action_units(folder.absolute().parent / TABLE)
    found: dict[str, Item] = {}
    for file in sorted(folder.glob("*/*.png")):
        if file.name.startswith("."):  # what file managers leave behind
            continue
        item = _item(file, crops, coded)
        if item.name in found:
            raise DataError(f"{file}: lies also in folder {found[item.name].expression}; keep the right one")
        found[item.name] = item
    if not found:
        raise DataError(f"{folder}: holds no crop; expected {folder}/<expression>/S005_001_00000011.png")
    _refuse_rows_without_crops(folder, found.values(), coded)
    peaks = _peaks(found.values())
    return [
        item if item.expression == "neutral" or item.name in peaks else replace(item, action_units=None)
        for item in found.values()
    ]


def _item(file: Path, crops: Crops, coded: dict[str, _Coded]) -> Item:
    """The item of one crop, with the action units of its sequence's peak."""
    expression = canonical(file.parent.name)
    if expression not in crops.labels:
        raise DataError(
            f"{file.parent}: no expression of CK+ in {crops.folder}; its folders are {', '.join(crops.labels)}"
        )
    named = STEM.fullmatch(file.stem)
    if named is None:
        raise DataError(f"{file}: not named subject_sequence_frame, as S005_001_00000011.png; rename or remove it")
    subject, sequence, place = named[1], f"{named[1]}_{named[2]}", int(named[3]) - 1
    if place < 0:
        raise DataError(f"{file}: CK+ counts frames from 00000001; rename or remove it")
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


def _peaks(found: Iterable[Item]) -> set[str]:
    """Names of the last frame of every sequence."""
    last: dict[str, Item] = {}
    for item in found:
        if item.sequence not in last or item.place > last[item.sequence].place:
            last[item.sequence] = item
    return {item.name for item in last.values()}


def _refuse_rows_without_crops(folder: Path, found: Iterable[Item], coded: dict[str, _Coded]) -> None:
    missing = sorted(set(coded) - {item.sequence for item in found if item.expression != "neutral"})
    if missing:
        raise DataError(
            f"{folder}: {TABLE} has {len(missing)} sequence(s) without a crop, such as {missing[0]}; fetch the "
            "crops that are missing or remove their rows"
        )


def _action_units(table: Path) -> dict[str, _Coded]:
    """Expression and action units at the peak of every sequence in the table."""
    found: dict[str, _Coded] = {}
    for row in read_csv(table, ("subject", "sequence", "emotion", *ACTION_UNITS)):
        sequence = row["sequence"]
        wrong = next((unit for unit in ACTION_UNITS if row[unit] not in ("0", "1")), None)
        if wrong:
            raise DataError(f"{table}: sequence {sequence}: {wrong} is {row[wrong]!r}; it must be 0 or 1")
        if sequence in found:
            raise DataError(f"{table}: sequence {sequence} has two rows; remove one")
        found[sequence] = (canonical(row["emotion"]), tuple(int(row[unit]) for unit in ACTION_UNITS))
    return found

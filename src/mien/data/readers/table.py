"""Anybody's own faces, told by a table: ``table:faces.csv``, one row per face.

==========================  =======================================================================================
``file``                    the picture, relative to the table's folder
``subject``                 whose face it is
``expression``              what it shows; empty where nobody said
``AU01``, ``AU02`` ...      1 where the action unit is shown, 0 where not; all empty where the face was not coded
``sequence``, ``place``     the clip that the picture is from, and its position in it, any whole numbers that ascend
``x y width height``        the face in a larger picture, pixels; all empty where the picture is the face
==========================  =======================================================================================

The first two are needed, and the expression or an action unit; other columns are passed over. A picture may have
several rows where they have boxes: several faces. Pictures without a sequence are each one of their own.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from mien.data.dataset import Dataset, Item
from mien.data.picture import BoxedPicture, Picture
from mien.data.table import read_csv
from mien.errors import DataError
from mien.labels import ACTION_UNITS, EXPRESSIONS, LabelSet, canonical
from mien.types import Box

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

TERMS = "The pictures' terms are for their owner to know; mien was told none."

_BOX = ("x", "y", "width", "height")
_UNIT = re.compile(r"AU ?_?\d+.*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Options:
    """Where the table lies.

    Attributes:
        path: a CSV file in UTF-8 whose first line names the columns.
    """

    path: str


def build(options: Options) -> Dataset:
    """The data set; pictures are read when they are asked for.

    Its labels are the expressions that are named, in the house's words, sorted; all that mien knows where fewer
    than two are. Its action units are the columns there are, in the house's order.

    Raises:
        DataError: the table is missing or lacks a column, a row cannot be understood or is there twice, or a
            picture is not there.
    """
    table = Path(options.path).expanduser()
    rows = read_csv(table, ("file", "subject"))
    if not rows:
        raise DataError(f"{table}: holds no row; write one for each face")
    units = _units(table, rows[0])
    found = [_item(table, number, row, units) for number, row in enumerate(rows, 2)]
    names: set[str] = set()
    for item in found:
        if item.name in names:
            raise DataError(f"{table}: {item.name} has two rows; remove one, or give each face its box")
        names.add(item.name)
    return Dataset(
        name="table",
        items=tuple(sorted(_placed(table, found), key=lambda item: item.name)),
        labels=_labels(table, found),
        action_units=units,
        terms=TERMS,
    )


def _units(table: Path, columns: Iterable[str]) -> tuple[str, ...]:
    """The action units that have a column, after a look at all columns."""
    there = set(columns)
    unknown = sorted(name for name in there if _UNIT.fullmatch(name) and name not in ACTION_UNITS)
    if unknown:
        raise DataError(f"{table}: unknown action unit {', '.join(unknown)}; known: {', '.join(ACTION_UNITS)}")
    units = tuple(name for name in ACTION_UNITS if name in there)
    if not units and "expression" not in there:
        raise DataError(
            f"{table}: has neither a column expression nor one of an action unit, such as AU12; add one"
        )
    if "place" in there and "sequence" not in there:
        raise DataError(f"{table}: has a column place and none that says in which sequence; add it or remove place")
    if 0 < len(there & set(_BOX)) < len(_BOX):
        raise DataError(f"{table}: a box needs the four columns {' '.join(_BOX)}; add those that are missing")
    return units


def _item(table: Path, number: int, row: Mapping[str, str], units: tuple[str, ...]) -> Item:
    """The item of one row; its place is the table's number, to be turned into a place by ``_placed``."""
    cells = {name: cell.strip() for name, cell in row.items()}
    file = cells["file"].replace("\\", "/").removeprefix("./")
    where = f"{table}: row {number} ({file or 'no file'})"
    if not file:
        raise DataError(f"{where}: names no picture; give its file")
    if not cells["subject"]:
        raise DataError(f"{where}: whose face is it? Without subjects there is no honest split; give a subject")
    path = table.parent / file
    if not path.is_file():
        raise DataError(
            f"{path}: no such picture, but {table} has it in row {number}; files are relative to the table"
        )
    box = _box(where, cells)
    name = file if box is None else f"{file}@{box.x:g},{box.y:g},{box.width:g},{box.height:g}"
    sequence = cells.get("sequence", "")
    return Item(
        name=name,
        subject=cells["subject"],
        # the subject in front: two people's first clips may share a name, and no two sequences may
        sequence=f"{cells['subject']}/{sequence or name}",
        place=_place(where, cells, number),
        expression=canonical(cells.get("expression", "")) or None,
        action_units=_codes(where, cells, units),
        face=Picture(path) if box is None else BoxedPicture(path, box),
    )


def _codes(where: str, cells: Mapping[str, str], units: tuple[str, ...]) -> tuple[int, ...] | None:
    told = {unit: cells[unit] for unit in units if cells[unit]}
    if not told:
        return None
    wrong = [f"{unit} is {value!r}" for unit, value in told.items() if value not in ("0", "1")]
    if wrong:
        raise DataError(f"{where}: {wrong[0]}; it must be 1 (shown), 0 (not shown) or empty")
    if len(told) < len(units):
        untold = next(unit for unit in units if unit not in told)
        raise DataError(
            f"{where}: {untold} is empty and others are not; a face is coded for all columns or for none: "
            "fill the row, empty it, or remove that column"
        )
    return tuple(int(told[unit]) for unit in units)


def _box(where: str, cells: Mapping[str, str]) -> Box | None:
    told = [cells.get(name, "") for name in _BOX]
    if not any(told):
        return None
    try:
        x, y, width, height = (float(cell) for cell in told)
    except ValueError:
        raise DataError(f"{where}: {' '.join(_BOX)} are {', '.join(told)}; all four must be numbers") from None
    if not all(math.isfinite(value) for value in (x, y, width, height)) or min(width, height) < 2:
        raise DataError(
            f"{where}: {' '.join(_BOX)} are {', '.join(told)}; a face is 2 pixels wide and high or more"
        )
    return Box(x, y, width, height)


def _place(where: str, cells: Mapping[str, str], number: int) -> int:
    """The number by which the row's picture is put in order: the table's, or that of the row."""
    place = cells.get("place", "")
    if not place:
        return number
    if not (place.isascii() and place.isdigit()):
        raise DataError(f"{where}: place is {place!r}; it must be a whole number, 0 or more")
    return int(place)


def _placed(table: Path, items: Iterable[Item]) -> list[Item]:
    """The items with their places in their sequences, from 0."""
    sequences: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        sequences[item.sequence].append(item)
    found: list[Item] = []
    for sequence in sequences.values():
        sequence.sort(key=lambda item: item.place)
        for one, other in pairwise(sequence):
            if one.place == other.place:
                raise DataError(
                    f"{table}: {one.name} and {other.name} have the same place, {one.place}, in one sequence; "
                    "number them apart, in all its rows"
                )
        found += [replace(item, place=place) for place, item in enumerate(sequence)]
    return found


def _labels(table: Path, items: Iterable[Item]) -> LabelSet:
    shown = {item.expression for item in items if item.expression is not None}
    if len(shown) >= 2:
        return LabelSet(tuple(sorted(shown)))
    if shown <= set(EXPRESSIONS):
        return LabelSet(EXPRESSIONS)
    raise DataError(f"{table}: {min(shown)} is the only expression; a data set needs two, or one of mien's own")

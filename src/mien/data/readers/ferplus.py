"""FER+ (Barsoum et al. 2016): faces from the web, 48x48 grey, with ten votes each on what they show.

::

    PATH/fer2013new.csv                                 usage, image name, votes
    PATH/FER2013Train/fer0000000.png ...                Training: the part "train"
    PATH/FER2013Valid/fer0028638.png ...                PublicTest: "validation"
    PATH/FER2013Test/fer0032220.png ...                 PrivateTest: "test"

The official table ends with the votes. One that goes on with a column ``fer2013_label``, what FER2013 called each
face before the votes (Goodfellow et al. 2013), is read with it.

A face has the expression with the most votes, and no label where two have as many or most could not tell; what
most took for no face is left out. Nothing tells who these people are: **each picture counts as a person of its
own**, so that splits by subject are splits of pictures here, and somebody who is in two may be on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mien.data.dataset import TEST, TRAIN, VALIDATION, Dataset, Item, Votes
from mien.data.picture import Picture
from mien.data.table import read_csv
from mien.errors import DataError
from mien.labels import EXPRESSIONS, LabelSet, canonical

TABLE = "fer2013new.csv"
FOLDER_OF = {"Training": "FER2013Train", "PublicTest": "FER2013Valid", "PrivateTest": "FER2013Test"}
"""Folder of every usage in the table."""
PART_OF = {"FER2013Train": TRAIN, "FER2013Valid": VALIDATION, "FER2013Test": TEST}
"""Official part of every folder."""
FORMER = "fer2013_label"
"""The column that the official table is without."""
TERMS = (
    "FER2013's pictures come from the web, their rights are unclear, and nobody in them is told apart; weights "
    "trained on them: research use; see card."
)

_UNSURE, _NO_FACE = "unknown", "NF"
_VOTED = (*EXPRESSIONS, _UNSURE, _NO_FACE)


@dataclass(frozen=True, slots=True)
class _Row:
    """What the table says about one face: votes by word, and what FER2013 called it."""

    votes: dict[str, int]
    former: str | None


@dataclass(frozen=True, slots=True)
class Options:
    """Where FER+ lies.

    Attributes:
        path: the folder with the table and with one or more of the folders of pictures.
    """

    path: str


def build(options: Options) -> Dataset:
    """The faces of those folders that are there; names begin with the folder's.

    Rows without an image name are pictures that the authors withdrew, and passed over.

    Raises:
        DataError: the table or all folders are missing, or pictures and rows do not match.
    """
    root = Path(options.path).expanduser()
    folders = [folder for folder in FOLDER_OF.values() if (root / folder).is_dir()]
    if not folders:
        raise DataError(f"{root}: has none of the folders {', '.join(FOLDER_OF.values())}; give the one that has")
    there = {f"{folder}/{file.name}" for folder in folders for file in (root / folder).glob("[!.]*.png")}
    rows = {name: row for name, row in _rows(root / TABLE).items() if name.partition("/")[0] in folders}
    _match(root, there, set(rows))
    items = [_item(root, name, row) for name, row in sorted(rows.items()) if _most(row.votes) != _NO_FACE]
    if not items:
        raise DataError(f"{root}: holds no face; unpack FER2013 into {', '.join(folders)}")
    return Dataset("ferplus", tuple(items), LabelSet(EXPRESSIONS), terms=TERMS)


def _item(root: Path, name: str, row: _Row) -> Item:
    stem = name.removesuffix(".png")
    folder, _, who = stem.rpartition("/")
    label = _most(row.votes)
    return Item(
        name=stem,
        subject=who,
        sequence=who,
        place=0,
        expression=label if label in EXPRESSIONS else None,
        action_units=None,
        face=Picture(root / name),
        part=PART_OF[folder],
        votes=Votes(tuple(row.votes[word] for word in EXPRESSIONS), row.votes[_UNSURE], row.former),
    )


def _most(cast: dict[str, int]) -> str | None:
    """What most voted for, or None where that is two things."""
    top = max(cast.values())
    winners = [word for word, votes in cast.items() if votes == top]
    return winners[0] if len(winners) == 1 else None


def _rows(table: Path) -> dict[str, _Row]:
    """The rows that have a picture, by its folder and file name."""
    found: dict[str, _Row] = {}
    for row in read_csv(table, ("Usage", "Image name", *_VOTED)):
        file = row["Image name"]
        if not file:
            continue
        if row["Usage"] not in FOLDER_OF:
            raise DataError(f"{table}: {file}: usage {row['Usage']!r} is none of {', '.join(FOLDER_OF)}; mend it")
        wrong = next((word for word in _VOTED if not (row[word].isascii() and row[word].isdigit())), None)
        if wrong:
            raise DataError(f"{table}: {file}: {wrong} is {row[wrong]!r}; it must be a number of votes")
        former = canonical(row.get(FORMER, ""))
        if former and former not in EXPRESSIONS:
            raise DataError(f"{table}: {file}: {FORMER} is {row[FORMER]!r}, no expression; mend or empty it")
        name = f"{FOLDER_OF[row['Usage']]}/{file}"
        if name in found:
            raise DataError(f"{table}: {file} has two rows; remove one")
        found[name] = _Row({word: int(row[word]) for word in _VOTED}, former or None)
    return found


def _match(root: Path, there: set[str], rows: set[str]) -> None:
    if there - rows:
        raise DataError(
            f"{root / min(there - rows)}: has no row in {TABLE} ({len(there - rows)} such); use the table of these "
            "pictures"
        )
    if rows - there:
        raise DataError(
            f"{root / min(rows - there)}: is in {TABLE} but not there ({len(rows - there)} such); fetch the "
            "pictures that are missing"
        )

"""FER+ (Barsoum et al. 2016): faces from the web, 48x48 grey, with ten votes each on what they show.

::

    PATH/fer2013new.csv                                 usage, image name, votes
    PATH/FER2013Train/fer0000000.png ...                Training
    PATH/FER2013Valid/fer0028638.png ...                PublicTest
    PATH/FER2013Test/fer0032220.png ...                 PrivateTest

A face has the expression with the most votes, and no label where two have as many or most could not tell; what
most took for no face is left out. Nothing tells who these people are: **each picture counts as a person of its
own**, so that splits by subject are splits of pictures here, and somebody who is in two may be on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mien.data.dataset import Dataset, Item
from mien.data.picture import Picture
from mien.data.table import read_csv
from mien.errors import DataError
from mien.labels import EXPRESSIONS, LabelSet

TABLE = "fer2013new.csv"
FOLDER_OF = {"Training": "FER2013Train", "PublicTest": "FER2013Valid", "PrivateTest": "FER2013Test"}
"""Folder of every usage in the table."""
TERMS = (
    "FER2013's pictures come from the web, their rights are unclear, and nobody in them is told apart; weights "
    "trained on them: research use; see card."
)

_NO_FACE = "NF"
_VOTED = (*EXPRESSIONS, "unknown", _NO_FACE)


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
    votes = {name: row for name, row in _votes(root / TABLE).items() if name.partition("/")[0] in folders}
    _match(root, there, set(votes))
    shown = {name: _most(cast) for name, cast in votes.items()}
    items = [_item(root, name, label) for name, label in sorted(shown.items()) if label != _NO_FACE]
    if not items:
        raise DataError(f"{root}: holds no face; unpack FER2013 into {', '.join(folders)}")
    return Dataset("ferplus", tuple(items), LabelSet(EXPRESSIONS), terms=TERMS)


def _item(root: Path, name: str, label: str | None) -> Item:
    stem = name.removesuffix(".png")
    who = stem.rpartition("/")[2]
    return Item(stem, who, who, 0, label if label in EXPRESSIONS else None, None, Picture(root / name))


def _most(cast: dict[str, int]) -> str | None:
    """What most voted for, or None where that is two things."""
    top = max(cast.values())
    winners = [word for word, votes in cast.items() if votes == top]
    return winners[0] if len(winners) == 1 else None


def _votes(table: Path) -> dict[str, dict[str, int]]:
    """Votes by word, by folder and file name."""
    found: dict[str, dict[str, int]] = {}
    for row in read_csv(table, ("Usage", "Image name", *_VOTED)):
        file = row["Image name"]
        if not file:
            continue
        if row["Usage"] not in FOLDER_OF:
            raise DataError(f"{table}: {file}: usage {row['Usage']!r} is none of {', '.join(FOLDER_OF)}; mend it")
        wrong = next((word for word in _VOTED if not (row[word].isascii() and row[word].isdigit())), None)
        if wrong:
            raise DataError(f"{table}: {file}: {wrong} is {row[wrong]!r}; it must be a number of votes")
        name = f"{FOLDER_OF[row['Usage']]}/{file}"
        if name in found:
            raise DataError(f"{table}: {file} has two rows; remove one")
        found[name] = {word: int(row[word]) for word in _VOTED}
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

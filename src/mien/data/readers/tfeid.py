"""TFEID, the Taiwanese Facial Expression Image Database (Chen & Yen 2007): eight expressions of forty people.

The release could not be seen when this was written, so that its own names are not known here for certain. What is
read is every picture under PATH, at any depth, whose name begins with the person, letters and a number, and an
underscore (``f01_...``), and whose expression is told in one of two ways::

    PATH/anger/f01_an_h_000.jpg, PATH/high/angry/f01_2.bmp    a folder on the way, named by an expression or code
    PATH/f01_an_h_000.jpg                                     a part of the name

Codes are the first two or three letters of the expression: ``an`` or ``ang`` for anger, ``co di fe ha ne sa su``.
Where folder and name both tell, they must agree. How strong the expression is (high, slight) stays in the item's
name. The face is found by Viola-Jones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mien.data.dataset import Dataset, Item
from mien.data.found import FoundFace
from mien.data.picture import SUFFIXES
from mien.errors import DataError
from mien.faces.detect import haar
from mien.labels import EXPRESSIONS, LabelSet, canonical

if TYPE_CHECKING:
    from mien.faces.detect import Detector

TERMS = (
    "TFEID is for academic research under its authors' agreement; weights trained on it: research use; see card."
)

_OF_CODE = {expression[:letters]: expression for expression in EXPRESSIONS for letters in (2, 3)}
_SUBJECT = re.compile(r"[a-z]{0,2}\d{1,4}")
_BETWEEN = re.compile(r"[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class Options:
    """Where TFEID lies.

    Attributes:
        path: the folder that holds the pictures, or folders of them.
    """

    path: str


def build(options: Options) -> Dataset:
    """The data set; every picture is a sequence of its own, and searched for its face when it is read.

    Raises:
        DataError: the folder is missing or holds no picture, or of one the person or the expression cannot be told.
    """
    root = Path(options.path).expanduser()
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; give the one that holds TFEID's pictures")
    detector = haar.build(haar.Options())
    items = [
        _item(root, file, detector)
        for file in root.rglob("*")
        if file.suffix.lower() in SUFFIXES
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(root).parts)
    ]
    if not items:
        raise DataError(f"{root}: holds no picture; expected {root}/anger/f01_an_h_000.jpg or alike")
    items.sort(key=lambda item: item.name)
    return Dataset("tfeid", tuple(items), LabelSet(EXPRESSIONS), terms=TERMS)


def _item(root: Path, file: Path, detector: Detector) -> Item:
    name = file.relative_to(root).as_posix()
    first, *others = file.stem.split("_")
    subject = first.lower()
    if not others or not _SUBJECT.fullmatch(subject):
        raise DataError(f"{file}: who is this? The name must begin as f01_ does; rename or remove it")
    folders = {label for part in file.relative_to(root).parts[:-1] if (label := _expression(part))}
    words = {label for word in _BETWEEN.split("_".join(others)) if (label := _expression(word))}
    told = folders | words
    if len(told) > 1:
        raise DataError(f"{file}: is said to show {' and '.join(sorted(told))}; mend its name or its folder")
    if not told:
        raise DataError(
            f"{file}: which expression is this? Put it in a folder such as {root}/anger or name it such as "
            f"{subject}_an_h_000{file.suffix}"
        )
    return Item(name, subject, name, 0, told.pop(), None, FoundFace(file, detector))


def _expression(word: str) -> str | None:
    """The expression that a folder's name or a part of a file's name tells, or None where it tells none."""
    word = canonical(word)
    return word if word in EXPRESSIONS else _OF_CODE.get(word)

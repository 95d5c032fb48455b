"""JAFFE, the Japanese Female Facial Expression data set (Lyons et al. 1998): 213 photographs of ten women.

One flat folder of files as the authors name them, ``KA.AN1.39.tiff``: the woman's initials, the expression with the
number of its shot, and a running number. The photographs show the whole head; the face is found by Viola-Jones.
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
from mien.labels import LabelSet

if TYPE_CHECKING:
    from mien.faces.detect import Detector

TERMS = (
    "JAFFE is for non-commercial research under its authors' terms; weights trained on it: research use; see card."
)

_EXPRESSION_OF = {
    "AN": "anger",
    "DI": "disgust",
    "FE": "fear",
    "HA": "happiness",
    "NE": "neutral",
    "SA": "sadness",
    "SU": "surprise",
}
_STEM = re.compile(r"([A-Z]{2})\.([A-Z]{2})\d+\.\d+")  # subject, expression


@dataclass(frozen=True, slots=True)
class Options:
    """Where JAFFE lies.

    Attributes:
        path: the folder with the photographs; other image formats than TIFF are read too.
    """

    path: str


def build(options: Options) -> Dataset:
    """The data set; every photograph is a sequence of its own, and searched for its face when it is read.

    Raises:
        DataError: the folder is missing or holds no photograph, or one is not named as in JAFFE.
    """
    root = Path(options.path).expanduser()
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; give the one that holds KA.AN1.39.tiff and the others")
    detector = haar.build(haar.Options())
    items: dict[str, Item] = {}
    for file in sorted(root.iterdir()):
        if file.name.startswith(".") or file.suffix.lower() not in SUFFIXES:
            continue
        if file.stem in items:
            raise DataError(f"{file}: {file.stem} is there twice, in two formats; keep one")
        items[file.stem] = _item(file, detector)
    if not items:
        raise DataError(f"{root}: holds no photograph; give the folder with KA.AN1.39.tiff and the others")
    labels = LabelSet(tuple(sorted(_EXPRESSION_OF.values())))
    return Dataset("jaffe", tuple(items[name] for name in sorted(items)), labels, terms=TERMS)


def _item(file: Path, detector: Detector) -> Item:
    named = _STEM.fullmatch(file.stem)
    if named is None or named[2] not in _EXPRESSION_OF:
        raise DataError(
            f"{file}: not named as in JAFFE, SUBJECT.EXPRESSION.NUMBER such as KA.AN1.39.tiff with an expression "
            f"of {' '.join(_EXPRESSION_OF)}; rename or remove it"
        )
    return Item(file.stem, named[1], file.stem, 0, _EXPRESSION_OF[named[2]], None, FoundFace(file, detector))

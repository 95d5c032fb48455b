"""CK+, the Extended Cohn-Kanade data set (Lucey et al. 2010): its official tree, or face crops made from it.

Either way every sequence gives its first frame, neutral, and its last, the peak, with its emotion label where it
has a validated one and its action units where they were coded. Frames between are not labelled and left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mien.data.dataset import Dataset
from mien.data.readers import _ckplus_crops, _ckplus_tree
from mien.errors import DataError
from mien.labels import ACTION_UNITS, EXPRESSIONS, LabelSet

if TYPE_CHECKING:
    from mien.data.dataset import Item

TERMS = "CK+ is for research under its authors' agreement; weights trained on it: research use; see card."


@dataclass(frozen=True, slots=True)
class Options:
    """Where CK+ lies.

    Attributes:
        path: the folder with ``ckplus128/`` and ``ckplus_au.csv``, or with the official ``cohn-kanade-images/``,
            ``Emotion/``, ``FACS/`` and ``Landmarks/``; or a folder with either in its ``data/``; or ``ckplus128``.
    """

    path: str


def build(options: Options) -> Dataset:
    """The data set; crops are read when they are asked for.

    Raises:
        DataError: nothing is there, in neither layout, or its files contradict each other.
    """
    items = sorted(_items(Path(options.path).expanduser()), key=lambda item: item.name)
    return Dataset(
        name="ckplus",
        items=tuple(items),
        labels=LabelSet(EXPRESSIONS),
        action_units=tuple(ACTION_UNITS),
        terms=TERMS,
    )


def _items(path: Path) -> list[Item]:
    if not path.is_dir():
        raise DataError(f"{path}: no such folder; give the one that holds CK+, such as ckplus:path/to/ckplus")
    if path.absolute().name == _ckplus_crops.FOLDER:
        return _ckplus_crops.items(path)
    for root in (path, path / "data"):
        if (root / _ckplus_crops.FOLDER).is_dir():
            return _ckplus_crops.items(root / _ckplus_crops.FOLDER)
        if (root / _ckplus_tree.IMAGES).is_dir():
            return _ckplus_tree.items(root)
    raise DataError(
        f"{path}: holds CK+ in neither layout; give the folder with {_ckplus_crops.FOLDER}/ and "
        f"{_ckplus_crops.TABLE}, or the one with the official {', '.join(f'{f}/' for f in _ckplus_tree.FOLDERS)}"
    )

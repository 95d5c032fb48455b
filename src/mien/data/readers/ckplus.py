"""CK+, the Extended Cohn-Kanade data set (Lucey et al. 2010): its official tree, or face crops made from it.

``ckplus:PATH`` gives of every sequence its first frame, neutral, and its last, the peak, with its emotion label
where it has a validated one and its action units where they were coded. ``ckplus:PATH/ckplus48`` gives the tight
crops: the last three frames of the labelled sequences, and no neutral.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mien.data.dataset import Dataset
from mien.data.readers import _ckplus_crops, _ckplus_tree
from mien.data.readers._ckplus_crops import LOOSE, TABLE, TIGHT
from mien.errors import DataError
from mien.labels import ACTION_UNITS, EXPRESSIONS, LabelSet

if TYPE_CHECKING:
    from mien.data.dataset import Item

TERMS = "CK+ is for research under its authors' agreement; weights trained on it: research use; see card."


@dataclass(frozen=True, slots=True)
class Options:
    """Where CK+ lies, and how much of it is read.

    Attributes:
        path: the folder with ``ckplus128/`` and ``ckplus_au.csv``, or with the official ``cohn-kanade-images/``,
            ``Emotion/``, ``FACS/`` and ``Landmarks/``; or a folder with either in its ``data/``; or ``ckplus128``
            or ``ckplus48`` itself, with the table beside it.
        last: of the official tree, how many frames at the end of each sequence are read and labelled as the peak
            is; fewer where the sequence has fewer after its first. Crops are read as they are.
        between: of the official tree, whether the frames before those are read too, without a label: whole
            sequences.
    """

    path: str
    last: int = 1
    between: bool = False

    def __post_init__(self) -> None:
        if self.last < 1:
            raise ValueError(f"last must be 1 or more, not {self.last}")


def build(options: Options) -> Dataset:
    """The data set; crops are read when they are asked for.

    Raises:
        DataError: nothing is there, in neither layout, or its files contradict each other.
    """
    items, labels = _opened(Path(options.path).expanduser(), options)
    return Dataset(
        name="ckplus",
        items=tuple(sorted(items, key=lambda item: item.name)),
        labels=LabelSet(labels),
        action_units=tuple(ACTION_UNITS),
        terms=TERMS,
    )


def _opened(path: Path, options: Options) -> tuple[list[Item], tuple[str, ...]]:
    """The items and the expressions that their labels come from."""
    if not path.is_dir():
        raise DataError(f"{path}: no such folder; give the one that holds CK+, such as ckplus:path/to/ckplus")
    for crops in (LOOSE, TIGHT):
        if path.absolute().name == crops.folder:
            return _ckplus_crops.items(path, crops), crops.labels
    for root in (path, path / "data"):
        if (root / LOOSE.folder).is_dir():
            return _ckplus_crops.items(root / LOOSE.folder, LOOSE), LOOSE.labels
        if (root / _ckplus_tree.IMAGES).is_dir():
            return _ckplus_tree.items(root, options.last, options.between), EXPRESSIONS
    raise DataError(
        f"{path}: holds CK+ in no known layout; give the folder with {LOOSE.folder}/ and {TABLE}, the folder "
        f"{TIGHT.folder} itself, or the one with the official {', '.join(f'{f}/' for f in _ckplus_tree.FOLDERS)}"
    )

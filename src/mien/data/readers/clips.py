"""Anybody's own clips: a folder per class, ``PATH/happiness/anna_01.mp4``.

Every clip is a sequence, of which a few moments are read, evenly spaced in time from the first frame to the last.
All of them carry the folder's label, also those at which the face is still (or again) at rest. The face is found by
Viola-Jones. The person is told as for ``folder``: by ``PATH/subjects.csv`` or before the first underscore.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mien.data.clip import ClipFaces
from mien.data.dataset import Dataset, Item
from mien.data.readers._classes import class_folders, files_of, label_set, subjects_of
from mien.faces.detect import haar
from mien.labels import canonical

if TYPE_CHECKING:
    from mien.types import Grey

SUFFIXES = (".mp4", ".mov", ".mkv", ".avi", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv")
"""Endings, in lower case, of the files that are taken for clips."""
TERMS = "The clips' terms are for their owner to know; mien was told none."


@dataclass(frozen=True, slots=True)
class Options:
    """Where the clips lie.

    Attributes:
        path: the folder that holds one folder per class.
        frames: moments read of each clip, 2 to 999.
    """

    path: str
    frames: int = 5

    def __post_init__(self) -> None:
        if not 2 <= self.frames <= 999:
            raise ValueError(f"frames must be 2 to 999, not {self.frames}")


def build(options: Options) -> Dataset:
    """The data set; a clip is decoded when its first face is asked for, the last clip's faces are kept.

    A clip that cannot be decoded, is too short or shows no face is told by its items when they are read, so that
    ``mien.data.readable`` can count and list it.

    Raises:
        DataError: there are no two classes with clips, somewhere no subject can be told, or ``subjects.csv`` names
            clips that are not there.
    """
    root = Path(options.path)
    folders = class_folders(root, "clips")
    files = [file for folder in folders for file in files_of(folder, SUFFIXES, "clip")]
    subjects = subjects_of(root, files)
    faces = ClipFaces(haar.build(haar.Options()), options.frames)
    items = []
    for file in files:
        name = file.relative_to(root).as_posix()
        label = canonical(file.parent.name)
        for moment in range(options.frames):
            face = _Moment(faces, file, moment)
            items.append(Item(f"{name}#{moment:03d}", subjects[name], name, moment, label, None, face))
    return Dataset(
        name="clips",
        items=tuple(sorted(items, key=lambda item: item.name)),
        labels=label_set(folders),
        terms=TERMS,
    )


@dataclass(frozen=True, slots=True)
class _Moment:
    """Reads the face at one moment of one clip."""

    faces: ClipFaces
    path: Path
    moment: int

    def __call__(self) -> Grey:
        return self.faces.crop(self.path, self.moment)

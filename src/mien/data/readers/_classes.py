"""Folders per class, and who is in which file: what ``folder`` and ``clips`` share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.data.table import read_csv
from mien.errors import DataError
from mien.labels import LabelSet, canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

TABLE = "subjects.csv"


def class_folders(root: Path, what: str) -> list[Path]:
    """The folders in ``root``, one per class, sorted; hidden ones are passed over.

    Args:
        root: the data set.
        what: what lies in them, in the plural, for messages.

    Raises:
        DataError: there is no such folder, or it has not two classes.
    """
    if not root.is_dir():
        raise DataError(f"{root}: no such folder; give one that holds a folder of {what} per class")
    found = sorted(f for f in root.iterdir() if f.is_dir() and not f.name.startswith("."))
    if len({canonical(folder.name) for folder in found}) < 2:
        raise DataError(
            f"{root}: has {len(found)} class folder(s); two or more are needed, such as {root}/happiness"
        )
    return found


def label_set(folders: Iterable[Path]) -> LabelSet:
    """The class folders' names in the house's words, sorted."""
    return LabelSet(tuple(sorted({canonical(folder.name) for folder in folders})))


def files_of(folder: Path, suffixes: Sequence[str], what: str) -> list[Path]:
    """The files of one class, sorted; hidden ones and those with other suffixes are passed over.

    Args:
        folder: of the class.
        suffixes: of the files wanted, in lower case.
        what: what they are, in the singular, for messages.

    Raises:
        DataError: there are none, or a folder lies within.
    """
    found = []
    for file in sorted(folder.iterdir()):
        if file.name.startswith("."):
            continue
        if file.is_dir():
            raise DataError(f"{file}: a folder within a class is not read; put its {what}s into {folder}")
        if file.suffix.lower() in suffixes:
            found.append(file)
    if not found:
        raise DataError(f"{folder}: holds no {what}; remove this class or fill it ({' '.join(suffixes)})")
    return found


def subjects_of(root: Path, files: Iterable[Path]) -> dict[str, str]:
    """Whose face each file shows, by path relative to ``root``.

    ``subjects.csv`` (columns ``file`` and ``subject``) in ``root`` says so; without it, the name up to its first
    underscore.

    Raises:
        DataError: of a file nobody can be told, or the table contradicts itself or names files that are not there.
    """
    named = {file.relative_to(root).as_posix(): file for file in files}
    table = root / TABLE
    if not table.exists():
        return {name: _from_name(root, file) for name, file in named.items()}
    told = _told(table)
    for name, file in named.items():
        if not told.get(name):
            raise DataError(f"{file}: {TABLE} does not say who this is; add the line {name},SUBJECT")
    gone = sorted(set(told) - set(named))
    if gone:
        raise DataError(
            f"{table}: names {len(gone)} file(s) that are not there, such as {gone[0]}; fetch them or remove their "
            "lines"
        )
    return told


def _from_name(root: Path, file: Path) -> str:
    subject, underscore, _ = file.stem.partition("_")
    if not underscore or not subject:
        raise DataError(
            f"{file}: who is this? Without subjects there is no honest split: name files subject_number, such as "
            f"anna_01{file.suffix}, or add {root / TABLE} with the columns file,subject"
        )
    return subject


def _told(table: Path) -> dict[str, str]:
    found: dict[str, str] = {}
    for row in read_csv(table, ("file", "subject")):
        name, subject = row["file"].strip().replace("\\", "/").removeprefix("./"), row["subject"].strip()
        if found.setdefault(name, subject) != subject:
            raise DataError(f"{table}: says both {found[name]} and {subject} for {name}; keep one")
    return found

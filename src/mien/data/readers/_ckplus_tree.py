"""CK+ as its authors give it: full frames, and a text file each for emotion, action units and landmarks.

::

    cohn-kanade-images/S005/001/S005_001_00000001.png ...
    Emotion/S005/001/S005_001_00000011_emotion.txt          one code; no file where there is no label
    FACS/S005/001/S005_001_00000011_facs.txt                lines of action unit and intensity
    Landmarks/S005/001/S005_001_00000001_landmarks.txt ...  68 lines of x and y
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mien.data.dataset import Item
from mien.data.picture import Picture, face_square
from mien.data.readers._ckplus_crops import STEM
from mien.errors import DataError
from mien.labels import ACTION_UNITS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

IMAGES, EMOTION, FACS, LANDMARKS = FOLDERS = ("cohn-kanade-images", "Emotion", "FACS", "Landmarks")

_EXPRESSION_OF = ("neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")  # by code


_HIGHEST = 5  # FACS' intensity E
_Grade = float | None


def items(root: Path, last: int, between: bool) -> list[Item]:
    """Frames of every sequence under ``root``, in no particular order.

    The first frame is neutral, and has no action units. The last one is the peak, which alone was coded; the
    ``last`` - 1 frames before it share its expression, not its codes.

    Args:
        root: the folder that holds ``FOLDERS``.
        last: frames at the end that are labelled as the peak is.
        between: also read the frames between, without a label.

    Raises:
        DataError: as ``ckplus.build``.
    """
    for name in FOLDERS:
        if not (root / name).is_dir():
            raise DataError(f"{root / name}: no such folder; unpack CK+'s {name} archive beside {IMAGES}")
    sequences = [f for f in (root / IMAGES).glob("S*/*") if f.is_dir() and not f.name.startswith(".")]
    if not sequences:
        raise DataError(f"{root / IMAGES}: holds no sequence; expected {IMAGES}/S005/001/S005_001_00000001.png")
    _refuse_labels_without_pictures(root, sequences)
    return [item for folder in sequences for item in _sequence(root, folder, last, between)]


def _refuse_labels_without_pictures(root: Path, sequences: Iterable[Path]) -> None:
    there = {(folder.parent.name, folder.name) for folder in sequences}
    for kind in (EMOTION, FACS):
        for file in sorted((root / kind).glob("S*/*/[!.]*.txt")):
            if (file.parent.parent.name, file.parent.name) not in there:
                raise DataError(f"{file}: its sequence has no pictures in {IMAGES}; fetch them or remove this file")


def _sequence(root: Path, folder: Path, last: int, between: bool) -> list[Item]:
    """Frames of the sequence whose pictures lie in ``folder``: the neutral first one, those between, the last."""
    name = f"{folder.parent.name}_{folder.name}"
    frames = sorted(f for f in folder.glob("*.png") if STEM.fullmatch(f.stem) and f.stem.startswith(f"{name}_"))
    if len(frames) < 2 or _number(frames[0]) != 1:
        raise DataError(
            f"{folder}: its first frame or its peak is missing; fetch {name}_00000001.png and following"
        )
    first, rest, peak = frames[0], frames[1:-1], frames[-1]
    shown = _expression(root, peak)
    begin = max(len(rest) - (last - 1), 0)
    absent = (0.0,) * len(ACTION_UNITS)
    return [
        _item(root, first, "neutral", absent),
        *(_item(root, frame, None, None) for frame in rest[:begin] if between),
        *(_item(root, frame, shown, None) for frame in rest[begin:]),
        _item(root, peak, shown, _intensities(root, peak)),
    ]


def _item(root: Path, frame: Path, expression: str | None, intensities: tuple[_Grade, ...] | None) -> Item:
    file = _beside(root, LANDMARKS, frame) / f"{frame.stem}_landmarks.txt"
    points = [(x, y) for x, y in _numbers(file, 2)]
    try:
        square = face_square(points)
    except ValueError as error:
        raise DataError(f"{file}: {error}; fetch this file again") from None
    subject, sequence, _ = frame.stem.split("_")
    return Item(
        name=frame.stem,
        subject=subject,
        sequence=f"{subject}_{sequence}",
        place=_number(frame) - 1,
        expression=expression,
        action_units=None if intensities is None else tuple(int(grade != 0) for grade in intensities),
        face=Picture(frame, square),
        landmarks=tuple((x - square.x, y - square.y) for x, y in points),
        intensities=intensities,
    )


def _expression(root: Path, peak: Path) -> str | None:
    file = _of_peak(root, EMOTION, peak, "emotion")
    if file is None:
        return None
    lines = _numbers(file, 1)
    if len(lines) != 1 or lines[0][0] not in range(len(_EXPRESSION_OF)):
        raise DataError(f"{file}: must hold one code, 0 to {len(_EXPRESSION_OF) - 1}; fetch this file again")
    return _EXPRESSION_OF[int(lines[0][0])]


def _intensities(root: Path, peak: Path) -> tuple[_Grade, ...] | None:
    """How strongly each action unit is shown at the peak, as ``Item.intensities``; None where nobody coded it."""
    file = _of_peak(root, FACS, peak, "facs")
    if file is None:
        return None
    grades: dict[str, list[float]] = {}
    for unit, grade in _numbers(file, 2, last_may_be_nan=True):
        if not (math.isnan(grade) or 0 <= grade <= _HIGHEST):
            raise DataError(f"{file}: an intensity is {grade:g}, not 0 to {_HIGHEST}; fetch this file again")
        grades.setdefault(f"AU{int(unit):02d}", []).append(grade)
    # units beyond the 23 are passed over
    return tuple(_graded(grades[unit]) if unit in grades else 0.0 for unit in ACTION_UNITS)


def _graded(grades: list[float]) -> _Grade:
    """The highest grade of a unit that is present; 0 and nan in the file mean that it was not graded."""
    return max((grade for grade in grades if grade > 0), default=None)


def _of_peak(root: Path, kind: str, peak: Path, ending: str) -> Path | None:
    """The peak's text file in folder ``kind``, or None where the sequence has none."""
    files = [f for f in _beside(root, kind, peak).glob(f"*_{ending}.txt") if not f.name.startswith(".")]
    if not files:
        return None
    wanted = f"{peak.stem}_{ending}.txt"
    if [f.name for f in files] != [wanted]:
        raise DataError(
            f"{min(files)}: is not about the sequence's last frame, {peak.name}; fetch the frames that are missing"
        )
    return files[0]


def _beside(root: Path, kind: str, frame: Path) -> Path:
    return root / kind / frame.parent.parent.name / frame.parent.name


def _number(frame: Path) -> int:
    return int(frame.stem.rpartition("_")[2])


def _numbers(file: Path, across: int, last_may_be_nan: bool = False) -> list[tuple[float, ...]]:
    """The finite numbers in a text file, ``across`` on every line that is not empty."""
    try:
        lines = [line.split() for line in file.read_text(encoding="ascii").splitlines() if line.strip()]
        found = [tuple(float(word) for word in line) for line in lines]
    except OSError as error:
        raise DataError(f"{file}: cannot be read ({error.strerror}); fetch this file again") from error
    except ValueError:
        raise DataError(f"{file}: holds something else than numbers; fetch this file again") from None
    finite = across - 1 if last_may_be_nan else across
    if not all(len(line) == across and all(map(math.isfinite, line[:finite])) for line in found):
        raise DataError(f"{file}: must hold {across} finite number(s) on every line; fetch this file again")
    return found

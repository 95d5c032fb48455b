"""The bank: all pictures and labels that the face networks learn from, in one file.

``python -m mien.learn.faces.bank --data ROOT --labels labels.npz --scenes training/faces/scenes.csv -o bank.npz``
makes it from the data sets and the teacher's labels (``training/faces/label.py``). It is small enough to be taken
to a machine with an accelerator, and what is held out is decided here, once: people, not pictures, are divided.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import itertools
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

from mien import atomic
from mien.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mien.types import Grey

Split = Literal["train", "validation", "test"]

KINDS = ("portraits", "small", "scenes")
ALARMS = "alarms"
"""The kind that ``mien.learn.faces.alarms`` adds."""
LONGEST = 224  # pixels: portraits are stored with at most this longer side
QUALITY = 92  # of the stored JPEGs
BELIEVED = 0.12  # agreement of the teacher with itself above which a portrait is left out
BELIEVED_SMALL = 0.05  # the same for the small faces, of which there are more than enough
MOST_SMALL = 12000


@dataclass(frozen=True, slots=True)
class Pictures:
    """One kind of pictures.

    Attributes:
        pictures: grey, each uint8 (height, width).
        names: path under the data's root, or the file's name.
        splits: ``train``, ``validation`` or ``test``, one for each.
        points: float32 (n, 68, 2), pixels of the picture; ``None`` for pictures without faces.
        agreement: float32 (n,), mean distance of the teacher's points on the picture and on its mirror image, in
            inter-ocular distances; ``None`` likewise.
    """

    pictures: list[Grey]
    names: list[str]
    splits: list[str]
    points: NDArray[np.float32] | None = None
    agreement: NDArray[np.float32] | None = None

    def of(self, split: Split) -> Pictures:
        """Those of one split, in their order."""
        chosen = [k for k, name in enumerate(self.splits) if name == split]
        return Pictures(
            [self.pictures[k] for k in chosen],
            [self.names[k] for k in chosen],
            [self.splits[k] for k in chosen],
            None if self.points is None else self.points[chosen],
            None if self.agreement is None else self.agreement[chosen],
        )


@dataclass(frozen=True, slots=True)
class Bank:
    """Portraits (one face each), small faces (48x48) and scenes without any face.

    Attributes:
        fingerprint: SHA-256 of the file, hex.
        alarms: squares about places of training scenes that a detector took for faces; ``None`` before they are
            gathered.
    """

    portraits: Pictures
    small: Pictures
    scenes: Pictures
    fingerprint: str
    alarms: Pictures | None = None


def split_of(name: str) -> Split:
    """The split of a portrait or a small face by its path; a person's pictures go together.

    ``test`` is for ``benchmarks/faces`` alone. Small faces carry no person and have no test part.
    """
    person = re.sub(r"_\d+$", "", Path(name).stem)
    draw = int.from_bytes(hashlib.sha256(person.encode()).digest()[:4], "big") % 100
    if draw < 5:
        return "validation"
    return "test" if draw < 25 and name.startswith("portraits/") else "train"


def read(path: str | Path) -> Bank:
    """The bank at ``path``.

    Raises:
        DataError: no such file, or not a bank.
    """
    try:
        content = Path(path).read_bytes()
        with np.load(path, allow_pickle=False) as stored:
            portraits, small, scenes = (_unpacked(stored, kind) for kind in KINDS)
            alarms = _unpacked(stored, ALARMS) if f"{ALARMS}_name" in stored else None
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path}: not a bank of faces ({error}); make one with mien.learn.faces.bank") from None
    return Bank(portraits, small, scenes, hashlib.sha256(content).hexdigest(), alarms)


def write(
    path: str | Path, portraits: Pictures, small: Pictures, scenes: Pictures, alarms: Pictures | None = None
) -> None:
    """Write a bank, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for kind, pictures in zip(KINDS, (portraits, small, scenes), strict=True):
        arrays |= {f"{kind}_{key}": value for key, value in _packed(pictures).items()}
    if alarms is not None:
        arrays |= {f"{ALARMS}_{key}": value for key, value in _packed(alarms).items()}
    packed = io.BytesIO()
    np.savez(packed, **arrays)  # type: ignore[arg-type]
    atomic.write_bytes(Path(path), packed.getvalue())


def gather(root: Path, labels: Mapping[str, NDArray[Any]], scenes: Sequence[Mapping[str, str]]) -> list[Pictures]:
    """Portraits, small faces and scenes as ``write`` wants them.

    Args:
        root: holds ``portraits``, ``ferplus`` and ``natural``.
        labels: arrays of the teacher's file.
        scenes: rows of ``scenes.csv``: ``name``, ``people``, ``split``.

    Raises:
        DataError: a picture cannot be read, or labels are missing.
    """
    single = labels["faces"] == 1
    good = {
        "portraits/": single & (labels["agreement"] <= BELIEVED),
        "ferplus/FER2013Train/": single & (labels["agreement"] <= BELIEVED_SMALL),
    }
    found: list[Pictures] = []
    for folder, believed in good.items():
        rows = [int(k) for k in np.flatnonzero(believed) if str(labels["name"][k]).startswith(folder)]
        if not rows:
            raise DataError(f"{root}: the labels name no face in {folder}")
        if folder != "portraits/":  # every so-manieth, so that all of the set is drawn from
            rows = [rows[k] for k in np.linspace(0, len(rows) - 1, min(MOST_SMALL, len(rows))).astype(int)]
        found.append(_faces(root, labels, rows))
    free = [row for row in scenes if row["people"] == "no"]
    pictures = [_grey(root / "natural" / row["name"]) for row in free]
    found.append(Pictures(pictures, [row["name"] for row in free], [row["split"] for row in free]))
    return found


def _faces(root: Path, labels: Mapping[str, NDArray[Any]], rows: Sequence[int]) -> Pictures:
    pictures: list[Grey] = []
    points: list[NDArray[np.float32]] = []
    for row in rows:
        grey = _grey(root / str(labels["name"][row]))
        shrink = min(1.0, LONGEST / max(grey.shape))
        if shrink < 1:
            size = (round(grey.shape[1] * shrink), round(grey.shape[0] * shrink))
            grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        pictures.append(grey)
        # An integer is the centre of a pixel.
        points.append(((labels["points"][row, :, :2] + 0.5) * shrink - 0.5).astype(np.float32))
    names = [str(labels["name"][row]) for row in rows]
    agreement = labels["agreement"][list(rows)].astype(np.float32)
    return Pictures(pictures, names, [split_of(name) for name in names], np.stack(points), agreement)


def _grey(path: Path) -> Grey:
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    if grey is None:
        raise DataError(f"{path}: not a picture that can be read")
    return grey  # type: ignore[return-value]


def _packed(pictures: Pictures) -> dict[str, NDArray[Any]]:
    encoded = [
        np.asarray(cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]).ravel()
        for grey in pictures.pictures
    ]
    ends = np.cumsum([0, *(len(one) for one in encoded)], dtype=np.int64)
    arrays: dict[str, NDArray[Any]] = {
        "jpeg": np.concatenate([np.zeros(0, np.uint8), *encoded]),
        "at": ends,
        "name": np.array(pictures.names, np.str_),
        "split": np.array(pictures.splits, np.str_),
    }
    if pictures.points is not None and pictures.agreement is not None:
        arrays |= {"points": pictures.points, "agreement": pictures.agreement}
    return arrays


def _unpacked(stored: Mapping[str, NDArray[Any]], kind: str) -> Pictures:
    flat, ends = stored[f"{kind}_jpeg"], stored[f"{kind}_at"]
    pictures = [cv2.imdecode(flat[start:end], cv2.IMREAD_GRAYSCALE) for start, end in itertools.pairwise(ends)]
    with_points = f"{kind}_points" in stored
    return Pictures(
        pictures,  # type: ignore[arg-type]
        stored[f"{kind}_name"].tolist(),
        stored[f"{kind}_split"].tolist(),
        stored[f"{kind}_points"] if with_points else None,
        stored[f"{kind}_agreement"] if with_points else None,
    )


def main() -> None:
    """Make a bank; see the module's text."""
    parser = argparse.ArgumentParser(description="Gather pictures and labels for the face networks in one file.")
    parser.add_argument("--data", type=Path, required=True, help="folder with portraits, ferplus and natural")
    parser.add_argument("--labels", type=Path, required=True, help="the teacher's labels.npz")
    parser.add_argument("--scenes", type=Path, required=True, help="scenes.csv: which photographs show no people")
    parser.add_argument("-o", dest="out", type=Path, required=True, help="the bank.npz to write")
    given = parser.parse_args()
    with np.load(given.labels, allow_pickle=False) as stored:
        labels = {key: stored[key] for key in stored.files}
    with given.scenes.open(newline="", encoding="utf-8") as file:
        scenes = list(csv.DictReader(file))
    kinds = gather(given.data, labels, scenes)
    write(given.out, *kinds)
    for kind, pictures in zip(KINDS, kinds, strict=True):
        counts = {split: pictures.splits.count(split) for split in ("train", "validation", "test")}
        print(f"{kind}: {len(pictures.names)} pictures, {counts}")  # noqa: T201  a tool's own output


if __name__ == "__main__":
    main()

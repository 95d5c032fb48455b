"""Faces of two data sets as arrays, each with the points that mien's landmark network finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import mien
from mien.data import parts
from mien.data.dataset import VALIDATION
from mien.data.opening import open_dataset
from mien.errors import DataError
from mien.evaluate import seen
from mien.evaluate.predictions import Predictions, Setting
from mien.expression import ExpressionModel
from mien.faces.landmarks import upright

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mien.data.dataset import Dataset
    from mien.faces.landmarks import LandmarkNetwork
    from mien.modelfile import ModelFile
    from mien.types import Grey

    Points = NDArray[np.float64]

ALIGNED, PLAIN = "aligned", "plain box"


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Labelled faces.

    Attributes:
        name: of the data.
        item, subject, shown: names (n,), people and expressions.
        greys: uint8 (height, width) each.
        points: (68, 2) of each in its pixels, or None where no face was found.
    """

    name: str
    item: tuple[str, ...]
    subject: tuple[str, ...]
    shown: tuple[str, ...]
    greys: tuple[Grey, ...]
    points: tuple[Points | None, ...]

    @property
    def missed(self) -> float:
        """Share of the faces that were not found, and count as upright ones that fill their picture."""
        return sum(p is None for p in self.points) / len(self.points)

    def drawn(self, most: int, seed: int) -> Faces:
        """``most`` of them at random, in their order; all if there are no more."""
        if len(self.item) <= most:
            return self
        chosen = np.sort(np.random.default_rng(seed).choice(len(self.item), most, replace=False)).tolist()
        fields = (self.item, self.subject, self.shown, self.greys, self.points)
        return Faces(self.name, *(tuple(field[k] for k in chosen) for field in fields))


@dataclass(frozen=True, slots=True)
class Model:
    """A model under test, with the name it goes by in tables."""

    name: str
    file: ModelFile
    scorer: ExpressionModel


def validation(root: Path, network: LandmarkNetwork, models: Sequence[Model]) -> Faces:
    """FER+ validation: its pictures with a majority label.

    Raises:
        DataError: there are none, or one of the models was trained on them.
    """
    data = parts.of_part(open_dataset(f"ferplus:{root / 'ferplus'}"), VALIDATION)
    for model in models:
        seen.refuse(model.file, data)
    return _faces("FER+ validation", data, network)


def ckplus(root: Path, network: LandmarkNetwork, models: Sequence[Model]) -> Faces:
    """CK+: peaks of the labelled sequences, and neutral first frames.

    Raises:
        DataError: it is not there, or one of the models was trained on some of it.
    """
    data = open_dataset(f"ckplus:{root}")
    for model in models:
        seen.refuse(model.file, data)
        if data.name in trained_on(model.file):
            raise DataError(f"{model.file.path}: was trained on {data.name}, which it is to be scored on as unseen")
    return _faces("CK+", data, network)


def trained_on(file: ModelFile) -> set[str]:
    """Names of the data sets that a model, or one that it started from, was trained on."""
    before = [str(one.get("data", "")) for one in file.meta.notes.get("trained_on", ())]
    return {name for told in (file.meta.provenance.data, *before) for name in told.split("+")}


def looked(greys: Sequence[Grey], network: LandmarkNetwork) -> tuple[Points | None, ...]:
    """The points of faces that fill their pictures, as a user of crops gets them."""
    return tuple(None if (seen := network.in_crop(grey)) is None else seen.astype(np.float64) for grey in greys)


def known(greys: Sequence[Grey], points: Sequence[Points | None]) -> list[Points]:
    """The points, those of an upright face where none was found."""
    return [upright(grey) if at is None else at for grey, at in zip(greys, points, strict=True)]


def probabilities(model: Model, greys: Sequence[Grey], points: Sequence[Points]) -> NDArray[np.float64]:
    """Of each label, (n, labels)."""
    return model.scorer.score(greys, [None] * len(greys), points).expressions


def predicted(model: Model, faces: Faces, how: str = ALIGNED) -> Predictions:
    """What the model says as it stands, of aligned faces or of plain boxes.

    Raises:
        DataError: a face shows what the model has no label for.
    """
    points = [upright(grey) for grey in faces.greys] if how == PLAIN else known(faces.greys, faces.points)
    labels = model.scorer.labels
    if foreign := sorted(set(faces.shown) - set(labels)):
        raise DataError(f"{model.file.path}: has no label {', '.join(foreign)}, which faces of {faces.name} show")
    made = model.file.meta.provenance
    return Predictions(
        labels=labels,
        item=np.array(faces.item),
        subject=np.array(faces.subject),
        fold=np.zeros(len(faces.item), np.intp),
        truth=np.array([labels.index(shown) for shown in faces.shown], np.intp),
        probabilities=probabilities(model, faces.greys, points),
        setting=Setting(
            model.name, model.file.sha256, faces.name, "", f"as is, {how}", False, made.synthetic, "",
            mien.__version__, made.seed,
        ),
    )  # fmt: skip


def _faces(name: str, data: Dataset, network: LandmarkNetwork) -> Faces:
    items = [item for item in data.items if item.expression is not None]
    if not items:
        raise DataError(f"{data.name}: no labelled face to score")
    greys = tuple(item.face() for item in items)
    return Faces(
        name,
        tuple(item.name for item in items),
        tuple(item.subject for item in items),
        tuple(str(item.expression) for item in items),
        greys,
        looked(greys, network),
    )

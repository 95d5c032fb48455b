"""Predictions of faces that the scoring model never saw."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

import mien
from mien import plugins
from mien.data import landmarks
from mien.errors import DataError
from mien.evaluate.predictions import Predictions, Setting
from mien.expression import ExpressionModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from mien.data.dataset import Dataset, Item
    from mien.data.splits import Fold
    from mien.modelfile import ModelFile

    Progress = Callable[[str, int, int], None]

AS_IS = "as-is"  # the one protocol that trains nothing


def as_is(file: ModelFile, dataset: Dataset) -> Predictions:
    """Score the model as it stands; faces that it wants aligned are aligned as in training.

    Raises:
        DataError: it was trained on this very data, or a face shows what the model has no label for.
        UnknownPartError, ModelError: the landmark network is needed, and missing or damaged.
    """
    made = file.meta.provenance
    fingerprint = dataset.fingerprint()
    if fingerprint in {made.fingerprint, *file.meta.notes.get("fingerprints", ())}:
        raise DataError(
            f"{file.path}: was trained on these very faces ({dataset.name}); its score on them would be a leak. "
            "Use --protocol subject-10fold, which trains anew without the people it scores"
        )
    model = ExpressionModel(file)
    items = tuple(item for item in dataset.items if item.expression is not None)
    foreign = sorted({str(item.expression) for item in items} - set(model.labels))
    if foreign:
        raise DataError(f"{file.path}: has no label {', '.join(foreign)}, which faces of {dataset.name} show")
    faces = [item.face() for item in items]
    points = None
    if model.needs_points:
        items = landmarks.with_landmarks(replace(dataset, items=items)).items
        points = [landmarks.points(item, face) for item, face in zip(items, faces, strict=True)]
    return _assembled(
        items,
        model.labels,
        [model.score(faces, [None] * len(items), points)],
        [0] * len(items),
        _setting(file, dataset, fingerprint, AS_IS, retrained=False),
    )


def retrained(
    file: ModelFile, dataset: Dataset, folds: Sequence[Fold], protocol: str, progress: Progress
) -> Predictions:
    """Train the model's own recipe on each fold's training items, features too, and score the others.

    Args:
        file: the model; its weights are not used, only its recipe and seed.
        dataset: labelled faces.
        folds: who is trained on and who is scored; nobody may be scored twice.
        protocol: the folds' name, for the record.
        progress: called as ``progress(stage, done, of)``.

    Raises:
        MissingExtraError: training needs ``mien[train]``.
        DataError: the folds overlap, or hold no labelled face.
        TrainingError: as ``mien train``.
        UnknownPartError, ModelError: as ``as_is``.
    """
    fit = plugins.load("mien.learn.fit")
    recipes = plugins.load("mien.learn.recipe")
    training_set = plugins.load("mien.learn.training_set")
    made = file.meta.provenance
    recipe = recipes.parse(made.recipe, f"{file.path}: its recipe").with_seed(made.seed)
    dataset = landmarks.for_alignment(dataset, recipe.patches.alignment)  # once for all folds
    items: list[Item] = []
    numbers: list[int] = []
    scores: list[NDArray[np.float64]] = []
    for number, fold in enumerate(folds):
        progress("folds", number, len(folds))
        shown = [dataset.items[i] for i in fold.test if dataset.items[i].expression is not None]
        if not shown:
            continue
        known = tuple(dataset.items[i] for i in fold.train)
        trained = fit.train(recipe, replace(dataset, items=known), progress)
        scores.append(trained.predict(training_set.cut(shown, recipe.patches)))
        items.extend(shown)
        numbers.extend([number] * len(shown))
    progress("folds", len(folds), len(folds))
    if len({item.name for item in items}) < len(items):
        raise DataError(f"{dataset.name}: protocol {protocol} scores some faces twice")
    setting = _setting(file, dataset, dataset.fingerprint(), protocol, retrained=True)
    return _assembled(items, dataset.labels.expressions, scores, numbers, setting)


def _setting(file: ModelFile, dataset: Dataset, fingerprint: str, protocol: str, *, retrained: bool) -> Setting:
    made = file.meta.provenance
    return Setting(
        model=file.meta.name,
        model_sha256=file.sha256,
        data=dataset.name,
        data_fingerprint=fingerprint,
        protocol=protocol,
        retrained=retrained,
        synthetic=dataset.synthetic or (made.synthetic and not retrained),
        terms=dataset.terms,
        mien_version=mien.__version__,
        seed=made.seed,
    )


def _assembled(
    items: Sequence[Item],
    labels: tuple[str, ...],
    scores: list[NDArray[np.float64]],
    folds: list[int],
    setting: Setting,
) -> Predictions:
    if not items:
        raise DataError(f"{setting.data}: no labelled face to score")
    place = {label: k for k, label in enumerate(labels)}
    order = np.argsort(np.array([item.name for item in items]), kind="stable")
    return Predictions(
        labels=labels,
        item=np.array([item.name for item in items])[order],
        subject=np.array([item.subject for item in items])[order],
        fold=np.array(folds, np.intp)[order],
        truth=np.array([place[str(item.expression)] for item in items], np.intp)[order],
        probabilities=np.concatenate(scores)[order],
        setting=setting,
    )

"""Predictions of faces that the scoring model never saw."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

import mien
from mien import modelfile, plugins
from mien.data import landmarks, parts
from mien.errors import DataError
from mien.evaluate import seen, unit_predictions
from mien.evaluate.predictions import Predictions, Setting
from mien.evaluate.unit_predictions import Part
from mien.expression import ExpressionModel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from mien.data.dataset import Dataset, Item
    from mien.data.splits import Fold
    from mien.modelfile import ModelFile

    Progress = Callable[[str, int, int], None]

AS_IS = "as-is"  # trains nothing, and scores all there is


def as_is(file: ModelFile, dataset: Dataset, protocol: str = AS_IS) -> Predictions:
    """Score the model as it stands; faces that it wants aligned are aligned as in training.

    Args:
        file: the model.
        dataset: the faces; those without an expression count for action units only.
        protocol: how the faces were chosen, for the record.

    Raises:
        DataError: it was trained on these very faces or on one of their official parts, or a face shows what the
            model has no label for.
        UnknownPartError, ModelError: the landmark network is needed, and missing or damaged.
    """
    fingerprint = seen.refuse(file, dataset)
    model = ExpressionModel(file)
    items = tuple(item for item in dataset.items if item.expression is not None)
    foreign = sorted({str(item.expression) for item in items} - set(model.labels))
    if foreign:
        raise DataError(f"{file.path}: has no label {', '.join(foreign)}, which faces of {dataset.name} show")
    labelled = len(items)
    if model.action_units:
        items += tuple(unit_predictions.unlabelled(dataset, dataset.subjects))
    faces = [item.face() for item in items]
    points = None
    if model.needs_points:
        items = landmarks.with_landmarks(replace(dataset, items=items)).items
        points = [landmarks.points(item, face) for item, face in zip(items, faces, strict=True)]
    scores = model.score(faces, [None] * len(faces), points)
    setting = _setting(file, dataset, fingerprint, protocol, retrained=False)
    units = [Part(items, 0, model.action_units, scores.action_units)]
    scored = _assembled(items[:labelled], model.labels, [scores.expressions[:labelled]], [0] * labelled, setting)
    return replace(scored, action_units=unit_predictions.gathered(units, dataset, setting))


def retrained(
    file: ModelFile,
    dataset: Dataset,
    folds: Sequence[Fold],
    protocol: str,
    progress: Progress,
    beside: Sequence[Dataset] = (),
) -> Predictions:
    """Train the model's own recipe on each fold's training items, features too, and score the others.

    Faces without an expression of people whom a fold does not score are trained on, too: recipes that learn action
    units or votes want them.

    Args:
        file: the model; its weights are not used, only its recipe and seed.
        dataset: labelled faces.
        folds: who is trained on and who is scored; nobody may be scored twice.
        protocol: the folds' name, for the record.
        progress: called as ``progress(stage, done, of)``.
        beside: other data sets, which every fold is trained on and nobody of which is scored.

    Raises:
        MissingExtraError: training needs ``mien[train]``.
        DataError: the folds overlap or hold no labelled face, the data sets do not fit together, or the model that
            the recipe starts from was trained on the faces that are to be scored.
        TrainingError: as ``mien train``.
        UnknownPartError, ModelError: as ``as_is``.
    """
    fit = plugins.load("mien.learn.fit")
    recipes = plugins.load("mien.learn.recipe")
    training_set = plugins.load("mien.learn.training_set")
    made = file.meta.provenance
    recipe = recipes.parse(made.recipe, f"{file.path}: its recipe").with_seed(made.seed)
    start = _start(recipe)
    fingerprint = seen.refuse(start, dataset) if start else dataset.fingerprint()
    dataset, *others = (  # once for all folds
        landmarks.for_alignment(one, recipe.patches.alignment) for one in (dataset, *beside)
    )
    items: list[Item] = []
    numbers: list[int] = []
    scores: list[NDArray[np.float64]] = []
    units: list[Part] = []
    for number, fold in enumerate(folds):
        progress("folds", number, len(folds))
        shown = [dataset.items[i] for i in fold.test if dataset.items[i].expression is not None]
        if not shown:
            continue
        known = [dataset.items[i] for i in fold.train]
        own = replace(dataset, items=_learned(dataset, fold, {item.subject for item in shown}))
        trained = fit.train(recipe, training_set.join([own, *others]), progress)
        names = trained.labels.action_units
        further = unit_predictions.unlabelled(dataset, _people(shown), _people(known)) if names else []
        patches = training_set.cut([*shown, *further], recipe.patches)
        scores.append(trained.predict(patches[: len(shown)]))
        if names:
            units.append(Part([*shown, *further], number, names, trained.action_units(patches)))
        items.extend(shown)
        numbers.extend([number] * len(shown))
    progress("folds", len(folds), len(folds))
    if len({item.name for item in items}) < len(items):
        raise DataError(f"{dataset.name}: protocol {protocol} scores some faces twice")
    setting = _setting(file, dataset, fingerprint, protocol, retrained=True, beside=others, start=start)
    scored = _assembled(items, dataset.labels.expressions, scores, numbers, setting)
    return replace(scored, action_units=unit_predictions.gathered(units, dataset, setting))


def _start(recipe: Any) -> ModelFile | None:  # noqa: ANN401  recipes belong to the learning room, which may be missing
    """The model that the recipe begins with; None where it begins with nothing."""
    name = str(getattr(recipe, "start", ""))
    return modelfile.read(name) if name else None


def _learned(dataset: Dataset, fold: Fold, scored: set[str]) -> tuple[Item, ...]:
    """The fold's training faces, and those without an expression of people who are not scored."""
    train = set(fold.train)
    return tuple(
        item
        for i, item in enumerate(dataset.items)
        if i in train or (item.expression is None and item.subject not in scored and parts.trainable(item))
    )


def _people(items: Sequence[Item]) -> set[str]:
    return {item.subject for item in items}


def _setting(
    file: ModelFile,
    dataset: Dataset,
    fingerprint: str,
    protocol: str,
    *,
    retrained: bool,
    beside: Sequence[Dataset] = (),
    start: ModelFile | None = None,
) -> Setting:
    made = file.meta.provenance
    return Setting(
        model=file.meta.name,
        model_sha256=file.sha256,
        data=dataset.name,
        data_fingerprint=fingerprint,
        protocol=protocol,
        retrained=retrained,
        synthetic=any(one.synthetic for one in (dataset, *beside)) or (made.synthetic and not retrained),
        terms="; ".join(dict.fromkeys(one.terms for one in (dataset, *beside) if one.terms)),
        mien_version=mien.__version__,
        seed=made.seed,
        beside="+".join(one.name for one in beside),
        start=start.meta.name if start else "",
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

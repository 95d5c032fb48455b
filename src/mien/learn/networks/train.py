"""From data to a trained network: the corridor of ``mien train`` for recipes with a [backbone]."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mien.data import landmarks
from mien.errors import TrainingError
from mien.labels import NEUTRAL, LabelSet
from mien.learn import loop, training_set
from mien.learn.device import device as chosen
from mien.learn.interfaces import Progress, silent
from mien.learn.networks import calibration, pretraining, targets, views
from mien.learn.networks import start as starts
from mien.learn.networks.backbone import Network
from mien.learn.networks.calibration import Calibrated
from mien.learn.networks.step import Step
from mien.log_odds import log_odds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from mien.data.dataset import Dataset, Item
    from mien.learn.networks.recipe import NetworkRecipe
    from mien.learn.networks.targets import Targets

AT_ONCE = 256  # faces per run of the network outside training


@dataclass(frozen=True, slots=True, eq=False)
class TrainedNetwork:
    """A trained network.

    Attributes:
        recipe: how it was trained.
        labels: meaning of its outputs.
        module: patches (n, size, size) to probabilities of expressions and units, and features; in ``eval`` mode.
        items, subjects: how many faces and people it was trained or calibrated on.
        told: figures about the fit, for the model's notes.
    """

    recipe: NetworkRecipe
    labels: LabelSet
    module: Calibrated
    items: int
    subjects: int
    told: dict[str, Any]

    def predict(self, patches: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (n, labels) of patches (n, size, size) in [0, 1]; rows sum to 1."""
        found = self._run(patches)[0].astype(np.float64)
        return np.asarray(found / found.sum(axis=1, keepdims=True), np.float64)

    def action_units(self, patches: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probability (n, units) that each action unit is shown; (n, 0) of a network without."""
        return self._run(patches)[1].astype(np.float64)

    def figures(self) -> dict[str, Any]:
        """Figures about the fit, for the model's notes."""
        return self.told

    def _run(self, patches: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        return run(self.module, patches)


def train(
    recipe: NetworkRecipe,
    dataset: Dataset,
    progress: Progress = silent,
    device: str = "auto",
    checkpoint: Path | None = None,
) -> TrainedNetwork:
    """Train a network on the labelled, voted or coded faces of ``dataset``; pretraining sees the others too.

    Where the recipe starts from a model that has action units and no face is coded for them, the model's units stay
    as they are, with their calibration: nothing is learned about them. If the heads alone learn on, their
    probabilities stay the same; with ``tune = "all"`` the backbone moves beneath them, and they move with it.

    Args:
        recipe: see there. Equal recipes and data give equal bits on one machine with as many threads.
        dataset: the faces; nothing else is seen but the model that the recipe starts from.
        progress: see ``learn.interfaces``.
        device: ``auto``, ``cpu`` or ``cuda``.
        checkpoint: a ``.npz`` file to go on from where it is there, kept up to date.

    Raises:
        TrainingError: too little data, a label without a face, or the learning diverged.
        UsageError: no such device.
        DataError: an image cannot be read.
        UnknownPartError, ModelError: the model to start from, or the landmark network, is missing or damaged.
    """
    where = chosen(device)
    dataset = landmarks.for_alignment(dataset, recipe.patches.alignment)
    keeps = starts.kept(recipe, dataset)
    units = () if keeps else targets.units(dataset.items, dataset, recipe.targets)  # those that are learned
    items = [item for item in dataset.items if _teaches(item, units)]
    learned, kept = _divided(items, recipe)
    t = targets.targets(learned, dataset, units, recipe.targets)
    sources = _sources(learned, dataset)
    labels = LabelSet(dataset.labels.expressions, keeps.names if keeps else units)
    torch.manual_seed(recipe.seed)
    network, begun = starts.begun(recipe, labels, keeps)
    before = copy.deepcopy(network)
    if not recipe.start:
        _complete(t, dataset, recipe.targets.smooth)
    begins = recipe.pretraining.steps > 0 and (checkpoint is None or not checkpoint.exists())
    others = [item for item in dataset.items if not _teaches(item, units)] if begins else []
    faces = views.Faces.of([*learned, *others], recipe.patches)
    step = Step(recipe, network.to(where), faces, t, sources, progress)
    if begins:
        pretraining.pretrain(network.backbone, step.views, recipe.seed, recipe.pretraining, progress)
    trained = loop.train(network, step, recipe.training, checkpoint, lambda _: None, factor=recipe.factor)
    progress("training", recipe.training.steps, recipe.training.steps)
    assert isinstance(trained, Network)  # a copy of the one given
    trained = trained.cpu().to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    trained = starts.blended(trained, before, recipe, labels)
    share = recipe.calibration.prior
    if kept:
        held = targets.targets(kept, dataset, units, recipe.targets)
        scores = run(trained, training_set.cut(kept, recipe.patches))
        made = calibration.fit(scores[0], scores[1], held, step.natural, share)
    else:
        made = calibration.none(share * step.natural, len(labels.action_units))
    if keeps:
        made = replace(made, slope=keeps.slope, bias=keeps.bias)
    module = Calibrated(trained, made).eval()
    told: dict[str, Any] = {"calibration": {"temperature": made.temperature, **made.figures}, **begun}
    neutral = keeps.neutral.tolist() if keeps else []
    if units or (keeps and recipe.tune == "all"):
        neutral = _at_rest(module, learned, recipe) or neutral
    if labels.action_units:
        told["neutral_action_units"] = neutral
    if keeps:
        told["kept_action_units"] = list(keeps.names)  # from the model that it started from
    return TrainedNetwork(recipe, labels, module, len(items), len({item.subject for item in items}), told)


def run(module: torch.nn.Module, patches: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """What the module gives for patches (n, size, size), as float32 arrays, without autocast."""
    found: list[list[Tensor]] = []
    with torch.inference_mode():
        for some in torch.split(torch.from_numpy(np.ascontiguousarray(patches, np.float32)), AT_ONCE):
            found.append(list(module(some)))
    return [torch.cat(parts).numpy() for parts in zip(*found, strict=True)]


def _teaches(item: Item, units: tuple[str, ...]) -> bool:
    """Whether anything can be learned from the face."""
    coded = item.action_units is not None and bool(units)
    return item.expression is not None or item.votes is not None or coded


def _divided(items: Sequence[Item], recipe: NetworkRecipe) -> tuple[list[Item], list[Item]]:
    """The faces to learn from, and those of the people kept out for calibration, a share of every data set."""
    share = recipe.calibration.share
    people = sorted({item.subject for item in items})
    kept: set[str] = set()
    if share > 0:
        if len(people) < 3:
            raise TrainingError(
                f"{recipe.name}: calibration needs people whom the network does not learn from, there are "
                f"{len(people)} in all; add people, or give [calibration] share = 0"
            )
        by_source: dict[str, list[str]] = {}
        for person in people:
            by_source.setdefault(person.rpartition("/")[0], []).append(person)
        for _, there in sorted(by_source.items()):
            # The same people of a data set as a model to start from kept out of its own training.
            random = np.random.default_rng([recipe.seed, 2])
            count = min(max(round(share * len(there)), 1), len(there) - 1)
            kept |= {there[k] for k in random.permutation(len(there))[:count]}
    learned = [item for item in items if item.subject not in kept]
    return learned, [item for item in items if item.subject in kept]


def _sources(items: Sequence[Item], dataset: Dataset) -> NDArray[np.intp]:
    """Which of the joined data sets each face is from."""
    names = dataset.name.split("+")
    if len(names) == 1:
        return np.zeros(len(items), np.intp)
    return np.array([names.index(item.name.partition("/")[0]) for item in items], np.intp)


def _complete(t: Targets, dataset: Dataset, smooth: float) -> None:
    nobody = smooth / t.expressions.shape[1] + 1e-6  # what every face is given of every label
    strongest = t.expressions.max(axis=0)
    shown = {label for label, most in zip(dataset.labels.expressions, strongest, strict=True) if most > nobody}
    training_set.require(dataset, shown)


def _at_rest(module: Calibrated, items: Sequence[Item], recipe: NetworkRecipe) -> list[float]:
    """What the network says of the units of a typical neutral face: the level that videos are compared to."""
    neutral = [item for item in items if item.expression == NEUTRAL]
    if not neutral:
        return []
    some = [neutral[k] for k in np.random.default_rng(recipe.seed).permutation(len(neutral))[:2000]]
    found = run(module, training_set.cut(some, recipe.patches))[1].astype(np.float64)
    level = log_odds(found).mean(axis=0)
    return [float(p) for p in 1 / (1 + np.exp(-level))]

"""The procedure of ``mien architecture``: the prior, the likelihood, pruning, halving, and one recipe.

Each step counts something else, and none of them alone is the answer. The linear dimension is cheap and needs no
network; it adds its own size to those that are tried. The likelihood asks what a layer needs to know all about a
face; pruning, what a layer that has more than it needs makes use of. What is recommended is what successive halving
chose, because it alone scores the network that will be used, at the task it will be used for.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.data import landmarks
from mien.errors import UsageError
from mien.learn import training_set
from mien.learn.architecture import dimension, examples, family, halving, likelihood, pruning
from mien.learn.architecture.estimate import Estimate, written
from mien.learn.interfaces import Progress, silent
from mien.learn.recipe import TrainRecipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mien.data.dataset import Dataset
    from mien.learn.architecture.examples import Examples
    from mien.learn.networks.recipe import NetworkRecipe

NAME = "recommended"

NEAR = 1.2
"""A size that is within this factor of another one is not tried beside it."""


@dataclass(frozen=True, slots=True)
class Options:
    """How thoroughly is looked.

    Attributes:
        dimension, likelihood, pruning, halving: the options of the steps.
        most: faces that are looked at; of more, those of some people drawn by the seed.
    """

    dimension: dimension.Options = field(default_factory=dimension.Options)
    likelihood: likelihood.Options = field(default_factory=likelihood.Options)
    pruning: pruning.Options = field(default_factory=pruning.Options)
    halving: halving.Options = field(default_factory=halving.Options)
    most: int = 3000


QUICK = Options(
    dimension.Options(surrogates=5, groups=5),
    likelihood.Options((16, 64, 250), refinements=0, folds=2, epochs=20, temperatures=300, chains=30),
    pruning.Options(units=128, folds=2),
    halving.Options((1, 2), (64, 250), rounds=2, folds=2, duration=0.3),
    most=600,
)
"""Fewer sizes, steps and draws, to see that it works; the sizes that it recommends are rough."""


def of_dataset(
    dataset: Dataset,
    plan: TrainRecipe | NetworkRecipe,
    options: Options,
    seed: int,
    progress: Progress = silent,
    *,
    use_labels: bool = True,
) -> Estimate:
    """The estimate for a data set, its faces cut as ``plan`` says.

    Altered copies are left out: they cost ten times the time, and all candidates do without them alike.

    Args:
        dataset: faces; where some are labelled, the others are left aside.
        plan: the recipe whose layers and units are sought.
        options: how thoroughly.
        seed: of everything drawn.
        progress: see ``learn.interfaces``.
        use_labels: whether labels may be looked at; else all faces are used, as if they had none.

    Raises:
        UsageError: the recipe is a network's, which has no layers to choose.
        RecipeError: the recipe's features leave no choice of units.
        TrainingError: as in ``estimate``.
        DataError: an image cannot be read.
    """
    plan = adjustable(plan)
    dataset = landmarks.for_alignment(dataset, plan.patches.alignment)
    labelled = training_set.labelled(dataset.items, dataset.labels) if use_labels else ()
    items = labelled or dataset.items
    place = {name: k for k, name in enumerate(dataset.labels.expressions)}
    patches = training_set.cut(items, plan.patches)
    labels = np.array([place[str(item.expression)] for item in labelled], np.intp) if labelled else None
    subjects = np.array([item.subject for item in items], np.str_)
    return estimate(patches.reshape(len(items), -1), subjects, labels, plan, options, seed, progress)


def estimate(
    x: NDArray[Any],
    subjects: Sequence[str] | NDArray[np.str_],
    labels: NDArray[np.intp] | None,
    plan: TrainRecipe | NetworkRecipe,
    options: Options,
    seed: int,
    progress: Progress = silent,
) -> Estimate:
    """The estimate for faces as rows.

    Args:
        x: (n, pixels) in [0, 1].
        subjects: (n,) whose face each row is.
        labels: (n,) index of each row's label, or ``None``; one label alone counts as none.
        plan: the recipe whose layers and units are sought.
        options: how thoroughly.
        seed: of everything drawn; equal inputs, options and seed give equal results on one machine.
        progress: see ``learn.interfaces``.

    Raises:
        TrainingError: too few faces or people, NaN or constant columns, values outside [0, 1], or learning
            diverged.
        UsageError, RecipeError: as in ``of_dataset``.
    """
    plan = adjustable(plan)
    if labels is not None and len(np.unique(labels)) < 2:
        labels = None
    folds = (options.dimension.groups, options.likelihood.folds, options.pruning.folds, options.halving.folds)
    faces = _drawn(examples.checked(x, subjects, labels, 2 * max(folds)), options.most, seed)
    prior = dimension.estimate(faces, options.dimension, seed, progress)
    size = prior.parallel.value
    curve = likelihood.estimate(
        faces, replace(options.likelihood, units=_with(options.likelihood.units, size)), seed, progress
    )
    copies = plan.augmentation
    learner = family.repeated(plan.features, 1 + copies.mirror + copies.copies)
    large = family.sized(learner, (options.pruning.units,))
    left = pruning.estimate(faces, large.build(), options.pruning, seed, progress)
    tried = replace(options.halving, units=_with(options.halving.units, size))
    found = halving.estimate(faces, learner, plan.head, tried, seed, progress)
    chosen = replace(plan, name=NAME, features=family.sized(plan.features, found.chosen.shape.widths))
    text = written(chosen, _heading(faces, found, plan.name))
    return Estimate(
        dimension=prior,
        likelihood=curve,
        pruning=left,
        halving=found,
        recipe=replace(chosen, text=text),
        faces=len(faces.x),
        people=faces.people,
        labelled=faces.labels is not None,
        seed=seed,
    )


def adjustable(plan: TrainRecipe | NetworkRecipe) -> TrainRecipe:
    """The recipe, if its features leave a choice of units; known before minutes of work.

    Raises:
        UsageError: it is a network's.
        RecipeError: its features leave no choice of units.
    """
    if not isinstance(plan, TrainRecipe):
        raise UsageError(
            f"{plan.name}: a recipe with a [backbone] has no layers to choose; take one with [features], such as "
            "aligned"
        )
    family.sized(plan.features, (2,))
    return plan


def _drawn(faces: Examples, most: int, seed: int) -> Examples:
    """At most so many faces: whole people, in an order drawn by the seed."""
    if len(faces.x) > most:
        people, place, counts = np.unique(faces.subjects, return_inverse=True, return_counts=True)
        order = np.random.default_rng([seed, 14]).permutation(len(people))
        kept = order[: max(2, int(np.searchsorted(np.cumsum(counts[order]), most, side="right")))]
        faces = faces.where(np.isin(place.reshape(-1), kept))
    if faces.labels is None:
        return faces
    known, labels = np.unique(faces.labels, return_inverse=True)
    return replace(faces, labels=labels.reshape(-1).astype(np.intp), classes=len(known))


def _with(sizes: tuple[int, ...], size: int) -> tuple[int, ...]:
    """The sizes with ``size`` among them, unless one of them is near it; ascending."""
    near = size < 2 or any(1 / NEAR < size / other < NEAR for other in sizes)
    return tuple(sorted(sizes if near else (*sizes, size)))


def _heading(faces: Examples, found: halving.Halving, base: str) -> str:
    shape = found.chosen.shape
    layers = f"{shape.layers} layer{'s' if shape.layers > 1 else ''} of {shape.units} units"
    return (
        f"{layers}, as 'mien architecture' chose on {len(faces.x)} faces of {faces.people} people: the\n"
        f"smallest network within one standard error of the best of those tried ({found.measure}:\n"
        f"{found.chosen.score.value:.3f}, best {found.best.score.value:.3f} +- {found.best.score.error:.3f}). All "
        f"else is as in {base}."
    )

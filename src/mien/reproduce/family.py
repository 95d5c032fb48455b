"""The family of the belief network: every recipe of it, trained on nine groups of people and scored on the tenth.

What is compared shares patches and head and differs in one thing: belief networks, autoencoders and random weights
of one size, before and after fine-tuning; convolutional networks; sparse encoding machines; Gabor filters with
boosting. Each is a shipped recipe, or one with its features replaced. Where the sequences' neutral first frames
are known, the head is fitted once more with the features' change from there beside them: a single frame tells two
people apart as readily as two expressions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.learn import fit, recipe, training_set
from mien.learn.features import pca, pixels, random_layers, stack
from mien.recipe import Part
from mien.reproduce import measures
from mien.reproduce.corpus import at_rest
from mien.reproduce.divisions import GROUPS
from mien.reproduce.scored import Scored
from mien.reproduce.settings import FULL
from mien.reproduce.views import BETA, RHO, WEIGHT_DECAY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mien.data.dataset import Item
    from mien.learn.interfaces import Classifier
    from mien.learn.recipe import TrainRecipe
    from mien.reproduce.bench import Bench
    from mien.reproduce.corpus import Corpus
    from mien.reproduce.results import Row
    from mien.reproduce.settings import Settings
    from mien.reproduce.stages import Arrays

EXPERIMENT = "family"
FROM_FIRST = "+change"
"""What the inputs are called that hold the change from the sequence's first frame as well."""
BELIEF, TUNED = "belief-network", "belief-network-tuned"
AUTOENCODERS, AUTOENCODERS_TUNED = "autoencoders", "autoencoders-tuned"
RANDOM, RANDOM_TUNED = "random-layers", "random-layers-tuned"
ENCODING, ONE_AUTOENCODER = "sparse-encoding", "autoencoder"
CONVOLUTIONAL, CONVOLUTIONAL_TUNED, GABOR = "convolutional", "convolutional-tuned", "gabor-boosted"
PIXELS, PCA = "aligned-pixels", "aligned-pca"
SHIPPED = {
    BELIEF: "belief_network",
    TUNED: "belief_network_tuned",
    ENCODING: "sparse_encoding",
    CONVOLUTIONAL: "convolutional",
    CONVOLUTIONAL_TUNED: "convolutional_tuned",
    GABOR: "gabor",
}
"""Recipes behind the rows; the other rows have one of these with other features."""
PAIRS = (
    (BELIEF, AUTOENCODERS),
    (BELIEF, RANDOM),
    (BELIEF, PIXELS),
    (BELIEF, PCA),
    (TUNED, BELIEF),
    (TUNED, AUTOENCODERS_TUNED),
    (TUNED, RANDOM_TUNED),
    (ENCODING, ONE_AUTOENCODER),
    (CONVOLUTIONAL, BELIEF),
    (CONVOLUTIONAL, PIXELS),
    (GABOR, PIXELS),
    (GABOR, CONVOLUTIONAL),
    (CONVOLUTIONAL_TUNED, CONVOLUTIONAL),
    (CONVOLUTIONAL_TUNED, TUNED),
    (CONVOLUTIONAL_TUNED, GABOR),
    (PIXELS + FROM_FIRST, PIXELS),
    (GABOR + FROM_FIRST, GABOR),
    (TUNED + FROM_FIRST, TUNED),
    (CONVOLUTIONAL_TUNED + FROM_FIRST, CONVOLUTIONAL_TUNED),
)
"""Whose difference is measured, the first minus the second."""


@dataclass(frozen=True, slots=True)
class Faces:
    """The frames of the report and their people's neutral faces.

    Attributes:
        corpus: the frames, with landmarks.
        neutral: of every frame its sequence's neutral face, or the person's; None where one is without.
    """

    corpus: Corpus
    neutral: tuple[Item, ...] | None

    @classmethod
    def of(cls, corpus: Corpus, rest: Sequence[Item]) -> Faces:
        """The frames, with neutral faces looked for in ``rest``."""
        items = corpus.dataset.items
        found = [item for item in at_rest(items, rest) if item is not None]
        return cls(corpus, tuple(found) if len(found) == len(items) else None)

    @property
    def aligned(self) -> bool:
        """Whether every frame has landmarks; without them there is nothing to compare here."""
        return all(item.landmarks is not None for item in self.corpus.dataset.items)


def recipes(settings: Settings) -> dict[str, TrainRecipe]:
    """What is trained, by the name of its row."""
    found = {name: _sized(_read(file), settings) for name, file in SHIPPED.items()}
    plain, tuned, encoding = found[BELIEF], found[TUNED], found[ENCODING]
    components = _with(plain, "pca", pca.Options(units=_layers(plain)[-1]))
    of_variance = replace(plain.head, options=replace(plain.head.options, standardise=(False,)))
    return found | {
        AUTOENCODERS: _with(plain, "stack", _autoencoders(_layers(plain), settings)),
        AUTOENCODERS_TUNED: _with(tuned, "stack", _autoencoders(_layers(tuned), settings)),
        RANDOM: _with(plain, "random_layers", random_layers.Options(_layers(plain))),
        RANDOM_TUNED: _with(tuned, "random_layers", random_layers.Options(_layers(tuned))),
        ONE_AUTOENCODER: _with(encoding, "stack", _autoencoders(_layers(encoding), settings)),
        PIXELS: _with(plain, "pixels", pixels.Options()),
        PCA: replace(components, features=_bounded(components.features, "features", settings), head=of_variance),
    }


def run(bench: Bench, rest: Sequence[Item], only: Sequence[str] | None = None) -> list[Scored]:
    """All of them under subject-wise ten-fold, or its first folds where ``Settings.family_folds`` says so.

    Args:
        bench: frames with landmarks, protocols, sizes.
        rest: where the neutral faces are looked for.
        only: names of those to train; all where it is left out.

    Raises:
        KeyError: there is no such name.

    Returns:
        Nothing where a frame has no landmarks, as then there is nothing to align faces by.
    """
    faces = Faces.of(bench.corpus, rest)
    if not faces.aligned:
        return []
    known = recipes(bench.settings)
    plans = known if only is None else {name: known[name] for name in only}
    folds = range(len(bench.divisions[GROUPS].folds[: bench.settings.family_folds]))
    made: dict[str, list[Arrays]] = {name: [] for name in plans}
    for done, (name, number) in enumerate((name, number) for name in plans for number in folds):
        bench.progress("the family", done, len(plans) * len(folds))
        made[name].append(answers(bench, faces, name, plans[name], number))
    bench.progress("the family", len(plans) * len(folds), len(plans) * len(folds))
    return [
        _scored(bench, name + more, [part[more or "own"] for part in parts])
        for name, parts in made.items()
        for more in ("", FROM_FIRST)
        if (more or "own") in parts[0]
    ]


def answers(bench: Bench, faces: Faces, name: str, plan: TrainRecipe, number: int) -> Arrays:
    """Probabilities (tested, labels) of one recipe for one fold, kept by the hash of its inputs.

    Raises:
        TrainingError: as ``learn.fit.train``.
    """
    fold = bench.divisions[GROUPS].folds[number]
    neutral = None if faces.neutral is None else [item.name for item in faces.neutral]
    key = {
        "data": faces.corpus.fingerprint, "neutral": neutral, "fold": [fold.train, fold.test],
        "patches": plan.patches, "copies": plan.augmentation, "tuning": plan.fine_tuning, "seed": plan.seed,
        "features": [plan.features.name, plan.features.options], "head": [plan.head.name, plan.head.options],
    }  # fmt: skip
    return bench.stages.get(f"family-{name}", key, partial(_answers, faces, plan, fold.train, fold.test))


def rows(scored: Sequence[Scored]) -> list[Row]:
    """Figures per sequence (mean over its frames), and what sets one apart from the next."""
    if not scored:
        return []
    whole = {s.inputs: measures.pooled(s, measures.mean, s.inputs) for s in scored}
    nothing = measures.majority(next(iter(whole.values())))
    found: list[Row] = []
    for s in (*whole.values(), nothing):
        found += [_by_sequence(row) for row in measures.of_answers(s)]
    for first, second in PAIRS:
        if first in whole and second in whole:
            named = f"{first} minus {second}"
            gap = measures.difference(whole[first], whole[second], measures.ANSWERS, inputs=named)
            found += [_by_sequence(row) for row in gap]
    return found


def _answers(
    faces: Faces, plan: TrainRecipe, train: Sequence[int], test: Sequence[int], _checkpoint: Path
) -> Arrays:
    data = faces.corpus.dataset
    trained = fit.train(plan, replace(data, items=tuple(data.items[i] for i in train)))
    patches = training_set.cut(data.items, plan.patches)
    tested = np.array(test, np.intp)
    found: Arrays = {"own": trained.predict(patches[tested])}
    if faces.neutral is not None:
        first = training_set.cut(faces.neutral, plan.patches)
        found[FROM_FIRST] = _from_first(faces.corpus, plan, trained, (patches, first), train)[tested]
    return found


def _from_first(
    corpus: Corpus,
    plan: TrainRecipe,
    trained: Any,  # noqa: ANN401  fit.Trained or a network, of which only the former comes here
    patches: tuple[NDArray[np.float32], NDArray[np.float32]],
    train: Sequence[int],
) -> NDArray[np.float64]:
    """Probabilities (frames, labels) of the recipe's head on features and on their change from the first frame."""
    here, there = (trained.features.encode(part.reshape(len(part), -1)) for part in patches)
    x = np.concatenate([here, here - there], axis=1)
    learned = np.array(train, np.intp)
    head: Classifier = plan.head.build().fit(
        x[learned], corpus.label[learned], corpus.subject[learned], len(corpus.labels), plan.seed
    )
    return head.probabilities(x)


def _scored(bench: Bench, inputs: str, parts: Sequence[NDArray[Any]]) -> Scored:
    corpus, folds = bench.corpus, bench.divisions[GROUPS].folds[: len(parts)]
    test = np.concatenate([fold.test for fold in folds]).astype(np.intp)
    number_of = np.concatenate([np.full(len(fold.test), k) for k, fold in enumerate(folds)])
    return Scored(
        EXPERIMENT, GROUPS, inputs, corpus.labels, corpus.item[test], corpus.subject[test], corpus.sequence[test],
        number_of, corpus.label[test], np.concatenate(parts),
    )  # fmt: skip


def _sized(plan: TrainRecipe, settings: Settings) -> TrainRecipe:
    """The recipe itself, or with fewer copies, steps and passes where the run is a quick one."""
    if not settings.quick:
        return plan
    smaller = replace(
        plan,
        augmentation=replace(plan.augmentation, copies=min(plan.augmentation.copies, settings.copies)),
        features=_bounded(plan.features, "features", settings),
        head=_bounded(plan.head, "head", settings),
    )
    if plan.fine_tuning is None:
        return smaller
    steps = plan.fine_tuning.steps * settings.tuning_steps // FULL.tuning_steps
    return replace(smaller, fine_tuning=replace(plan.fine_tuning, steps=steps))


def _bounded(part: Part, table: str, settings: Settings) -> Part:
    """The part with options no larger than the settings allow."""
    own = {name.removeprefix(f"{table}."): most for name, most in settings.at_most if name.startswith(f"{table}.")}
    large = {name: most for name, most in own.items() if getattr(part.options, name, most) > most}
    return replace(part, options=replace(part.options, **large))


def _with(plan: TrainRecipe, name: str, options: object) -> TrainRecipe:
    """The recipe with other features."""
    return replace(plan, features=Part("learn.features", name, options))


def _read(name: str) -> TrainRecipe:
    found = recipe.read(name)
    assert isinstance(found, recipe.TrainRecipe)  # as it ships
    return found


def _layers(plan: TrainRecipe) -> tuple[int, ...]:
    """Units of every layer, from the lowest up."""
    return tuple(plan.features.options.layers)


def _autoencoders(layers: tuple[int, ...], settings: Settings) -> stack.Options:
    return stack.Options(layers, RHO, BETA, WEIGHT_DECAY, settings.iterations)


def _by_sequence(row: Row) -> Row:
    return measures.renamed(row, f"sequence_{row.metric}")

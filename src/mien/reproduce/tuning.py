"""Fine-tuning the stack end to end, which the report left out, with small shifts, mirrors and turns.

Four networks of one size are told apart, so that the gain is put down to what made it: the stack as it was learned
without labels under a softmax, the same fine-tuned, one fine-tuned from random weights, and pixels without a stack.
All see aligned faces in local contrast; the fine-tuned stack is shown without the alignment, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.data.splits import Fold
from mien.evaluate.baselines import shuffle_labels
from mien.faces import patches
from mien.learn import alignment, fine_tuning
from mien.learn.augmentation import Augmentation, views
from mien.learn.features import stack
from mien.learn.fine_tuning import FineTuning
from mien.learn.heads import softmax
from mien.reproduce import measures
from mien.reproduce.classify import SHUFFLED, SOFTMAX
from mien.reproduce.divisions import GROUPS
from mien.reproduce.scored import Scored
from mien.reproduce.views import BETA, RHO, WEIGHT_DECAY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mien.reproduce.bench import Bench
    from mien.reproduce.corpus import Corpus
    from mien.reproduce.results import Row
    from mien.reproduce.settings import Settings
    from mien.types import Grey

EXPERIMENT = "fine-tuned"
STACK, TUNED, RANDOM, UNALIGNED, PIXELS = "stack", "fine-tuned", "from-random", "fine-tuned-unaligned", "pixels"
PATCH = patches.Options(size=24, scaling="local-contrast")
COPIES = Augmentation(mirror=True, copies=20, shift=0.01, scale=0.03, rotation=3.0)
"""Strengths chosen, like the settings below, with every second person of CK+ held out in turn."""
LAYERS = (250, 100)
TOP = softmax.Options(C=(0.01,), standardise=(True,), balance=0.5)


@dataclass(frozen=True, slots=True)
class _Fold:
    """One fold: its rows, the patches (n, 576) of all faces, and those of the training faces' copies."""

    train: NDArray[np.intp]
    test: NDArray[np.intp]
    flat: NDArray[np.float32]
    copies: NDArray[np.float32]
    copied: NDArray[np.intp]


def run(bench: Bench) -> list[Scored]:
    """All variants under subject-wise ten-fold."""
    corpus, settings = bench.corpus, bench.settings
    division = bench.divisions[GROUPS]
    variants = (TUNED, STACK, RANDOM, UNALIGNED, PIXELS, SHUFFLED)
    found: dict[str, list[dict[str, NDArray[np.float64]]]] = {variant: [] for variant in variants}
    faces = [item.face() for item in corpus.dataset.items]
    for number, fold in enumerate(division.folds):
        for place, variant in enumerate(variants):
            bench.progress("fine-tuning", number * len(variants) + place, len(division.folds) * len(variants))
            key = {
                "data": corpus.fingerprint, "fold": [fold.train, fold.test], "variant": variant, "patch": PATCH,
                "copies": COPIES, "layers": layers(settings), "tuning": tuning(settings), "seed": settings.seed,
                "features": [RHO, BETA, WEIGHT_DECAY, settings.iterations], "top": [TOP, SOFTMAX],
            }  # fmt: skip

            def make(_checkpoint: object, v: str = variant, f: Fold = fold) -> dict[str, NDArray[np.float64]]:
                return {"probabilities": fold_scores(corpus, faces, f, v, settings)}

            found[variant].append(bench.stages.get("fine-tuning", key, make))
    bench.progress("fine-tuning", 1, 1)
    test = np.concatenate([fold.test for fold in division.folds]).astype(np.intp)
    folds = np.concatenate([np.full(len(fold.test), k) for k, fold in enumerate(division.folds)])
    return [
        Scored(
            EXPERIMENT, GROUPS, variant, corpus.labels, corpus.item[test], corpus.subject[test],
            corpus.sequence[test], folds, corpus.label[test],
            np.concatenate([part["probabilities"] for part in parts]),
        )
        for variant, parts in found.items()
    ]  # fmt: skip


def rows(scored: list[Scored]) -> list[Row]:
    """Figures per frame and per sequence (mean of its frames), and what each step gains."""
    by = {s.inputs: s for s in scored}
    whole = {name: measures.pooled(s, measures.mean, name) for name, s in by.items()}
    found: list[Row] = []
    for name, s in [*by.items(), ("majority", measures.majority(scored[0]))]:
        found += measures.of_answers(s)
        sequences = whole.get(name) or measures.majority(whole[TUNED])
        found += [measures.renamed(row, f"sequence_{row.metric}") for row in measures.of_answers(sequences)]
        if name != "majority":
            found += measures.recalls(sequences, "sequence_recall")
    for other in (STACK, RANDOM, UNALIGNED, PIXELS):
        differences = measures.difference(
            whole[TUNED], whole[other], measures.ANSWERS, inputs=f"{TUNED} minus {other}"
        )
        found += [measures.renamed(row, f"sequence_{row.metric}") for row in differences]
    return found


def layers(settings: Settings) -> tuple[int, ...]:
    """Units of the stack."""
    return tuple(units * settings.units // 250 for units in LAYERS)


def tuning(settings: Settings) -> FineTuning:
    """Options of fine-tuning."""
    return FineTuning(steps=settings.tuning_steps)


def fold_scores(
    corpus: Corpus, faces: Sequence[Grey], fold: Fold, variant: str, settings: Settings
) -> NDArray[np.float64]:
    """Probabilities (tested, labels) of one variant for one fold."""
    seen = _seen(faces, fold, settings.seed, aligned=variant != UNALIGNED, copied=variant not in (STACK, PIXELS))
    labels = corpus.label
    if variant == SHUFFLED:
        labels = shuffle_labels(labels, corpus.sequence, settings.seed).astype(np.intp)
    classes = len(corpus.labels)
    if variant == PIXELS:
        head = softmax.build(SOFTMAX).fit(
            seen.flat[seen.train], labels[seen.train], corpus.subject[seen.train], classes, settings.seed
        )
        return head.probabilities(seen.flat[seen.test])
    if variant == RANDOM:
        below = fine_tuning.random_start((seen.flat.shape[1], *layers(settings)), settings.seed)
        top = (np.zeros((classes, layers(settings)[-1]), np.float32), np.zeros(classes, np.float32))
    else:
        learner = stack.build(stack.Options(layers(settings), RHO, BETA, WEIGHT_DECAY, settings.iterations))
        features = learner.fit(seen.flat[seen.train], settings.seed)
        options = SOFTMAX if variant == STACK else TOP
        activity = features.encode(seen.flat)
        head = softmax.build(options).fit(
            activity[seen.train], labels[seen.train], corpus.subject[seen.train], classes, settings.seed
        )
        if variant == STACK:
            return head.probabilities(activity[seen.test])
        below, top = features.stack, (head.W, head.b)
    tuned = fine_tuning.tune(below, top, seen.copies, labels[seen.copied], tuning(settings), settings.seed)
    return tuned.probabilities(seen.flat[seen.test])


def _seen(faces: Sequence[Grey], fold: Fold, seed: int, *, aligned: bool, copied: bool) -> _Fold:
    train, test = np.array(fold.train, np.intp), np.array(fold.test, np.intp)
    if aligned:
        faces = alignment.learn([faces[i] for i in fold.train]).align(faces)
    flat = np.stack([patches.cut(face, None, PATCH).ravel() for face in faces])
    if not copied:
        return _Fold(train, test, flat, flat[:0], train[:0])
    random = np.random.default_rng([seed, 5])
    copies = [views(faces[i], PATCH, COPIES, random) for i in fold.train]
    return _Fold(
        train,
        test,
        flat,
        np.stack([patch.ravel() for part in copies for patch in part]),
        np.repeat(train, len(copies[0])),
    )

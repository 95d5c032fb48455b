"""Fine-tuning the stack end to end, which the report left out, with small shifts, mirrors and turns.

Four networks of one size are told apart, so that the gain is put down to what made it: the stack as it was learned
without labels under a softmax, the same fine-tuned, one fine-tuned from random weights, and pixels without a stack.
All see aligned faces in local contrast; the fine-tuned stack is shown without the alignment, too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mien.evaluate.baselines import shuffle_labels
from mien.faces import patches
from mien.learn import alignment, fine_tuning
from mien.learn.augmentation import Augmentation, views
from mien.learn.features import stack
from mien.learn.fine_tuning import FineTuning
from mien.learn.heads import softmax
from mien.reproduce import measures
from mien.reproduce.classify import SHUFFLED
from mien.reproduce.divisions import GROUPS
from mien.reproduce.scored import Scored
from mien.reproduce.views import BETA, RHO, WEIGHT_DECAY

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mien.data.splits import Fold
    from mien.learn.features.stack import StackFeatures
    from mien.learn.fine_tuning import Layer
    from mien.reproduce.bench import Bench
    from mien.reproduce.corpus import Corpus
    from mien.reproduce.results import Row
    from mien.reproduce.settings import Settings
    from mien.types import Grey

EXPERIMENT = "fine-tuned"
STACK, TUNED, RANDOM, UNALIGNED, PIXELS = "stack", "fine-tuned", "from-random", "fine-tuned-unaligned", "pixels"
PATCH = patches.Options(size=24, scaling="local-contrast")
COPIES = Augmentation(mirror=True, shift=0.02, scale=0.05, rotation=4.0)
"""Strengths chosen, like the settings below, with every second person of CK+ held out in turn."""
LAYERS = (250, 100)
TOP = softmax.Options(C=(0.01,), standardise=(True,), balance=0.5)


VARIANTS = (TUNED, STACK, RANDOM, UNALIGNED, PIXELS, SHUFFLED)


def run(bench: Bench) -> list[Scored]:
    """All variants under subject-wise ten-fold, or its first folds where ``Settings.tuned_folds`` says so."""
    corpus, settings = bench.corpus, bench.settings
    folds = bench.divisions[GROUPS].folds[: settings.tuned_folds]
    faces = [item.face() for item in corpus.dataset.items]
    made: list[dict[str, NDArray[np.float64]]] = []
    for number, fold in enumerate(folds):
        bench.progress("fine-tuning", number, len(folds))
        key = {
            "data": corpus.fingerprint, "fold": [fold.train, fold.test], "patch": PATCH,
            "copies": altered(settings), "layers": LAYERS, "tuning": tuning(settings),
            "seed": settings.seed, "top": TOP, "head": settings.softmax,
            "features": [RHO, BETA, WEIGHT_DECAY, settings.iterations],
        }  # fmt: skip
        made.append(bench.stages.get("fine-tuning", key, partial(_scores, corpus, faces, fold, settings)))
    bench.progress("fine-tuning", len(folds), len(folds))
    test = np.concatenate([fold.test for fold in folds]).astype(np.intp)
    number_of = np.concatenate([np.full(len(fold.test), k) for k, fold in enumerate(folds)])
    return [
        Scored(
            EXPERIMENT, GROUPS, variant, corpus.labels, corpus.item[test], corpus.subject[test],
            corpus.sequence[test], number_of, corpus.label[test], np.concatenate([part[variant] for part in made]),
        )
        for variant in VARIANTS
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


def altered(settings: Settings) -> Augmentation:
    """How the training faces are altered."""
    return replace(COPIES, copies=settings.copies)


def tuning(settings: Settings) -> FineTuning:
    """Options of fine-tuning."""
    return FineTuning(steps=settings.tuning_steps)


def _scores(
    corpus: Corpus, faces: Sequence[Grey], fold: Fold, settings: Settings, _checkpoint: Path
) -> dict[str, NDArray[np.float64]]:
    """Probabilities (tested, labels) of every variant for one fold."""
    aligned = alignment.learn([faces[i] for i in fold.train]).align(faces)
    loose, seen = _Bout.of(corpus, faces, fold, settings), _Bout.of(corpus, aligned, fold, settings)
    truth = corpus.label
    shuffled = shuffle_labels(truth, corpus.sequence, settings.seed).astype(np.intp)
    stack_of = {bout: bout.stack() for bout in (loose, seen)}
    activity = stack_of[seen].encode(seen.flat)
    nothing = fine_tuning.random_start((seen.flat.shape[1], *LAYERS), settings.seed)
    return {
        TUNED: seen.tuned(stack_of[seen].stack, truth),
        STACK: seen.head(settings.softmax, activity, truth).probabilities(activity[seen.test]),
        RANDOM: seen.tuned(nothing, truth),
        UNALIGNED: loose.tuned(stack_of[loose].stack, truth),
        PIXELS: seen.head(settings.softmax, seen.flat, truth).probabilities(seen.flat[seen.test]),
        SHUFFLED: seen.tuned(stack_of[seen].stack, shuffled),
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Bout:
    """One fold's faces as the networks see them.

    Attributes:
        corpus, settings: whose, and how much of everything.
        train, test: rows of the corpus.
        flat: patches (n, 576) of all rows.
        copies: patches (m, 576) of the training rows and their altered copies.
        copied: (m,) the row that each is a copy of.
    """

    corpus: Corpus
    settings: Settings
    train: NDArray[np.intp]
    test: NDArray[np.intp]
    flat: NDArray[np.float32]
    copies: NDArray[np.float32]
    copied: NDArray[np.intp]

    @classmethod
    def of(cls, corpus: Corpus, faces: Sequence[Grey], fold: Fold, settings: Settings) -> _Bout:
        train, test = np.array(fold.train, np.intp), np.array(fold.test, np.intp)
        flat = np.stack([patches.cut(face, None, PATCH).ravel() for face in faces])
        random = np.random.default_rng([settings.seed, 5])
        copies = [views(faces[i], PATCH, altered(settings), random) for i in fold.train]
        together = np.stack([patch.ravel() for part in copies for patch in part])
        return cls(corpus, settings, train, test, flat, together, np.repeat(train, len(copies[0])))

    def stack(self) -> StackFeatures:
        """What the layers learn of the training faces without labels."""
        options = stack.Options(LAYERS, RHO, BETA, WEIGHT_DECAY, self.settings.iterations)
        return stack.build(options).fit(self.flat[self.train], self.settings.seed)

    def head(
        self, options: softmax.Options, x: NDArray[np.float32], labels: NDArray[np.intp]
    ) -> softmax.SoftmaxClassifier:
        """Softmax on numbers (n, k) of all rows, learned on the training ones."""
        rows, subjects = self.train, self.corpus.subject[self.train]
        classes = len(self.corpus.labels)
        return softmax.build(options).fit(x[rows], labels[rows], subjects, classes, self.settings.seed)

    def tuned(self, below: Sequence[Layer], labels: NDArray[np.intp]) -> NDArray[np.float64]:
        """Probabilities (tested, labels) after fine-tuning the layers ``below`` and a softmax on top of them."""
        start = fine_tuning.Tuned(tuple(below), below[-1]).features(self.flat)
        head = self.head(TOP, start, labels)
        found = fine_tuning.tune(
            below, (head.W, head.b), self.copies, labels[self.copied], tuning(self.settings), self.settings.seed
        )
        return found.probabilities(self.flat[self.test])

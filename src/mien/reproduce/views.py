"""What a classifier sees: features learned without the tested rows, and what is put beside them (section 3.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.errors import DataError
from mien.learn import facs
from mien.learn.features import pca, pixels, stack
from mien.reproduce.stages import digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mien.learn.interfaces import FeatureLearner
    from mien.reproduce.corpus import Corpus
    from mien.reproduce.settings import Settings
    from mien.reproduce.stages import Stages

    Floats = NDArray[np.float32]

FEATURES, ONLINE, PIXELS, PCA = "features", "online-features", "pixels", "pca"
FACS, PREDICTED, TRACKING = "facs", "predicted-facs", "tracking"

UNITS = 250
"""Of the hidden layer (section 3.3)."""
RHO, BETA, WEIGHT_DECAY = 0.3, 0.1, 3e-5
"""Of the batch form, as in recipes/paper.toml, where they were chosen on half of the people of CK+."""


@dataclass(frozen=True, slots=True)
class View:
    """All rows of a corpus as a classifier sees them that learned on some of them.

    Attributes:
        learned: the rows (m,) that features and action-unit predictors were learned on.
        of: feature arrays (n, units) by name: ``FEATURES``, ``PIXELS`` and so on.
        predicted: predicted action units (n, units), each row's by a predictor that never saw its person; None
            where no codes are known.
        corpus: the rows' true codes and tracking labels.
        signature: hash of the above, for the keys of what is learned on top.
    """

    learned: NDArray[np.intp]
    of: dict[str, Floats]
    predicted: Floats | None
    corpus: Corpus
    signature: str

    def inputs(self, name: str) -> Floats:
        """The joint vectors (n, k) for ``name``, such as ``features+predicted-facs``.

        Raises:
            KeyError: nothing of that name is here.
            DataError: the corpus has no codes or no landmarks.
        """
        return np.concatenate([self._part(part) for part in name.split("+")], axis=1)

    def _part(self, name: str) -> Floats:
        beside = {FACS: self.corpus.codes, PREDICTED: self.predicted, TRACKING: self.corpus.tracking}
        if name not in beside:
            return self.of[name]
        found = beside[name]
        if found is None:
            raise DataError(f"{self.corpus.dataset.name}: has no {name} labels")
        return found.astype(np.float32)


def learner(name: str, units: Sequence[int], rows: int, settings: Settings) -> FeatureLearner:
    """The feature learner behind ``name`` for so many ``rows``.

    ``features`` is the stack of sparse autoencoders of these ``units``; there are fewer principal components where
    there are fewer faces, since n faces vary in n - 1 directions.
    """
    if name == PIXELS:
        return pixels.build(pixels.Options())
    if name == PCA:
        return pca.build(pca.Options(units=min(units[-1], rows - 1)))
    return stack.build(stack.Options(tuple(units), RHO, BETA, WEIGHT_DECAY, settings.iterations))


def encoded(
    corpus: Corpus, learned: Sequence[int], name: str, units: Sequence[int], settings: Settings, stages: Stages
) -> Floats:
    """Features (n, units) of all rows, learned on the patches of the rows ``learned``."""
    part = learner(name, units, len(learned), settings)

    def make(_checkpoint: object) -> dict[str, NDArray[np.float32]]:
        fitted = part.fit(corpus.flat[np.array(learned)], settings.seed)
        found = fitted.encode(corpus.flat)
        if name == PCA:  # one factor for all: components keep their proportions, a mean one varies by 1
            found /= np.sqrt(found[np.array(learned)].var(axis=0).mean())
        return {"features": found}

    if name == PIXELS:  # nothing to keep
        return corpus.flat
    inputs = {"data": corpus.fingerprint, "rows": np.array(learned), "part": part, "seed": settings.seed}
    return stages.get(f"encoded-{name}", inputs, make)["features"]


def view(
    corpus: Corpus, learned: Sequence[int], settings: Settings, stages: Stages, further: dict[str, Floats]
) -> View:
    """The view of a classifier that learns on the rows ``learned``.

    Args:
        corpus: all frames.
        learned: rows that may be learned on.
        settings: sizes and seed.
        stages: where results are kept.
        further: feature arrays (n, units) by name that were learned elsewhere.
    """
    units = (UNITS,)
    of = {
        FEATURES: encoded(corpus, learned, FEATURES, units, settings, stages),
        PIXELS: corpus.flat,
        PCA: encoded(corpus, learned, PCA, units, settings, stages),
        **further,
    }
    return made(corpus, learned, of, _predicted(corpus, np.array(learned, np.intp), of[FEATURES], settings, stages))


def made(corpus: Corpus, learned: Sequence[int], of: dict[str, Floats], predicted: Floats | None = None) -> View:
    """A view of feature arrays that are there already."""
    signature = digest([of, predicted, corpus.codes, corpus.tracking])
    return View(np.array(learned, np.intp), of, predicted, corpus, signature)


def _predicted(
    corpus: Corpus, rows: NDArray[np.intp], features: Floats, settings: Settings, stages: Stages
) -> Floats | None:
    codes = corpus.codes
    if codes is None:
        return None

    def make(_checkpoint: object) -> dict[str, NDArray[np.float32]]:
        fitted = facs.fit(features[rows], codes[rows], corpus.subject[rows], settings.seed)
        found = fitted.scores(features)
        found[rows] = fitted.held_out  # rows it was fitted on: by predictors fitted without their person
        return {"scores": found}

    inputs = {"features": features, "codes": codes, "subjects": corpus.subject, "rows": rows, "seed": settings.seed}
    return stages.get("predicted-facs", inputs, make)["scores"]

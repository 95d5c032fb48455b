"""What a trained model says of itself in its file, whatever it was made of."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import mien
from mien import modelfile

if TYPE_CHECKING:
    from mien.data.dataset import Dataset
    from mien.learn.fit import Trained
    from mien.learn.generation.train import TrainedGenerator
    from mien.learn.networks.train import TrainedNetwork


def described(trained: Trained | TrainedNetwork, dataset: Dataset, notes: dict[str, Any]) -> modelfile.ModelMeta:
    """Labels, preprocessing and provenance of ``trained``, with ``notes``.

    Args:
        trained: what came out of a training.
        dataset: the data it was trained on.
        notes: anything else, JSON values.

    Raises:
        DataError: an image cannot be read for the fingerprint.
    """
    recipe = trained.recipe
    return modelfile.ModelMeta(
        name=recipe.name,
        labels=trained.labels,
        preprocessing=asdict(recipe.patches),
        provenance=provenance(trained, dataset),
        notes=notes,
    )


def provenance(trained: Trained | TrainedNetwork | TrainedGenerator, dataset: Dataset) -> modelfile.Provenance:
    """Where ``trained`` comes from; arguments and errors as in ``described``."""
    return modelfile.Provenance(
        recipe=trained.recipe.text,
        data=dataset.name,
        fingerprint=dataset.fingerprint(),
        items=trained.items,
        subjects=trained.subjects,
        synthetic=dataset.synthetic,
        seed=trained.recipe.seed,
        mien_version=mien.__version__,
        terms=dataset.terms,
    )

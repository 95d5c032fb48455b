"""Training: patches, features, head, tuning. The corridor of ``mien train``; ``learn.export`` writes its result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.data import landmarks, parts
from mien.errors import DataError, TrainingError, UsageError
from mien.learn import convolutional_tuning, fine_tuning, training_set
from mien.learn.heads.softmax import SoftmaxClassifier
from mien.learn.interfaces import Progress, silent
from mien.learn.networks import train as networks
from mien.learn.networks.recipe import NetworkRecipe
from mien.learn.tuned_features import Stacked, TunedFeatures

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mien.data.dataset import Dataset
    from mien.labels import LabelSet
    from mien.learn.interfaces import Classifier, FeatureLearner, Features, Head
    from mien.learn.networks.train import TrainedNetwork
    from mien.learn.recipe import TrainRecipe
    from mien.learn.training_set import TrainingSet


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model still in parts.

    Attributes:
        recipe: how it was trained.
        labels: meaning of its outputs.
        features, classifier: the fitted parts.
        items, subjects: how many labelled faces (altered copies not counted) and people it was trained on.
    """

    recipe: TrainRecipe
    labels: LabelSet
    features: Features
    classifier: Classifier
    items: int
    subjects: int

    def predict(self, patches: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities (n, labels) of patches (n, size, size) in [0, 1]; rows sum to 1."""
        flat = np.ascontiguousarray(patches, np.float32).reshape(len(patches), -1)
        return self.classifier.probabilities(self.features.encode(flat))

    def figures(self) -> dict[str, Any]:
        """Figures about the fit, for the model's notes."""
        return {"features": self.features.figures(), "head": self.classifier.figures()}


def train(
    recipe: TrainRecipe | NetworkRecipe,
    dataset: Dataset,
    progress: Progress = silent,
    device: str = "auto",
    checkpoint: Path | None = None,
) -> Trained | TrainedNetwork:
    """Train what ``recipe`` says on the labelled faces of ``dataset``.

    Nothing else is seen: to hold subjects out, leave them out of ``dataset``. Where the recipe aligns faces by
    their points, those that come without get them from mien's landmark network.

    Args:
        recipe: which parts, with which options, from which seed. Equal recipes and data give equal bits.
        dataset: labelled faces; a face without a label is left aside.
        progress: see ``learn.interfaces``.
        device: of networks: ``auto``, ``cpu`` or ``cuda``; all else is learned on the CPU.
        checkpoint: of networks: see ``learn.networks.train``; all else is learned in one go.

    Raises:
        TrainingError: too little data, a label without a face, or the learning diverged.
        UsageError: a checkpoint, or a device of its own, for what has none.
        DataError: an image cannot be read, or a face is of a part that its data set's authors set apart.
        UnknownPartError, ModelError: the landmark network is needed, and missing or damaged.
    """
    _may_be_learned(dataset)
    if isinstance(recipe, NetworkRecipe):
        return networks.train(recipe, dataset, progress, device, checkpoint)
    if checkpoint is not None or device == "cuda":
        raise UsageError(f"{recipe.name}: only networks, recipes with a [backbone], use a checkpoint or a GPU")
    dataset = landmarks.for_alignment(dataset, recipe.patches.alignment)
    items = training_set.labelled(dataset.items, dataset.labels)
    training_set.require(dataset, {str(item.expression) for item in items})
    learner: FeatureLearner = recipe.features.build()
    head: Head = recipe.head.build()
    faces = training_set.assemble(items, dataset.labels, recipe.patches, recipe.augmentation, recipe.seed)
    features = learner.fit(faces.flat, recipe.seed, progress)
    classifier = head.fit(
        features.encode(faces.flat),
        faces.labels,
        faces.subjects,
        len(dataset.labels.expressions),
        recipe.seed,
        progress,
    )
    if recipe.fine_tuning is not None:
        features, classifier = _tuned(recipe, features, classifier, faces, progress)
    return Trained(recipe, dataset.labels, features, classifier, len(items), len({item.subject for item in items}))


def _may_be_learned(dataset: Dataset) -> None:
    """Whoever compares figures on a data set that comes divided trusts that nobody trained on its other parts."""
    kept = [item for item in dataset.items if not parts.trainable(item)]
    if kept:
        raise DataError(
            f"{dataset.name}: {len(kept)} of {len(dataset.items)} faces may not be trained on, such as "
            f"{kept[0].name}, of the part {kept[0].part}; train on mien.data.parts.for_training(dataset), taken of "
            "each data set before they are joined"
        )


def _tuned(
    recipe: TrainRecipe, features: Features, classifier: Classifier, faces: TrainingSet, progress: Progress
) -> tuple[Features, SoftmaxClassifier]:
    """The fitted parts after they were trained together; the softmax keeps what was chosen for it."""
    options, where = recipe.fine_tuning, (recipe.seed, progress)
    if options is None or not isinstance(classifier, SoftmaxClassifier):
        raise TrainingError(f"{recipe.name}: {recipe.features.name} and {recipe.head.name} cannot be fine-tuned")
    top = classifier.W, classifier.b
    tuned: Features
    if isinstance(features, Stacked):
        found = fine_tuning.tune(features.stack, top, faces.flat, faces.labels, options, *where)
        tuned, (W, b) = TunedFeatures(found, features.figures()), found.top
    else:
        tuned, (W, b) = convolutional_tuning.tune(features, top, faces.flat, faces.labels, options, *where)
    return tuned, replace(classifier, W=W, b=b)

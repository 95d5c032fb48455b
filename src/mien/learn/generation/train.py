"""Training a generator: composites, directed layers, joint machine. ``export`` beside it writes the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from mien.data import landmarks
from mien.errors import TrainingError
from mien.faces.oval import oval
from mien.generation.likeness import Gallery
from mien.labels import LabelSet
from mien.learn import training_set
from mien.learn.boltzmann import belief_network, joint_training, unrolled
from mien.learn.boltzmann.belief_network import BeliefNetwork, Directed
from mien.learn.boltzmann.machine import Block
from mien.learn.generation import composites, people
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.data.dataset import Dataset
    from mien.learn.boltzmann.joint import Joint
    from mien.learn.generation.recipe import GeneratorRecipe, Layers


@dataclass(frozen=True, slots=True, eq=False)
class TrainedGenerator:
    """A trained generator still in parts.

    Attributes:
        recipe: how it was trained.
        labels: expressions and action units.
        mean, spread: float32 (pixels,): standardised pixels times ``spread`` plus ``mean`` are a face of mean 0 and
            standard deviation 1.
        layers: directed layers, the lowest first.
        joint: the machine on top; its people are the invented ones.
        items, subjects: how many real faces and people were blended.
        told: figures about the fit, JSON values.
    """

    recipe: GeneratorRecipe
    labels: LabelSet
    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    layers: tuple[Directed, ...]
    joint: Joint
    items: int
    subjects: int
    told: dict[str, float]

    def network(self) -> BeliefNetwork:
        """Layers and joint machine as one belief network."""
        return BeliefNetwork(self.layers, self.joint.machine)

    def recognised(self, patches: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features (n, units) of patches (n, size, size), as the joint machine's answers want them."""
        x = (composites.evened(patches).reshape(len(patches), -1) - self.mean) / self.spread
        return _recognised(self.layers, np.ascontiguousarray(x, np.float32))

    def figures(self) -> dict[str, dict[str, float]]:
        """Figures about the fit, for whoever waits for it."""
        return {"generator": self.told}


def train(recipe: GeneratorRecipe, dataset: Dataset, progress: Progress = silent) -> TrainedGenerator:
    """Train a generator on the labelled faces of ``dataset``.

    Args:
        recipe: how. Equal recipes and data give equal bits.
        dataset: faces with expressions, and with action units where they are not neutral.
        progress: see ``learn.interfaces``.

    Raises:
        TrainingError: a label without a face, no action units, too few people, or the learning diverged.
        DataError: an image cannot be read, or a face has no points.
        UnknownPartError, ModelError: the landmark network is needed, and missing or damaged.
    """
    dataset = landmarks.for_alignment(dataset, recipe.patches.alignment)
    items = training_set.labelled(dataset.items, dataset.labels)
    training_set.require(dataset, {str(item.expression) for item in items})
    if not dataset.action_units:
        raise TrainingError(
            f"{dataset.name}: its faces are not coded for action units, which a generator learns, too"
        )
    labels = LabelSet(dataset.labels.expressions, dataset.action_units)
    faces = composites.faces(items, labels, len(labels.action_units), recipe.patches)
    subjects = int(faces.people.max()) + 1
    if subjects < recipe.people.blended:
        raise TrainingError(
            f"{dataset.name}: {subjects} people are too few to blend {recipe.people.blended} of them"
        )
    gallery = Gallery(
        faces.pixels[: len(items)],
        [str(item.expression) for item in items],
        [item.subject for item in items],
        [item.name for item in items],
    )
    made = composites.blended(faces, recipe.composites, gallery, recipe.seed, progress)
    mean, spread = _scale(made.pixels, recipe.layers)
    x = np.ascontiguousarray((made.pixels.reshape(len(made.pixels), -1) - mean) / spread, np.float32)
    layers = _layers(x, recipe, progress)
    features = _recognised(layers, x)
    rows = joint_training.Rows(
        features, np.eye(len(labels.expressions), dtype=np.float32)[made.labels], made.units, made.people
    )
    joint = joint_training.train(rows, recipe.joint, recipe.seed + 2, progress)
    told = _told(layers, joint, x, features, made.labels)

    def faces_of(features: torch.Tensor) -> NDArray[np.float32]:
        made = BeliefNetwork(layers, joint.machine).generate(features).numpy() * spread + mean
        return np.asarray(made.reshape(len(made), *faces.pixels.shape[1:]), np.float32)

    invented = people.invented(joint, faces_of, gallery, recipe.people, recipe.seed)
    return TrainedGenerator(recipe, labels, mean, spread, layers, invented, len(items), subjects, told)


def _scale(pixels: NDArray[np.float32], layers: Layers) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and spread of each pixel (pixels,); outside the face the spread is larger, so that errors count less.

    Raises:
        TrainingError: a pixel is the same in all faces.
    """
    flat = pixels.reshape(len(pixels), -1)
    mean, spread = flat.mean(axis=0, dtype=np.float64), flat.std(axis=0, dtype=np.float64)
    if not spread.min() > 1e-4:
        raise TrainingError("composites: a pixel is the same in all of them; use more data")
    weight = np.where(oval(pixels.shape[1]), 1, layers.edge).reshape(-1)
    return mean.astype(np.float32), (spread / weight).astype(np.float32)


def _layers(x: NDArray[np.float32], recipe: GeneratorRecipe, progress: Progress) -> tuple[Directed, ...]:
    """Directed layers, learned one by one and then together."""
    plan = recipe.layers
    block = Block("gaussian", x.shape[1])
    learned = belief_network.greedy(x, block, plan.sizes, plan.machines(), recipe.seed, progress).network
    layers = (*learned.layers, Directed.of(learned.top))
    return unrolled.tune(layers, x, recipe.unrolled, recipe.seed + 1, progress)


def _recognised(layers: tuple[Directed, ...], x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Means (n, units) of the topmost layer."""
    with one_thread(), torch.inference_mode():
        found = torch.from_numpy(x)
        for layer in layers:
            found = layer.recognition.hidden(found)
        return np.asarray(found.numpy(), np.float32)


def _told(
    layers: tuple[Directed, ...],
    joint: Joint,
    x: NDArray[np.float32],
    features: NDArray[np.float32],
    labels: NDArray[np.intp],
) -> dict[str, float]:
    """What of a face is lost on the way up and down, and how well the machine names what it was trained on."""
    with one_thread(), torch.inference_mode():
        known = torch.from_numpy(features)
        rebuilt = BeliefNetwork(layers, joint.machine).generate(known).numpy()
        named = joint.posterior(known).argmax(dim=1).numpy()
    lost = float(((x - rebuilt) ** 2).mean() / (x**2).mean())
    return {"variance_lost": round(lost, 4), "composites_named": round(float((named == labels).mean()), 4)}

"""A trained generator to its file: one step of the chain as a graph, and how near it comes to real faces."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from torch.nn.functional import linear

from mien import modelfile
from mien.data import landmarks
from mien.generation.clamp import asked
from mien.generation.generator import OUTPUTS, Generator
from mien.generation.likeness import Gallery
from mien.learn import tracing, training_set
from mien.learn.description import provenance

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from mien.data.dataset import Dataset
    from mien.learn.boltzmann.machine import Block
    from mien.learn.generation.train import TrainedGenerator

CONTRAST = 0.17
"""Standard deviation of a drawn face, of the full range; real faces of CK+ have about this."""

MIDDLE = 0.5
"""Its mean brightness."""

EXAMPLES = 16
"""Chance states on which torch and ONNX Runtime are compared."""

MEASURED = 24
"""Faces of each expression that are drawn to measure how near they come to real ones."""


def write(trained: TrainedGenerator, dataset: Dataset, target: Path) -> float:
    """Write a generator to a file, refused unless ONNX Runtime gives what torch gives.

    Args:
        trained: what ``train`` gave for ``dataset``.
        dataset: the data it was trained on.
        target: file to write, whole or not at all.

    Returns:
        The largest difference in any output between torch with the rounded weights and ONNX Runtime.

    Raises:
        TrainingError: that difference is beyond 1e-4, or not a number.
        OutputError: the file cannot be written.
    """
    content, difference = graph(target, trained)
    meta = describe(trained, dataset, {"figures": trained.told})
    drawn = Generator(modelfile.GeneratorFile(target, content, "", meta))
    notes = {"figures": trained.told, "nearest": nearness(drawn, trained, dataset)}
    modelfile.write_generator(target, content, describe(trained, dataset, notes))
    return difference


def graph(target: Path, trained: TrainedGenerator) -> tuple[bytes, float]:
    """The serialised ONNX model, not sealed, and the difference between torch and ONNX Runtime.

    Raises:
        TrainingError: as ``write``.
    """
    random = torch.Generator().manual_seed(0)
    examples = {
        "visible": torch.rand(EXAMPLES, trained.joint.machine.visible_units, generator=random).round(),
        "noise": torch.rand(EXAMPLES, trained.joint.machine.hidden_units, generator=random),
    }
    dynamic = {name: {0: "n"} for name in (*examples, *OUTPUTS)}
    return tracing.graph(target, _Step(trained), examples, OUTPUTS, dynamic)


def describe(trained: TrainedGenerator, dataset: Dataset, notes: dict[str, Any]) -> modelfile.GeneratorMeta:
    """What the file says of itself."""
    recipe, places = trained.recipe, trained.joint.places
    return modelfile.GeneratorMeta(
        name=recipe.name,
        labels=trained.labels,
        features=places.features.stop,
        people=trained.joint.machine.blocks[-1].units,
        size=recipe.patches.size,
        preprocessing=asdict(recipe.patches),
        provenance=provenance(trained, dataset),
        notes=notes,
    )


def nearness(generator: Generator, trained: TrainedGenerator, dataset: Dataset) -> dict[str, Any]:
    """Quantiles of how near drawn faces come to the training faces, and real people to each other."""
    dataset = landmarks.for_alignment(dataset, trained.recipe.patches.alignment)
    items = training_set.labelled(dataset.items, dataset.labels)
    real = training_set.cut(items, trained.recipe.patches)
    shown, people = [str(item.expression) for item in items], [item.subject for item in items]
    gallery = Gallery(real, shown, people, [item.name for item in items])
    clamps = [asked(label, (), trained.labels) for label in trained.labels.expressions for _ in range(MEASURED)]
    asked_for = [k % generator.people + 1 for k in range(len(clamps))]
    return {
        "drawn": gallery.nearest(generator.draw(clamps, asked_for, seed=0)).told(),
        "strangers": gallery.strangers().told(),
    }


class _Step(nn.Module):
    """One step of the chain as ``mien.generation.generator`` wants it."""

    def __init__(self, trained: TrainedGenerator) -> None:
        super().__init__()
        machine = trained.joint.machine
        self.blocks: tuple[Block, ...] = machine.blocks
        self.features = trained.joint.places.features.stop
        self.size = trained.recipe.patches.size
        self.W, self.b, self.a = (_fixed(part) for part in (machine.W, machine.b, machine.a))
        self.down = nn.ParameterList([_fixed(layer.G) for layer in trained.layers])
        self.means = nn.ParameterList([_fixed(layer.a) for layer in trained.layers])
        self.mean, self.spread = (_fixed(torch.from_numpy(part)) for part in (trained.mean, trained.spread))

    def forward(self, visible: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Means (n, visible) given drawn hidden states, given their means, and faces (n, size, size)."""
        hidden = torch.sigmoid(linear(visible, self.W, self.b))
        drawn = (noise < hidden).to(hidden.dtype)
        below = visible[:, : self.features]
        for depth in reversed(range(len(self.down))):
            below = linear(below, self.down[depth].T, self.means[depth])
            if depth:
                below = torch.sigmoid(below)
        pixels = below * self.spread + self.mean
        faces = torch.clamp(pixels * CONTRAST + MIDDLE, 0, 1).reshape(-1, self.size, self.size)
        return self._visible(drawn), self._visible(hidden), faces

    def _visible(self, hidden: Tensor) -> Tensor:
        field, start, found = linear(hidden, self.W.T, self.a), 0, []
        for block in self.blocks:
            part = field[:, start : start + block.units]
            found.append(torch.softmax(part, dim=1) if block.kind == "softmax" else torch.sigmoid(part))
            start += block.units
        return torch.cat(found, dim=1)


def _fixed(tensor: Tensor) -> nn.Parameter:
    return nn.Parameter(tensor.detach().clone(), requires_grad=False)

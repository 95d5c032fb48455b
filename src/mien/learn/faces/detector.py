"""Train the face detector, and export it.

``python -m mien.learn.faces.detector --bank bank.npz --weights detector.npz`` trains;
``python -m mien.learn.faces.detector --from detector.npz -o detector.onnx`` exports.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from mien import modelfile
from mien.learn import loop, photometry
from mien.learn.faces import atlas, bank, calibration, command, detector_figures, detector_targets, draw, scenes
from mien.learn.faces.detector_network import MULTIPLE, SCORE, STRIDE, UNIT, Detector
from mien.learn.faces.detector_network import Options as NetworkOptions
from mien.learn.faces.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mien.learn.faces.scenes import Batch

HELD_OUT = 7919  # added to the seed for the scenes of calibration; once more for those of the figures
CHECKED = 16  # scenes of a batch that is only looked at
LIGHT = 104729  # added to the seed for the light


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe for the detector.

    Attributes:
        turns, window: as in ``Replay``.
        checked: scenes with held-out people and backgrounds for calibration, and as many for the figures.
    """

    seed: int = 1
    checked: int = 1536
    turns: int = 8
    window: int = 96
    network: NetworkOptions = field(default_factory=NetworkOptions)
    training: loop.Options = field(default_factory=loop.Options)
    losses: detector_targets.Losses = field(default_factory=detector_targets.Losses)
    scenes: draw.Options = field(default_factory=draw.Options)
    light: photometry.Options = field(default_factory=photometry.Options)

    def __post_init__(self) -> None:
        if min(self.checked, self.turns, self.window) < 1:
            raise ValueError(f"checked, turns and window must be 1 or more, not {self}")


def train(
    faces: bank.Bank, recipe: Recipe, training: loop.Options, device: torch.device, checkpoint: Path | None
) -> tuple[Detector, dict[str, Any]]:
    """A trained and calibrated detector, and its story: settings and figures.

    Raises:
        DataError: the bank lacks training or validation pictures.
        TrainingError: as ``loop.train``; or no answer on the held-out scenes is right, or none wrong.
    """
    torch.manual_seed(recipe.seed)
    network = Detector(recipe.network).to(device)
    pictures = atlas.build(faces, "train", device, recipe.seed)

    def composed(number: int) -> tuple[torch.Tensor, detector_targets.Targets]:
        with torch.autocast(device.type, enabled=False):
            batch = scenes.compose(pictures, training.batch, recipe.seed, number, recipe.scenes, None)
            return batch.pictures, detector_targets.targets(batch)

    batches = Replay(composed, recipe.seed, recipe.turns, recipe.window)

    def step(number: int) -> torch.Tensor:
        clean, wanted = batches.at(number)
        with torch.autocast(device.type, enabled=False):
            seen = photometry.degrade(clean, loop.generator(recipe.seed + LIGHT, number, device), recipe.light)
        cells = network(seen)
        with torch.autocast(device.type, enabled=False):
            return detector_targets.loss(cells, wanted, recipe.losses)

    trained = loop.train(network, step, training, checkpoint, command.tell)
    if not isinstance(trained, Detector):
        raise TypeError(f"loop.train gave a {type(trained).__name__}")
    held = atlas.build(faces, "validation", device, recipe.seed)
    answers = detector_figures.ask(trained, checked(held, recipe, 1))
    bias, slope = calibration.logistic(answers.scores, answers.right)
    calibrate(trained, bias, slope)
    found = detector_figures.figures(detector_figures.ask(trained, checked(held, recipe, 2)))
    settings = {"stride": STRIDE, "multiple": MULTIPLE, "unit": UNIT, "overlap": detector_targets.APART}
    return trained, {
        "settings": settings,
        "network": list(recipe.network.channels),
        "calibration": {"bias": bias, "slope": slope},
        "figures": found,
    }


def checked(pictures: atlas.Atlas, recipe: Recipe, series: int) -> Iterator[Batch]:
    """Held-out scenes, the same at every call."""
    seed = recipe.seed + series * HELD_OUT
    for number in range(-(-recipe.checked // CHECKED)):
        yield scenes.compose(pictures, CHECKED, seed, number, recipe.scenes, recipe.light)


@torch.no_grad()
def calibrate(network: Detector, bias: float, slope: float) -> None:
    """Let the score's logit be ``bias + slope * logit``, by the last layer's own weights."""
    network.head.weight[SCORE] *= slope
    assert network.head.bias is not None
    network.head.bias[SCORE] = network.head.bias[SCORE] * slope + bias


def export(source: Path, target: Path) -> float:
    """Write the network of ``source`` to ``target``; gives the largest difference from torch.

    Raises:
        TrainingError: ``source`` holds no detector, or ONNX Runtime differs from torch.
        OutputError: the file cannot be written.
    """
    from mien.learn.faces import export as writer  # needs onnx, which a machine that only trains can lack

    arrays, story = command.kept(source)
    network = Detector(NetworkOptions(tuple(story["network"])))
    loop.load(network, arrays, str(source))
    meta = modelfile.NetworkMeta(
        "detector",
        "detector",
        story["settings"],
        modelfile.Provenance(**story["provenance"]),
        {"figures": story["figures"]},
    )
    example = torch.rand(2, 1, 128, 160, generator=torch.Generator().manual_seed(0))
    axes = {"picture": {0: "n", 2: "height", 3: "width"}, "cells": {0: "n", 2: "rows", 3: "columns"}}
    return writer.write(target, network, {"picture": example}, ("cells",), axes, meta)


def main(argv: list[str] | None = None) -> None:
    """Train or export; see the module's text.

    Raises:
        MienError: whatever a person can act upon.
    """
    command.job("detector", Recipe, train, export, argv)


if __name__ == "__main__":
    sys.exit(command.run(main))

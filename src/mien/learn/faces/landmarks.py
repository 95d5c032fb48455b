"""Train the landmark network, and export it.

``python -m mien.learn.faces.landmarks --bank bank.npz --weights landmarks.npz`` trains;
``python -m mien.learn.faces.landmarks --from landmarks.npz -o landmarks.onnx`` exports.
"""

from __future__ import annotations

import functools
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from mien import modelfile
from mien.learn import loop, photometry
from mien.learn.faces import bank, command, landmark_crops, landmark_figures
from mien.learn.faces.landmark_crops import Source
from mien.learn.faces.landmark_network import CROP, SIZE, Calibrated, LandmarkNetwork
from mien.learn.faces.landmark_network import Options as NetworkOptions

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

    from mien.learn.faces.landmark_crops import Crops

TURNS = 2  # steps that see the same crops, under another light each: on a CPU, cutting takes as long as learning
LIGHT = 7919  # added to the seed for the light


@dataclass(frozen=True, slots=True)
class Losses:
    """Weights of the parts of the loss.

    Attributes:
        points: mean distance from the teacher's points, crop units.
        spread: negative log likelihood of these distances under Laplace's distribution.
        presence: cross-entropy, nats.
        consistency: mean distance between the points of two views of one crop, crop units.
    """

    points: float = 10.0
    spread: float = 0.05
    presence: float = 0.3
    consistency: float = 3.0


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe for the landmark network.

    Attributes:
        only_presence: the points and all that leads to them stay as they are; only the head that says whether a
            face is there learns on.
    """

    seed: int = 1
    only_presence: bool = False
    network: NetworkOptions = field(default_factory=NetworkOptions)
    training: loop.Options = field(default_factory=loop.Options)
    losses: Losses = field(default_factory=Losses)
    crops: landmark_crops.Options = field(default_factory=landmark_crops.Options)
    light: photometry.Options = field(default_factory=photometry.Options)


def loss(found: tuple[Tensor, Tensor, Tensor], batch: Crops, losses: Losses) -> Tensor:
    """The loss of one batch, a scalar.

    Args:
        found: what the network says of two views of each crop, all first views before all second ones.
        batch: the crops.
        losses: weights of the parts.
    """
    points, spread, logit = found
    away = points - batch.points.repeat(2, 1, 1)
    trust = batch.trust.repeat(2)
    total = trust.sum().clamp(min=1)
    distance = (away.square().sum(dim=2) + 1e-8).sqrt().mean(dim=1)
    off = away.detach().abs().mean(dim=2)
    unlikely = (off / spread + spread.log()).mean(dim=1)
    first, second = points.chunk(2)
    apart = ((first - second).square().sum(dim=2) + 1e-8).sqrt().mean(dim=1)
    counted = batch.counted.repeat(2).float()
    wrong = functional.binary_cross_entropy_with_logits(logit, batch.present.repeat(2), reduction="none")
    return (
        losses.points * (trust * distance).sum() / total
        + losses.spread * (trust * unlikely).sum() / total
        + losses.consistency * (batch.trust * apart).sum() / batch.trust.sum().clamp(min=1)
        + losses.presence * (counted * wrong).sum() / counted.sum().clamp(min=1)
    )


def train(
    faces: bank.Bank,
    recipe: Recipe,
    training: loop.Options,
    device: torch.device,
    checkpoint: Path | None = None,
    start: Path | None = None,
) -> tuple[LandmarkNetwork, dict[str, Any]]:
    """Train on the bank's training split, from random weights or from those of ``start``.

    Returns:
        The network, and its figures and settings on the validation split.

    Raises:
        TrainingError: as ``loop.train``.
        DataError: the bank lacks a kind or a split.
    """
    torch.manual_seed(recipe.seed)  # the first weights
    network = LandmarkNetwork(recipe.network).to(device)
    if start is not None:
        loop.load(network, command.kept(start)[0], str(start))
    if recipe.only_presence:
        network.requires_grad_(requires_grad=False).presence.requires_grad_()
    source = Source.of(faces, "train", device)
    check = Source.of(faces, "validation", device)

    @functools.lru_cache(maxsize=1)
    def drawn(turn: int) -> Crops:
        return source.draw(training.batch, loop.generator(recipe.seed, turn, device), recipe.crops)

    def step(number: int) -> Tensor:
        random = loop.generator(recipe.seed + LIGHT, number, device)
        with torch.autocast(device.type, enabled=False):  # where a point lies needs all digits
            batch = drawn(number // TURNS)
            views = [photometry.degrade(batch.pictures, random, recipe.light) for _ in range(2)]
        if recipe.only_presence:
            network.eval()  # the means and variances of its layers stay, too
        return loss(network(torch.cat(views)), batch, recipe.losses)

    trained = loop.train(network, step, training, checkpoint, command.tell)
    assert isinstance(trained, LandmarkNetwork)  # a copy of the one given
    # Alarms are of training scenes: there are none to be measured on.
    figures, settings = landmark_figures.measured(trained, check, replace(recipe.crops, alarms=0.0), recipe.light)
    return trained, {"figures": figures, "settings": settings}


def export(weights: Path, target: Path) -> float:
    """Write the sealed ONNX file of trained weights; gives the difference between torch and ONNX Runtime.

    Raises:
        TrainingError: not such weights, or the difference is too large.
    """
    from mien.learn.faces import export as files  # needs onnx, which a machine that only trains may lack

    arrays, story = command.kept(weights)
    recipe = command.recipe_of(Recipe, story["provenance"]["recipe"], str(weights))
    network = LandmarkNetwork(recipe.network)
    loop.load(network, arrays, str(weights))
    settings = story["settings"]
    calibrated = Calibrated(network, settings["slope"], settings["bias"], settings["spread"])
    meta = modelfile.NetworkMeta(
        name="landmarks",
        job="landmarks",
        settings={"size": SIZE, "crop": CROP},
        provenance=modelfile.Provenance(**story["provenance"]),
        notes={"figures": story["figures"]},
    )
    random = torch.Generator().manual_seed(0)
    example = torch.rand(3, 1, SIZE, SIZE, generator=random)
    outputs = ("points", "spread", "presence")
    dynamic = {name: {0: "n"} for name in ("faces", *outputs)}
    return files.write(target, calibrated, {"faces": example}, outputs, dynamic, meta)


def main(argv: list[str] | None = None) -> None:
    """Train or export; see the module's text.

    Raises:
        MienError: whatever a person can act upon.
    """
    command.job("landmarks", Recipe, train, export, argv)


if __name__ == "__main__":
    sys.exit(command.run(main))

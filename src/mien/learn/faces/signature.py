"""Train the signature network, and export it.

``python -m mien.learn.faces.signature --bank bank.npz --weights signature.npz`` trains;
``python -m mien.learn.faces.signature --from signature.npz -o signature.onnx`` exports.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mien import modelfile
from mien.learn import loop, photometry
from mien.learn.faces import bank, calibration, command, signature_views
from mien.learn.faces.signature_network import CROP, SIZE, SignatureNetwork, contrast
from mien.learn.faces.signature_network import Options as NetworkOptions
from mien.learn.faces.signature_views import Source

if TYPE_CHECKING:
    from pathlib import Path

    from torch import Tensor

SEED = 2_000_003  # of every draw in validation
VIEWS = 4  # of each validation photograph


@dataclass(frozen=True, slots=True)
class Recipe:
    """A recipe for the signature network.

    Attributes:
        temperature: of the contrast between views.
    """

    seed: int = 1
    temperature: float = 0.1
    network: NetworkOptions = field(default_factory=NetworkOptions)
    training: loop.Options = field(default_factory=lambda: loop.Options(steps=5000, batch=768, rate=3e-3))
    views: signature_views.Options = field(default_factory=signature_views.Options)
    light: photometry.Options = field(default_factory=photometry.Options)

    def __post_init__(self) -> None:
        if not 0.01 <= self.temperature <= 10:
            raise ValueError(f"temperature must be 0.01 to 10, not {self.temperature}")


def train(
    faces: bank.Bank, recipe: Recipe, training: loop.Options, device: torch.device, checkpoint: Path | None = None
) -> tuple[SignatureNetwork, dict[str, Any]]:
    """Train on the bank's training split.

    Returns:
        The network, and its figures and settings on the validation split.

    Raises:
        TrainingError: as ``loop.train``.
        DataError: the bank lacks a kind or a split.
    """
    torch.manual_seed(recipe.seed)  # the first weights
    network = SignatureNetwork(recipe.network).to(device)
    source = Source.of(faces, "train", device)
    check = Source.of(faces, "validation", device)

    def step(number: int) -> Tensor:
        random = loop.generator(recipe.seed, number, device)
        with torch.autocast(device.type, enabled=False):
            *views, people = source.pairs(training.batch, random, recipe.views, recipe.light)
        found = network(torch.cat(views))
        with torch.autocast(device.type, enabled=False):
            return contrast(found, people, recipe.temperature)

    trained = loop.train(network, step, training, checkpoint, command.tell)
    assert isinstance(trained, SignatureNetwork)  # a copy of the one given
    figures, settings = measured(trained, check, recipe)
    return trained, {"figures": figures, "settings": settings}


@torch.no_grad()
def measured(
    network: SignatureNetwork, source: Source, recipe: Recipe
) -> tuple[dict[str, float], dict[str, dict[str, float]]]:
    """How well views of one photograph and photographs of different people are told apart.

    Args:
        network: in ``eval`` mode, on the source's device.
        source: the validation split.
        recipe: how views are made.

    Returns:
        Figures: area under the ROC curve and equal error rate, over all pairs and over portraits alone, and over
        different photographs of one person where there are any (``*_person``, harder than any one video); and the
        settings ``same_person``: bias and slope over the cosine where half of all pairs are one person's.
    """
    device = source.portraits.places.device
    random = loop.generator(SEED, 1, device)
    found, photographs, people = [], [], []
    for kind, faces in enumerate((source.portraits, source.small)):
        index = torch.arange(len(faces), device=device)
        for _ in range(VIEWS):
            found.append(network(source.view(faces, index, random, recipe.views, recipe.light)).cpu().double())
            photographs.append(np.arange(len(faces)) + 100_000 * kind)
            people.append(np.array([signature_views.person(name) for name in faces.names]))
    signatures = torch.cat(found).numpy()
    photograph, person = np.concatenate(photographs), np.concatenate(people)
    first, second = np.triu_indices(len(signatures), 1)
    cosines = (signatures @ signatures.T)[first, second]
    same = photograph[first] == photograph[second]
    alike = person[first] == person[second]
    portraits = (photograph[first] < 100_000) & (photograph[second] < 100_000)
    told = same | ~alike  # two photographs of one person are neither the same view nor other people
    bias, slope = calibration.logistic(cosines[told], same[told], balanced=True)
    figures = {
        "auc": calibration.area(cosines[told], same[told]),
        "equal_error": calibration.equal_error(cosines[told], same[told]),
        "auc_portraits": calibration.area(cosines[told & portraits], same[told & portraits]),
        "equal_error_portraits": calibration.equal_error(cosines[told & portraits], same[told & portraits]),
        "cosine_same": float(cosines[same].mean()),
        "cosine_other": float(cosines[told & ~same].mean()),
    }
    apart = portraits & ~same
    if alike[apart].any():
        figures["auc_person"] = calibration.area(cosines[apart], alike[apart])
        figures["equal_error_person"] = calibration.equal_error(cosines[apart], alike[apart])
    return {name: round(value, 5) for name, value in figures.items()}, {
        "same_person": {"bias": bias, "slope": slope}
    }


def export(weights: Path, target: Path) -> float:
    """Write the sealed ONNX file of trained weights; gives the difference between torch and ONNX Runtime.

    Raises:
        TrainingError: not such weights, or the difference is too large.
    """
    from mien.learn.faces import export as files  # needs onnx, which a machine that only trains may lack

    arrays, story = command.kept(weights)
    recipe = command.recipe_of(Recipe, story["provenance"]["recipe"], str(weights))
    network = SignatureNetwork(recipe.network)
    loop.load(network, arrays, str(weights))
    meta = modelfile.NetworkMeta(
        name="signature",
        job="signature",
        settings={"size": SIZE, "crop": CROP, **story["settings"]},
        provenance=modelfile.Provenance(**story["provenance"]),
        notes={"figures": story["figures"]},
    )
    example = torch.rand(3, 1, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    dynamic = {name: {0: "n"} for name in ("faces", "signature")}
    return files.write(target, network, {"faces": example}, ("signature",), dynamic, meta)


def main(argv: list[str] | None = None) -> None:
    """Train or export; see the module's text.

    Raises:
        MienError: whatever a person can act upon.
    """
    command.job("signature", Recipe, train, export, argv)


if __name__ == "__main__":
    sys.exit(command.run(main))

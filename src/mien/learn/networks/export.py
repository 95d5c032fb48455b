"""Networks to model files, and model files back to networks that learn on."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper

import mien
from mien import modelfile
from mien.data import landmarks
from mien.errors import ModelError, TrainingError
from mien.learn import tracing
from mien.learn.networks.backbone import Network

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from mien.data.dataset import Dataset
    from mien.labels import LabelSet
    from mien.learn.networks.recipe import NetworkRecipe
    from mien.learn.networks.train import TrainedNetwork

EXAMPLES = 16  # patches of noise on which torch and ONNX Runtime are compared


def write(trained: TrainedNetwork, dataset: Dataset, target: Path, sources: Sequence[Dataset]) -> float:
    """Write a network to a model file, refused unless ONNX Runtime gives what torch gives.

    Args:
        trained: what ``train`` gave for ``dataset``.
        dataset: the data it was trained on.
        target: file to write, whole or not at all.
        sources: the data sets that ``dataset`` was joined from.

    Returns:
        The largest difference in any output between torch with the rounded weights and ONNX Runtime.

    Raises:
        TrainingError: that difference is beyond 1e-4, or not a number.
        OutputError: the file cannot be written.
    """
    size = trained.recipe.patches.size
    outputs = ("probabilities", "action_units", "features")
    names = outputs if trained.labels.action_units else ("probabilities", "features")
    module = trained.module if trained.labels.action_units else _WithoutUnits(trained.module)
    example = torch.rand(EXAMPLES, size, size, generator=torch.Generator().manual_seed(0))
    dynamic = {name: {0: "n"} for name in ("patches", *names)}
    content, difference = tracing.graph(target, module, {"patches": example}, names, dynamic)
    modelfile.write(target, content, describe(trained, dataset, sources))
    return difference


def describe(trained: TrainedNetwork, dataset: Dataset, sources: Sequence[Dataset]) -> modelfile.ModelMeta:
    """What the model file says of itself."""
    recipe = trained.recipe
    notes: dict[str, Any] = {"figures": trained.told, "backbone": asdict(recipe.backbone)}
    at_rest = trained.told.get("neutral_action_units")
    if at_rest:
        notes["neutral_action_units"] = at_rest
    if recipe.patches.alignment != "box":
        notes["landmarks"] = asdict(landmarks.origin(dataset.items))
    before = trained.told.get("started_from", {}).get("trained_on", [])
    notes["trained_on"] = [*before, *({"data": s.name, "fingerprint": s.fingerprint()} for s in sources)]
    return modelfile.ModelMeta(
        name=recipe.name,
        labels=trained.labels,
        preprocessing=asdict(recipe.patches),
        provenance=modelfile.Provenance(
            recipe=recipe.text,
            data=dataset.name,
            fingerprint=dataset.fingerprint(),
            items=trained.items,
            subjects=trained.subjects,
            synthetic=dataset.synthetic,
            seed=recipe.seed,
            mien_version=mien.__version__,
            terms=dataset.terms,
        ),
        notes=notes,
    )


def begun(recipe: NetworkRecipe, labels: LabelSet) -> tuple[Network, dict[str, Any]]:
    """The network that a training begins with, and what is to be remembered of its origin.

    Of a model to start from the backbone is taken over, and of the heads what has the same meaning: all of the
    expressions where these are the same, and every action unit that it knows. Its batch norms were folded when it
    was written; the network that learns on has none.

    Raises:
        UnknownPartError, ModelError: the model is missing, damaged or no network of this room's.
        TrainingError: its backbone or patches are not the recipe's.
    """
    network = Network(recipe.backbone, len(labels.expressions), len(labels.action_units))
    if not recipe.start:
        return network, {}
    file = modelfile.read(recipe.start)
    network = _folded(network)
    known = _weights(file, recipe)
    state = network.state_dict()
    taken = {name: known.get(name) for name in state if name.startswith("backbone.")}
    if any(array is None or array.shape != tuple(state[name].shape) for name, array in taken.items()):
        raise ModelError(f"{file.path}: its weights are not those of its own backbone; get the file again")
    state |= {name: torch.from_numpy(np.array(array)) for name, array in taken.items()}
    if file.meta.labels.expressions == labels.expressions:
        state |= _rows(known, state, "expressions", range(len(labels.expressions)), range(len(labels.expressions)))
    shared = [unit for unit in labels.action_units if unit in file.meta.labels.action_units]
    if shared:
        there = [file.meta.labels.action_units.index(unit) for unit in shared]
        state |= _rows(known, state, "units", there, [labels.action_units.index(unit) for unit in shared])
    network.load_state_dict(state)
    if recipe.tune == "heads":
        network.requires_grad_(requires_grad=False)
        for head in network.heads():
            head.requires_grad_(requires_grad=True)
    made = file.meta.provenance
    trained_on = file.meta.notes.get("trained_on", [{"data": made.data, "fingerprint": made.fingerprint}])
    return network, {"started_from": {"name": file.meta.name, "sha256": file.sha256, "trained_on": trained_on}}


class _WithoutUnits(torch.nn.Module):
    """A network without action units has no such output."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.inner = module

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities (n, labels) and features (n, channels)."""
        shown, _, features = self.inner(patches)
        return shown, features


def _folded(network: Network) -> Network:
    """The same network as it is written, its layers with biases in place of batch norms."""
    folded = tracing.folded(network.eval())
    assert isinstance(folded, Network)  # it is changed in place
    return folded.requires_grad_(requires_grad=True)


def _weights(file: modelfile.ModelFile, recipe: NetworkRecipe) -> dict[str, NDArray[Any]]:
    """The weights in a model file by their names in ``Network``.

    Raises:
        ModelError: it was not made by a network recipe.
        TrainingError: its backbone or its patches are not the recipe's.
    """
    shape = file.meta.notes.get("backbone")
    if shape is None:
        raise ModelError(
            f"{file.path}: {file.meta.name!r} was not made by a network recipe; start from one that was"
        )
    wanted = asdict(recipe.backbone)
    if {**_plain(shape), "dropout": 0} != {**_plain(wanted), "dropout": 0}:
        raise TrainingError(
            f"{recipe.name}: starts from {file.meta.name!r}, whose [backbone] is {_plain(shape)}; give the same, "
            f"not {_plain(wanted)}"
        )
    if _plain(file.meta.preprocessing) != _plain(asdict(recipe.patches)):
        raise TrainingError(
            f"{recipe.name}: starts from {file.meta.name!r}, whose [patches] are {file.meta.preprocessing}; "
            "give the same"
        )
    found = {}
    for tensor in onnx.load_model_from_string(file.content).graph.initializer:
        name = tensor.name.removesuffix(".short")
        if "network." in name:
            found[name.partition("network.")[2]] = numpy_helper.to_array(tensor).astype(np.float32)
    return found


def _plain(options: dict[str, Any]) -> dict[str, Any]:
    return {name: list(value) if isinstance(value, tuple) else value for name, value in options.items()}


def _rows(
    known: dict[str, NDArray[Any]], state: dict[str, Tensor], head: str, there: Sequence[int], here: Sequence[int]
) -> dict[str, Tensor]:
    """The rows of a head's weights and biases, taken over from ``there`` to ``here``."""
    found = {}
    for name in (f"{head}.weight", f"{head}.bias"):
        if name not in known:
            raise ModelError(f"the model to start from has no weights {name}; get the file again")
        found[name] = state[name].clone()
        found[name][list(here)] = torch.from_numpy(known[name][list(there)])
    return found

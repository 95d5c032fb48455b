"""Model files back to networks that learn on."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from mien import modelfile
from mien.errors import ModelError, TrainingError
from mien.expression import ExpressionModel
from mien.learn import tracing
from mien.learn.networks.backbone import Network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from mien.data.dataset import Dataset
    from mien.labels import LabelSet
    from mien.learn.networks.recipe import NetworkRecipe


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Action units that a network keeps from the model it starts from, as the data cannot teach any.

    Attributes:
        names: the units, in the model's order.
        slope: of their calibration: by which their logits are multiplied.
        bias: of their calibration: added to them then, (units,).
        neutral: what the model gives a typical neutral face, probabilities (units,).
    """

    names: tuple[str, ...]
    slope: float
    bias: NDArray[np.float64]
    neutral: NDArray[np.float64]


def kept(recipe: NetworkRecipe, dataset: Dataset) -> Kept | None:
    """The action units that a training keeps: those of its start, where no face of ``dataset`` is coded.

    They are all that the model has, or those of them that the recipe names.

    Returns:
        None where units are to be learned, or where the recipe starts from nothing, from a model without units, or
        names a unit that the model does not have.

    Raises:
        UnknownPartError, ModelError: the model is missing, damaged or no network of this room's.
    """
    if not recipe.start or any(item.action_units is not None for item in dataset.items):
        return None
    file = modelfile.read(recipe.start)
    there, wanted = file.meta.labels.action_units, recipe.targets.action_units
    if not there or not set(wanted) <= set(there):
        return None
    names = tuple(unit for unit in there if unit in wanted or not wanted)
    places = [there.index(unit) for unit in names]
    tensors = _tensors(file)
    for name, shape in (("slope", ()), ("bias", (len(there),))):
        if name not in tensors or tensors[name].shape != shape:
            raise ModelError(
                f"{file.path}: has no {name} for its action units; start from a model made by 'mien train'"
            )
    bias = tensors["bias"].astype(np.float64)[places]
    return Kept(names, float(tensors["slope"]), bias, ExpressionModel(file).neutral_action_units[places])


def begun(recipe: NetworkRecipe, labels: LabelSet, kept: Kept | None = None) -> tuple[Network, dict[str, Any]]:
    """The network that a training begins with, and what is to be remembered of its origin.

    Of a model to start from the backbone is taken over, and of the heads what has the same meaning: all of the
    expressions where these are the same, and every action unit that it knows. Its batch norms were folded when it
    was written; the network that learns on has none.

    Args:
        recipe: what to start from, and what learns on.
        labels: meaning of the outputs.
        kept: action units that stay as they are: their head does not learn.

    Returns:
        The network, and the model's name, SHA-256 and training data, as ``started_from``; empty without a start.

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
    if kept is not None and network.units is not None:
        network.units.requires_grad_(requires_grad=False)
    made = file.meta.provenance
    trained_on = file.meta.notes.get("trained_on", [{"data": made.data, "fingerprint": made.fingerprint}])
    return network, {"started_from": {"name": file.meta.name, "sha256": file.sha256, "trained_on": trained_on}}


@torch.no_grad()
def blended(trained: Network, before: Network, recipe: NetworkRecipe, labels: LabelSet) -> Network:
    """``trained`` with its weights on the straight line to those it began with (Wortsman et al. 2022).

    Near the start is what it knew of other faces, and ``recipe.blend`` says how far to go: 1 is to the end. Heads
    that the start did not have, for these labels or units, stay as they were learned.

    Args:
        trained: is changed, and given back.
        before: the network that the training began with.
        recipe: names the start, and how far to go.
        labels: meaning of the outputs.
    """
    if not recipe.start or recipe.blend == 1:
        return trained
    known = modelfile.read(recipe.start).meta.labels
    whole = ["backbone."]
    whole += ["expressions."] if known.expressions == labels.expressions else []
    whole += ["units."] if known.action_units == labels.action_units else []
    for (name, weight), start in zip(trained.named_parameters(), before.parameters(), strict=True):
        if name.startswith(tuple(whole)):
            weight.copy_(torch.lerp(start.to(weight.device), weight, recipe.blend))
    return trained


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
    weights = {name: array for name, array in _tensors(file).items() if "network." in name}
    return {name.partition("network.")[2]: array for name, array in weights.items()}


def _tensors(file: modelfile.ModelFile) -> dict[str, NDArray[np.float32]]:
    """The numbers in a model file by the names that ``tracing.graph`` gave them; the calibration's are its own."""
    graph = onnx.load_model_from_string(file.content).graph
    found = {t.name.removesuffix(".short"): numpy_helper.to_array(t).astype(np.float32) for t in graph.initializer}
    for node in graph.node:  # of equal tensors the exporter stores one, and gives it the others' names, too
        if node.op_type == "Identity" and node.input[0] in found:
            found[node.output[0]] = found[node.input[0]]
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

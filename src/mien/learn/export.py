"""From a trained model to one ``.onnx`` file, refused unless ONNX Runtime gives what torch gives.

The graph is written node by node from the few kinds of layers that the parts of this room are made of
(``learn.onnx_nodes``). That is shorter than a tracing exporter, needs no further package, and equal weights
give equal bytes.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from onnx import TensorProto, checker, helper
from torch import nn

from mien import modelfile
from mien.data import landmarks
from mien.errors import TrainingError
from mien.learn import training_set
from mien.learn.description import described
from mien.learn.networks import export as network_export
from mien.learn.networks.train import TrainedNetwork
from mien.learn.onnx_nodes import nodes
from mien.learn.threads import one_thread
from mien.models.onnx import OnnxModel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mien.data.dataset import Dataset
    from mien.learn.fit import Trained

TOLERANCE = 1e-5  # largest difference between torch and ONNX Runtime in any probability
OPSET, IR_VERSION = 17, 8  # old enough for every ONNX Runtime that mien allows


def export(
    trained: Trained | TrainedNetwork, dataset: Dataset, target: Path, sources: Sequence[Dataset] = ()
) -> float:
    """Write ``trained`` to ``target`` with labels, preprocessing, recipe, data fingerprint and seed.

    Args:
        trained: what ``learn.fit.train`` gave for ``dataset``.
        dataset: the data it was trained on.
        target: file to write, whole or not at all.
        sources: the data sets that ``dataset`` was joined from, where it was: so that scoring the model on one of
            them is noticed.

    Returns:
        The largest difference in any probability between torch and ONNX Runtime.

    Raises:
        TrainingError: that difference is beyond 1e-5 (1e-4 for networks), or a layer has no ONNX counterpart here.
        OutputError: the file cannot be written.
    """
    dataset = landmarks.for_alignment(dataset, trained.recipe.patches.alignment)
    if isinstance(trained, TrainedNetwork):
        return network_export.write(trained, dataset, target, sources or (dataset,))
    content = graph(trained)
    meta = describe(trained, dataset, sources)
    difference = parity(trained, modelfile.ModelFile(target, content, "", meta), dataset)
    modelfile.write(target, content, meta)
    return difference


def graph(trained: Trained) -> bytes:
    """The serialised ONNX model: ``patches`` (n, size, size) -> ``probabilities`` (n, labels), ``features``.

    Raises:
        TrainingError: a layer has no ONNX counterpart here.
    """
    size = trained.recipe.patches.size
    written = [helper.make_node("Flatten", ["patches"], ["pixels"], axis=1)]
    weights: list[TensorProto] = []
    last = "pixels"
    for layers, end in ((trained.features.layers(), "features"), (trained.classifier.layers(), "probabilities")):
        for i, layer in enumerate(layers):
            out = end if i == len(layers) - 1 else f"{end}_{i}"
            written.extend(nodes(layer, last, out, weights))
            last = out
    made = helper.make_graph(
        written,
        "mien",
        [helper.make_tensor_value_info("patches", TensorProto.FLOAT, ["n", size, size])],
        [
            helper.make_tensor_value_info(
                "probabilities", TensorProto.FLOAT, ["n", len(trained.labels.expressions)]
            ),
            helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", trained.features.units]),
        ],
        weights,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="mien")
    model.ir_version = IR_VERSION
    checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def describe(trained: Trained, dataset: Dataset, sources: Sequence[Dataset] = ()) -> modelfile.ModelMeta:
    """What the model file says of itself."""
    notes: dict[str, Any] = {"figures": trained.figures()}
    if len(sources) > 1:
        notes["fingerprints"] = [source.fingerprint() for source in sources]
    if trained.recipe.patches.alignment != "box":
        notes["landmarks"] = asdict(landmarks.origin(training_set.labelled(dataset.items, dataset.labels)))
    return described(trained, dataset, notes)


def parity(trained: Trained, file: modelfile.ModelFile, dataset: Dataset) -> float:
    """The largest difference in any probability between torch and ONNX Runtime, over the training faces.

    Raises:
        TrainingError: it is beyond 1e-5, or not a number.
    """
    patches = training_set.cut(training_set.labelled(dataset.items, dataset.labels), trained.recipe.patches)
    network = nn.Sequential(nn.Flatten(), *trained.features.layers(), *trained.classifier.layers()).eval()
    with one_thread(), torch.inference_mode():
        expected: NDArray[np.float32] = network(torch.from_numpy(patches)).numpy()
    difference = float(np.abs(expected - OnnxModel(file).run(patches).expressions).max())
    if not difference <= TOLERANCE:
        raise TrainingError(
            f"{file.path}: not written: ONNX Runtime differs from torch by {difference:.2g} in a probability, "
            f"more than {TOLERANCE:.0e}; please report this with the recipe"
        )
    return difference

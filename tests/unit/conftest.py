"""A tiny model: ``patches`` -> ``probabilities`` by one layer of fixed random weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from mien import modelfile
from mien.labels import LabelSet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LABELS = ("anger", "happiness", "neutral")


def graph(labels: int = 3, size: int = 24, seed: int = 0) -> bytes:
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    weights = np.random.default_rng(seed).normal(0, 0.3, (size * size, labels)).astype(np.float32)
    made = helper.make_graph(
        [
            helper.make_node("Flatten", ["patches"], ["pixels"], axis=1),
            helper.make_node("MatMul", ["pixels", "W"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
        ],
        "tiny",
        [helper.make_tensor_value_info("patches", onnx.TensorProto.FLOAT, ["n", size, size])],
        [helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, ["n", labels])],
        [onnx.numpy_helper.from_array(weights, "W")],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return bytes(model.SerializeToString(deterministic=True))


def meta(**changes: Any) -> modelfile.ModelMeta:
    made = modelfile.Provenance("name = 'tiny'\n", "squares", "0" * 64, 3, 2, True, 7, "0.1.0", "free")
    told: dict[str, Any] = {
        "name": "tiny",
        "labels": LabelSet(LABELS),
        "preprocessing": {"size": 24},
        "provenance": made,
        "notes": {"figures": {"layer 1": 0.5}, "word": "gänzlich"},
    }
    return modelfile.ModelMeta(**{**told, **changes})


@pytest.fixture(scope="session")
def tiny_graph() -> Callable[..., bytes]:
    """``tiny_graph(labels, size, seed)``: a serialised ONNX model."""
    return graph


@pytest.fixture(scope="session")
def tiny_meta() -> Callable[..., modelfile.ModelMeta]:
    """``tiny_meta(**changes)``: what its file says of itself."""
    return meta


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model's file; do not write to it."""
    path = tmp_path_factory.mktemp("model") / "tiny.onnx"
    modelfile.write(path, graph(), meta())
    return path

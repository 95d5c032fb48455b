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


UNITS = ("AU06", "AU12")


def graph(labels: int = 3, size: int = 24, seed: int = 0, units: int = 0) -> bytes:
    onnx = pytest.importorskip("onnx")
    helper = onnx.helper
    random = np.random.default_rng(seed)
    weights = {"W": random.normal(0, 0.3, (size * size, labels)).astype(np.float32)}
    nodes = [
        helper.make_node("Flatten", ["patches"], ["pixels"], axis=1),
        helper.make_node("MatMul", ["pixels", "W"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
    ]
    outputs = [helper.make_tensor_value_info("probabilities", onnx.TensorProto.FLOAT, ["n", labels])]
    if units:
        weights["U"] = random.normal(0, 0.05, (size * size, units)).astype(np.float32)
        nodes += [
            helper.make_node("MatMul", ["pixels", "U"], ["moves"]),
            helper.make_node("Sigmoid", ["moves"], ["action_units"]),
        ]
        outputs.append(helper.make_tensor_value_info("action_units", onnx.TensorProto.FLOAT, ["n", units]))
    made = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("patches", onnx.TensorProto.FLOAT, ["n", size, size])],
        outputs,
        [onnx.numpy_helper.from_array(values, name) for name, values in weights.items()],
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
    """``tiny_graph(labels, size, seed, units)``: a serialised ONNX model."""
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


@pytest.fixture(scope="session")
def tiny_units_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with the action units AU06 and AU12; do not write to it."""
    path = tmp_path_factory.mktemp("model") / "units.onnx"
    modelfile.write(path, graph(units=2), meta(name="units", labels=LabelSet(LABELS, UNITS)))
    return path


def network_graph(job: str) -> bytes:
    """A stand-in for a face network whose answers can be worked out by hand.

    ``detector``: a cell's certainty is logit 80 * its mean brightness - 8, the box's centre is its brightness's
    centre of mass, the side ``UNIT``, the eyes level. ``landmarks``: all 68 points lie at the crop's centre of
    mass, spread is 0.01, presence the mean brightness. ``signature``: 8x8 means of 8x8 pixels, of length 1.
    """
    onnx = pytest.importorskip("onnx")
    node, value, float32 = onnx.helper.make_node, onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    weights: dict[str, np.ndarray] = {"tiny": np.float32([1e-9])}
    if job == "detector":
        offset = (np.arange(8) + 0.5) / 8 - 0.5  # of pixels from the cell's centre, in cells
        kernels = np.stack([np.ones((8, 8)), *np.meshgrid(offset, offset)])[:, None] / 64
        weights |= {"kernels": kernels.astype(np.float32), "parts": np.int64([1, 1, 1])}
        weights |= {"gain": np.float32([80]), "even": np.float32([-8]), "zero": np.float32([0])}
        weights["eyes"] = np.float32([0, -0.2, -0.1, 0.2, -0.1]).reshape(1, 5, 1, 1)
        nodes = [
            node("Conv", ["picture", "kernels"], ["moments"], strides=[8, 8]),
            node("Split", ["moments", "parts"], ["mean", "mx", "my"], axis=1),
            node("Mul", ["mean", "gain"], ["raised"]),
            node("Add", ["raised", "even"], ["logit"]),
            node("Add", ["mean", "tiny"], ["mass"]),
            node("Div", ["mx", "mass"], ["x"]),
            node("Div", ["my", "mass"], ["y"]),
            node("Mul", ["mean", "zero"], ["nothing"]),
            node("Add", ["nothing", "eyes"], ["rest"]),
            node("Concat", ["logit", "x", "y", "rest"], ["cells"], axis=1),
        ]
        inputs = [value("picture", float32, [1, 1, "height", "width"])]
        outputs = [value("cells", float32, [1, 8, "rows", "columns"])]
    elif job == "landmarks":
        place = (np.arange(96) + 0.5) / 96
        grids = np.stack(np.meshgrid(place, place), axis=-1).reshape(-1, 2)
        weights |= {"grids": grids.astype(np.float32), "flat": np.int64([0, -1]), "all": np.int64([-1, 1, 2])}
        weights |= {"one": np.int64([1]), "pixels": np.float32([1 / 9216]), "points68": np.int64([1, 68, 1])}
        weights |= {"row": np.zeros((1, 68), np.float32), "b": np.float32([0.01]), "line": np.int64([-1])}
        nodes = [
            node("Reshape", ["faces", "flat"], ["light"]),
            node("ReduceSum", ["light", "one"], ["sum"], keepdims=1),
            node("Add", ["sum", "tiny"], ["mass"]),
            node("MatMul", ["light", "grids"], ["moments"]),
            node("Div", ["moments", "mass"], ["centre"]),
            node("Reshape", ["centre", "all"], ["single"]),
            node("Tile", ["single", "points68"], ["points"]),
            node("Mul", ["sum", "pixels"], ["mean"]),
            node("Reshape", ["mean", "line"], ["presence"]),
            node("Mul", ["mean", "row"], ["zeros"]),
            node("Add", ["zeros", "b"], ["spread"]),
        ]
        inputs = [value("faces", float32, ["n", 1, 96, 96])]
        outputs = [
            value("points", float32, ["n", 68, 2]),
            value("spread", float32, ["n", 68]),
            value("presence", float32, ["n"]),
        ]
    else:
        weights["flat"] = np.int64([0, -1])
        nodes = [
            node("AveragePool", ["faces"], ["small"], kernel_shape=[8, 8], strides=[8, 8]),
            node("Reshape", ["small", "flat"], ["numbers"]),
            node("LpNormalization", ["numbers"], ["signature"], axis=1, p=2),
        ]
        inputs = [value("faces", float32, ["n", 1, 64, 64])]
        outputs = [value("signature", float32, ["n", 64])]
    made = onnx.helper.make_graph(
        nodes, job, inputs, outputs, [onnx.numpy_helper.from_array(np.asarray(v), k) for k, v in weights.items()]
    )
    model = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 8
    return bytes(model.SerializeToString(deterministic=True))


def network_meta(job: Any, **changes: Any) -> modelfile.NetworkMeta:
    settings = {"same_person": {"bias": -2.0, "slope": 4.0}} if job == "signature" else {}
    made = modelfile.Provenance("", "squares", "0" * 64, 3, 2, True, 7, "0.1.0", "free")
    told: dict[str, Any] = {"name": f"stand-in {job}", "job": job, "settings": settings, "provenance": made}
    return modelfile.NetworkMeta(**{**told, **changes})


@pytest.fixture(scope="session")
def stand_in_graph() -> Callable[[str], bytes]:
    """``stand_in_graph(job)``: see ``network_graph``."""
    return network_graph


@pytest.fixture(scope="session")
def stand_in_meta() -> Callable[..., modelfile.NetworkMeta]:
    """``stand_in_meta(job, **changes)``."""
    return network_meta


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], modelfile.NetworkFile]:
    """``stand_in(job)``: the file of such a network."""
    folder = tmp_path_factory.mktemp("networks")

    def make(job: str) -> modelfile.NetworkFile:
        path = folder / f"{job}.onnx"
        if not path.exists():
            modelfile.write_network(path, network_graph(job), network_meta(job))
        return modelfile.read_network(path)

    return make


@pytest.fixture(scope="session")
def drawn_bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bank of faces (mien.learn.faces.bank) that code has drawn: a few of each kind in train and validation."""
    pytest.importorskip("torch")
    from mien.data.synthetic import crops, people
    from mien.data.synthetic.actions import Movement
    from mien.learn.faces import bank

    def faces(count: int, first: int, size: int, ending: str) -> bank.Pictures:
        pictures, points = [], []
        for number in range(first, first + count):
            person = people.invent(number)
            chosen = crops.setting(person, 0)
            pictures.append(crops.draw(person, Movement({}), chosen, size))
            points.append(crops.points(person, Movement({}), chosen, size))
        names = [f"{ending}/Person_{first + k // 2}_{k % 2}.png" for k in range(count)]
        splits = ["validation" if k >= count * 2 // 3 else "train" for k in range(count)]
        return bank.Pictures(
            pictures, names, splits, np.array(points, np.float32), np.full(count, 0.02, np.float32)
        )

    random = np.random.default_rng(5)
    scenes = [np.kron(random.integers(0, 256, (6, 9)), np.ones((20, 20))).astype(np.uint8) for _ in range(4)]
    empty = bank.Pictures(scenes, list("abcd"), ["train", "train", "validation", "test"])
    path = tmp_path_factory.mktemp("bank") / "bank.npz"
    bank.write(path, faces(9, 0, 112, "portraits"), faces(9, 100, 48, "ferplus"), empty)
    return path

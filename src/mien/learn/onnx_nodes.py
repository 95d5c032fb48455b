"""What each kind of layer is in ONNX; the one place to extend when a part of this room needs a new kind."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import NodeProto, TensorProto, helper, numpy_helper
from torch import nn

from mien.errors import TrainingError
from mien.learn.layers import Branches, Magnitude, ProbabilisticPooling

if TYPE_CHECKING:
    from numpy.typing import NDArray

Writer = Callable[[Any, str, str, list[TensorProto]], list[NodeProto]]
"""(layer, name of its input, name of its output, constants to add to) -> nodes, the last of which gives ``out``."""


def nodes(layer: nn.Module, source: str, out: str, weights: list[TensorProto]) -> list[NodeProto]:
    """The nodes of one layer.

    Args:
        layer: in ``eval`` mode.
        source: name of the value that it takes.
        out: name of the value that it gives; what it needs besides has names that begin with it.
        weights: its constants are appended here.

    Raises:
        TrainingError: the layer has no ONNX counterpart here.
    """
    writer = _WRITERS.get(type(layer))
    if writer is None:
        known = ", ".join(kind.__name__ for kind in _WRITERS)
        raise TrainingError(f"no ONNX counterpart for layer {type(layer).__name__}; learn.export knows {known}")
    return writer(layer, source, out, weights)


def constant(values: NDArray[Any], name: str, weights: list[TensorProto]) -> str:
    """Append an array to the constants; its name."""
    weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
    return name


def _activation(operator: str) -> Writer:
    return lambda _layer, source, out, _weights: [helper.make_node(operator, [source], [out])]


def _linear(layer: nn.Linear, source: str, out: str, weights: list[TensorProto]) -> list[NodeProto]:
    W = constant(layer.weight.detach().numpy(), f"{out}_W", weights)
    b = constant(layer.bias.detach().numpy(), f"{out}_b", weights)
    return [helper.make_node("Gemm", [source, W, b], [out], transB=1)]


def _softmax(layer: nn.Softmax, source: str, out: str, _weights: list[TensorProto]) -> list[NodeProto]:
    return [helper.make_node("Softmax", [source], [out], axis=layer.dim)]


def _conv2d(layer: nn.Conv2d, source: str, out: str, weights: list[TensorProto]) -> list[NodeProto]:
    if isinstance(layer.padding, str) or layer.padding_mode != "zeros":
        raise TrainingError("no ONNX counterpart for a Conv2d whose padding is not a number of zeros")
    inputs = [source, constant(layer.weight.detach().numpy(), f"{out}_W", weights)]
    if layer.bias is not None:
        inputs.append(constant(layer.bias.detach().numpy(), f"{out}_b", weights))
    return [
        helper.make_node(
            "Conv",
            inputs,
            [out],
            kernel_shape=list(layer.kernel_size),
            strides=list(layer.stride),
            pads=list(layer.padding) * 2,
            dilations=list(layer.dilation),
            group=layer.groups,
        )
    ]


def _flatten(layer: nn.Flatten, source: str, out: str, _weights: list[TensorProto]) -> list[NodeProto]:
    if (layer.start_dim, layer.end_dim) != (1, -1):
        raise TrainingError("no ONNX counterpart for a Flatten of some dimensions only")
    return [helper.make_node("Flatten", [source], [out], axis=1)]


def _unflatten(layer: nn.Unflatten, source: str, out: str, weights: list[TensorProto]) -> list[NodeProto]:
    """Of rows (n, numbers) only, into (n, ...)."""
    if layer.dim != 1:
        raise TrainingError("no ONNX counterpart for an Unflatten of another dimension than 1")
    shape = constant(np.array([-1, *layer.unflattened_size], np.int64), f"{out}_shape", weights)
    return [helper.make_node("Reshape", [source, shape], [out])]


def _replication(layer: nn.ReplicationPad2d, source: str, out: str, weights: list[TensorProto]) -> list[NodeProto]:
    left, right, top, bottom = layer.padding
    pads = constant(np.array([0, 0, top, left, 0, 0, bottom, right], np.int64), f"{out}_pads", weights)
    return [helper.make_node("Pad", [source, pads], [out], mode="edge")]


def _magnitude(layer: Magnitude, source: str, out: str, weights: list[TensorProto]) -> list[NodeProto]:
    epsilon = constant(np.array(layer.EPSILON, np.float32), f"{out}_epsilon", weights)
    real, imaginary, squares = f"{out}_real", f"{out}_imaginary", [f"{out}_real2", f"{out}_imaginary2"]
    return [
        helper.make_node("Split", [source], [real, imaginary], axis=1),
        helper.make_node("Mul", [real, real], squares[:1]),
        helper.make_node("Mul", [imaginary, imaginary], squares[1:]),
        helper.make_node("Sum", [*squares, epsilon], [f"{out}_squared"]),
        helper.make_node("Sqrt", [f"{out}_squared"], [out]),
    ]


def _mean_pooling(layer: nn.AvgPool2d, source: str, out: str, _weights: list[TensorProto]) -> list[NodeProto]:
    if layer.padding != 0 or layer.stride != layer.kernel_size or not isinstance(layer.kernel_size, int):
        raise TrainingError("no ONNX counterpart for an AvgPool2d whose squares overlap or reach over the edge")
    side = [layer.kernel_size] * 2
    return [helper.make_node("AveragePool", [source], [out], kernel_shape=side, strides=side)]


def _probabilistic_pooling(
    layer: ProbabilisticPooling, source: str, out: str, weights: list[TensorProto]
) -> list[NodeProto]:
    """The sum over a block is its mean times its size; s / (1 + s)."""
    low, high, size, one = (
        constant(np.array(value, np.float32), f"{out}_{name}", weights)
        for name, value in (
            ("low", -layer.LARGEST),
            ("high", layer.LARGEST),
            ("size", layer.block**2),
            ("one", 1),
        )
    )
    side = [layer.block] * 2
    return [
        helper.make_node("Clip", [source, low, high], [f"{out}_clipped"]),
        helper.make_node("Exp", [f"{out}_clipped"], [f"{out}_raised"]),
        helper.make_node("AveragePool", [f"{out}_raised"], [f"{out}_mean"], kernel_shape=side, strides=side),
        helper.make_node("Mul", [f"{out}_mean", size], [f"{out}_sum"]),
        helper.make_node("Add", [f"{out}_sum", one], [f"{out}_all"]),
        helper.make_node("Div", [f"{out}_sum", f"{out}_all"], [out]),
    ]


def _branches(layer: Branches, source: str, out: str, weights: list[TensorProto]) -> list[NodeProto]:
    written, ends = [], []
    for number, branch in enumerate(layer.branches):
        last = source
        for depth, inner in enumerate(branch.children()):
            name = f"{out}_{number}_{depth}"
            written.extend(nodes(inner, last, name, weights))
            last = name
        ends.append(last)
    return [*written, helper.make_node("Concat", ends, [out], axis=1)]


_WRITERS: dict[type[nn.Module], Writer] = {
    nn.Linear: _linear,
    nn.Softmax: _softmax,
    nn.Identity: _activation("Identity"),
    nn.Sigmoid: _activation("Sigmoid"),
    nn.Tanh: _activation("Tanh"),
    nn.ReLU: _activation("Relu"),
    nn.Softplus: _activation("Softplus"),
    nn.Conv2d: _conv2d,
    nn.Flatten: _flatten,
    nn.Unflatten: _unflatten,
    nn.ReplicationPad2d: _replication,
    nn.AvgPool2d: _mean_pooling,
    Magnitude: _magnitude,
    ProbabilisticPooling: _probabilistic_pooling,
    Branches: _branches,
}

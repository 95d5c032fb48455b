"""From a trained torch module to a serialised ONNX graph, refused unless ONNX Runtime gives what torch gives.

Weights are stored with 16 bits and cast to 32 in the graph; ONNX Runtime does that once, when it loads the file.
Half the size costs nothing then but the rounding, which is part of the parity check. A batch norm must follow its
convolution or linear layer among the children of one module; it is folded.
"""

from __future__ import annotations

import copy
import io
import warnings
from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, checker, helper, numpy_helper
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval, fuse_linear_bn_eval

from mien.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

OPSET, IR_VERSION = 17, 8  # as mien.learn.export: old enough for every ONNX Runtime that mien allows
TOLERANCE = 1e-4  # largest difference between torch and ONNX Runtime in any output
STORED_SHORT = 1024  # numbers from which on a weight is stored with 16 bits


def graph(
    path: Path,
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: tuple[str, ...],
    dynamic: Mapping[str, Mapping[int, str]],
) -> tuple[bytes, float]:
    """The serialised ONNX model, not sealed, and the difference between torch and ONNX Runtime.

    Args:
        path: of the file it is for; serves the error message alone.
        module: trained; its ``forward`` takes the inputs in order and gives the outputs, one tensor or a tuple.
            Is not changed.
        inputs: example of each input, by name; any values.
        outputs: name of each output.
        dynamic: axes of inputs and outputs that have no fixed size: name -> axis -> what to call it.

    Returns:
        The graph, and the largest difference in any output between torch with the rounded weights and ONNX Runtime.

    Raises:
        TrainingError: that difference is beyond 1e-4, or not a number.
    """
    plain = rounded(folded(copy.deepcopy(module).cpu().float().eval()))
    examples = {name: tensor.detach().cpu().float() for name, tensor in inputs.items()}
    content = _shortened(_traced(plain, examples, outputs, dynamic))
    difference = _difference(plain, content, examples, outputs)
    if not difference <= TOLERANCE:
        raise TrainingError(
            f"{path}: not written: ONNX Runtime differs from torch by {difference:.2g} in an output, more than "
            f"{TOLERANCE:.0e}; please report this with the recipe"
        )
    return content, difference


def folded(module: nn.Module) -> nn.Module:
    """``module`` with every batch norm taken up by the layer before it; changes the module."""
    for parent in list(module.modules()):
        before: tuple[str, nn.Module] | None = None
        for name, child in list(parent.named_children()):
            if before is not None and isinstance(before[1], nn.Conv2d) and isinstance(child, nn.BatchNorm2d):
                setattr(parent, before[0], fuse_conv_bn_eval(before[1], child))
                setattr(parent, name, nn.Identity())
            elif before is not None and isinstance(before[1], nn.Linear) and isinstance(child, nn.BatchNorm1d):
                setattr(parent, before[0], fuse_linear_bn_eval(before[1], child))
                setattr(parent, name, nn.Identity())
            before = name, child
    return module


@torch.no_grad()
def rounded(module: nn.Module) -> nn.Module:
    """``module`` with the weights that it will have in the file; changes the module."""
    for weight in module.parameters():
        if weight.numel() >= STORED_SHORT:
            weight.copy_(weight.half().float())
    return module


def _traced(
    module: nn.Module,
    examples: Mapping[str, Tensor],
    outputs: tuple[str, ...],
    dynamic: Mapping[str, Mapping[int, str]],
) -> onnx.ModelProto:
    content = io.BytesIO()
    with warnings.catch_warnings():
        # The newer exporter needs a package more and writes opset 18 and up; this one is on its way out of torch,
        # which says so at every call.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"(torch\.onnx|mien\.learn)\b")
        warnings.filterwarnings("ignore", message=".*legacy TorchScript-based ONNX export.*")
        torch.onnx.export(
            module,
            tuple(examples.values()),
            content,  # type: ignore[arg-type]  # the TorchScript exporter writes to a buffer
            input_names=list(examples),
            output_names=list(outputs),
            dynamic_axes={name: dict(axes) for name, axes in dynamic.items()},
            opset_version=OPSET,
            dynamo=False,
        )
    return onnx.load_model_from_string(content.getvalue())


def _shortened(model: onnx.ModelProto) -> bytes:
    """The model with its larger weights in 16 bits, each behind a Cast, and without torch's notes."""
    casts = []
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or values.size < STORED_SHORT:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(values.astype(np.float16), f"{name}.short"))
        casts.append(helper.make_node("Cast", [f"{name}.short"], [name], to=TensorProto.FLOAT))
    nodes = [*casts, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    for node in model.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    model.ir_version, model.producer_name, model.producer_version = IR_VERSION, "mien", ""
    checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _difference(
    module: nn.Module, content: bytes, examples: Mapping[str, Tensor], outputs: tuple[str, ...]
) -> float:
    with torch.inference_mode():
        expected = module(*examples.values())
    expected = expected if isinstance(expected, tuple) else (expected,)
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found = session.run(list(outputs), {name: tensor.numpy() for name, tensor in examples.items()})
    pairs = zip(expected, found, strict=True)
    return max(float(np.abs(tensor.numpy() - array).max()) for tensor, array in pairs)

"""From a trained torch module to the sealed ONNX file of a face network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien import modelfile
from mien.learn import tracing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor, nn


def write(
    path: Path,
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: tuple[str, ...],
    dynamic: Mapping[str, Mapping[int, str]],
    meta: modelfile.NetworkMeta,
) -> float:
    """Write ``module`` to ``path``, sealed, and refused unless ONNX Runtime gives what torch gives.

    Args:
        path: file to write, whole or not at all.
        module: trained; its ``forward`` takes the inputs in order and gives the outputs, one tensor or a tuple.
            Is not changed.
        inputs: example of each input, by name; any values.
        outputs: name of each output.
        dynamic: axes of inputs and outputs that have no fixed size: name -> axis -> what to call it.
        meta: what the file says of itself.

    Returns:
        The largest difference in any output between torch with the rounded weights and ONNX Runtime.

    Raises:
        TrainingError: that difference is beyond 1e-4, or not a number.
        OutputError: the file cannot be written.
    """
    content, difference = tracing.graph(path, module, inputs, outputs, dynamic)
    modelfile.write_network(path, content, meta)
    return difference

"""ONNX Runtime, and the one place that turns its errors into mien's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from mien.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


class Graph:
    """A loaded ONNX graph; safe to share between threads.

    Args:
        content: the file's bytes.
        path: its name, for errors.
        threads: that one run may use. One by default: the graphs are small, and another core is busy decoding.

    Attributes:
        inputs, outputs: names.
        shapes: what the file fixes of each one's shape, by name: ``None`` for a length that it leaves open, and
            in place of the shape where it does not even fix the number of dimensions.
        types: of each one, by name, in ONNX Runtime's words: ``tensor(float)`` is float32.

    Raises:
        ModelError: ONNX Runtime refuses the graph.
    """

    def __init__(self, content: bytes, path: Path, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads leave the core
        try:
            self._session = onnxruntime.InferenceSession(
                content, sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # noqa: BLE001  ONNX Runtime's error classes share no base but Exception
            raise ModelError(f"{path}: ONNX Runtime cannot load it: {_first_line(error)}") from None
        self._path = path
        told = (*self._session.get_inputs(), *self._session.get_outputs())
        self.inputs = frozenset(i.name for i in self._session.get_inputs())
        self.outputs = frozenset(o.name for o in self._session.get_outputs())
        self.shapes = {value.name: _dimensions(value.shape) for value in told}
        self.types: dict[str, str] = {value.name: value.type for value in told}

    def run(self, outputs: Sequence[str], feeds: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """The named outputs for these inputs.

        Raises:
            ModelError: the graph fails on this input, or gives lists or maps in place of numbers.
        """
        try:
            found = self._session.run(list(outputs), dict(feeds))
            return [_numbers(value) for value in found]
        except Exception as error:  # noqa: BLE001  as above
            raise ModelError(f"{self._path}: the model failed: {_first_line(error)}") from None


def _dimensions(shape: Sequence[object] | None) -> tuple[int | None, ...] | None:
    """ONNX Runtime writes an open length as a text or ``None``, and an unknown shape like that of a scalar."""
    if not shape:
        return None
    return tuple(length if isinstance(length, int) and length >= 0 else None for length in shape)


def _numbers(value: object) -> NDArray[Any]:
    array = np.asarray(value)
    return array if array.dtype.kind == "f" else array.astype(np.float64)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__

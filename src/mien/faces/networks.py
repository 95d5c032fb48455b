"""The small face networks: what each job takes and gives, and a network ready to run.

``detector``: ``picture`` float32 (1, 1, height, width), sides multiples of 32, to ``cells`` (1, 8, height/8,
width/8). ``landmarks``: ``faces`` (n, 1, 96, 96) to ``points`` (n, 68, 2), ``spread`` (n, 68) and ``presence``
(n,). ``signature``: ``faces`` (n, 1, 64, 64) to ``signature`` (n, 64). Brightness is 0 to 1 everywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mien import modelfile
from mien.errors import ModelError
from mien.graph import Graph

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mien.modelfile import Job, NetworkFile, NetworkMeta

INPUTS: dict[Job, str] = {"detector": "picture", "landmarks": "faces", "signature": "faces"}
OUTPUTS: dict[Job, tuple[str, ...]] = {
    "detector": ("cells",),
    "landmarks": ("points", "spread", "presence"),
    "signature": ("signature",),
}


def load(job: Job, network: str | Path | None = None, threads: int = 1) -> Network:
    """The network for ``job``: the shipped one, or the file that ``network`` names.

    Raises:
        UnknownPartError, ModelError: missing, damaged, foreign, or for another job.
    """
    return Network(modelfile.read_network(job if network is None else network), job, threads)


class Network:
    """A face network; safe to share between threads.

    Args:
        file: as ``mien.modelfile.read_network`` gives it.
        job: what it must be for.
        threads: that one run may use.

    Raises:
        ModelError: for another job, ONNX Runtime refuses it, or its inputs and outputs are not those of its job.
    """

    def __init__(self, file: NetworkFile, job: Job, threads: int = 1) -> None:
        if file.meta.job != job:
            raise ModelError(f"{file.path}: a face network for {file.meta.job!r}, where one for {job!r} is needed")
        self._file = file
        self._input, self._outputs = INPUTS[job], OUTPUTS[job]
        self._graph = Graph(file.content, file.path, threads)
        if self._graph.inputs != {self._input} or not self._graph.outputs.issuperset(self._outputs):
            raise ModelError(
                f"{file.path}: expects an input {self._input!r} and outputs {', '.join(self._outputs)}, has "
                f"{', '.join(sorted(self._graph.inputs))} and {', '.join(sorted(self._graph.outputs))}"
            )

    @property
    def meta(self) -> NetworkMeta:
        """What the file says of itself."""
        return self._file.meta

    def number(self, *keys: str) -> float:
        """The finite number at ``keys`` of the settings.

        Raises:
            ModelError: there is none.
        """
        value: Any = self.meta.settings
        for key in keys:
            value = value.get(key) if isinstance(value, dict) else None
        if not isinstance(value, (int, float)) or isinstance(value, bool) or not np.isfinite(value):
            raise ModelError(f"{self._file.path}: its settings hold no number {'.'.join(keys)!r}")
        return float(value)

    def run(self, pixels: NDArray[np.float32], *shapes: tuple[int, ...]) -> list[NDArray[Any]]:
        """The outputs of the job, in the order of ``OUTPUTS``.

        Args:
            pixels: as the job takes them.
            shapes: of the outputs that these pixels must give.

        Raises:
            ModelError: the graph fails, or gives other shapes or numbers that are not finite.
        """
        found = self._graph.run(self._outputs, {self._input: pixels})
        for name, values, shape in zip(self._outputs, found, shapes, strict=True):
            if values.shape != shape or not np.isfinite(values).all():
                raise ModelError(
                    f"{self._file.path}: gave {name} of shape {values.shape} where {shape} is due, or numbers "
                    "that are not finite; the file is damaged or foreign"
                )
        return found

"""A trained model run by ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from mien.errors import ModelError
from mien.graph import Graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.modelfile import ModelFile, ModelMeta

INPUT, OUTPUT = "patches", "probabilities"


class OnnxModel:
    """Label probabilities from face patches; safe to share between threads.

    Args:
        file: a model file as ``mien.modelfile.read`` gives it.

    Raises:
        ModelError: ONNX Runtime refuses the graph, or its inputs and outputs are not those of a mien model.
    """

    def __init__(self, file: ModelFile) -> None:
        self._graph = Graph(file.content, file.path)
        if INPUT not in self._graph.inputs or OUTPUT not in self._graph.outputs:
            raise ModelError(
                f"{file.path}: expects an input {INPUT!r} and an output {OUTPUT!r}, has "
                f"{', '.join(sorted(self._graph.inputs))} and {', '.join(sorted(self._graph.outputs))}; "
                "make it with 'mien train'"
            )
        self._file = file

    @property
    def meta(self) -> ModelMeta:
        """What the model file says of itself."""
        return self._file.meta

    @property
    def labels(self) -> tuple[str, ...]:
        """Meaning of the columns of ``run``."""
        return self._file.meta.labels.expressions

    def run(self, patches: NDArray[np.float32]) -> NDArray[np.float64]:
        """Probabilities of each label.

        Args:
            patches: float32 (n, size, size) in [0, 1], cut as ``meta.preprocessing`` says.

        Returns:
            float64 (n, labels); rows sum to 1.

        Raises:
            ModelError: the graph fails on this input, or gives another number of labels than its file names.
        """
        if len(patches) == 0:
            return np.zeros((0, len(self.labels)))
        (found,) = self._graph.run([OUTPUT], {INPUT: patches})
        scores = found.astype(np.float64)
        if scores.shape != (len(patches), len(self.labels)) or not np.isfinite(scores).all():
            raise ModelError(
                f"{self._file.path}: gave {scores.shape} numbers for {len(patches)} faces and "
                f"{len(self.labels)} labels, or numbers that are not finite; the file is damaged or foreign"
            )
        total = scores.sum(axis=1, keepdims=True)
        if scores.min() < 0 or total.min() <= 0:
            raise ModelError(f"{self._file.path}: gave numbers that are no probabilities; the file is foreign")
        return cast("NDArray[np.float64]", scores / total)

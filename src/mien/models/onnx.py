"""A trained model run by ONNX Runtime."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import onnxruntime

from mien.errors import ModelError

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
        options = onnxruntime.SessionOptions()
        # One thread: the graphs are small, and the second core is busy decoding.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                file.content, sess_options=options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # noqa: BLE001  ONNX Runtime's error classes share no base but Exception
            raise ModelError(f"{file.path}: ONNX Runtime cannot load it: {_first_line(error)}") from None
        inputs = {i.name for i in self._session.get_inputs()}
        outputs = {o.name for o in self._session.get_outputs()}
        if INPUT not in inputs or OUTPUT not in outputs:
            raise ModelError(
                f"{file.path}: expects an input {INPUT!r} and an output {OUTPUT!r}, has "
                f"{', '.join(sorted(inputs))} and {', '.join(sorted(outputs))}; make it with 'mien train'"
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
        try:
            (found,) = self._session.run([OUTPUT], {INPUT: patches})
            scores = np.asarray(found, np.float64)  # refuses the lists and maps that foreign graphs may give
        except Exception as error:  # noqa: BLE001  as above
            raise ModelError(f"{self._file.path}: the model failed: {_first_line(error)}") from None
        if scores.shape != (len(patches), len(self.labels)) or not np.isfinite(scores).all():
            raise ModelError(
                f"{self._file.path}: gave {scores.shape} numbers for {len(patches)} faces and "
                f"{len(self.labels)} labels, or numbers that are not finite; the file is damaged or foreign"
            )
        total = scores.sum(axis=1, keepdims=True)
        if scores.min() < 0 or total.min() <= 0:
            raise ModelError(f"{self._file.path}: gave numbers that are no probabilities; the file is foreign")
        return cast("NDArray[np.float64]", scores / total)


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__

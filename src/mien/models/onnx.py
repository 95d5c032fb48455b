"""A trained model run by ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from mien.errors import ModelError
from mien.graph import Graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.modelfile import ModelFile, ModelMeta

INPUT, OUTPUT, UNITS = "patches", "probabilities", "action_units"
AT_ONCE = 64  # faces in one run: a convolution needs some 5 MB for each while it runs


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """What a model says of n faces.

    Attributes:
        expressions: probability of each label, float64 (n, labels); rows sum to 1.
        action_units: probability of each action unit by itself, float64 (n, units) in [0, 1]; (n, 0) where the
            model gives none.
    """

    expressions: NDArray[np.float64]
    action_units: NDArray[np.float64]


class OnnxModel:
    """Probabilities of labels and action units from face patches; safe to share between threads.

    Args:
        file: a model file as ``mien.modelfile.read`` gives it.

    Raises:
        ModelError: ONNX Runtime refuses the graph, its inputs and outputs are not those of a mien model, or they
            contradict what the file says of itself.
    """

    def __init__(self, file: ModelFile) -> None:
        self._graph = Graph(file.content, file.path)
        self._file = file
        if self._graph.inputs != {INPUT} or OUTPUT not in self._graph.outputs:
            raise ModelError(
                f"{file.path}: expects an input {INPUT!r} and an output {OUTPUT!r}, has "
                f"{', '.join(sorted(self._graph.inputs))} and {', '.join(sorted(self._graph.outputs))}; "
                "make it with 'mien train'"
            )
        units = file.meta.labels.action_units
        if units and UNITS not in self._graph.outputs:
            raise self._contradiction(f"names {len(units)} action units, but the graph has no output {UNITS!r}")
        if not units and UNITS in self._graph.outputs:
            raise self._contradiction(f"names no action units, but the graph has an output {UNITS!r}")
        self._check_input()
        self._check_width(OUTPUT, len(self.labels), "labels")
        if units:
            self._check_width(UNITS, len(units), "action units")
        self._outputs = [OUTPUT, UNITS] if units else [OUTPUT]

    @property
    def meta(self) -> ModelMeta:
        """What the model file says of itself."""
        return self._file.meta

    @property
    def labels(self) -> tuple[str, ...]:
        """Meaning of the columns of ``Scores.expressions``."""
        return self._file.meta.labels.expressions

    @property
    def action_units(self) -> tuple[str, ...]:
        """Meaning of the columns of ``Scores.action_units``; empty where the model gives none."""
        return self._file.meta.labels.action_units

    def run(self, patches: NDArray[np.float32]) -> Scores:
        """Probabilities of each label and action unit; up to ``AT_ONCE`` faces in one run of the graph.

        Args:
            patches: float32 (n, size, size) in [0, 1], cut as ``meta.preprocessing`` says.

        Raises:
            ModelError: the graph fails on this input, or gives another number of labels or action units than its
                file names, or numbers that are no probabilities.
        """
        if len(patches) == 0:
            return Scores(np.zeros((0, len(self.labels))), np.zeros((0, len(self.action_units))))
        parts = [self._run(patches[at : at + AT_ONCE]) for at in range(0, len(patches), AT_ONCE)]
        units = np.concatenate([part.action_units for part in parts])
        return Scores(np.concatenate([part.expressions for part in parts]), units)

    def _run(self, patches: NDArray[np.float32]) -> Scores:
        found = self._graph.run(self._outputs, {INPUT: patches})
        scores = self._finite(found[0], len(patches), len(self.labels), "labels")
        total = scores.sum(axis=1, keepdims=True)
        if scores.min() < 0 or total.min() <= 0:
            raise ModelError(f"{self._file.path}: gave numbers that are no probabilities; the file is foreign")
        units = np.zeros((len(patches), 0))
        if self.action_units:
            units = self._finite(found[1], len(patches), len(self.action_units), "action units")
            if units.min() < 0 or units.max() > 1:
                raise ModelError(
                    f"{self._file.path}: gave action units from {units.min():g} to {units.max():g}, which are no "
                    "probabilities; the file is foreign"
                )
        return Scores(cast("NDArray[np.float64]", scores / total), units)

    def _finite(self, found: NDArray[np.floating], faces: int, wanted: int, what: str) -> NDArray[np.float64]:
        """The output as float64 (faces, wanted)."""
        if found.shape != (faces, wanted) or not np.isfinite(found).all():
            raise ModelError(
                f"{self._file.path}: gave {found.shape} numbers for {faces} faces and {wanted} {what}, or numbers "
                "that are not finite; the file is damaged or foreign"
            )
        return found.astype(np.float64)

    def _check_input(self) -> None:
        """Refuse an input that patches of the told size can never fit, as far as the graph fixes its shape."""
        size = self.meta.preprocessing.get("size")
        if size is None:
            raise self._contradiction("does not name the size of its patches ('size' of its preprocessing)")
        shape, kind = self._graph.shapes[INPUT], self._graph.types[INPUT]
        if kind != "tensor(float)":
            raise self._contradiction(f"is for float32 patches, but the graph wants {kind}")
        if shape is None:
            return
        if len(shape) != 3 or shape[0] is not None or any(side not in (None, size) for side in shape[1:]):
            wanted = ", ".join("n" if length is None else str(length) for length in shape)
            raise self._contradiction(f"cuts patches (n, {size}, {size}), but the graph wants ({wanted})")

    def _check_width(self, output: str, wanted: int, what: str) -> None:
        """Refuse an output of another width than the file has names, as far as the graph fixes it."""
        shape = self._graph.shapes[output]
        if shape is None:
            return
        if len(shape) != 2 or shape[1] not in (None, wanted):
            given = ", ".join("n" if length is None else str(length) for length in shape)
            raise self._contradiction(f"names {wanted} {what}, but the graph's output {output!r} is ({given})")

    def _contradiction(self, how: str) -> ModelError:
        return ModelError(
            f"{self._file.path}: contradicts itself: its description {how}; the file is damaged or foreign, "
            "make it again with 'mien train'"
        )

"""Scores of face crops: patches cut as a model wants them, and the model on top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mien import modelfile, recipe
from mien.errors import InputError, ModelError, RecipeError
from mien.faces import patches
from mien.faces.landmarks import LandmarkNetwork, upright
from mien.models.onnx import OnnxModel
from mien.video.arrays import frame_from_array

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mien.modelfile import ModelMeta
    from mien.types import Box, Grey


class ExpressionModel:
    """Scores face crops; safe to share between threads.

    Args:
        file: a model file.

    Raises:
        ModelError: the file is damaged or foreign.
    """

    def __init__(self, file: modelfile.ModelFile) -> None:
        self._model = OnnxModel(file)
        try:
            self._cut = recipe.options(patches.Options, file.meta.preprocessing, f"{file.path}: preprocessing")
        except RecipeError as error:
            raise ModelError(f"{error}; made by another version of mien?") from None
        self._landmarks: LandmarkNetwork | None = None
        self.sha256 = file.sha256

    @property
    def labels(self) -> tuple[str, ...]:
        """Meaning of the columns of ``predict``, in order."""
        return self._model.labels

    @property
    def needs_points(self) -> bool:
        """Whether ``score`` wants the points of each face: the model's patches are aligned by them."""
        return self._cut.alignment != "box"

    @property
    def meta(self) -> ModelMeta:
        """What the model file says of itself: name, labels, preprocessing, provenance."""
        return self._model.meta

    def predict(self, faces: Sequence[NDArray[Any]] | NDArray[Any]) -> NDArray[np.float64]:
        """Probabilities of each label for each face crop.

        A model whose patches are aligned finds the points in each crop by itself; a crop in which no face can be
        seen counts as one of an upright face.

        Args:
            faces: crops in the geometry of the detector's box (forehead to chin): each uint8 or float in [0, 1],
                (height, width) grey or (height, width, 3) R G B, of any size; or one array with a leading n.

        Returns:
            float64 (n, labels); rows sum to 1.

        Raises:
            InputError: a crop has NaN or infinite pixels, a wrong shape or a wrong type.
            UnknownPartError, ModelError: the landmark network is needed, and missing or damaged.
        """
        if isinstance(faces, np.ndarray) and faces.ndim == 3 and faces.shape[2] == 3:
            raise InputError(f"an array of shape {faces.shape} is one colour crop; put it in a list")
        greys = [frame_from_array(face, index).pixels.grey() for index, face in enumerate(faces)]
        return self.score(greys, [None] * len(greys))

    def score(
        self,
        greys: Sequence[Grey],
        boxes: Sequence[Box | None],
        points: Sequence[NDArray[Any] | None] | None = None,
    ) -> NDArray[np.float64]:
        """Probabilities for faces of grey pictures.

        Args:
            greys: uint8 (height, width), one per face.
            boxes: of the faces, pixels; ``None``: the whole picture is the face.
            points: (68, 2) of the faces, pixels; only a model that ``needs_points`` looks at them, and finds them
                itself where the whole picture is the face.

        Returns:
            float64 (n, labels); rows sum to 1.

        Raises:
            InputError: a face has no points, or points that do not say where it is.
            UnknownPartError, ModelError: a model fails, or the landmark network is needed and missing.
        """
        if not greys:
            return np.zeros((0, len(self.labels)))
        known = [None] * len(greys) if points is None else points
        cut = []
        for grey, box, at in zip(greys, boxes, known, strict=True):
            seen = self._points(grey) if self.needs_points and box is None and at is None else at
            try:
                cut.append(patches.cut(grey, box, self._cut, seen))
            except ValueError as error:
                raise InputError(f"{self.meta.name}: {error}") from None
        return self._model.run(np.stack(cut))

    def _points(self, grey: Grey) -> NDArray[Any]:
        """The points of the face that fills ``grey``."""
        if self._landmarks is None:
            self._landmarks = LandmarkNetwork(modelfile.read_network("landmarks"))
        seen = self._landmarks.in_crop(grey)
        return upright(grey) if seen is None else seen


def load_model(model: str | Path = "default") -> ExpressionModel:
    """A model for face crops, without video around it.

    Raises:
        UnknownPartError, ModelError: unknown, damaged or foreign.
    """
    return ExpressionModel(modelfile.read(model))

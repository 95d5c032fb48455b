"""Scores of face crops: patches cut as a model wants them, and the model on top."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from mien import modelfile, recipe
from mien.errors import InputError, ModelError, RecipeError
from mien.faces import patches
from mien.faces.landmarks import LandmarkNetwork, upright
from mien.models.onnx import OnnxModel, Scores
from mien.temporal.baseline import TYPICAL
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
        ModelError: the file is damaged or foreign, or contradicts itself.
    """

    def __init__(self, file: modelfile.ModelFile) -> None:
        try:
            self._cut = recipe.options(patches.Options, file.meta.preprocessing, f"{file.path}: preprocessing")
        except RecipeError as error:
            raise ModelError(f"{error}; made by another version of mien?") from None
        self._model = OnnxModel(file)
        self._neutral = _neutral(file)
        self._landmarks: LandmarkNetwork | None = None
        self.sha256 = file.sha256

    @property
    def labels(self) -> tuple[str, ...]:
        """Meaning of the columns of ``predict``, in order."""
        return self._model.labels

    @property
    def action_units(self) -> tuple[str, ...]:
        """Meaning of the columns of ``predict_action_units``, in order; empty where the model gives none."""
        return self._model.action_units

    @property
    def neutral_action_units(self) -> NDArray[np.float64]:
        """What the model gives a typical neutral face, probabilities (units,).

        ``neutral_action_units`` of the file's notes, in the order of ``action_units``; where it has none,
        ``mien.temporal.baseline.TYPICAL`` for each.
        """
        return self._neutral.copy()

    @property
    def cut(self) -> patches.Options:
        """How patches are cut for the model."""
        return self._cut

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
        return self._score_crops(faces).expressions

    def predict_action_units(self, faces: Sequence[NDArray[Any]] | NDArray[Any]) -> NDArray[np.float64]:
        """Probability of each action unit for each face crop.

        Args:
            faces: as for ``predict``.

        Returns:
            float64 (n, units) in [0, 1], each by itself; (n, 0) where the model gives none.

        Raises:
            InputError, UnknownPartError, ModelError: as ``predict``.
        """
        return self._score_crops(faces).action_units

    def score(
        self,
        greys: Sequence[Grey],
        boxes: Sequence[Box | None],
        points: Sequence[NDArray[Any] | None] | None = None,
    ) -> Scores:
        """Probabilities for faces of grey pictures, up to 64 in one run of the model.

        Args:
            greys: uint8 (height, width), one per face.
            boxes: of the faces, pixels; ``None``: the whole picture is the face.
            points: (68, 2) of the faces, pixels; only a model that ``needs_points`` looks at them, and finds them
                itself where the whole picture is the face.

        Raises:
            InputError: a face has no points, or points that do not say where it is.
            UnknownPartError, ModelError: a model fails, or the landmark network is needed and missing.
        """
        return self.score_patches(self.patches(greys, boxes, points))

    def patches(
        self,
        greys: Sequence[Grey],
        boxes: Sequence[Box | None],
        points: Sequence[NDArray[Any] | None] | None = None,
    ) -> NDArray[np.float32]:
        """What the model is shown of faces of grey pictures.

        Args:
            greys: uint8 (height, width), one per face.
            boxes: as for ``score``.
            points: as for ``score``.

        Returns:
            float32 (n, size, size) in [0, 1].

        Raises:
            InputError, UnknownPartError, ModelError: as ``score``.
        """
        known = [None] * len(greys) if points is None else points
        cut = np.empty((len(greys), self._cut.size, self._cut.size), np.float32)
        for into, grey, box, at in zip(cut, greys, boxes, known, strict=True):
            seen = self._points(grey) if self.needs_points and box is None and at is None else at
            try:
                into[:] = patches.cut(grey, box, self._cut, seen)
            except ValueError as error:
                raise InputError(f"{self.meta.name}: {error}") from None
        return cut

    def score_patches(self, patches: NDArray[np.float32]) -> Scores:
        """Probabilities for patches that are cut already, up to 64 in one run of the model.

        Args:
            patches: float32 (n, size, size) in [0, 1], as ``patches`` gives them.

        Raises:
            InputError: another shape or type, or pixels that are not in [0, 1].
            ModelError: the model fails.
        """
        size = self._cut.size
        if patches.ndim != 3 or patches.shape[1:] != (size, size) or patches.dtype != np.float32:
            raise InputError(
                f"patches of {self.meta.name} are float32 (n, {size}, {size}), not {patches.dtype} {patches.shape}"
            )
        if patches.size and not (patches.min() >= 0 and patches.max() <= 1):  # NaN fails both
            raise InputError(f"patches of {self.meta.name} must be in [0, 1] throughout")
        return self._model.run(patches)

    def _score_crops(self, faces: Sequence[NDArray[Any]] | NDArray[Any]) -> Scores:
        if isinstance(faces, np.ndarray) and faces.ndim == 3 and 0 < faces.shape[2] <= 4:
            what = "one colour crop; put it in a list" if faces.shape[2] == 3 else "no crops, grey or R G B"
            raise InputError(f"an array of shape {faces.shape} is {what}")
        if not isinstance(faces, Iterable):
            raise InputError(
                f"faces are a list of crops, or one array with a leading n, not a {type(faces).__name__}"
            )
        greys = [frame_from_array(face, index).pixels.grey() for index, face in enumerate(faces)]
        return self.score(greys, [None] * len(greys))

    def _points(self, grey: Grey) -> NDArray[Any]:
        """The points of the face that fills ``grey``."""
        if self._landmarks is None:
            self._landmarks = LandmarkNetwork(modelfile.read_network("landmarks"))
        seen = self._landmarks.in_crop(grey)
        return upright(grey) if seen is None else seen


def _neutral(file: modelfile.ModelFile) -> NDArray[np.float64]:
    units = len(file.meta.labels.action_units)
    told = file.meta.notes.get("neutral_action_units")
    if told is None:
        return np.full(units, TYPICAL)
    numbers = isinstance(told, (list, tuple)) and all(type(value) in (int, float) for value in told)
    if not numbers or len(told) != units or not all(0 <= value <= 1 for value in told):
        raise ModelError(
            f"{file.path}: its note 'neutral_action_units' must hold {units} probabilities, one per action unit; "
            "the file is damaged or foreign"
        )
    return np.array(told, np.float64)


def load_model(model: str | Path = "default") -> ExpressionModel:
    """A model for face crops, without video around it.

    Raises:
        UnknownPartError, ModelError: unknown, damaged or foreign.
    """
    return ExpressionModel(modelfile.read(model))

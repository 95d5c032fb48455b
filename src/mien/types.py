"""The nouns that travel through mien, with their shapes and units.

Coordinates are pixels of the *upright* frame (rotation metadata already applied), origin at the top left
corner, x to the right, y down. Times are seconds since the start of the stream.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    Grey = NDArray[np.uint8]  # (height, width), 0-255, full range
    Rgb = NDArray[np.uint8]  # (height, width, 3), 0-255, R G B

FaceState = Literal["tentative", "confirmed", "found"]
"""``tentative``: new, and not yet seen often enough to be sure of; ``confirmed``: followed; ``found``: was lost
and is back under its old id in this frame. A *lost* face has no row; ``FrameResult.lost`` names it."""


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned rectangle in pixels of the upright frame; may reach beyond the frame's edge."""

    x: float
    y: float
    width: float
    height: float

    @property
    def centre(self) -> tuple[float, float]:
        """Centre point (x, y) in pixels."""
        return self.x + self.width / 2, self.y + self.height / 2

    @property
    def area(self) -> float:
        """Area in square pixels."""
        return self.width * self.height

    def overlap(self, other: Box) -> float:
        """Intersection over union with ``other``, 0 to 1."""
        wide = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        high = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        if wide <= 0 or high <= 0:
            return 0.0
        shared = wide * high
        return min(shared / (self.area + other.area - shared), 1.0)  # rounding may give a hair more

    def scaled(self, factor: float) -> Box:
        """The box grown about its centre by ``factor`` (1 leaves it as it is)."""
        cx, cy = self.centre
        return Box(
            cx - self.width * factor / 2,
            cy - self.height * factor / 2,
            self.width * factor,
            self.height * factor,
        )

    def within(self, width: float, height: float) -> Box:
        """The part of the box inside a frame of this size; of no area at its edge where all of it lies outside."""
        left, right = (min(max(at, 0.0), width) for at in (self.x, self.x + self.width))
        top, bottom = (min(max(at, 0.0), height) for at in (self.y, self.y + self.height))
        return Box(left, top, right - left, bottom - top)

    def moved(self, dx: float, dy: float) -> Box:
        """The box shifted by (dx, dy) pixels."""
        return Box(self.x + dx, self.y + dy, self.width, self.height)


class Pixels(Protocol):
    """A decoded picture that gives its pixels in the form asked for, upright."""

    @property
    def width(self) -> int:
        """Pixels across, upright."""

    @property
    def height(self) -> int:
        """Pixels down, upright."""

    def grey(self) -> Grey:
        """Luma, uint8 (height, width), full range 0-255. Callers must not write into it."""

    def rgb(self) -> Rgb:
        """Colour, uint8 (height, width, 3), R G B. A fresh array that the caller may draw on."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame.

    Attributes:
        index: place in the decoded sequence, from 0.
        time: seconds since the stream's start, from the container's timestamp; ``None`` where the source has
            no clock (a folder of images). Never index / fps.
        pixels: the picture.
        pts: the container's own timestamp in ``SourceInfo.time_base`` units, where there is one.
    """

    index: int
    time: float | None
    pixels: Pixels
    pts: int | None = None


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a source says about itself before it is read; estimates may be wrong, ``None`` is unknown.

    Attributes:
        name: the path or name as given by the user.
        kind: ``video``, ``image``, ``images`` (a folder), ``camera`` or ``arrays``.
        width, height: of the upright frame, pixels.
        frames: estimated number of frames, for progress only.
        duration: estimated seconds, for progress only.
        time_base: seconds per timestamp unit.
        rate: nominal frames per second, for encoders only.
    """

    name: str
    kind: Literal["video", "image", "images", "camera", "arrays"]
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    duration: float | None = None
    time_base: Fraction | None = None
    rate: Fraction | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """The 68 points of a face.

    Attributes:
        points: float32 (68, 2), x and y in pixels of the upright frame, iBUG order.
        spread: float32 (68,), mean error that the network expects of each point, pixels.
        presence: the network's certainty that there is a face at all, 0 to 1.
    """

    points: NDArray[np.float32]
    spread: NDArray[np.float32]
    presence: float


@dataclass(frozen=True, slots=True)
class Pose:
    """How a head is turned, degrees; 0, 0, 0 looks straight into the camera.

    Attributes:
        pitch: nodding; positive looks up.
        yaw: turning; positive looks to the right of the picture.
        roll: tilting in the picture; positive is clockwise as seen.
    """

    pitch: float
    yaw: float
    roll: float


@dataclass(frozen=True, slots=True)
class Quality:
    """How well a face can be seen.

    Attributes:
        sharpness: 0 (no detail) to 1 (every pixel counts).
        brightness: mean luma of the face, 0 black to 1 white.
        size: distance of the eyes' centres that the mean shape has in this face's box, pixels: the inter-ocular
            distance, which a turned head keeps here.
        presence: certainty that the face is there and not covered, 0 to 1.
    """

    sharpness: float
    brightness: float
    size: float
    presence: float


@dataclass(frozen=True, slots=True)
class Face:
    """A face found in one frame.

    Attributes:
        box: where, pixels of the upright frame: an upright square, whatever the face's roll.
        score: how sure the detector is that this is a face, 0 to 1.
        landmarks: its points, where they are sought.
        roll: degrees by which the face is tilted in the picture, clockwise as seen; 0 where nobody measured it.
    """

    box: Box
    score: float
    landmarks: Landmarks | None = field(default=None, compare=False)
    roll: float = field(default=0.0)


@dataclass(frozen=True, slots=True)
class TrackedFace:
    """A face with the identity it keeps through one video.

    Attributes:
        id: track id from 1, never used again for somebody else in the same video.
        face: the face as found in this frame.
        state: see ``FaceState``.
        certainty: that this is the same face as before under this id, 0 to 1.
    """

    id: int
    face: Face
    state: FaceState
    certainty: float = 1.0


@dataclass(frozen=True, slots=True)
class Observation:
    """What one face shows in one frame.

    Attributes:
        face: track id from 1.
        box: where, pixels of the upright frame.
        score: the detector's certainty that this is a face, 0 to 1.
        state: see ``FaceState``.
        expression: the most probable label; empty where it is withheld.
        probabilities: float64 (labels,), in the model's label order, sum 1.
        certainty: that this is the same face as before under this id, 0 to 1.
        landmarks, pose, quality: where the recipe seeks landmarks.
        action_units: float64 (units,) in [0, 1], each by itself, in the model's order; ``None`` where the model
            gives none.
        evidence: which action units speak for which expression, in words; empty where none do.
        withheld: why no expression is given, in words; empty where one is.
    """

    face: int
    box: Box
    score: float
    state: FaceState
    expression: str
    probabilities: NDArray[np.float64]
    certainty: float = 1.0
    landmarks: Landmarks | None = None
    pose: Pose | None = None
    quality: Quality | None = None
    action_units: NDArray[np.float64] | None = None
    evidence: str = ""
    withheld: str = ""


@dataclass(frozen=True, slots=True)
class FrameResult:
    """All that was seen in one frame.

    Attributes:
        frame: index of the frame, from 0.
        time: seconds since the stream's start, or ``None`` without a clock.
        faces: one observation per face, ordered by track id; empty when there is no face.
        lost: ids of faces that are out of sight now but still awaited.
        shot: number of the shot that the frame belongs to, from 1; a cut begins the next one.
    """

    frame: int
    time: float | None
    faces: tuple[Observation, ...]
    lost: tuple[int, ...] = ()
    shot: int = 1


@dataclass(frozen=True, slots=True)
class RunRecord:
    """How a table came to be: written into its metadata.

    Attributes:
        mien_version: version of mien.
        source: the input as the user named it.
        model: model name.
        model_sha256: hash of the model file's bytes, hex.
        recipe: the analysis recipe as TOML text.
        labels: the model's labels, in order.
        frames: frames decoded.
        frames_without_face: analysed frames in which no face was seen.
        decode_errors: packets or images that could not be decoded.
        extra: anything else, text by text.
    """

    mien_version: str
    source: str
    model: str
    model_sha256: str
    recipe: str
    labels: tuple[str, ...]
    frames: int = 0
    frames_without_face: int = 0
    decode_errors: int = 0
    extra: Mapping[str, str] = field(default_factory=dict)

    def as_text(self) -> dict[str, str]:
        """The record as text by text, as file metadata wants it; keys as in the attributes."""
        plain = {
            "mien_version": self.mien_version,
            "source": self.source,
            "model": self.model,
            "model_sha256": self.model_sha256,
            "recipe": self.recipe,
            "labels": " ".join(self.labels),
            "frames": str(self.frames),
            "frames_without_face": str(self.frames_without_face),
            "decode_errors": str(self.decode_errors),
        }
        return {**plain, **self.extra}

"""When no expression is named: a face that is too small, blurred, dark or covered to tell, or an unsure model.

The probabilities are given all the same; only the one word that stands for them is withheld.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mien.types import Quality


@dataclass(frozen=True, slots=True)
class Options:
    """Levels below which no expression is named; 0 asks nothing. In the order in which they are looked at.

    Attributes:
        presence, size, sharpness, brightness: of the face, as ``mien.types.Quality`` has them.
        confidence: probability of the most probable label, smoothed.
    """

    presence: float = 0.0
    size: float = 0.0
    sharpness: float = 0.0
    brightness: float = 0.0
    confidence: float = 0.0

    def __post_init__(self) -> None:
        for name in ("presence", "sharpness", "brightness", "confidence"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be 0 to 1")
        if self.size < 0:
            raise ValueError("size must be 0 pixels or more")

    @property
    def of_quality(self) -> bool:
        """Whether it asks for a quality, which only faces with landmarks have."""
        return any((self.presence, self.size, self.sharpness, self.brightness))

    @property
    def asked(self) -> bool:
        """Whether anything can be withheld at all."""
        return self.of_quality or self.confidence > 0


def reason(options: Options, quality: Quality | None, confidence: float) -> str:
    """Why no expression is named, as the name of the first level that is not reached; empty where all are.

    Args:
        options: the levels.
        quality: of the face; one that was not measured reaches no level above 0.
        confidence: probability of the most probable label.
    """
    for name in ("presence", "size", "sharpness", "brightness"):
        level: float = getattr(options, name)
        if level > 0 and (quality is None or getattr(quality, name) < level):
            return name
    return "confidence" if confidence < options.confidence else ""

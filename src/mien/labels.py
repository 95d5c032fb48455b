"""Vocabularies: expressions and facial action units, and the order in which models give them.

The eight expressions are those of the 2010 report (section 2.2) and of CK+ with neutral from the first frames
(Lucey et al. 2010). Action units are numbered as in the Facial Action Coding System (Ekman & Friesen 1978).
mien names what a face *shows*; none of these words is a claim about what a person feels.
"""

from __future__ import annotations

from dataclasses import dataclass

EXPRESSIONS: tuple[str, ...] = (
    "anger",
    "contempt",
    "disgust",
    "fear",
    "happiness",
    "neutral",
    "sadness",
    "surprise",
)
"""The eight expressions, alphabetical: the column order of every 8-class model."""

NEUTRAL = "neutral"
"""The expression of a face at rest."""

ACTION_UNITS: dict[str, str] = {
    "AU01": "inner brow raiser",
    "AU02": "outer brow raiser",
    "AU04": "brow lowerer",
    "AU05": "upper lid raiser",
    "AU06": "cheek raiser",
    "AU07": "lid tightener",
    "AU09": "nose wrinkler",
    "AU10": "upper lip raiser",
    "AU11": "nasolabial deepener",
    "AU12": "lip corner puller",
    "AU14": "dimpler",
    "AU15": "lip corner depressor",
    "AU16": "lower lip depressor",
    "AU17": "chin raiser",
    "AU18": "lip pucker",
    "AU20": "lip stretcher",
    "AU21": "neck tightener",
    "AU22": "lip funneler",
    "AU23": "lip tightener",
    "AU24": "lip pressor",
    "AU25": "lips part",
    "AU26": "jaw drop",
    "AU27": "mouth stretch",
}
"""The 23 action units that CK+ codes often enough to list, with their FACS names."""


@dataclass(frozen=True, slots=True)
class Combination:
    """Action units that, shown together, speak for an expression.

    Attributes:
        present: all of them are shown.
        absent: none of them is, as they would make it another expression's combination.
    """

    present: tuple[str, ...]
    absent: tuple[str, ...] = ()


COMBINATIONS: dict[str, tuple[Combination, ...]] = {
    "anger": (
        Combination(("AU23", "AU24")),
        Combination(("AU04", "AU05", "AU07", "AU23")),  # EMFACS
        Combination(("AU04", "AU05", "AU07", "AU24")),  # EMFACS
    ),
    "contempt": (Combination(("AU14",)),),
    "disgust": (Combination(("AU09",)), Combination(("AU10",))),
    "fear": (
        Combination(("AU01", "AU02", "AU04")),
        Combination(("AU01", "AU02", "AU04", "AU05", "AU20")),  # EMFACS
        Combination(("AU05", "AU20")),  # EMFACS
    ),
    "happiness": (
        Combination(("AU12",)),
        Combination(("AU06", "AU12")),  # EMFACS
    ),
    "sadness": (
        Combination(("AU01", "AU04", "AU15")),
        Combination(("AU11",)),
        Combination(("AU06", "AU15")),
        Combination(("AU01", "AU04", "AU15", "AU17")),  # EMFACS
    ),
    "surprise": (
        Combination(("AU01", "AU02"), absent=("AU04",)),
        Combination(("AU01", "AU02", "AU05"), absent=("AU04",)),  # EMFACS
        Combination(("AU01", "AU02", "AU26"), absent=("AU04",)),  # EMFACS
        Combination(("AU01", "AU02", "AU27"), absent=("AU04",)),  # EMFACS
        Combination(("AU05", "AU26"), absent=("AU04", "AU20")),  # EMFACS
        Combination(("AU05", "AU27"), absent=("AU04", "AU20")),  # EMFACS
    ),
}
"""Which action units speak for which expression; any one combination is enough.

Unmarked ones are the criteria of CK+ (Lucey et al. 2010, Table 2, "Emotion Prediction Table"); those for contempt
and disgust, and all that are marked EMFACS (Ekman & Friesen's emotional FACS), are written down from memory of the
sources and not checked against their wording. Left out is what depends on intensity, which a probability does not
tell: fear without AU04 at the strongest AU05, and surprise by a weak AU05 alone. That surprise wants AU04 absent is
mien's reading of the table's order: with AU04 the combination is fear's. A neutral face has none."""

SYNONYMS: dict[str, str] = {
    "angry": "anger",
    "happy": "happiness",
    "joy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
    "fearful": "fear",
    "afraid": "fear",
    "disgusted": "disgust",
    "contemptuous": "contempt",
}
"""Other data sets' words for the same expression; the one map between vocabularies."""

COLOURS: dict[str, str] = {
    "anger": "#D55E00",
    "contempt": "#CC79A7",
    "disgust": "#009E73",
    "fear": "#0072B2",
    "happiness": "#E69F00",
    "neutral": "#606060",
    "sadness": "#56B4E9",
    "surprise": "#000000",
}
"""One colour per expression from the palette of Okabe & Ito (2008), which stays apart in the common forms of
colour blindness; their yellow is left out (too faint on white). A dark grey stands for neutral: middle greys look
like the green and the pink to deuteranopes."""


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The meaning of a model's outputs.

    Attributes:
        expressions: labels in output order, mutually exclusive: their probabilities sum to 1.
        action_units: names in output order, keys of ``ACTION_UNITS``; each has a probability of its own. Empty
            where the model gives none.

    Raises:
        ValueError: fewer than two expressions, a name twice, or an action unit that ``ACTION_UNITS`` lacks.
    """

    expressions: tuple[str, ...]
    action_units: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(set(self.expressions)) != len(self.expressions) or len(self.expressions) < 2:
            raise ValueError(f"labels must be two or more and all different, not {self.expressions}")
        if len(set(self.action_units)) != len(self.action_units):
            raise ValueError(f"action units must be all different, not {self.action_units}")
        if both := sorted(set(self.expressions) & set(self.action_units)):
            raise ValueError(f"{', '.join(both)} cannot be both label and action unit")
        if unknown := [name for name in self.action_units if name not in ACTION_UNITS]:
            raise ValueError(f"unknown action units {', '.join(unknown)}; known: {', '.join(ACTION_UNITS)}")


def canonical(name: str) -> str:
    """The house's word for an expression: ``happy`` -> ``happiness``; unknown words come back lower-case."""
    word = name.strip().lower()
    return SYNONYMS.get(word, word)

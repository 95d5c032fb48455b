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
    """

    expressions: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(set(self.expressions)) != len(self.expressions) or len(self.expressions) < 2:
            raise ValueError(f"labels must be two or more and all different, not {self.expressions}")


def canonical(name: str) -> str:
    """The house's word for an expression: ``happy`` -> ``happiness``; unknown words come back lower-case."""
    word = name.strip().lower()
    return SYNONYMS.get(word, word)

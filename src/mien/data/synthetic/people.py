"""Who is drawn: the parameters of one invented person, all from a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

HairStyle = Literal["short", "long", "cropped"]


@dataclass(frozen=True, slots=True)
class Person:
    """What stays the same whatever the face shows.

    Lengths are factors of the mean face (1 is the mean), offsets are in widths of the face box, greys are
    reflectances from 0 (black) to 1 (white).

    Attributes:
        number: the person's number within the seed.
        seed: the seed that the person comes from.
        face_width, jaw_width, chin_length: outline.
        eye_spacing, eye_width, eye_opening: factors; eye_slant: outer corners up, offset.
        brow_height: above the mean, offset; brow_thickness: factor; brow_slant: inner ends down, offset.
        nose_length, nose_width, mouth_width, lip_thickness: factors.
        mouth_height: below the mean, offset; mouth_curve: corners up at rest, offset.
        skin, hair, iris, lips: reflectances; ``lips`` is relative to the skin.
        hairline: below the mean, offset; hair_style: see ``HairStyle``.
        beard, moustache: strength, 0 is none.
        glasses: worn or not.
        lines: how deep the face creases when it moves.
        vigour: how strongly the person expresses, a factor of every action unit's strength.
        manner: seeds the person's own choice of action units.
    """

    number: int
    seed: int
    face_width: float
    jaw_width: float
    chin_length: float
    eye_spacing: float
    eye_width: float
    eye_opening: float
    eye_slant: float
    brow_height: float
    brow_thickness: float
    brow_slant: float
    nose_length: float
    nose_width: float
    mouth_width: float
    lip_thickness: float
    mouth_height: float
    mouth_curve: float
    skin: float
    hair: float
    iris: float
    lips: float
    hairline: float
    hair_style: HairStyle
    beard: float
    moustache: float
    glasses: bool
    lines: float
    vigour: float
    manner: int


def invent(number: int, seed: int = 0) -> Person:
    """The person of that number.

    Args:
        number: which person, from 0.
        seed: another seed gives other people.

    Returns:
        Always the same person for the same arguments.
    """
    rng = np.random.default_rng([seed, number])

    def near(mean: float, spread: float) -> float:
        """A normal value that stays within two and a half deviations, so that no face is a monster."""
        return float(mean + spread * np.clip(rng.standard_normal(), -2.5, 2.5))

    skin = float(rng.uniform(0.42, 0.82))
    bearded = rng.random() < 0.15
    return Person(
        number=number,
        seed=seed,
        face_width=near(1, 0.04),
        jaw_width=near(1, 0.05),
        chin_length=near(1, 0.04),
        eye_spacing=near(1, 0.04),
        eye_width=near(1, 0.06),
        eye_opening=near(1, 0.12),
        eye_slant=near(0, 0.006),
        brow_height=near(0, 0.007),
        brow_thickness=near(1, 0.22),
        brow_slant=near(0, 0.005),
        nose_length=near(1, 0.06),
        nose_width=near(1, 0.09),
        mouth_width=near(1, 0.07),
        lip_thickness=near(1, 0.17),
        mouth_height=near(0, 0.009),
        mouth_curve=near(0, 0.004),
        skin=skin,
        hair=float(rng.uniform(0.06, min(0.45, 0.75 * skin))),
        iris=float(rng.uniform(0.10, 0.32)),
        lips=near(0.66, 0.06),
        hairline=near(0, 0.015),
        hair_style=("short", "long", "cropped")[int(rng.choice(3, p=(0.45, 0.4, 0.15)))],
        beard=float(rng.uniform(0.2, 0.55)) if bearded else 0.0,
        moustache=float(rng.uniform(0.2, 0.6)) if bearded or rng.random() < 0.05 else 0.0,
        glasses=bool(rng.random() < 0.12),
        lines=near(1, 0.25),
        vigour=near(1, 0.1),
        manner=int(rng.integers(2**31)),
    )

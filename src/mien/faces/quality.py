"""How well a face can be seen: sharp or blurred, bright or dark, large or small, there or covered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from mien.faces import align
from mien.faces.oval import oval
from mien.types import Quality

if TYPE_CHECKING:
    from mien.faces.shape import Placement
    from mien.types import Grey

SIZE = 64  # pixels: every face is brought to this, so that a sharp face is sharp at any size
FINE, COARSE = 1.0, 4.0  # pixels: standard deviations of the blurs that take away fine detail, and nearly all
NOISE = 0.3  # grey levels: detail below this is rounding
# Shares of fine detail in all detail that become 0 and 1, from 150 portraits: .31 as they are (90 % between .25
# and .39), .17 blurred by 2 % of the face's side, .09 by 5 % and more.
BLURRED, SHARP = 0.08, 0.32


def quality(grey: Grey, placement: Placement, presence: float) -> Quality:
    """The quality of the face at ``placement``.

    Sharpness is the share of fine detail in all detail inside the face's oval, brought to 64 pixels: it falls
    with blur, and with size where a face has less than about 64 pixels, and knows neither the light's strength
    nor larger sizes. Noise is detail to it.

    Args:
        grey: uint8 (height, width).
        placement: of the face, pixels.
        presence: certainty that the face is there and not covered, 0 to 1; passed on.

    Raises:
        ValueError: the placement is not finite or not of positive size.
    """
    face = align.cut(grey, placement, SIZE).astype(np.float32)
    fine = float((face - cv2.GaussianBlur(face, (0, 0), FINE))[_OVAL].std())
    detail = float((face - cv2.GaussianBlur(face, (0, 0), COARSE))[_OVAL].std())
    share = (fine / (detail + NOISE) - BLURRED) / (SHARP - BLURRED)
    return Quality(
        sharpness=min(max(share, 0.0), 1.0),
        brightness=min(max(float(face[_OVAL].mean()) / 255, 0.0), 1.0),
        size=placement.side * align.EYES,
        presence=presence,
    )


_OVAL = oval(SIZE)

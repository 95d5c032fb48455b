"""From the teacher's 468-point mesh to the 68 points of iBUG.

The mesh has its own numbering (MediaPipe's canonical face model); the 68 points are those of the 300-W challenge
(Sagonas et al. 2013): 0-16 jaw, 17-26 brows, 27-35 nose, 36-47 eyes, 48-67 lips, the first of a pair left in the
picture. Brows, nose, eyes and lips are vertices of the mesh at about the same place of the face. The jaw is not:
the mesh follows the outline of the face with vertices at uneven distances, so its 17 points are laid out anew, nine
at equal distances from each ear to the chin.

| points | mesh vertices |
|---|---|
| 0-16 jaw | equal steps along ``OUTLINE``; 0 and 16 its ends, 8 the chin (152) |
| 17-21, 22-26 brows | 70 63 105 66 107, 336 296 334 293 300 (upper edge) |
| 27-30 bridge of the nose | 168 197 5 4 |
| 31-35 base of the nose | 98 97 2 326 327 |
| 36-41, 42-47 eyes | 33 160 158 133 153 144, 362 385 387 263 373 380 |
| 48-59 outer lips | 61 39 37 0 267 269 291 405 314 17 84 181 |
| 60-67 inner lips | 78 82 13 312 308 317 14 87 |
"""

from __future__ import annotations

import numpy as np

VERTICES = 468
OUTLINE = (
    127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152,
    377, 400, 378, 379, 365, 397, 288, 361, 323, 454, 356,
)  # fmt: skip
CHIN = OUTLINE.index(152)
INNER = (
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300,
    168, 197, 5, 4, 98, 97, 2, 326, 327,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181,
    78, 82, 13, 312, 308, 317, 14, 87,
)  # fmt: skip
MIRRORED = (
    *range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, *range(35, 30, -1),
    45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
    *range(54, 47, -1), 59, 58, 57, 56, 55, *range(64, 59, -1), 67, 66, 65,
)  # fmt: skip
"""As in ``mien.faces.shape``, which the teacher's environment does not have."""


def points68(mesh: np.ndarray) -> np.ndarray:
    """The 68 points of one mesh, float32 (68, 3), from float32 (468, 3) in pixels."""
    outline = mesh[list(OUTLINE)]
    right, left = _even(outline[: CHIN + 1]), _even(outline[CHIN:])
    return np.vstack([right, left[1:], mesh[list(INNER)]]).astype(np.float32)


def _even(line: np.ndarray, count: int = 9) -> np.ndarray:
    """``count`` points at equal distances along a line, its ends among them; distances as seen in the picture."""
    steps = np.linalg.norm(np.diff(line[:, :2], axis=0), axis=1)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    wanted = np.linspace(0, along[-1], count)
    return np.stack([np.interp(wanted, along, line[:, k]) for k in range(3)], axis=1)

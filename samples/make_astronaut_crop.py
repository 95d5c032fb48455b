"""Makes the face of Fig. 2, src/mien/reproduce/astronaut.png: ``python samples/make_astronaut_crop.py``.

It is a crop of ``skimage.data.astronaut()``, a NASA photograph in the public domain (needs the test group).
"""

from __future__ import annotations

from pathlib import Path

import cv2
from skimage.data import astronaut

TOP, LEFT, SIDE = 14, 134, 176  # pixels of the photograph: head, hair and some background
SIZE = 128


def main() -> None:
    """Write the picture."""
    grey = cv2.cvtColor(astronaut(), cv2.COLOR_RGB2GRAY)[TOP : TOP + SIDE, LEFT : LEFT + SIDE]
    small = cv2.resize(grey, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    path = Path(__file__).parents[1] / "src" / "mien" / "reproduce" / "astronaut.png"
    cv2.imwrite(str(path), small, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    print(f"{path}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()

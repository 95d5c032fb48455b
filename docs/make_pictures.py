"""Makes the pictures in docs/pictures from the sample clip: ``python docs/make_pictures.py``."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np

from mien.cli import cli

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOT = Path(__file__).parents[1]
SMALLER = 0.75
SHOWN = (3.2, 5.6, 6.9, 9.4)  # seconds: a smile, the face lost, found again, two people


def main() -> None:
    """Run ``mien analyze`` on the sample; keep its plot, its explanation and four frames of its annotated video."""
    pictures = Path(__file__).with_name("pictures")
    pictures.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        seen, why = Path(folder, "seen.mp4"), Path(folder, "why.png")
        sample, plot = str(ROOT / "samples" / "astronaut.mp4"), str(pictures / "plot.png")
        made = ["--annotate", str(seen), "--plot", plot, "--explain", str(why)]
        cli(["analyze", sample, *made], standalone_mode=False)
        keep(pictures / "explained.jpg", cv2.imread(str(why), cv2.IMREAD_COLOR)[:, :, ::-1])
        wanted, frames = list(SHOWN), []
        with av.open(str(seen)) as container:
            for frame in container.decode(video=0):
                if wanted and frame.time is not None and frame.time >= wanted[0]:
                    wanted.pop(0)
                    frames.append(frame.to_ndarray(format="rgb24"))
    sheet = np.vstack([np.hstack(frames[:2]), np.hstack(frames[2:])])
    keep(pictures / "annotated.jpg", sheet)


def keep(path: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture (R G B) as JPEG, somewhat smaller."""
    smaller = cv2.resize(picture, None, fx=SMALLER, fy=SMALLER, interpolation=cv2.INTER_AREA)
    cv2.imwrite(str(path), smaller[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 88])


if __name__ == "__main__":
    main()

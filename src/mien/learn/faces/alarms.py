"""What a detector takes for faces where there are none, for the landmark network to learn from.

``python -m mien.learn.faces.alarms --bank bank.npz --detector detector.npz -o alarms.npz`` looks at the training
scenes, which show no people, and at lettering that it draws, at many sizes and turns, and writes the bank once more
with all that looked like a face to the detector. The landmark network's presence is the second opinion on every
detection: it must know these.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import torch

from mien.faces import align
from mien.faces.shape import Placement
from mien.learn import loop
from mien.learn.faces import bank, command, detector_targets
from mien.learn.faces.detector_network import MULTIPLE, Detector
from mien.learn.faces.detector_network import Options as NetworkOptions
from mien.learn.faces.landmark_crops import AROUND

if TYPE_CHECKING:
    from mien.learn.faces.bank import Pictures
    from mien.types import Grey

VIEWS = 24  # of each scene
SCALES = (0.35, 2.2)  # of a view
TURNS = 25.0  # degrees by which a view is turned at most, besides quarter turns
SURE = 0.1  # certainty from which an answer is an alarm
MOST = 8  # alarms of one view
SIZE = 96  # pixels of a stored alarm
LETTERINGS = 60  # drawn pictures
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789&@%$#?!"


@torch.no_grad()
def gather(scenes: Pictures, network: Detector, seed: int) -> Pictures:
    """Squares about all alarms in random views of ``scenes``, ``AROUND`` times as wide as the mistaken box."""
    random = np.random.default_rng(seed)
    squares: list[Grey] = []
    names: list[str] = []
    network.eval()
    for scene, name in zip(scenes.pictures, scenes.names, strict=True):
        for _ in range(VIEWS):
            view = _view(scene, random)
            high, wide = (-(-length // MULTIPLE) * MULTIPLE for length in view.shape)
            padded = np.zeros((high, wide), np.uint8)
            padded[: view.shape[0], : view.shape[1]] = view
            cells = network(torch.from_numpy(padded)[None, None].float() / 255)
            (found,) = detector_targets.decode(cells, float(np.log(SURE / (1 - SURE))), MOST)
            for _, x, y, side, *_ in found.tolist():
                squares.append(align.cut(view, Placement(x, y, side * AROUND), SIZE))
                names.append(name)
    return bank.Pictures(squares, names, ["train"] * len(names))


def lettering(count: int, seed: int) -> Pictures:
    """Words and signs of all sizes on even and uneven grounds: titles are full of rings, dots and bars."""
    random = np.random.default_rng([seed, 1])
    pictures: list[Grey] = []
    for _ in range(count):
        rough = random.uniform(40, 215) + random.uniform(0, 40) * random.standard_normal((6, 8))
        picture = cv2.resize(rough.astype(np.float32), (480, 320), interpolation=cv2.INTER_CUBIC)
        for _ in range(int(random.integers(2, 9))):
            text = "".join(random.choice(list(LETTERS), int(random.integers(1, 12))))
            at = int(random.integers(-40, 380)), int(random.integers(20, 330))
            font, size = int(random.integers(0, 8)), float(np.exp(random.uniform(np.log(0.5), np.log(6))))
            thick = max(1, round(size * random.uniform(1, 6)))
            if random.random() < 0.5:  # an outline
                cv2.putText(picture, text, at, font, size, float(random.uniform(0, 255)), thick + 4, cv2.LINE_AA)
            cv2.putText(picture, text, at, font, size, float(random.uniform(0, 255)), thick, cv2.LINE_AA)
        pictures.append(np.clip(picture, 0, 255).astype(np.uint8))
    return bank.Pictures(pictures, ["lettering"] * count, ["train"] * count)


def _view(scene: Grey, random: np.random.Generator) -> Grey:
    """The scene larger or smaller, turned, perhaps mirrored."""
    turned: Any = np.rot90(scene, int(random.choice([0, 0, 0, 1, 2, 3])))
    scale = float(np.exp(random.uniform(*np.log(SCALES))))
    high, wide = turned.shape
    place = cv2.getRotationMatrix2D(((wide - 1) / 2, (high - 1) / 2), float(random.uniform(-TURNS, TURNS)), scale)
    size = max(round(wide * scale), MULTIPLE), max(round(high * scale), MULTIPLE)
    place[:, 2] += (size[0] - wide) / 2, (size[1] - high) / 2
    flags = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.warpAffine(np.ascontiguousarray(turned), place, size, flags=flags, borderMode=cv2.BORDER_REFLECT)
    return np.ascontiguousarray(small[:, ::-1] if random.random() < 0.5 else small)


def main(argv: list[str] | None = None) -> None:
    """Gather alarms; see the module's text.

    Raises:
        MienError: whatever a person can act upon.
    """
    parser = argparse.ArgumentParser(description="Add to a bank what a detector takes for faces in its scenes.")
    parser.add_argument("--bank", type=Path, required=True, help="pictures and labels")
    parser.add_argument("--detector", type=Path, required=True, help="the detector's weights (.npz)")
    parser.add_argument("-o", dest="out", type=Path, required=True, help="the bank with alarms to write (.npz)")
    given = parser.parse_args(argv)
    faces = bank.read(given.bank)
    arrays, story = command.kept(given.detector)
    network = Detector(NetworkOptions(tuple(story["network"])))
    loop.load(network, arrays, str(given.detector))
    scenes, written = faces.scenes.of("train"), lettering(LETTERINGS, seed=1)
    looked_at = bank.Pictures(
        scenes.pictures + written.pictures, scenes.names + written.names, scenes.splits + written.splits
    )
    found = gather(looked_at, network, seed=1)
    bank.write(given.out, faces.portraits, faces.small, faces.scenes, found)
    drawn = found.names.count("lettering")
    command.tell(f"{given.out}: {len(found.names) - drawn} alarms in scenes, {drawn} in lettering")


if __name__ == "__main__":
    sys.exit(command.run(main))

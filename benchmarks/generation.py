"""Are drawn faces what they were asked to be? ``python benchmarks/generation.py --data ckplus:PATH [-o DIR]``.

Every invented person of the generator is drawn once under every label; every drawn face counts, none is chosen. The
judges are mien's own models, which have seen real faces only. Printed, and written to DIR as ``generation.json``:

a. how often a judge names the label that was held, with Wilson intervals, beside what it makes of the real faces;
b. for every action unit, the area under the curve of the judge's probability: unit held present against absent;
c. whether a person stays the same under other labels: likeness of one person's faces against those of two people;
d. mean distance of two faces of a label, beside that of real faces;
e. how near drawn faces come to the real ones, beside how near real people come to each other.

The judges have learned from CK+, too: their figures on its real faces are not held out, and are printed only to say
what can be asked of them.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

import mien
from mien import modelfile, recipe
from mien.data import landmarks
from mien.data.opening import open_dataset
from mien.faces import patches
from mien.generation.clamp import Clamp, asked
from mien.generation.generator import Generator, load_generator
from mien.generation.likeness import Gallery, evened
from mien.labels import NEUTRAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.data.dataset import Item
    from mien.models.onnx import Scores

FIVE = ("neutral", "surprise", "happiness", "disgust", "anger")
"""The labels of which CK+ has most faces."""


class Judge:
    """A model that looks at faces as a generator draws them.

    Args:
        name: of the model.
        margin: of the generator's faces.
    """

    def __init__(self, name: str, margin: float) -> None:
        self.name = name
        self._model = mien.load_model(name)
        self._wider = margin / self._model.cut.margin
        self.labels, self.units = self._model.labels, self._model.action_units

    def scores(self, faces: NDArray[np.float32]) -> Scores:
        """Of faces (n, size, size) in [0, 1]."""
        cut = self._model.cut
        side = faces.shape[1] / self._wider
        step = side / cut.size
        start = (faces.shape[1] - side + step) / 2 - 0.5
        place = np.array([[step, 0, start], [0, step, start]], np.float64)
        fine = np.array([[step / 2, 0, start - step / 4], [0, step / 2, start - step / 4]], np.float64)
        found = np.empty((len(faces), cut.size, cut.size), np.float32)
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        for face, into in zip(faces, found, strict=True):
            if step > 1.2:  # twice as fine first, then averaged, as mien.faces.patches does it
                large = cv2.warpAffine(
                    face, fine, (2 * cut.size, 2 * cut.size), flags=flags, borderMode=cv2.BORDER_REPLICATE
                )
                small = cv2.resize(large, (cut.size, cut.size), interpolation=cv2.INTER_AREA)
            else:
                small = cv2.warpAffine(
                    face, place, (cut.size, cut.size), flags=flags, borderMode=cv2.BORDER_REPLICATE
                )
            into[:] = patches.scaled(np.clip(small, 0, 1) * 255, cut.scaling)
        return self._model.score_patches(found)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, metavar="NAME:PATH", help="real faces, such as ckplus:PATH")
    parser.add_argument("--model", default=modelfile.GENERATOR, help="generator")
    parser.add_argument("-o", "--output", type=Path, metavar="DIR")
    given = parser.parse_args()
    generator = load_generator(given.model)
    cut = recipe.options(patches.Options, generator.meta.preprocessing, "preprocessing")
    items, real = faces_of(given.data, cut)
    drawn = {
        label: drawn_as(generator, asked(label, (), generator.labels), seed)
        for seed, label in enumerate(generator.labels.expressions)
    }
    judges = [Judge(name, cut.margin) for name in (modelfile.DEFAULT, "aligned")]
    told: dict[str, Any] = {"generator": generator.meta.name, "sha256": generator.sha256, "faces": generator.people}
    told["labels"] = {judge.name: labels(judge, drawn, items, real) for judge in judges}
    told["units"] = units(judges[0], generator)
    told["identity"] = identity(drawn)
    told["diversity"] = diversity(drawn, items, real)
    told["nearest"] = nearest(drawn, items, real)
    if given.output is not None:
        given.output.mkdir(parents=True, exist_ok=True)
        text = json.dumps(told, indent=1) + "\n"
        (given.output / "generation.json").write_text(text, encoding="utf-8")
        print(f"wrote {given.output / 'generation.json'}")


def faces_of(spec: str, cut: patches.Options) -> tuple[list[Item], NDArray[np.float32]]:
    """The labelled faces of a data set, cut as the generator's training faces were."""
    dataset = landmarks.for_alignment(open_dataset(spec), cut.alignment)
    items = [item for item in dataset.items if item.expression is not None]
    found = []
    for item in items:
        face = item.face()
        found.append(patches.cut(face, None, cut, landmarks.points(item, face)))
    return items, np.stack(found)


def drawn_as(generator: Generator, clamp: Clamp, seed: int) -> NDArray[np.float32]:
    """One face of every invented person; with seeds of their own, labels share nothing but what is held."""
    people = [*range(1, generator.people + 1)]
    return generator.draw([clamp] * len(people), people, seed)


def labels(
    judge: Judge, drawn: dict[str, NDArray[np.float32]], items: list[Item], real: NDArray[np.float32]
) -> dict[str, Any]:
    """How often the label that was held is named."""
    shown = np.array([item.expression for item in items])
    told: dict[str, Any] = {}
    print(f"\na. named as asked by {judge.name}, of {len(drawn[NEUTRAL])} each (goal 0.80 for {', '.join(FIVE)})")
    for label, faces in drawn.items():
        place = judge.labels.index(label)
        hits = judge.scores(faces).expressions.argmax(axis=1) == place
        seen = judge.scores(light(real[shown == label])).expressions.argmax(axis=1) == place
        low, high = wilson(int(hits.sum()), len(hits))
        told[label] = {"named": float(hits.mean()), "low": low, "high": high, "real": float(seen.mean())}
        print(f"  {label:10} {hits.mean():.3f} [{low:.3f}, {high:.3f}]   real {seen.mean():.3f} of {len(seen)}")
    told["five"] = float(np.mean([told[label]["named"] for label in FIVE]))
    told["without_neutral"] = float(np.mean([told[label]["named"] for label in drawn if label != NEUTRAL]))
    print(f"  mean of the five {told['five']:.3f}, of all but neutral {told['without_neutral']:.3f}")
    return told


def units(judge: Judge, generator: Generator) -> dict[str, float]:
    """For every unit that the judge knows, the area under the curve of present against absent."""
    told = {}
    print(f"\nb. action units by {judge.name}: area under the curve, held present against held absent")
    for unit in judge.units:
        place = judge.units.index(unit)
        there, not_there = (
            judge.scores(drawn_as(generator, clamp, seed)).action_units[:, place]
            for seed, clamp in enumerate((Clamp(None, (unit,)), Clamp(None, (), (unit,))))
        )
        told[unit] = area(there, not_there)
        print(f"  {unit} {told[unit]:.3f}   mean probability {there.mean():.2f} against {not_there.mean():.2f}")
    told["mean"] = float(np.mean(list(told.values())))
    print(f"  mean {told['mean']:.3f}")
    return told


def identity(drawn: dict[str, NDArray[np.float32]]) -> dict[str, float]:
    """Likeness of a person's faces under two labels, against that of two people's; about each label's mean face."""
    apart = {}
    for label, faces in drawn.items():
        flat = evened(faces).reshape(len(faces), -1)
        away = flat - flat.mean(axis=0)
        apart[label] = away / np.linalg.norm(away, axis=1, keepdims=True)
    one, two = [], []
    for first in apart:
        for second in apart:
            if first < second:
                alike = apart[first] @ apart[second].T
                one.append(np.diag(alike))
                two.append(alike[~np.eye(len(alike), dtype=bool)])
    same, different = np.concatenate(one), np.concatenate(two)
    told = {"same": float(same.mean()), "different": float(different.mean()), "auc": area(same, different)}
    print(
        f"\nc. one person under two labels: likeness {told['same']:.3f}; two people: {told['different']:.3f}; "
        f"area under the curve {told['auc']:.3f}"
    )
    return told


def diversity(
    drawn: dict[str, NDArray[np.float32]], items: list[Item], real: NDArray[np.float32]
) -> dict[str, Any]:
    """Mean distance of two faces of a label."""
    shown = np.array([item.expression for item in items])
    told: dict[str, Any] = {}
    print("\nd. mean distance of two faces of a label: drawn, real, their ratio (goal 0.5)")
    for label, faces in drawn.items():
        made, there = spread(faces), spread(real[shown == label])
        told[label] = {"drawn": made, "real": there, "ratio": made / there}
        print(f"  {label:10} {made:.3f} {there:.3f} {made / there:.3f}")
    told["mean"] = float(np.mean([told[label]["ratio"] for label in drawn]))
    print(f"  mean ratio {told['mean']:.3f}")
    return told


def nearest(drawn: dict[str, NDArray[np.float32]], items: list[Item], real: NDArray[np.float32]) -> dict[str, Any]:
    """How near drawn faces come to real ones."""
    gallery = Gallery(
        real,
        [str(item.expression) for item in items],
        [item.subject for item in items],
        [item.name for item in items],
    )
    found, yardstick = gallery.nearest(np.concatenate(list(drawn.values()))), gallery.strangers()
    told: dict[str, Any] = {"drawn": found.told(), "strangers": yardstick.told()}
    told["above"] = int((found.likeness > yardstick.likeness.max()).sum())
    print("\ne. to the nearest real face: least, 5 %, half, 95 %, most")
    for name, values in (("drawn", told["drawn"]), ("real people, to somebody else", told["strangers"])):
        for measure in ("distance", "likeness"):
            print(f"  {measure} {'  '.join(f'{value:.3f}' for value in values[measure])}  {name}")
    print(
        f"  {told['above']} of {len(found.likeness)} drawn faces are more like a real one than two people are alike"
    )
    return told


def light(faces: NDArray[np.float32]) -> NDArray[np.float32]:
    """Real faces in the light of drawn ones."""
    return np.asarray(np.clip(evened(faces) * 0.17 + 0.5, 0, 1), np.float32)


def spread(faces: NDArray[np.float32]) -> float:
    """Mean root mean square difference of two faces, each of mean 0 and standard deviation 1."""
    flat = evened(faces).reshape(len(faces), -1)
    squared = (flat**2).mean(axis=1)
    apart = squared[:, None] + squared - 2 * flat @ flat.T / flat.shape[1]
    return float(np.sqrt(np.maximum(apart[np.triu_indices(len(flat), 1)], 0)).mean())


def area(above: NDArray[Any], below: NDArray[Any]) -> float:
    """Probability that one of ``above`` is larger than one of ``below``; equal ones count half."""
    away = above[:, None] - below[None]
    return float((away > 0).mean() + (away == 0).mean() / 2)


def wilson(hits: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """The Wilson (1927) interval of a share."""
    share, more = hits / of, z * z / of
    middle = (share + more / 2) / (1 + more)
    half = z / (1 + more) * np.sqrt(share * (1 - share) / of + more / (4 * of))
    return float(middle - half), float(middle + half)


if __name__ == "__main__":
    main()

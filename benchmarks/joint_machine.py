"""What the joint machine says of people it never saw: ``python benchmarks/joint_machine.py --data ckplus:PATH``.

A generator is trained by its recipe on four fifths of the people. On the others: the expression by exact free
energy, the action units by mean field and by Gibbs sampling; and whether drawn faces are more like people who were
blended than like people who were not, which a model that copies cannot hide. Minutes on one core.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mien import modelfile
from mien.data import landmarks
from mien.data.opening import open_dataset
from mien.evaluate import metrics
from mien.generation.clamp import asked
from mien.generation.generator import Generator
from mien.generation.likeness import Gallery
from mien.learn import training_set
from mien.learn.generation import export, recipe, train

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.data.dataset import Dataset, Item
    from mien.learn.generation.train import TrainedGenerator

FOLD = 5
"""Every fifth person is held out."""

RARE = 10
"""Held-out faces that must show a unit for it to be measured."""

GIBBS = 200


def main() -> None:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, metavar="NAME:PATH")
    parser.add_argument("--recipe", default=f"generators/{modelfile.GENERATOR}")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE.json")
    given = parser.parse_args()
    plan = recipe.read(given.recipe)
    whole = landmarks.for_alignment(open_dataset(given.data), plan.patches.alignment)
    out = set(whole.subjects[::FOLD])
    seen = replace(whole, items=tuple(item for item in whole.items if item.subject not in out))
    held = [item for item in whole.items if item.subject in out and item.expression is not None]
    trained = train.train(plan, seen)
    told = {"held_out": named(trained, held, whole), "copying": copying(trained, seen, held)}
    text = json.dumps(told, indent=1)
    print(text)
    if given.output is not None:
        given.output.write_text(text + "\n", encoding="utf-8")


def named(trained: TrainedGenerator, held: list[Item], whole: Dataset) -> dict[str, Any]:
    """Expression and action units of held-out faces."""
    features = torch.from_numpy(trained.recognised(training_set.cut(held, trained.recipe.patches)))
    truth = np.array([whole.labels.expressions.index(str(item.expression)) for item in held])
    answer = trained.joint.posterior(features).argmax(dim=1).numpy()
    table = metrics.confusion(truth, answer, len(whole.labels.expressions))
    random = torch.Generator().manual_seed(0)
    by = {
        "mean_field": trained.joint.action_units(features).numpy(),
        "gibbs": trained.joint.sampled_action_units(features, GIBBS, random).numpy(),
    }
    shown = np.array([item.action_units or (0,) * len(whole.action_units) for item in held])
    common = np.flatnonzero(shown.sum(axis=0) >= RARE)
    areas = {how: [area(found[:, k], shown[:, k] > 0) for k in common] for how, found in by.items()}
    return {
        "faces": len(held),
        "people": len({item.subject for item in held}),
        "accuracy": metrics.accuracy(table),
        "balanced_accuracy": metrics.balanced_accuracy(table),
        "recall": dict(zip(whole.labels.expressions, metrics.recall(table).round(3).tolist(), strict=True)),
        "units": [whole.action_units[k] for k in common],
        **{f"auc_{how}": round(float(np.mean(values)), 3) for how, values in areas.items()},
    }


def copying(trained: TrainedGenerator, seen: Dataset, held: list[Item]) -> dict[str, Any]:
    """Likeness of drawn faces to the nearest of people who were blended, and to as many who were not."""
    content, _ = export.graph(Path("held-out.onnx"), trained)
    meta = export.describe(trained, seen, {})
    generator = Generator(modelfile.GeneratorFile(Path("held-out.onnx"), content, "", meta))
    clamps = [asked(label, (), trained.labels) for label in trained.labels.expressions]
    drawn = np.concatenate(
        [
            generator.draw([clamp] * generator.people, [*range(1, generator.people + 1)], seed)
            for seed, clamp in enumerate(clamps)
        ]
    )
    blended = [item for item in seen.items if item.expression is not None]
    people = sorted({item.subject for item in blended})
    count = len({item.subject for item in held})
    told = {"not_blended": likeness(drawn, held, trained)}
    for k in range(len(people) // count):
        group = set(people[k :: len(people) // count][:count])
        told[f"blended_{k + 1}"] = likeness(drawn, [item for item in blended if item.subject in group], trained)
    return told


def likeness(drawn: NDArray[np.float32], items: list[Item], trained: TrainedGenerator) -> list[float]:
    """Quantiles of the likeness to the nearest of these faces."""
    shown, people = [str(item.expression) for item in items], [item.subject for item in items]
    gallery = Gallery(training_set.cut(items, trained.recipe.patches), shown, people, [item.name for item in items])
    return gallery.nearest(drawn).told()["likeness"]


def area(scores: NDArray[np.floating], there: NDArray[np.bool_]) -> float:
    """Area under the curve; equal scores count half."""
    away = scores[there][:, None] - scores[~there]
    return float((away > 0).mean() + (away == 0).mean() / 2)


if __name__ == "__main__":
    main()

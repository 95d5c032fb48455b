"""Does a start without labels pay? ``python benchmarks/pretraining.py --data ferplus:PATH [--steps N]``.

The network of ``recipes/wild.toml`` is trained on a share of the labelled training faces of FER+, once from random
weights and once from a backbone that was pretrained as a masked autoencoder on all training faces without labels.
The supervised steps are equal. Both are scored on training faces that neither saw in any way. Prints accuracy and
mean recall of every run, and the differences.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.data import landmarks, parts
from mien.data.opening import open_dataset
from mien.learn import recipe as recipes
from mien.learn import training_set
from mien.learn.networks import calibration, pretraining, train
from mien.learn.networks.recipe import NetworkRecipe

if TYPE_CHECKING:
    from mien.data.dataset import Dataset, Item

SCORED = 3000  # faces that are kept out of everything


@dataclass(frozen=True, slots=True)
class Run:
    """One training: share of the labels, seed, whether it was pretrained, and what came out."""

    share: float
    seed: int
    pretrained: bool
    accuracy: float
    mean_recall: float
    seconds: float


def run(recipe: NetworkRecipe, data: Dataset, scored: tuple[Item, ...], share: float, pretrained: bool) -> Run:
    """Train on ``share`` of the labels and score."""
    order = np.random.default_rng([recipe.seed, 9]).permutation(len(data.items))
    told = set(order[: round(share * len(order))].tolist())
    items = tuple(
        item if k in told else replace(item, expression=None, votes=None) for k, item in enumerate(data.items)
    )
    begin = time.perf_counter()
    made = train.train(recipe, replace(data, items=items))
    seconds = time.perf_counter() - begin
    place = {label: k for k, label in enumerate(data.labels.expressions)}
    truth = np.array([place[str(item.expression)] for item in scored])
    answer = made.predict(training_set.cut(scored, recipe.patches)).argmax(axis=1)
    right = answer == truth
    recall = [right[truth == k].mean() for k in np.unique(truth)]
    return Run(share, recipe.seed, pretrained, float(right.mean()), float(np.mean(recall)), seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="ferplus:PATH")
    parser.add_argument("--steps", type=int, default=400, help="supervised steps of every run")
    parser.add_argument("--before", type=int, default=1000, help="steps without labels")
    parser.add_argument("--size", type=int, default=48, help="pixels of a patch")
    parser.add_argument("--shares", type=float, nargs="+", default=[0.05, 0.25])
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("-o", type=Path, dest="out", help="write the runs here (.json)")
    given = parser.parse_args()
    plain = recipes.read("wild")
    assert isinstance(plain, NetworkRecipe)
    plain = replace(
        plain,
        patches=replace(plain.patches, size=given.size),
        training=replace(plain.training, steps=given.steps, warmup=given.steps // 10, average=0.99),
        calibration=calibration.Options(share=0.0, prior=plain.calibration.prior),
    )
    whole = parts.for_training(open_dataset(given.data))
    whole = landmarks.with_landmarks(whole)
    order = np.random.default_rng(5).permutation(len(whole.items))
    labelled = [k for k in order if whole.items[k].expression is not None]
    out = set(labelled[:SCORED])
    scored = tuple(whole.items[k] for k in sorted(out))
    rest = replace(whole, items=tuple(item for k, item in enumerate(whole.items) if k not in out))
    runs: list[Run] = []
    for share in given.shares:
        for seed in range(given.seeds):
            for steps in (0, given.before):
                recipe = replace(plain.with_seed(seed), pretraining=pretraining.Options(steps=steps))
                runs.append(found := run(recipe, rest, scored, share, steps > 0))
                print(
                    f"{share:.0%} of the labels, seed {seed}, {'pretrained' if steps else 'random    '}: accuracy "
                    f"{found.accuracy:.3f}, mean recall {found.mean_recall:.3f}, {found.seconds:.0f} s",
                    flush=True,
                )
        told: dict[bool, Any] = {
            kind: np.mean([r.accuracy for r in runs if r.share == share and r.pretrained == kind])
            for kind in (False, True)
        }
        print(f"{share:.0%}: pretraining is worth {100 * (told[True] - told[False]):+.1f} points of accuracy")
    if given.out:
        given.out.write_text(json.dumps([{k: getattr(r, k) for k in Run.__slots__} for r in runs], indent=1) + "\n")


if __name__ == "__main__":
    main()

"""How good a detector is on scenes with truth: which of its answers are right, and what that comes to."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mien.learn.faces.detector_targets import decode, overlaps
from mien.learn.faces.scenes import IGNORED, POSITIVE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from torch import nn

    from mien.learn.faces.scenes import Batch

MATCHED = 0.4  # overlap from which an answer is right
LOWEST = -7.0  # logit below which answers are not looked at
PRECISION = 0.98
SIZES = (8.0, 12.0, 16.0, 24.0, 40.0, 80.0, 400.0)


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers and truth of many scenes.

    Attributes:
        scores: (n,), logits of the answers that count.
        right: bool (n,).
        overlap: (n,), with the face found; 0 for wrong answers.
        of_empty: bool (n,), whether the scene has no face in truth.
        sides, rolls: (m,), of the true faces, pixels and degrees.
        found: (m,), logit of the answer that found each; -inf for none.
        scenes, empty: how many scenes, and how many of them without a face.
    """

    scores: NDArray[np.float64]
    right: NDArray[np.bool_]
    overlap: NDArray[np.float64]
    of_empty: NDArray[np.bool_]
    sides: NDArray[np.float64]
    rolls: NDArray[np.float64]
    found: NDArray[np.float64]
    scenes: int
    empty: int


@torch.no_grad()
def ask(network: nn.Module, batches: Iterable[Batch]) -> Answers:
    """The network's answers on scenes; whatever answers an IGNORED face counts neither way."""
    rows: list[tuple[float, bool, float, bool]] = []
    truths: list[tuple[float, float, float]] = []
    scenes = empty = 0
    for batch in batches:
        for k, answers in enumerate(decode(network(batch.pictures), LOWEST)):
            states, sides = batch.states[k].cpu(), batch.sides[k].cpu()
            faces = torch.cat([batch.centres[k].cpu(), sides[:, None]], 1)
            shared = overlaps(answers[:, 1:4], faces)
            logits = [float("-inf")] * len(states)
            none = not bool((states == POSITIVE).any() | (states == IGNORED).any())
            scenes, empty = scenes + 1, empty + none
            for answer, near in zip(answers, shared, strict=True):
                free = [f for f in range(len(states)) if states[f] == POSITIVE and logits[f] == float("-inf")]
                best = max(free, key=lambda f: float(near[f]), default=-1)
                if best >= 0 and near[best] >= MATCHED:
                    logits[best] = float(answer[0])
                    rows.append((float(answer[0]), True, float(near[best]), none))
                elif not bool(((near > 0.2) & (states == IGNORED)).any()):
                    rows.append((float(answer[0]), False, 0.0, none))
            eyes = batch.eyes[k].cpu()
            turn = torch.rad2deg(torch.atan2(eyes[:, 3] - eyes[:, 1], eyes[:, 2] - eyes[:, 0]))
            truths += [
                (float(sides[f]), float(turn[f]), logits[f]) for f in range(len(states)) if states[f] == POSITIVE
            ]
    table, true = np.array(rows, np.float64).reshape(-1, 4), np.array(truths, np.float64).reshape(-1, 3)
    return Answers(
        table[:, 0],
        table[:, 1] > 0,
        table[:, 2],
        table[:, 3] > 0,
        true[:, 0],
        true[:, 1],
        true[:, 2],
        scenes,
        empty,
    )


def figures(answers: Answers) -> dict[str, Any]:
    """Average precision, recall by size at a precision of 0.98, overlap, alarms per scene without faces."""
    order = np.argsort(-answers.scores, kind="stable")
    right = answers.right[order]
    hits = np.cumsum(right)
    precision = hits / np.arange(1, len(right) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    truths = max(len(answers.sides), 1)
    good = np.flatnonzero(precision >= PRECISION)
    threshold = float(answers.scores[order][good[-1]]) if len(good) else float("inf")
    hit = answers.found >= threshold
    upright = np.abs(answers.rolls) <= 30
    alarms = answers.of_empty & ~answers.right
    by_size = {
        f"{low:g}-{high:g}": [round(float(hit[chosen].mean()), 4), int(chosen.sum())]
        for low, high in itertools.pairwise(SIZES)
        if (chosen := (answers.sides >= low) & (answers.sides < high)).any()
    }
    wide = upright & (answers.sides >= 40)
    return {
        "scenes": answers.scenes,
        "faces": len(answers.sides),
        "average_precision": round(float((envelope * right).sum() / truths), 4),
        "threshold_at_precision_0.98": round(1 / (1 + float(np.exp(-threshold))), 4),
        "recall_at_precision_0.98": round(float(hit.mean()), 4) if len(hit) else 0.0,
        "recall_40px_30deg": round(float(hit[wide].mean()), 4) if wide.any() else 0.0,
        "recall_beyond_30deg": round(float(hit[~upright].mean()), 4) if (~upright).any() else 0.0,
        "recall_by_size": by_size,
        "overlap": round(float(answers.overlap[answers.right].mean()), 4) if answers.right.any() else 0.0,
        "alarms_per_empty_scene": {
            f"at_{p:g}": round(
                float((alarms & (answers.scores > np.log(p / (1 - p)))).sum() / max(answers.empty, 1)), 4
            )
            for p in (0.3, 0.5, 0.7, 0.9)
        },
        "empty_scenes": answers.empty,
    }

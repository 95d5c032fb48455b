"""Writes the frame tables that ``test_output_golden.py`` compares with; run by hand after a change on purpose.

python tests/golden/make_output_golden.py
"""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np

from mien.labels import EXPRESSIONS, LabelSet
from mien.output.columns import Shown
from mien.output.opening import open_table
from mien.types import Box, Frame, FrameResult, Landmarks, Observation, Pose, Quality, RunRecord

KINDS = {
    "frames": Shown(LabelSet(EXPRESSIONS)),
    "points": Shown(LabelSet(EXPRESSIONS), landmarks=True, points=True),
}
NAMES = tuple(f"{kind}.{end}" for kind in KINDS for end in ("csv", "jsonl", "csv.json", "jsonl.json"))


def results() -> list[FrameResult]:
    """Five frames: none, one and two faces, points and none, a lost and a found one, a cut, awkward numbers."""
    smile = np.array([0.01, 0.01, 0.02, 0.01, 0.9, 0.03, 0.01, 0.01])
    thirds = np.array([1 / 3, 1 / 3, 1 / 3, 0, 0, 0, 0, 0])
    sure = np.array([1e-9, 0, 0, 0, 0, 0, 0, 1 - 1e-9])
    points = np.arange(136, dtype=np.float32).reshape(68, 2) * np.float32(7 / 3) - 5
    marks, pose = Landmarks(points, np.ones(68, np.float32), 0.99), Pose(-7.25, 1 / 3, -0.0)
    quality = Quality(0.5, 0.125, 34.75, 0.99)
    here, beyond = Box(120.25, 64, 96.5, 96.5), Box(-3.7, 1 / 3, 1e4, 0.1)
    return [
        FrameResult(0, 0.0, ()),
        FrameResult(1, 0.041666666666666664, (Observation(1, here, 0.875, "tentative", "happiness", smile),)),
        FrameResult(
            2,
            0.1,
            (
                Observation(1, here, 1.0, "confirmed", "anger", thirds, 0.9, marks, pose, quality),
                Observation(2, beyond, 0.1, "tentative", "surprise", sure),
            ),
        ),
        FrameResult(3, 3600.000011111111, (), lost=(1, 2), shot=2),
        FrameResult(4, None, (Observation(2, beyond, 0.5, "found", "surprise", sure, 2 / 3),), lost=(1,), shot=2),
    ]


def write(folder: Path) -> None:
    """Write the tables and their sidecars into ``folder``."""
    record = RunRecord(
        mien_version="0.0.0",
        source='clip "a", b.mp4',
        model="paper",
        model_sha256="0123456789abcdef" * 4,
        recipe='[faces]\ndetect = "haar"\n',
        labels=EXPRESSIONS,
        frames=5,
        frames_without_face=2,
        decode_errors=1,
    )
    for kind, suffix in product(KINDS, ("csv", "jsonl")):
        sink = open_table(folder / f"{kind}.{suffix}", KINDS[kind])
        for result in results():
            sink.write(Frame(result.frame, result.time, None), result)  # type: ignore[arg-type]
        sink.finish(record)


if __name__ == "__main__":
    write(Path(__file__).parent / "output")

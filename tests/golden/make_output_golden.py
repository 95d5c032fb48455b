"""Writes the frame tables that ``test_output_golden.py`` compares with; run by hand after a change on purpose.

python tests/golden/make_output_golden.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.labels import EXPRESSIONS, LabelSet
from mien.output.opening import open_table
from mien.types import Box, Frame, FrameResult, Observation, RunRecord

NAMES = ("frames.csv", "frames.jsonl", "frames.csv.json", "frames.jsonl.json")


def results() -> list[FrameResult]:
    """Five frames: none, one and two faces, a lost and a found one, awkward numbers, no randomness."""
    smile = np.array([0.01, 0.01, 0.02, 0.01, 0.9, 0.03, 0.01, 0.01])
    thirds = np.array([1 / 3, 1 / 3, 1 / 3, 0, 0, 0, 0, 0])
    sure = np.array([1e-9, 0, 0, 0, 0, 0, 0, 1 - 1e-9])
    here, beyond = Box(120.25, 64, 96.5, 96.5), Box(-3.7, 1 / 3, 1e4, 0.1)
    return [
        FrameResult(0, 0.0, ()),
        FrameResult(1, 0.041666666666666664, (Observation(1, here, 0.875, "new", "happiness", smile),)),
        FrameResult(
            2,
            0.1,
            (
                Observation(1, here, 1.0, "known", "anger", thirds),
                Observation(2, beyond, 0.1, "new", "surprise", sure),
            ),
        ),
        FrameResult(3, 3600.000011111111, (), lost=(1, 2)),
        FrameResult(4, None, (Observation(2, beyond, 0.5, "found", "surprise", sure),), lost=(1,)),
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
    for suffix in ("csv", "jsonl"):
        sink = open_table(folder / f"frames.{suffix}", LabelSet(EXPRESSIONS))
        for result in results():
            sink.write(Frame(result.frame, result.time, None), result)  # type: ignore[arg-type]
        sink.finish(record)


if __name__ == "__main__":
    write(Path(__file__).parent / "output")

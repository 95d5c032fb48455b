"""What ``mien analyze`` shows of landmarks, poses, ids and shots, with a pipeline whose answers are known."""

from __future__ import annotations

import json
from dataclasses import replace

import av
import numpy as np
import pytest

from mien.faces.shape import Placement, mean_shape
from mien.labels import EXPRESSIONS
from mien.modelfile import read
from mien.pipeline import Pipeline, Recipe
from mien.types import Box, FrameResult, Landmarks, Observation, Pose, Quality

BOX = Box(80, 40, 100, 100)
UNITS = read("default").meta.labels.action_units
POINTS = Placement.of_box(BOX).points(mean_shape()).astype(np.float32)
SEEN = Observation(
    1,
    BOX,
    0.9,
    "confirmed",
    "fear",
    np.eye(8)[EXPRESSIONS.index("fear")],
    0.97,
    Landmarks(POINTS, np.ones(68, np.float32), 0.95),
    Pose(3, -20, 1),
    Quality(0.5, 0.6, 36, 0.95),
    np.linspace(0, 0.45, len(UNITS)),
)
DOUBTS = {4: 0.7, 6: 0.55, 9: 0.79, 10: 0.8}
"""Frames in which the face is back under its id, and how certain that is."""


def answer(frame) -> FrameResult:
    shot = 1 + (frame.index >= 6)
    if frame.index == 3:
        return FrameResult(3, frame.time, (), (1,), shot)
    face = SEEN
    if frame.index in DOUBTS:
        face = replace(SEEN, state="found", certainty=DOUBTS[frame.index])
    return FrameResult(frame.index, frame.time, (face,), (), shot)


@pytest.fixture
def known_answers(monkeypatch):
    """The pipeline finds one face with landmarks."""

    def watch(_self, source, *, every=None):
        for frame in source:
            yield frame, answer(frame)

    monkeypatch.setattr(Pipeline, "watch", watch)
    monkeypatch.setattr(Recipe, "landmarks", True)


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_points_come_with_the_flag_and_pose_without(
    tmp_path, known_answers, face_clip, mien_here, read_table, suffix
):
    mien_here("analyze", face_clip, "-o", tmp_path / f"plain.{suffix}")
    mien_here("analyze", face_clip, "-o", tmp_path / f"points.{suffix}", "--landmarks")
    plain, points = (read_table(tmp_path / f"{name}.{suffix}") for name in ("plain", "points"))
    added = [f"{axis}_{point}" for axis in "xy" for point in range(68)]
    assert [name for name in points[0] if name not in plain[0]] == added
    assert plain[0][17:] == [
        *UNITS,
        *("pitch", "yaw", "roll", "sharpness", "brightness", "size", "presence", "state", "id_score", "shot"),
        "evidence",
    ]
    row, away = points[1][0], points[1][3]
    assert [row[f"x_{point}"] for point in range(68)] == pytest.approx(POINTS[:, 0].tolist(), abs=0.006)
    assert [row[f"y_{point}"] for point in range(68)] == pytest.approx(POINTS[:, 1].tolist(), abs=0.006)
    assert (row["pitch"], row["yaw"], row["roll"], row["size"]) == (3, -20, 1, 36)
    assert row["id_score"] == pytest.approx(0.97)
    assert (away["state"], away["x_0"], away["shot"]) == (None, None, 1)
    assert [row["state"] for row in points[1]][4:6] == ["found", "confirmed"]
    assert [row["shot"] for row in points[1]] == [1] * 6 + [2] * 6


def test_the_points_are_drawn_with_the_flag_only(tmp_path, known_answers, face_clip, mien_here):
    pictures = []
    for flags in ([], ["--landmarks"]):
        assert mien_here("analyze", face_clip, "--annotate", tmp_path / "seen.mp4", *flags).code == 0
        with av.open(str(tmp_path / "seen.mp4")) as container:
            pictures.append(next(container.decode(video=0)).to_ndarray(format="rgb24").astype(int))
    different = np.abs(pictures[0] - pictures[1]).max(axis=2) > 50
    mouth, corner = different[110:136, 110:150], different[:30, :60]
    assert mouth.mean() > 0.2
    assert not corner.any()


def test_an_uncertain_id_is_one_line_and_a_list_in_the_summary(tmp_path, known_answers, face_clip, mien_here):
    outcome = mien_here("analyze", face_clip, "--summary", tmp_path / "sum.json")
    assert outcome.code == 0
    expected = "face 1 at 0.2 s may be somebody else (certainty .55); 2 more, which --summary lists"
    assert outcome.line == f"mien: {face_clip}: {expected}"
    assert outcome.out.splitlines()[0].endswith("1 face(s), 2 shots")
    told = json.loads((tmp_path / "sum.json").read_text())
    assert told["shots"] == 2
    assert [(back["frame"], back["certainty"]) for back in told["uncertain"]] == [(4, 0.7), (6, 0.55), (9, 0.79)]


def test_one_doubt_without_a_clock(known_answers, mien_here, monkeypatch, tmp_path, portrait_of):
    monkeypatch.setitem(DOUBTS, 1, 0.004)
    for place in range(3):
        av.VideoFrame.from_ndarray(portrait_of(place, 256, 192), "rgb24").save(tmp_path / f"{place}.png")
    outcome = mien_here("analyze", tmp_path)
    assert outcome.line == f"mien: {tmp_path}: face 1 in picture 1 may be somebody else (certainty .00)"


BY_BOXES = ("--model", "paper", "--recipe")  # that model does without landmarks, whichever is the default


@pytest.fixture
def by_boxes(tmp_path):
    """The recipe of the paper: Viola-Jones and boxes, no landmarks."""
    path = tmp_path / "boxes.toml"
    path.write_text('detect.name = "haar"\nfollow.name = "boxes"\ntrack.name = "overlap"\n')
    return path


def test_landmarks_of_a_recipe_that_seeks_none(tmp_path, by_boxes, face_clip, mien_here):
    outcome = mien_here("analyze", face_clip, "-o", tmp_path / "out.csv", *BY_BOXES, by_boxes, "--landmarks")
    assert outcome.code == 2
    assert outcome.line == 'mien: landmarks: the recipe\'s [follow] "boxes" finds none; take "points"'
    assert list(tmp_path.iterdir()) == [by_boxes]


def test_a_recipe_without_landmarks_has_no_columns_for_them(tmp_path, by_boxes, face_clip, mien_here, read_table):
    assert mien_here("analyze", face_clip, "-o", tmp_path / "out.csv", *BY_BOXES, by_boxes).code == 0
    columns, rows = read_table(tmp_path / "out.csv")
    assert columns[17:] == ["state", "id_score", "shot"]
    assert {row["shot"] for row in rows} == {1}
    assert {row["state"] for row in rows} <= {"tentative", "confirmed"}
    assert all(0 <= row["id_score"] <= 1 for row in rows)

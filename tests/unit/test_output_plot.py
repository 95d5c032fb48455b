"""Plots: what is drawn, in bounded memory, whole or not at all."""

from __future__ import annotations

import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.errors import MissingExtraError, OutputError, UsageError
from mien.labels import COLOURS, EXPRESSIONS, LabelSet
from mien.output import plot
from mien.output.colours import parse
from mien.output.timeline import BINS, Timeline
from mien.types import Box, Frame, FrameResult, Observation, RunRecord

LABELS = LabelSet(EXPRESSIONS)
RECORD = RunRecord("0.1.0", "clip_$1$.mp4", "tiny", "00", "", EXPRESSIONS)


def seen(face: int, expression: str, state: str = "known") -> Observation:
    shares = np.full(8, 0.02)
    shares[EXPRESSIONS.index(expression)] = 0.86
    return Observation(face, Box(0, 0, 9, 9), 0.9, state, expression, shares)  # type: ignore[arg-type]


def run(path, frames, timed: bool = True):
    sink = plot.build(plot.Options(path, LABELS))
    for index, faces in enumerate(frames):
        time = index / 25 if timed else None
        result = None if faces is None else FrameResult(index, time, tuple(faces))
        sink.write(Frame(index, time, None), result)  # type: ignore[arg-type]
    sink.finish(RECORD)


def shades(path) -> set[tuple[int, int, int]]:
    picture = cv2.imread(str(path))[:, :, ::-1]
    return set(map(tuple, picture.reshape(-1, 3).tolist()))


def test_strip_and_curves_have_the_expressions_colours(tmp_path):
    frames = [[seen(1, "anger" if index < 50 else "sadness")] for index in range(100)]
    run(tmp_path / "o.png", frames)
    picture = cv2.imread(str(tmp_path / "o.png"))[:, :, ::-1]
    for expression, half in (("anger", slice(0, 800)), ("sadness", slice(950, 1650))):
        strip = (picture[:, half] == parse(COLOURS[expression])).all(axis=2).sum(axis=1)
        assert strip.max() > 600  # a row of the strip, full of the colour
    assert [entry.name for entry in tmp_path.iterdir()] == ["o.png"]


def test_a_gap_stays_empty(tmp_path):
    frames = [[seen(1, "fear")] if not 40 <= index < 60 else [] for index in range(100)]
    run(tmp_path / "o.png", frames)
    picture = cv2.imread(str(tmp_path / "o.png"))[:, :, ::-1]
    blue = (picture == parse(COLOURS["fear"])).all(axis=2)[250:]  # below the legend
    columns = np.flatnonzero(blue.any(axis=0))
    assert np.diff(columns).max() > 200


@pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
@pytest.mark.parametrize("timed", [True, False])
@pytest.mark.filterwarnings("error")
def test_formats_and_clocks(tmp_path, suffix, magic, timed):
    run(tmp_path / f"o.{suffix}", [[seen(1, "fear")], None, [], [seen(1, "fear"), seen(2, "anger")]], timed)
    assert (tmp_path / f"o.{suffix}").read_bytes().startswith(magic)


@pytest.mark.parametrize("frames", [[], [[]], [None], [[seen(1, "surprise", "new")]]])
def test_next_to_nothing_still_is_a_picture(tmp_path, frames):
    run(tmp_path / "o.png", frames)
    assert len(shades(tmp_path / "o.png")) > 10


def test_how_many_faces_were_left_out_is_said(tmp_path):
    frames = [[seen(face, "fear", "new" if not index else "known") for face in range(1, 12)] for index in range(5)]
    run(tmp_path / "o.svg", frames)
    sink = plot.build(plot.Options(tmp_path / "p.svg", LABELS))
    assert plot._note(RECORD, 8, 11).startswith("the 8 most visible of 11 faces")
    assert "faces" in plot._note(RECORD, 8, 8)
    assert not plot._note(RECORD, 8, 8).startswith("the 8")
    sink.abandon()


def test_the_least_seen_faces_are_forgotten_first(tmp_path):
    sink = plot.build(plot.Options(tmp_path / "o.png", LABELS))
    for index in range(400):
        faces = (seen(1, "fear"), seen(2 + index, "anger", "new"))
        sink.write(Frame(index, index / 25, None), FrameResult(index, index / 25, faces))
    assert len(sink._faces) <= 64
    assert sink._faces[1].observations == 400
    assert sink._seen == 401
    sink.abandon()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["o.jpg", "o", "o.PNGX"])
def test_other_suffixes_are_refused(tmp_path, name):
    with pytest.raises(UsageError, match=r"must end in \.png, \.svg, \.pdf"):
        plot.build(plot.Options(tmp_path / name, LABELS))


def test_without_matplotlib_the_extra_is_named_before_any_work(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)

    class Missing:
        def find_spec(self, name, *_):
            if name.split(".")[0] == "matplotlib":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(MissingExtraError, match=r"pip install 'mien\[report\]'"):
        plot.build(plot.Options(tmp_path / "o.png", LABELS))
    assert list(tmp_path.iterdir()) == []


def test_importing_the_room_does_not_import_matplotlib():
    import subprocess

    script = "import sys, mien.output.plot; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full")
def test_a_full_disk(tmp_path):
    sink = plot.build(plot.Options(tmp_path / "o.png", LABELS))
    sink._draft.file.close()
    with open("/dev/full", "wb", buffering=0) as full:  # noqa: PTH123
        sink._draft.file = full
        with pytest.raises(OutputError, match="the disk is full"):
            sink.finish(RECORD)
    assert list(tmp_path.iterdir()) == []


def test_every_observation_has_its_own_bin_at_first():
    line = Timeline(2)
    for index in range(100):
        line.add(index / 25, np.array([index / 100, 1 - index / 100]), after_gap=index in (0, 60))
    parts = line.segments()
    assert [len(first) for first, _, _ in parts] == [60, 40]
    assert parts[1][2][0, 0] == pytest.approx(0.6)


@settings(max_examples=15, deadline=None)
@given(count=st.integers(1, 3 * BINS), length=st.just(0.0) | st.floats(1e-3, 50), seed=st.integers(0, 100))
def test_means_are_exact_however_coarse(count, length, seed):
    rng = np.random.default_rng(seed)
    moments = np.cumsum(rng.exponential(0.04, count))
    values = rng.random((count, 3))
    line = Timeline(3)
    for index in range(count):
        line.add(float(moments[index]), values[index], after_gap=index == 0)
    ((first, last, means),) = line.segments(length)
    assert line.observations == count
    assert len(first) <= BINS
    assert (first <= last).all()
    assert (first[1:] > last[:-1]).all()
    cell = np.searchsorted(first, moments, side="right") - 1
    for place in {0, len(first) // 2, len(first) - 1}:
        assert means[place] == pytest.approx(values[cell == place].mean(axis=0))


@pytest.mark.parametrize("moments", [[0.0] * (3 * BINS), [5.0, -5.0] * (2 * BINS)], ids=["still", "to and fro"])
def test_a_broken_clock_does_no_harm(moments):
    line = Timeline(1)
    for moment in moments:
        line.add(moment, np.ones(1), after_gap=False)
    assert line.observations == len(moments)


def test_memory_is_bounded_and_long_gaps_survive():
    line = Timeline(1)
    moment = 0.0
    for index in range(20 * BINS):
        moment += 0.04 if index != 10 * BINS else 3600.0
        line.add(moment, np.ones(1), after_gap=index in (0, 10 * BINS))
    parts = line.segments()
    assert sum(len(first) for first, _, _ in parts) <= BINS
    assert len(parts) == 2
    assert parts[1][0][0] - parts[0][1][-1] == pytest.approx(3600, abs=1)


MOVING = LabelSet(EXPRESSIONS, ("AU04", "AU12"))


def moving(path, levels):
    """A picture of one face whose AU12 goes through ``levels``, a frame each; ``None``: out of sight."""
    sink = plot.build(plot.Options(path, MOVING))
    for index, level in enumerate(levels):
        face = replace(seen(1, "happiness"), action_units=np.array([0.0, level or 0.0]))
        result = FrameResult(index, index / 25, (face,) if level is not None else ())
        sink.write(Frame(index, index / 25, None), result)  # type: ignore[arg-type]
    sink.finish(RECORD)
    return cv2.imread(str(path))[:, :, ::-1].astype(int)


def test_action_units_are_a_strip_of_shades_below_the_curves(tmp_path):
    frames = [0.0] * 100 + [1.0] * 100 + [None] * 100 + [0.5] * 100
    picture = moving(tmp_path / "o.png", frames)
    darkest = (picture == (8, 48, 107)).all(axis=2)  # the scale's end
    columns = np.flatnonzero(darkest.sum(axis=0) > 10)
    assert len(columns) > 300
    assert picture.shape[1] * 0.36 < columns.min() < columns.max() < picture.shape[1] * 0.6
    away = (picture == (228, 224, 216)).all(axis=2)  # out of sight: no shade of the scale
    assert np.flatnonzero(away.sum(axis=0) > 20).min() >= columns.max() - 3
    assert shades(tmp_path / "o.png") >= {parse(COLOURS["happiness"])}


def test_a_picture_with_action_units_is_the_taller_by_their_rows(tmp_path):
    frames = [[seen(1, "fear")]] * 10
    run(tmp_path / "a.png", frames)
    without = cv2.imread(str(tmp_path / "a.png"))
    picture = moving(tmp_path / "b.png", [0.5] * 10)
    assert 40 < picture.shape[0] - without.shape[0] < 80


@pytest.mark.parametrize("levels", [[], [None], [0.7], [0.7] * 3000])
@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_strips_of_nothing_one_moment_and_many(tmp_path, levels, suffix):
    path = tmp_path / f"o.{suffix}"
    sink = plot.build(plot.Options(path, MOVING))
    for index, level in enumerate(levels):
        face = replace(seen(1, "happiness"), action_units=np.array([0.0, level or 0.0]))
        sink.write(Frame(index, index / 25, None), FrameResult(index, index / 25, (face,) if level else ()))  # type: ignore[arg-type]
    sink.finish(RECORD)
    assert path.stat().st_size < 400_000

"""Landmarks of the tracking labels: found once, kept by what they depend on, and told of."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

pytest.importorskip("torch")

from mien import modelfile
from mien.data import landmarks
from mien.data.dataset import Dataset, Item
from mien.errors import UnknownPartError
from mien.faces.shape import Placement, mean_shape
from mien.labels import EXPRESSIONS, LabelSet
from mien.learn import tracking
from mien.reproduce import corpus, points
from mien.reproduce.stages import Stages

SIZE = 24


class Network:
    """Finds the mean shape stretched by the crop's first pixel; sees nothing where that is 0."""

    def __init__(self, sha256: str = "a" * 64) -> None:
        self.sha256, self.asked = sha256, 0

    def in_crop(self, grey):
        self.asked += 1
        if grey[0, 0] == 0:
            return None
        shape = mean_shape()[:, :2] * (1, grey[0, 0] / 100)
        return Placement(12, 12, SIZE).points(shape).astype(np.float32)


def item(subject: str, place: int, label: str, first: int, **known) -> Item:
    pixels = np.random.default_rng([len(label), place]).integers(0, 256, (SIZE, SIZE), np.uint8)
    pixels[0, 0] = first
    name = f"{subject}_001_{place:03d}"
    return Item(name, subject, f"{subject}_001", place, label, None, lambda: pixels, **known)


def frames(*, first: int = 110) -> Dataset:
    items = [item(f"P{p}", 9, label, first + p) for p in range(4) for label in (("anger", "fear")[p % 2],)]
    return Dataset("made", tuple(items), LabelSet(EXPRESSIONS))


def rest() -> Dataset:
    items = [item(f"P{p}", 0, "neutral", 100) for p in range(4)]
    return Dataset("made", tuple(items), LabelSet(EXPRESSIONS))


@pytest.fixture
def network(monkeypatch):
    made = Network()
    monkeypatch.setattr(landmarks, "shipped", lambda: made)
    return made


def completed(dataset: Dataset, folder) -> Dataset:
    return points.completed(dataset, Stages(folder), lambda *_: None)


def test_points_are_found_once_and_kept_by_pixels_and_network(network, tmp_path, monkeypatch):
    found = completed(frames(), tmp_path)
    assert network.asked == 4
    assert completed(frames(), tmp_path).items[2].landmarks == found.items[2].landmarks
    assert network.asked == 4
    completed(frames(first=120), tmp_path)  # other pixels
    assert network.asked == 8
    other = Network("c" * 64)
    monkeypatch.setattr(landmarks, "shipped", lambda: other)
    assert completed(frames(), tmp_path).items[0].sought_by == "c" * 64
    assert other.asked == 4


def test_found_points_give_the_shape_and_its_change_from_the_stills_neutral_faces(network, tmp_path):
    found = completed(frames(), tmp_path)
    gathered = corpus.gather(found, completed(rest(), tmp_path).items)
    assert gathered.changes
    assert gathered.tracking.shape == (4, 272)
    # The eyes stay level, everything is stretched by 1.10 to 1.13 from top to bottom: the chin goes down.
    chin = gathered.tracking[:, 136 + 2 * 8 + 1]
    shape = tracking.shape(np.array([entry.landmarks for entry in found.items]))
    assert gathered.tracking[:, :136] == pytest.approx(shape, abs=1e-5)
    assert (np.diff(chin) > 0).all()
    assert chin[0] > 0.1
    alone = corpus.gather(found)
    assert (alone.tracking.shape, alone.changes) == ((4, 136), False)


def test_a_sequences_own_neutral_face_goes_before_that_of_the_stills():
    own = item("P0", 0, "neutral", 100, landmarks=_stretched(1.0))
    whole = Dataset("made", (own, *(_with(entry, 1.2) for entry in frames().items)), LabelSet(EXPRESSIONS))
    stills = [_with(entry, 1.2) for entry in rest().items]
    gathered = corpus.gather(whole, stills)
    change = gathered.tracking[:, 136:]
    assert np.abs(change[0]).max() > 0.1
    assert np.abs(change[1:]).max() < 1e-6  # of the others the stills know


def _with(entry: Item, stretch: float) -> Item:
    return dataclasses.replace(entry, landmarks=_stretched(stretch))


def _stretched(factor: float) -> tuple[tuple[float, float], ...]:
    found = Placement(12, 12, SIZE).points(mean_shape()[:, :2] * (1, factor))
    return tuple((float(x), float(y)) for x, y in found)


def test_own_landmarks_need_no_network_and_no_note(monkeypatch, tmp_path):
    monkeypatch.setattr(landmarks, "shipped", lambda: pytest.fail("the network is not needed"))
    whole = frames()
    whole = dataclasses.replace(whole, items=tuple(_with(entry, 1.0) for entry in whole.items))
    assert completed(whole, tmp_path) is whole
    assert list(tmp_path.iterdir()) == []
    assert points.told(whole, neutral=True) == ""
    assert "shape alone" in points.told(whole, neutral=False)


def test_the_report_says_who_found_the_points_and_when_there_are_none(network, tmp_path):
    found = completed(frames(), tmp_path)
    said = points.told(found, neutral=True)
    assert "found by mien's own network" in said
    assert "aaaaaaaaaaaa" in said
    assert "without its change" not in said
    mixed = dataclasses.replace(found, items=(_with(frames().items[0], 1.0), *found.items[1:]))
    assert points.told(mixed, neutral=True).startswith("3 of 4 frames come without landmarks")
    blind = dataclasses.replace(frames(), items=(item("P0", 9, "anger", 0), *frames().items[1:]))
    seen = completed(blind, tmp_path)
    assert points.told(seen, neutral=True).startswith(
        "No tracking labels: mien's landmark network sees no face in 1 of 4 frames"
    )
    assert corpus.gather(dataclasses.replace(seen, items=(*seen.items, item("P4", 9, "fear", 90)))).tracking is None
    assert points.told(frames(), neutral=True).startswith(
        "No tracking labels: 4 of 4 frames come without landmarks"
    )


def test_a_missing_network_stops_the_run_rather_than_the_column(monkeypatch, tmp_path):
    monkeypatch.setattr(modelfile, "SHIPPED", tmp_path)
    with pytest.raises(UnknownPartError, match="no face network is called 'landmarks'"):
        completed(frames(), tmp_path)

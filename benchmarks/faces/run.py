"""The bench's parts in turn: every detector and pipeline on the same pictures."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from benchmarks.faces import detection, landmarks, speed, tracking
from benchmarks.faces.composites import Scene, free_scenes, still_scenes
from benchmarks.faces.motions import clips

if TYPE_CHECKING:
    from benchmarks.faces.detection import Answers
    from benchmarks.faces.landmarks import Error, Finder, Jitter
    from benchmarks.faces.sources import Material
    from benchmarks.faces.speed import Timings
    from benchmarks.faces.tracking import Watched
    from mien.faces.detect import Detector
    from mien.pipeline import Pipeline

T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Subjects:
    """What is tested.

    Attributes:
        detectors: with their default options.
        loose: the same ones, such that they give unsure faces too.
        finder: the landmark network, if there is one.
        pipelines: by the name of their recipe.
    """

    detectors: dict[str, Detector]
    loose: dict[str, Detector]
    finder: Finder | None
    pipelines: dict[str, Pipeline]


@dataclass(slots=True)
class Outcome:
    """All that was found.

    Attributes:
        kind: of the material.
        usual: answers by detector, to all scenes.
        loose: the same with unsure faces, to the scenes of ``detection.CURVED``.
        portraits: errors on portraits by number of looks.
        foreign: errors on a data set that no network has seen, two looks.
        composites: errors on still scenes.
        jitters: one per still clip.
        watched: by pipeline.
        search_ms, points_ms, rates: timings.
        seconds: that the parts took.
    """

    kind: str
    usual: dict[str, list[Answers]] = field(default_factory=dict)
    loose: dict[str, list[Answers]] = field(default_factory=dict)
    portraits: dict[int, list[Error]] = field(default_factory=dict)
    foreign: list[Error] = field(default_factory=list)
    composites: list[Error] = field(default_factory=list)
    jitters: list[Jitter] = field(default_factory=list)
    watched: dict[str, list[Watched]] = field(default_factory=dict)
    search_ms: Timings = field(default_factory=dict)
    points_ms: Timings = field(default_factory=dict)
    rates: Timings = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


def run(material: Material, subjects: Subjects, quick: bool) -> Outcome:
    """Everything."""
    outcome = Outcome(material.kind)
    begin = time.perf_counter()
    examples = _stills(material, subjects, outcome, quick)
    outcome.seconds["stills"] = time.perf_counter() - begin
    begin = time.perf_counter()
    _points(material, subjects, outcome)
    _clips(material, subjects, outcome, quick)
    outcome.seconds["clips"] = time.perf_counter() - begin
    begin = time.perf_counter()
    rounds = 2 if quick else 5
    outcome.search_ms = speed.searches(subjects.detectors, examples, rounds)
    if subjects.finder is not None:
        outcome.points_ms = speed.points(subjects.finder, examples, rounds)
    outcome.rates = speed.analyses(subjects.pipelines, material, 1 if quick else 3)
    outcome.seconds["speed"] = time.perf_counter() - begin
    return outcome


def _stills(material: Material, subjects: Subjects, outcome: Outcome, quick: bool) -> list[Scene]:
    """Detectors and landmarks on still scenes; gives a few mixed scenes, for the timings."""
    rng = np.random.default_rng(11)
    examples: list[Scene] = []
    for name in subjects.detectors:
        outcome.usual[name], outcome.loose[name] = [], []
    for scene in told("still scenes", chain(still_scenes(material, quick), free_scenes(material))):
        longest = max(scene.picture.shape)
        for name, detector in subjects.detectors.items():
            outcome.usual[name].append(detection.answer(scene, detector.search(scene.picture, longest)))
            if scene.sweep in detection.CURVED:
                found = subjects.loose[name].search(scene.picture, longest)
                outcome.loose[name].append(detection.answer(scene, found))
        if subjects.finder is not None:
            outcome.composites += landmarks.on_scene(subjects.finder, scene, 1, rng)
        if scene.sweep == "mixed" and len(examples) < 8:
            examples.append(scene)
    return examples


def _points(material: Material, subjects: Subjects, outcome: Outcome) -> None:
    if subjects.finder is not None:
        for looks in (1, 2):
            outcome.portraits[looks] = landmarks.on_portraits(subjects.finder, material.portraits, looks)
        outcome.foreign = landmarks.on_portraits(subjects.finder, material.foreign, 2)


def _clips(material: Material, subjects: Subjects, outcome: Outcome, quick: bool) -> None:
    outcome.watched = {name: [] for name in subjects.pipelines}
    for clip in told("clips", clips(material, quick)):
        for name, watched in tracking.watch(subjects.pipelines, clip).items():
            outcome.watched[name].append(watched)
        if clip.script.kind == "still" and subjects.finder is not None:
            outcome.jitters.append(landmarks.jitter(subjects.finder, clip))


def told(what: str, things: Iterable[T]) -> Iterator[T]:
    """Hand things on and say how many there were so far, to a terminal only."""
    for number, thing in enumerate(things, 1):
        if sys.stderr.isatty():
            print(f"\r{what}: {number}", end="", file=sys.stderr, flush=True)
        yield thing
    if sys.stderr.isatty():
        print(file=sys.stderr)

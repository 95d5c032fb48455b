"""Milliseconds per picture and face, frames per second of whole analyses: medians, taken in turns."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np

from benchmarks.faces.composites import HIGH, WIDE
from benchmarks.faces.motions import RATE, Actor, Clip, Script
from benchmarks.faces.scripts import rest
from mien.faces.shape import placed

if TYPE_CHECKING:
    from benchmarks.faces.composites import Scene
    from benchmarks.faces.landmarks import Finder
    from benchmarks.faces.sources import Material
    from mien.faces.detect import Detector
    from mien.pipeline import Pipeline

SIZES = ((320, 240), (640, 480))
SECONDS = 6.0  # of the clips
Timings = dict[tuple[str, str], float]
"""(what, under which circumstances) -> the median."""


def searches(detectors: dict[str, Detector], scenes: Sequence[Scene], rounds: int) -> Timings:
    """Milliseconds of one search of the whole picture, by detector and size."""
    jobs: dict[tuple[str, str], list[Callable[[], object]]] = {}
    for wide, high in SIZES:
        pictures = [cv2.resize(scene.picture, (wide, high), interpolation=cv2.INTER_AREA) for scene in scenes]
        for name, detector in detectors.items():
            jobs[name, f"{wide}x{high}"] = [
                lambda detector=detector, picture=picture, wide=wide: detector.search(picture, wide)  # type: ignore[misc]
                for picture in pictures
            ]
    return _in_turns(jobs, rounds)


def points(finder: Finder, scenes: Sequence[Scene], rounds: int) -> Timings:
    """Milliseconds a face of the landmark network, for one face at a time and for five at once."""
    scene = max(scenes, key=lambda one: len(one.faces))
    places = [placed(face.points) for face in scene.faces][:5]
    jobs: dict[tuple[str, str], list[Callable[[], object]]] = {
        ("landmarks", "1 face"): [lambda: finder.find(scene.picture, places[:1])],
        ("landmarks", f"{len(places)} faces"): [lambda: finder.find(scene.picture, places)],
    }
    taken = _in_turns(jobs, rounds * 4)
    return {key: value / (len(places) if key[1] != "1 face" else 1) for key, value in taken.items()}


def analyses(pipelines: dict[str, Pipeline], material: Material, rounds: int) -> Timings:
    """Frames per second of ``Pipeline.run`` on a 640x480 file, decoding included, with one face and with five."""
    rates: dict[tuple[str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for faces in (1, 5):
            path = Path(folder, f"{faces}.mp4")
            frames = _film(path, faces, material)
            for turn in range(rounds + 1):
                for name, pipeline in pipelines.items():
                    start = time.perf_counter()
                    for _ in pipeline.run(path):
                        pass
                    rate = frames / (time.perf_counter() - start)
                    if turn:  # the first one warms up
                        rates.setdefault((name, "1 face" if faces == 1 else f"{faces} faces"), []).append(rate)
    return {key: median(values) for key, values in rates.items()}


def _film(path: Path, faces: int, material: Material) -> int:
    """People who stand there, as an H.264 file; gives the number of frames."""
    side = 150.0 if faces == 1 else 90.0
    actors = tuple(
        Actor(k + 1, rest(WIDE * (k + 0.5) / faces, HIGH * (0.45 + 0.12 * (k % 2)), side, k)) for k in range(faces)
    )
    cast = {k + 1: material.portraits[k] for k in range(faces)}
    behind = np.full((HIGH, WIDE), 110, np.float32) + np.linspace(-50, 50, WIDE, dtype=np.float32)
    clip = Clip(f"{faces}", Script("speed", SECONDS, ((0.0, 0, actors),)), cast, (behind,), 1)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDE, HIGH, "yuv420p"
        stream.options = {"crf": "23", "preset": "veryfast"}
        for picture, _ in clip.play():
            container.mux(
                stream.encode(av.VideoFrame.from_ndarray(picture, format="gray").reformat(format="yuv420p"))
            )
        container.mux(stream.encode(None))
    return clip.frames


def _in_turns(jobs: dict[tuple[str, str], list[Callable[[], object]]], rounds: int) -> Timings:
    """Median milliseconds of each job's calls; all jobs take turns, so that they meet the same machine."""
    taken: dict[tuple[str, str], list[float]] = {key: [] for key in jobs}
    for turn in range(rounds + 1):
        for key, calls in jobs.items():
            for call in calls:
                start = time.perf_counter()
                call()
                if turn:  # the first one warms up
                    taken[key].append((time.perf_counter() - start) * 1e3)
    return {key: median(values) for key, values in taken.items()}

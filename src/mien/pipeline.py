"""The corridor: frames in, results out.

``Pipeline`` holds what does not change (model, recipe) and may be shared; ``Session`` holds the memory of one
video. File, camera, arrays and browser all go through ``Session.push``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

import mien
from mien import plugins, recipe
from mien.errors import RecipeError, UsageError
from mien.expression import ExpressionModel, load_model
from mien.faces import cuts
from mien.faces.pose import pose
from mien.faces.quality import quality
from mien.faces.shape import placed
from mien.faces.shared import Shared
from mien.output import columns
from mien.temporal import smoothing
from mien.types import FrameResult, Observation, RunRecord
from mien.video.ahead import Ahead
from mien.video.opening import open_source
from mien.video.pace import Pace

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from arro3.core import Table
    from numpy.typing import NDArray

    from mien.faces.follow import Finder
    from mien.faces.track import Tracker
    from mien.types import Frame, Grey, TrackedFace
    from mien.video.source import Source

    Readable = str | os.PathLike[str] | Source | Iterable[NDArray[Any]]

DEFAULT = {"detect": "anchor_free", "follow": "points", "track": "identity"}
"""The part of each room where a recipe names none."""

UNTIMED_STEP = 1 / 25  # seconds that the tracker assumes between pictures of a source without a clock


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a video is analysed; ``recipes/analyze.toml`` spells every setting out.

    Attributes:
        detect: the face detector, a part of ``mien.faces.detect``.
        follow: how known faces are followed and when new ones are looked for, a part of ``mien.faces.follow``.
        track: the tracker, a part of ``mien.faces.track``.
        shots: where a new shot begins.
        smoothing: of the probabilities over time.
    """

    detect: recipe.Part
    follow: recipe.Part
    track: recipe.Part
    shots: cuts.Options
    smoothing: smoothing.Options

    @property
    def text(self) -> str:
        """The recipe as TOML, every effective setting spelled out."""
        return recipe.dump({name: getattr(self, name) for name in Recipe.__slots__})

    @property
    def landmarks(self) -> bool:
        """Whether the faces of a run carry landmarks."""
        return bool(plugins.part(self.follow.room, self.follow.name).LANDMARKS)


def read_recipe(path: str | Path | None = None) -> Recipe:
    """The analysis recipe at ``path``, or the defaults.

    Raises:
        RecipeError, UnknownPartError: an unknown key or part, a wrong type, no such file.
    """
    where, tables = "defaults", dict[str, Any]()
    if path is not None:
        found = recipe.locate(path)
        tables, _ = recipe.read(found)
        where = str(found)
    for name in tables:
        if name not in Recipe.__slots__:
            raise RecipeError(f"{where}: unknown table {name!r}; known: {', '.join(Recipe.__slots__)}")
    detect, follow, track = (
        recipe.part(f"faces.{name}", recipe.section(tables, name, where), default, f"{where}: {name}")
        for name, default in DEFAULT.items()
    )
    shots = recipe.options(cuts.Options, recipe.section(tables, "shots", where), f"{where}: shots")
    smooth = recipe.options(smoothing.Options, recipe.section(tables, "smoothing", where), f"{where}: smoothing")
    return Recipe(detect, follow, track, shots, smooth)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What does not change from video to video; make one with ``mien.load``.

    Raises:
        RecipeError: the model wants landmarks, and the recipe finds none.
    """

    model: ExpressionModel
    recipe: Recipe
    _shared: Shared = field(default_factory=Shared, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.model.needs_points and not self.recipe.landmarks:
            raise RecipeError(
                f"the model {self.model.meta.name!r} needs landmarks, as its patches are aligned by them; the "
                f'recipe\'s [follow] {self.recipe.follow.name!r} finds none: take "points", or another model'
            )

    @property
    def labels(self) -> tuple[str, ...]:
        """The model's labels, in order."""
        return self.model.labels

    def shown(self, *, points: bool = False) -> columns.Shown:
        """What the table of a run with this pipeline shows; with the 68 points where they are asked for.

        Raises:
            UsageError: points are asked for, and the recipe seeks none.
        """
        if points and not self.recipe.landmarks:
            raise UsageError(
                f'landmarks: the recipe\'s [follow] "{self.recipe.follow.name}" finds none; take "points"'
            )
        return columns.Shown(self.model.meta.labels, landmarks=self.recipe.landmarks, points=points)

    def session(self) -> Session:
        """A fresh memory for one video.

        Raises:
            UnknownPartError, ModelError: a network that the recipe needs is missing or damaged.
        """
        detector = self.recipe.detect.build(self._shared)
        return Session(
            finder=self.recipe.follow.build(detector, self._shared),
            tracker=self.recipe.track.build(self._shared),
            cuts=cuts.Cuts(self.recipe.shots),
            model=self.model,
            smoother=smoothing.Smoother(self.recipe.smoothing),
        )

    def run(self, source: Readable, *, every: float | None = None) -> Iterator[FrameResult]:
        """Analyse a source frame by frame, in constant memory.

        Args:
            source: a path (video, image, folder of images), ``camera:0``, a ``Source``, or arrays: each uint8 or
                float in [0, 1], (height, width) or (height, width, 3) R G B.
            every: analyse one frame per this many seconds only; all frames where ``None``.

        Yields:
            One result per analysed frame, in order.

        Raises:
            InputError: the source cannot be read, or a frame has NaN pixels.
        """
        with Ahead(open_source(source)) as frames:
            for _, result in self.watch(frames, every=every):
                if result is not None:
                    yield result

    def watch(self, source: Source, *, every: float | None = None) -> Iterator[tuple[Frame, FrameResult | None]]:
        """As ``run``, with the frames: each decoded frame and what was seen in it, ``None`` where it was not due.

        Args:
            source: an open source; the caller closes it.
            every: as in ``run``.
        """
        session, pace = self.session(), Pace(every)
        for frame in source:
            yield frame, session.push(frame) if pace.due(frame) else None


@dataclass(frozen=True, slots=True)
class Session:
    """One video's memory: who was where, what was shown a moment ago. Not for two threads at once."""

    finder: Finder
    tracker: Tracker
    cuts: cuts.Cuts
    model: ExpressionModel
    smoother: smoothing.Smoother

    def push(self, frame: Frame) -> FrameResult:
        """Take the next frame: cut or not, find, track, turn of the head and quality, patches, model, smooth.

        Raises:
            ModelError: the model, or one of the face networks, fails.
        """
        grey = frame.pixels.grey()
        clock = frame.time if frame.time is not None else frame.index * UNTIMED_STEP
        if self.cuts.push(grey, clock):
            self.finder.cut()
            self.tracker.cut()
            self.smoother.keep(set())
        found = self.finder.faces(grey, frame.time, self.tracker.expected(clock))
        tracked = self.tracker.update(found, grey, clock)
        scores = self.model.score(
            [grey] * len(tracked),
            [face.face.box for face in tracked],
            [face.face.landmarks.points if face.face.landmarks is not None else None for face in tracked],
        )
        faces = tuple(
            self._observe(face, grey, frame.time, score) for face, score in zip(tracked, scores, strict=True)
        )
        lost = self.tracker.lost
        self.smoother.keep({face.id for face in tracked} | set(lost))
        return FrameResult(frame.index, frame.time, faces, lost, self.cuts.shot)

    def _observe(
        self, tracked: TrackedFace, grey: Grey, time: float | None, scores: NDArray[np.float64]
    ) -> Observation:
        smooth = self.smoother.smooth(tracked.id, time, scores)
        marks = tracked.face.landmarks
        height, width = grey.shape
        return Observation(
            face=tracked.id,
            box=tracked.face.box.within(width, height),
            score=tracked.face.score,
            state=tracked.state,
            expression=self.model.labels[int(np.argmax(smooth))],
            probabilities=smooth,
            certainty=tracked.certainty,
            landmarks=marks,
            pose=pose(marks.points, width, height) if marks is not None else None,
            quality=quality(grey, placed(marks.points), marks.presence) if marks is not None else None,
        )


class Count:
    """Counts a run's frames for its record.

    Args:
        pipeline: what analyses.
        source: the input as the user named it.
    """

    def __init__(self, pipeline: Pipeline, source: str) -> None:
        meta = pipeline.model.meta
        self._record = RunRecord(
            mien_version=mien.__version__,
            source=source.encode("utf-8", "backslashreplace").decode(),  # file names need not be UTF-8
            model=meta.name,
            model_sha256=pipeline.model.sha256,
            recipe=pipeline.recipe.text,
            labels=pipeline.labels,
            extra={"synthetic": "yes"} if meta.provenance.synthetic else {},
        )
        self._frames = self._without_face = 0

    def add(self, result: FrameResult | None) -> None:
        """Count one decoded frame; ``None`` where it was not analysed."""
        self._frames += 1
        self._without_face += result is not None and not result.faces

    def record(self, decode_errors: int) -> RunRecord:
        """The record of the frames counted so far."""
        return replace(
            self._record,
            frames=self._frames,
            frames_without_face=self._without_face,
            decode_errors=decode_errors,
        )


def load(model: str | Path = "default", *, recipe: str | Path | None = None) -> Pipeline:
    """A pipeline with a model.

    Args:
        model: a shipped model's name (``mien models`` lists them) or a path to an ``.onnx`` made by mien.
        recipe: an analysis recipe (TOML), or ``None`` for the defaults.

    Raises:
        UnknownPartError, ModelError, RecipeError: unknown, damaged or foreign.
    """
    return Pipeline(load_model(model), read_recipe(recipe))


def analyze(
    source: Readable,
    *,
    model: str | Path = "default",
    recipe: str | Path | None = None,
    every: float | None = None,
    landmarks: bool = False,
) -> Table:
    """Analyse a source into one Arrow table, one row per analysed frame and face.

    The table speaks the Arrow PyCapsule interface: ``polars.DataFrame``, ``pandas.DataFrame.from_arrow``,
    ``pyarrow.table`` and DuckDB read it without copying. For videos of many hours, ``mien analyze`` streams to a
    file instead.

    Args:
        source: as in ``Pipeline.run``.
        model: as in ``load``.
        recipe: as in ``load``.
        every: as in ``Pipeline.run``.
        landmarks: the 68 points of each face as columns, too.

    Raises:
        InputError, ModelError, RecipeError, UnknownPartError: as there.
        UsageError: ``landmarks``, and the recipe seeks none.
    """
    pipeline = load(model, recipe=recipe)
    shown = pipeline.shown(points=landmarks)
    with Ahead(open_source(source)) as frames:
        count = Count(pipeline, frames.info.name)

        def results() -> Iterator[FrameResult]:
            for _, result in pipeline.watch(frames, every=every):
                count.add(result)
                if result is not None:
                    yield result

        batches = list(columns.batches(results(), shown))
        return columns.table(batches, shown, count.record(frames.decode_errors))

"""The corridor: frames in, results out.

``Pipeline`` holds what does not change (model, recipe) and may be shared; ``Session`` holds the memory of one
video. File, camera, arrays and browser all go through ``Session.push``.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

import mien
from mien import facs
from mien.analysis_recipe import DEFAULT, Recipe, read_recipe
from mien.errors import RecipeError, UsageError
from mien.expression import ExpressionModel, load_model
from mien.faces import cuts
from mien.faces.pose import pose
from mien.faces.quality import quality
from mien.faces.shape import placed
from mien.faces.shared import Shared
from mien.labels import NEUTRAL
from mien.output import columns
from mien.temporal import abstention, smoothing
from mien.temporal.baseline import Baseline
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

__all__ = ["DEFAULT", "Count", "Pipeline", "Recipe", "Session", "analyze", "load", "read_recipe"]

UNTIMED_STEP = 1 / 25  # seconds that the tracker assumes between pictures of a source without a clock


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What does not change from video to video; make one with ``mien.load``.

    Raises:
        RecipeError: the model or a setting wants landmarks, and the recipe finds none; or a baseline is asked for,
            and the model has no neutral or no action units.
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
        if self.recipe.abstention.of_quality and not self.recipe.landmarks:
            raise RecipeError(
                "[abstention] asks for a quality, which only faces with landmarks have; the recipe's [follow] "
                f'{self.recipe.follow.name!r} finds none: take "points", or ask for confidence only'
            )
        if self.recipe.baseline.reference != "none" and not (
            self.model.action_units and NEUTRAL in self.model.labels
        ):
            raise RecipeError(
                f"[baseline] wants a model with action units and the label {NEUTRAL!r}, which "
                f'{self.model.meta.name!r} is not: take reference = "none", or another model'
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
        return columns.Shown(
            self.model.meta.labels,
            landmarks=self.recipe.landmarks,
            points=points,
            withheld=self.recipe.abstention.asked,
        )

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
            baseline=Baseline(self.recipe.baseline, self.model.neutral_action_units),
            smoother=smoothing.Smoother(self.recipe.smoothing),
            abstention=self.recipe.abstention,
            rules=facs.rules(self.model.meta.labels),
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
    baseline: Baseline
    smoother: smoothing.Smoother
    abstention: abstention.Options
    rules: tuple[facs.Rule, ...]

    def push(self, frame: Frame) -> FrameResult:
        """Take the next frame: cut or not, find, track, patches, model, then what each face shows.

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
            self._observe(face, grey, frame.time, expressions, units)
            for face, expressions, units in zip(tracked, scores.expressions, scores.action_units, strict=True)
        )
        lost = self.tracker.lost
        known = {face.id for face in tracked} | set(lost)
        self.smoother.keep(known)
        self.baseline.keep(known)
        return FrameResult(frame.index, frame.time, faces, lost, self.cuts.shot)

    def _observe(
        self,
        tracked: TrackedFace,
        grey: Grey,
        time: float | None,
        scores: NDArray[np.float64],
        units: NDArray[np.float64],
    ) -> Observation:
        """Refer action units to the person's neutral, smooth, then pose, quality, and what can be said at all."""
        labels = self.model.labels
        if units.size and NEUTRAL in labels:
            units = self.baseline.refer(tracked.id, time, units, float(scores[labels.index(NEUTRAL)]))
        smooth = self.smoother.smooth(tracked.id, time, np.concatenate([scores, units]))
        scores, units = smooth[: len(labels)], smooth[len(labels) :]
        marks = tracked.face.landmarks
        height, width = grey.shape
        seen = quality(grey, placed(marks.points), marks.presence) if marks is not None else None
        withheld = abstention.reason(self.abstention, seen, float(scores.max()))
        return Observation(
            face=tracked.id,
            box=tracked.face.box.within(width, height),
            score=tracked.face.score,
            state=tracked.state,
            expression="" if withheld else labels[int(np.argmax(scores))],
            probabilities=scores,
            certainty=tracked.certainty,
            landmarks=marks,
            pose=pose(marks.points, width, height) if marks is not None else None,
            quality=seen,
            action_units=units if units.size else None,
            evidence=facs.evidence(self.rules, self.model.action_units, units) if units.size else "",
            withheld=withheld,
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

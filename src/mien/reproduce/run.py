"""All experiments in turn: the corridor of ``mien reproduce``."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from threading import Event
from typing import TYPE_CHECKING

import numpy as np

from mien.errors import DataError
from mien.learn.threads import one_thread
from mien.reproduce import (
    activations,
    architecture,
    corpus,
    divisions,
    family,
    natural,
    online,
    people,
    points,
    results,
    sequences,
    softmaxes,
    table1,
    tuning,
    views,
)
from mien.reproduce.bench import Bench
from mien.reproduce.natural import Natural
from mien.reproduce.stages import digest

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from numpy.typing import NDArray

    from mien.data.dataset import Item
    from mien.data.photographs import Photographs
    from mien.learn.interfaces import Progress
    from mien.reproduce.activations import Differences
    from mien.reproduce.corpus import Corpus
    from mien.reproduce.divisions import Division
    from mien.reproduce.online import Learned
    from mien.reproduce.results import Row
    from mien.reproduce.scored import Scored
    from mien.reproduce.settings import Settings
    from mien.reproduce.sources import Sources
    from mien.reproduce.stages import Stages

FEWEST = 5
"""People who must show a label."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """All that came of it; ``gallery`` draws it and ``page`` tells it.

    Attributes:
        sources, settings: what it was run on, and how much of everything.
        corpus: the frames.
        divisions: the protocols.
        natural: Fig. 1.
        stills, frames: features learned online (Fig. 3 and for the classifiers).
        guard: what stopped the report's alpha with tanh units.
        differences: Fig. 5, by inputs.
        scored: every answer of every classifier.
        rows: every number.
        example: Fig. 8: truth, rows of the corpus and probabilities (frames, labels) of one sequence.
    """

    sources: Sources
    settings: Settings
    corpus: Corpus
    divisions: dict[str, Division]
    natural: Natural
    stills: Learned
    frames: Learned
    guard: str
    differences: dict[str, Differences]
    scored: tuple[Scored, ...]
    rows: tuple[Row, ...]
    example: tuple[str, NDArray[np.intp], NDArray[np.float64]]


def run(sources: Sources, settings: Settings, stages: Stages, progress: Progress) -> Outcome:
    """Run every experiment; what ``stages`` knows already is not computed again.

    The long online runs and the other architectures go beside everything else, on a second core where there is
    one. Each computes on one thread: the bits do not depend on the machine's number of cores.

    Raises:
        DataError, TrainingError, OutputError: as the message says.
        UnknownPartError, ModelError: faces have no landmarks, and mien's network for them is missing or damaged.
    """
    framed = points.completed(sources.frames, stages, progress)
    rest = None if sources.rest is None else points.completed(sources.rest, stages, progress)
    frames = corpus.gather(framed, () if rest is None else rest.items)
    _enough(frames)
    divided = divisions.divide(frames, settings.draws, settings.seed)
    masked = online.masked(sources.stills)
    bench = Bench(frames, divided, settings, stages, progress)
    stop = Event()

    def watched(stage: str, done: int, of: int) -> None:
        if stop.is_set():
            raise _Stopped
        progress(stage, done, of)

    with one_thread(), ThreadPoolExecutor(1) as second:
        try:
            beside = _Beside(
                second.submit(online.learn, frames.flat, "frames, online", settings, stages, watched),
                second.submit(online.learn, masked, "stills, online", settings, stages, watched),
                second.submit(architecture.run, replace(bench, progress=watched)),
            )
            everyone = (*(() if rest is None else rest.items), *framed.items)
            return _experiments(sources, bench, beside, masked, everyone)
        finally:
            stop.set()  # of no consequence where all is done
            second.shutdown(cancel_futures=True)


def _enough(frames: Corpus) -> None:
    """Refuse, before any work, a label that so few people show that its strength cannot be chosen on others."""
    for place, label in enumerate(frames.labels):
        people = len(set(frames.subject[frames.label == place].tolist()))
        if people < FEWEST:
            raise DataError(
                f"{frames.dataset.name}: {label} is shown by {people} people; {FEWEST} are needed, so that "
                "strengths can be chosen on people not trained on: add people or leave that label out"
            )


class _Stopped(Exception):
    """Ends the work beside."""


@dataclass(frozen=True, slots=True)
class _Beside:
    """What is computed beside the experiments, in this order."""

    frames: Future[Learned]
    stills: Future[Learned]
    shapes: Future[list[Scored]]


def _experiments(
    sources: Sources, bench: Bench, beside: _Beside, masked: NDArray[np.float32], items: tuple[Item, ...]
) -> Outcome:
    found, divided, settings = bench.corpus, bench.divisions, bench.settings
    stages, progress = bench.stages, bench.progress
    edges = _natural(sources.pictures, settings, stages, progress)
    guard = online.stopped_at(masked, settings, stages)
    tuned = tuning.run(bench)
    relatives = family.run(bench, items)
    for done, division in enumerate(divided.values()):  # while the online runs go on
        progress("features", done, len(divided))
        for learned in division.learned:
            views.encoded(found, learned, views.FEATURES, (views.UNITS,), settings, stages)
    progress("features", len(divided), len(divided))
    framed = beside.frames.result()
    bench = replace(bench, online=framed.features)
    softmax = softmaxes.run(bench)
    tables = table1.run(bench)
    few = people.run(bench)
    pooled = sequences.run(found, softmax)
    drawn, shaped = beside.stills.result(), beside.shapes.result()
    shaped += architecture.beside(softmax)
    everyone = tuple(range(len(found.label)))
    batch = views.encoded(found, everyone, views.FEATURES, (views.UNITS,), settings, stages)
    different = {
        views.FEATURES: activations.compare(found, batch, settings.seed),
        views.ONLINE: activations.compare(found, framed.features, settings.seed),
    }
    progress("numbers", 0, 1)
    rows = [
        *natural.rows(edges),
        *online.rows("stills", drawn),
        *online.rows("frames", framed),
        *(row for inputs, values in different.items() for row in activations.rows(inputs, values)),
        *results.kept(stages, architecture.EXPERIMENT, shaped, architecture.rows),
        *results.kept(stages, softmaxes.EXPERIMENT, softmax, partial(softmaxes.rows, bench)),
        *results.kept(stages, table1.EXPERIMENT, tables, partial(table1.rows, bench)),
        *results.kept(stages, sequences.EXPERIMENT, pooled, sequences.rows),
        *results.kept(stages, people.EXPERIMENT, few, people.rows),
        *results.kept(stages, tuning.EXPERIMENT, tuned, tuning.rows),
        *results.kept(stages, family.EXPERIMENT, relatives, family.rows),
    ]
    progress("numbers", 1, 1)
    return Outcome(
        sources=sources,
        settings=settings,
        corpus=found,
        divisions=divided,
        natural=edges,
        stills=drawn,
        frames=framed,
        guard=guard,
        differences=different,
        scored=(*softmax, *tables, *shaped, *pooled, *few, *tuned, *relatives),
        rows=tuple(rows),
        example=sequences.example(found, softmax),
    )


def _natural(pictures: Photographs, settings: Settings, stages: Stages, progress: Progress) -> Natural:
    """Fig. 1, kept as arrays and the text of its figures."""
    sizes = natural.Sizes(steps=settings.natural_steps, iterations=settings.natural_iterations)

    def make(checkpoint: Path) -> dict[str, NDArray[np.generic]]:
        made = natural.run(pictures, settings.seed, progress, checkpoint, sizes)
        return {
            "online": made.online,
            "batch": made.batch,
            "curve": made.curve,
            "zero": np.array(made.zero, np.float64),
            "figures": np.array(json.dumps(made.figures)),
        }

    inputs = {"pictures": digest(list(pictures.pictures)), "sizes": sizes, "seed": settings.seed}
    kept = stages.get("natural", inputs, make)
    figures = json.loads(str(kept["figures"]))
    return Natural(
        online=kept["online"],
        batch=kept["batch"],
        curve=kept["curve"],
        zero=float(kept["zero"]),
        figures=figures,
        criteria=natural.criteria(figures),
        photographs=len(pictures.pictures),
        skipped=pictures.skipped,
    )

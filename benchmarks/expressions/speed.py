"""What a face costs on one core, how large the file is, and whether a second run gives the same bits."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.expressions.measures import Row
from mien.graph import Graph
from mien.models.onnx import INPUT, OUTPUT

if TYPE_CHECKING:
    from benchmarks.expressions.material import Model

PART = "speed"
ROUNDS = 300
BATCHES = (1, 8)


def run(model: Model, rounds: int = ROUNDS) -> list[Row]:
    """Milliseconds through ONNX Runtime on one thread, median and 95th percentile; megabytes; equal bits."""
    graph = Graph(model.file.content, model.file.path)
    size = int(model.file.meta.preprocessing.get("size", 24))
    noise = np.random.default_rng(0).random((max(BATCHES), size, size), np.float32)
    rows = [Row(PART, model.name, "file", "megabytes", len(model.file.content) / 1e6)]
    for batch in BATCHES:
        taken = np.array(_taken(graph, noise[:batch], rounds)) * 1e3
        where = f"{batch} face{'s' * (batch > 1)} on one core"
        rows.append(Row(PART, model.name, where, "ms, median", float(np.median(taken))))
        rows.append(Row(PART, model.name, where, "ms, 95th percentile", float(np.quantile(taken, 0.95))))
    return [*rows, Row(PART, model.name, "two runs of 8 faces", "same bits", float(repeats(model, noise)))]


def repeats(model: Model, patches: np.ndarray) -> bool:
    """Whether the model, loaded twice, gives every output in the same bits both times."""
    first, second = (Graph(model.file.content, model.file.path) for _ in range(2))
    names = sorted(first.outputs)
    runs = [graph.run(names, {INPUT: patches}) for graph in (first, first, second)]
    return all(a.tobytes() == b.tobytes() for other in runs[1:] for a, b in zip(runs[0], other, strict=True))


def _taken(graph: Graph, patches: np.ndarray, rounds: int) -> list[float]:
    outputs = [OUTPUT, *(["action_units"] if "action_units" in graph.outputs else [])]
    taken = []
    for turn in range(rounds + 10):
        start = time.perf_counter()
        graph.run(outputs, {INPUT: patches})
        if turn >= 10:  # the first ones warm up
            taken.append(time.perf_counter() - start)
    return taken

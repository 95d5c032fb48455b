"""Would 8-bit weights pay? ``python benchmarks/quantisation.py MODEL --data ferplus:PATH``.

Quantises a network model statically (weights and activations in 8 bits, per channel, ranges measured on training
faces of FER+) and compares it with the model as it is: accuracy on FER+ validation, milliseconds for one face and
for a batch of eight on one core, in turns in one process, and size.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quant_pre_process,
    quantize_static,
)

from mien import modelfile
from mien.data import landmarks, parts
from mien.data.opening import open_dataset
from mien.expression import load_model
from mien.graph import Graph

SHOWN = 256  # faces on which the ranges of activations are measured
ROUNDS = 200


class Faces(CalibrationDataReader):
    """Patches, a batch at a time, as the quantiser wants them."""

    def __init__(self, patches: np.ndarray) -> None:
        self._batches = iter(np.split(patches, len(patches) // 32))

    def get_next(self) -> dict[str, np.ndarray] | None:
        batch = next(self._batches, None)
        return None if batch is None else {"patches": batch}


def quantised(path: Path, patches: np.ndarray) -> bytes:
    """The model with 8-bit weights and activations."""
    with tempfile.TemporaryDirectory() as folder:
        plain, small = Path(folder, "plain.onnx"), Path(folder, "small.onnx")
        quant_pre_process(str(path), str(plain), skip_symbolic_shape=True)
        quantize_static(
            str(plain),
            str(small),
            Faces(patches),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            op_types_to_quantize=["Conv", "Add", "AveragePool", "Relu"],
        )
        return small.read_bytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--data", required=True, help="ferplus:PATH")
    given = parser.parse_args()
    logging.getLogger().setLevel(logging.ERROR)  # the quantiser advises at length
    file, model = modelfile.read(given.model), load_model(given.model)
    whole = open_dataset(given.data)
    cuts = {}
    for part, most in (("train", SHOWN), ("validation", None)):
        items = [item for item in parts.of_part(whole, part).items if item.expression is not None][:most]
        some = landmarks.with_landmarks(replace(whole, items=tuple(items)))
        greys = [item.face() for item in some.items]
        points = [landmarks.points(item, grey) for item, grey in zip(some.items, greys, strict=True)]
        cuts[part] = model.patches(greys, [None] * len(greys), points)
        truth = np.array([model.labels.index(str(item.expression)) for item in some.items])
    graphs = {
        "fp32": Graph(file.content, file.path),
        "int8": Graph(content := quantised(file.path, cuts["train"]), file.path),
    }
    sizes = {"fp32": len(file.content), "int8": len(content)}
    times: dict[str, dict[int, list[float]]] = {name: {1: [], 8: []} for name in graphs}
    for _ in range(ROUNDS):
        for name, graph in graphs.items():
            for count in (1, 8):
                begin = time.perf_counter()
                graph.run(["probabilities"], {"patches": cuts["validation"][:count]})
                times[name][count].append(1000 * (time.perf_counter() - begin))
    for name, graph in graphs.items():
        answers = np.concatenate(
            [
                graph.run(["probabilities"], {"patches": cuts["validation"][k : k + 64]})[0].argmax(axis=1)
                for k in range(0, len(truth), 64)
            ]
        )
        one, eight = (statistics.median(times[name][count]) for count in (1, 8))
        print(
            f"{name}: accuracy {np.mean(answers == truth):.4f}, one face {one:.2f} ms, eight {eight:.2f} ms, "
            f"{sizes[name] / 1e6:.2f} MB"
        )


if __name__ == "__main__":
    main()

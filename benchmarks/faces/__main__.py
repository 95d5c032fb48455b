"""``python -m benchmarks.faces -o DIR``; see the package's text."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # so that ``python benchmarks/faces`` works as well

import mien
from benchmarks.faces import detection, look, plots, report, sources
from benchmarks.faces.run import Subjects, run
from mien import modelfile
from mien.errors import MienError
from mien.faces.landmarks import LandmarkNetwork


def subjects(given: argparse.Namespace) -> Subjects:
    """What is there to be tested; what is not there is named on stderr."""
    usual, loose, pipelines, finder = {}, {}, {}, None
    for name in given.detectors.split(","):
        try:
            usual[name] = detection.detector(name, weights=given.detector_file)
            loose[name] = detection.detector(name, loose=True, weights=given.detector_file)
        except MienError as error:
            print(f"left out: {name}: {error}", file=sys.stderr)
    for name in given.recipes.split(","):
        try:
            # The report's model takes any face; the default one wants landmarks, which not every recipe seeks.
            pipelines[name] = mien.load("paper", recipe=None if name == "default" else name)
            pipelines[name].session()  # its networks are loaded here
        except MienError as error:
            pipelines.pop(name, None)
            print(f"left out: recipe {name}: {error}", file=sys.stderr)
    try:
        finder = LandmarkNetwork(modelfile.read_network(given.landmarks_file or "landmarks"))
    except MienError as error:
        print(f"left out: landmarks: {error}", file=sys.stderr)
    return Subjects(usual, loose, finder, pipelines)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks.faces", description="Test bench for finding and following faces."
    )
    parser.add_argument("--data", type=Path, help="folder with portraits and natural; drawn people without it")
    parser.add_argument("--labels", type=Path, help="the teacher's labels.npz (training/faces/label.py)")
    parser.add_argument("-o", dest="out", type=Path, required=True, help="folder for results, plots and examples")
    parser.add_argument("--detectors", default="haar,anchor_free")
    parser.add_argument("--recipes", default="default,viola_jones", help="names, or paths of TOML files")
    parser.add_argument("--detector-file", type=Path, help="another detector.onnx for anchor_free")
    parser.add_argument("--landmarks-file", type=Path, help="another landmarks.onnx")
    parser.add_argument("--look", action="store_true", help="example pictures with their truth into DIR/look")
    parser.add_argument("--quick", action="store_true", help="a fifth of the pictures, a third of the clips")
    given = parser.parse_args()
    if (given.data is None) != (given.labels is None):
        parser.error("--data and --labels belong together")
    begin = time.perf_counter()
    try:
        material = sources.drawn() if given.data is None else sources.photographs(given.data, given.labels)
        tested = subjects(given)
        if not tested.detectors:
            parser.error("none of the detectors can be tested")
        given.out.mkdir(parents=True, exist_ok=True)
        if given.look:
            look.examples(material, given.out / "look")
        outcome = run(material, tested, given.quick)
    except MienError as error:
        sys.exit(str(error))
    found = report.rows(outcome)
    report.write(found, outcome, given.out)
    plots.draw(outcome, given.out)
    print(report.text(found, material.kind))
    parts = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in outcome.seconds.items())
    print(f"\n{time.perf_counter() - begin:.0f} s: {parts}; results in {given.out}")


if __name__ == "__main__":
    main()

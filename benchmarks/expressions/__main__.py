"""``python -m benchmarks.expressions --model default --wild wild --data ROOT -o DIR``; see the package's text."""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))  # so that ``python benchmarks/expressions`` works as well

from benchmarks.expressions import heldout, material, plots, report, robustness, speed, unseen, validation
from benchmarks.expressions.material import Faces, Model
from benchmarks.expressions.report import Outcome
from mien import modelfile
from mien.errors import MienError
from mien.expression import ExpressionModel
from mien.faces.landmarks import LandmarkNetwork

PARTS = ("validation", "unseen", "robustness", "held-out", "speed")
SEED = 6  # of the faces that are degraded


def load(name: str) -> Model:
    """A model by its name or path; tables call it by the file's own name."""
    file = modelfile.read(name)
    return Model(file.meta.name, file, ExpressionModel(file))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.expressions", description="Test bench for what faces show.")
    parser.add_argument("--model", default="default", help="name or file of the model under test")
    parser.add_argument("--compare", help="a second model, beside it")
    parser.add_argument("--wild", help="a model that was trained without CK+, scored on it")
    parser.add_argument("--data", type=Path, required=True, help="folder with ferplus, and with CK+")
    parser.add_argument("-o", dest="out", type=Path, required=True, help="folder for figures and charts")
    parser.add_argument("--only", default=",".join(PARTS), help=f"parts, of {','.join(PARTS)}")
    parser.add_argument("--faces", type=int, default=1000, help="how many are degraded")
    parser.add_argument("--predictions", type=Path, help="predictions.parquet of mien evaluate on CK+")
    parser.add_argument("--units", type=Path, help="action_units.parquet of mien evaluate on CK+")
    parser.add_argument("--publish", type=Path, metavar="FILE", help="figures of --model for mien models")
    parser.add_argument("--chosen-by", default="", help="parts whose faces the recipe was chosen by: not held out")
    given = parser.parse_args()
    given.only = given.only.split(",")
    given.chosen_by = [part for part in given.chosen_by.split(",") if part]
    if unknown := [part for part in (*given.only, *given.chosen_by) if part not in PARTS]:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    return given


def run(given: argparse.Namespace, models: list[Model], wild: Model | None) -> Outcome:
    """The parts that were asked for and that there is data for."""
    outcome = Outcome()
    network = LandmarkNetwork(modelfile.read_network("landmarks"))
    wanted = {part for part in PARTS if part in given.only}
    faces: Faces | None = None
    if wanted & {"validation", "robustness"}:
        faces = material.validation(given.data, network, models)
    if "validation" in wanted and faces is not None:
        rows, outcome.curves = validation.run(models, faces)
        outcome.rows += rows
    if "unseen" in wanted and wild is not None:
        outcome.rows += unseen.run(wild, material.ckplus(given.data, network, [wild]))
    if "held-out" in wanted:
        name = models[0].name
        outcome.rows += heldout.expressions(given.predictions, name) if given.predictions else []
        outcome.rows += heldout.units(given.units, name) if given.units else []
    if "robustness" in wanted and faces is not None:
        drawn = faces.drawn(given.faces, SEED)
        rows, outcome.levels = robustness.run(models, drawn, network)
        outcome.rows += rows
        outcome.faces = len(drawn.item)
        outcome.mean_curves = {m.name: robustness.mean_curve(outcome.levels, m.name) for m in models}
    if "speed" in wanted:
        for model in models:
            outcome.rows += speed.run(model)
    return outcome


def main() -> None:
    given = arguments()
    begin = time.perf_counter()
    try:
        models = [load(name) for name in (given.model, given.compare) if name]
        if len({model.name for model in models}) < len(models):
            models = [replace(model, name=f"{model.name} {k + 1}") for k, model in enumerate(models)]
        wild = load(given.wild) if given.wild else None
        given.out.mkdir(parents=True, exist_ok=True)
        outcome = run(given, models, wild)
        report.write(given.out / "figures.json", outcome, models if wild is None else [*models, wild])
        plots.draw(outcome, given.out)
        if given.publish:
            report.publish(given.publish, outcome, models[0], given.chosen_by)
    except MienError as error:
        sys.exit(str(error))
    print(report.text(outcome))
    print(f"\n{time.perf_counter() - begin:.0f} s; results in {given.out}")


if __name__ == "__main__":
    main()

"""Table 1 (a) of the 2010 report with action units of the network: ``python -m benchmarks.expressions.table1``.

``mien reproduce`` gives one logistic regression per expression its features and, beside them, true action units, or
those that a ridge regression predicts from the same features. Here ``action_units.parquet`` of
``mien evaluate default --data ckplus:ROOT --protocol subject-10fold`` takes the ridge's place: probabilities of
each person by a network that was trained without that person. All is scored under subject-wise ten-fold.

A training person's action units come from a network that may have been trained on a tested person; the tested
person's own never do. (The ridge's, of the same folds, come from none of both.)
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))  # as in the package's __main__

from mien.data.opening import open_dataset
from mien.errors import DataError, MienError
from mien.evaluate import unit_predictions
from mien.learn.interfaces import silent
from mien.learn.threads import one_thread
from mien.reproduce import classify, corpus, divisions, measures
from mien.reproduce.bench import Bench
from mien.reproduce.settings import FULL, QUICK
from mien.reproduce.stages import Stages, digest
from mien.reproduce.views import FACS, FEATURES, PREDICTED

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mien.data.dataset import Item
    from mien.evaluate.unit_predictions import UnitPredictions
    from mien.reproduce.results import Row
    from mien.reproduce.scored import Scored
    from mien.reproduce.views import View

EXPERIMENT, NETWORK, RIDGE = "table1-network", "network-facs", "ridge-facs"
METRICS = ("accuracy", "balanced_accuracy", "f1", "auc")
INPUTS = (FEATURES, f"{FEATURES}+{FACS}", f"{FEATURES}+{PREDICTED}", f"{FEATURES}+{NETWORK}")


def placed(items: tuple[Item, ...], p: UnitPredictions) -> NDArray[np.float32]:
    """Probabilities (n, units) of the units that the network knows, for every frame.

    A frame that the table lacks takes those of its sequence's last frame in the table, as it takes the codes of
    its sequence's peak.

    Raises:
        DataError: a sequence is not in the table, the tables are of networks that know different units, or the
            network had seen the people.
    """
    if not p.setting.retrained:
        raise DataError(
            f"{p.setting.protocol}: these people may have been trained on; use --protocol subject-10fold"
        )
    known = [k for k in range(len(p.units)) if np.isfinite(p.probabilities[:, k]).all()]
    if not known:
        raise DataError("no action unit was predicted in every fold; give the recipe a fixed list of units")
    row = {name: k for k, name in enumerate(p.item.tolist())}
    last: dict[str, int] = {}
    for name in sorted(row):  # names end in the frame's number
        last[name.rpartition("_")[0]] = row[name]
    found = np.empty((len(items), len(known)), np.float32)
    for item, into in zip(items, found, strict=True):
        place = row.get(item.name, last.get(item.sequence))
        if place is None:
            raise DataError(
                f"{item.name}: neither it nor its sequence is in the table; evaluate on the same people"
            )
        into[:] = p.probabilities[place, known]
    return found


def run(bench: Bench, network: NDArray[np.float32], tell: Callable[[str], None]) -> list[Scored]:
    """One set of logistic regressions for each of ``INPUTS`` under subject-wise ten-fold."""
    division = bench.divisions[divisions.GROUPS]
    found = []
    for inputs in INPUTS:
        tell(inputs)
        own = NETWORK in inputs

        def of(number: int, own: bool = own) -> View:
            view = bench.view(division.learned[number])
            if not own:
                return view
            return replace(view, predicted=network, signature=digest([view.signature, network]))

        made = classify.score(
            EXPERIMENT, bench.corpus, division, of, inputs.replace(NETWORK, PREDICTED), bench.settings.logistic,
            bench.settings, bench.stages,
        )  # fmt: skip
        found.append(replace(made, inputs=inputs.replace(PREDICTED, RIDGE)))
    return found


def rows(scored: list[Scored]) -> list[Row]:
    """Macro means of each, and what each gains over the features alone, paired by person."""
    labels = scored[0].labels
    found = [row for s in scored for row in measures.of_detections(s, labels)]
    for s in scored[1:]:
        found += measures.detection_difference(s, scored[0], labels, METRICS, inputs=f"{s.inputs} minus {FEATURES}")
    return [row for row in found if row.label == measures.MACRO and row.metric in METRICS]


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.expressions.table1", description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True, help="such as ckplus:ROOT, the frames to classify")
    parser.add_argument("--units", type=Path, required=True, help="action_units.parquet of mien evaluate")
    parser.add_argument("--stages", type=Path, help="folder in which features are kept for the next time")
    parser.add_argument("--quick", action="store_true", help="fewer steps and folds")
    given = parser.parse_args()
    settings = QUICK if given.quick else FULL
    try:
        frames = corpus.gather(open_dataset(given.data))
        network = placed(frames.dataset.items, unit_predictions.read(given.units))
        divided = divisions.divide(frames, 1, settings.seed)
        with tempfile.TemporaryDirectory() as folder, one_thread():
            stages = Stages(given.stages or Path(folder))
            bench = Bench(frames, divided, settings, stages, silent)
            found = rows(run(bench, network, lambda inputs: print(inputs, file=sys.stderr, flush=True)))
    except MienError as error:
        sys.exit(str(error))
    people = len(set(frames.subject.tolist()))
    print(f"{len(frames.label)} frames of {people} people, {network.shape[1]} action units of the network")
    for inputs in dict.fromkeys(row.inputs for row in found):
        values = "  ".join(
            f"{row.metric} {row.value:.3f} [{row.low:.3f}, {row.high:.3f}]" for row in found if row.inputs == inputs
        )
        print(f"{inputs:<42} {values}")


if __name__ == "__main__":
    main()

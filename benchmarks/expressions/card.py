"""Figures of the bench as Markdown, written into a model card.

``python -m benchmarks.expressions.card DIR/figures.json --card cards/default.md`` rewrites what stands between the
marks ``<!-- figures: begin -->`` and ``<!-- figures: end -->``, and nothing else. Figures of another file than the
model's are refused. Several ``figures.json`` are put together; where two tell the same, the later one counts.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # as in the package's __main__

from benchmarks.expressions.degradation import SWEEPS
from benchmarks.expressions.material import trained_on
from benchmarks.expressions.measures import Row
from mien import atomic, modelfile
from mien.errors import DataError, MienError
from mien.evaluate.action_units import FEWEST
from mien.labels import ACTION_UNITS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from mien.modelfile import ModelFile

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
NONE = "–"
FEW = "not enough data"
BASELINE, YES = "always majority", "always yes"
UNSEEN, CKPLUS = "unseen", "ckplus"  # the part that shows a model its first CK+, and CK+'s name as a data set
OF_FACES = ("validation", UNSEEN, "held-out")  # parts that score faces as they are
OVERALL = {
    "accuracy": "accuracy", "balanced_accuracy": "balanced accuracy", "macro_f1": "macro F1",
    "macro_auc": "macro AUC", "ece": "calibration error (ECE-15)", "nll": "log loss, nats", "brier": "Brier score",
}  # fmt: skip
CLASS = re.compile(r"recall (\w+) \((\d+) faces\)")
UNIT = re.compile(r"(auc|f1) (AU\d\d) \((\d+) of (\d+) faces\)")
EVERY, SHOWING = "all coded faces", "faces that show a unit"


@dataclass(frozen=True, slots=True)
class Told:
    """What one or more ``figures.json`` tell of a model.

    Attributes:
        file: the model.
        rows: of all models and baselines.
        levels: of the degradations, this model's.
        faces: how many were degraded.
        confused: most frequent confusions on FER+ validation.
        chosen_by: parts by whose faces the recipe was chosen.
    """

    file: ModelFile
    rows: tuple[Row, ...]
    levels: tuple[dict[str, Any], ...]
    faces: int
    confused: tuple[dict[str, Any], ...]
    chosen_by: frozenset[str]

    @property
    def name(self) -> str:
        """Of the model in tables."""
        return self.file.meta.name

    def own(self, *parts: str) -> list[Row]:
        """The model's rows of these parts."""
        return [row for row in self.rows if row.model == self.name and row.part in parts]

    def held_out(self, row: Row) -> str:
        """``yes`` where the model neither learned from the faces nor was chosen by them."""
        known = row.part == UNSEEN and CKPLUS in trained_on(self.file)  # whatever an older bench said
        return "yes" if row.held_out and row.part not in self.chosen_by and not known else "no"


def read(paths: Sequence[Path], file: ModelFile, chosen_by: Collection[str] = ()) -> Told:
    """Put figures together.

    Raises:
        DataError: one of the files cannot be read, is of another model or of another file of that name.
    """
    rows: dict[tuple[str, ...], Row] = {}
    levels: list[dict[str, Any]] = []
    confused: list[dict[str, Any]] = []
    faces = 0
    for path in paths:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            sha = document["models"].get(file.meta.name, {}).get("sha256")
            if sha != file.sha256:
                found = "has no figures" if sha is None else f"has figures of another file, sha256 {sha},"
                raise DataError(f"{path}: {found} of {file.meta.name!r}; run the bench on {file.path}")
            for told in document["rows"]:
                row = Row(**{k: math.nan if told[k] is None else told[k] for k in (f.name for f in fields(Row))})
                rows[row.part, row.model, row.where, row.measure] = row
            robustness = document["robustness"]
            found_levels = [one for one in robustness["levels"] if one["model"] == file.meta.name]
            levels, faces = (found_levels, robustness["faces"]) if found_levels else (levels, faces)
            confused = document["curves"].get(file.meta.name, {}).get("confused", confused)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(f"{path}: no figures of benchmarks.expressions ({error!r})") from None
    return Told(file, tuple(rows.values()), tuple(levels), faces, tuple(confused), frozenset(chosen_by))


def text(told: Told) -> str:
    """All tables that there are figures for, in Markdown."""
    parts = {
        "Overall": _overall(told),
        "Label by label": _classes(told),
        "Action units": _units(told),
        "Calibration": _calibration(told),
        "Answering only where it is sure": _selective(told),
        "Degraded pictures": _robustness(told),
        "Cost": _speed(told),
        "Most frequent confusions": _confusions(told),
    }
    intro = (
        f"Measured with the file of SHA-256 `{told.file.sha256[:16]}...`. Brackets: 95 % percentile bootstrap over "
        "people, or over pictures where people are unknown. **Held out**: the model learned nothing from these "
        "faces, and its recipe was not chosen by them."
    )
    return "\n\n".join([intro, *(f"### {title}\n\n{part}" for title, part in parts.items() if part)])


def rewrite(card: Path, tables: str) -> None:
    """Put ``tables`` between the card's marks.

    Raises:
        DataError: the card cannot be read, or its marks are not there once, in order.
    """
    try:
        before = card.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{card}: cannot be read ({error})") from None
    head, begin, rest = before.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not begin or not end or any(mark in part for mark in (BEGIN, END) for part in (head, tail)):
        raise DataError(f"{card}: must hold {BEGIN} and then {END}, each once")
    atomic.write_bytes(card, f"{head}{BEGIN}\n{tables}\n{END}{tail}".encode())


def table(head: Sequence[str], rows: Iterable[Sequence[str]], words: int = 1) -> str:
    """A Markdown table whose first ``words`` columns are text and the others numbers; empty without rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    ruled = ["---" if k < words else "--:" for k in range(len(head))]
    return "\n".join([f"| {' | '.join(head)} |", f"|{'|'.join(ruled)}|", *lines]) if lines else ""


def number(row: Row | None, digits: int = 3) -> str:
    """A figure with its interval."""
    if row is None or math.isnan(row.value):
        return NONE
    bounds = "" if math.isnan(row.low) else f" [{row.low:.{digits}f}, {row.high:.{digits}f}]"
    return f"{row.value:.{digits}f}{bounds}"


def _find(told: Told, part: str, model: str, where: str, measure: str) -> Row | None:
    same = [row for row in told.rows if (row.part, row.model, row.measure) == (part, model, measure)]
    exact = next((row for row in same if row.where == where), None)
    if exact is None and (part, model) == ("validation", BASELINE):  # the same faces, however they are cut
        exact = next((row for row in same if row.where.rpartition(", ")[0] == where.rpartition(", ")[0]), None)
    return exact


def _overall(told: Told) -> str:
    own = [row for row in told.own(*OF_FACES) if row.measure in OVERALL]
    others = [
        model
        for model in dict.fromkeys(row.model for row in told.rows)
        if model not in (told.name, BASELINE) and any(_find(told, r.part, model, r.where, r.measure) for r in own)
    ]
    rows = [
        [row.where, OVERALL[row.measure], number(row), told.held_out(row),
         *(number(_find(told, row.part, model, row.where, row.measure)) for model in [*others, BASELINE])]
        for row in own
    ]  # fmt: skip
    missed = [row for row in told.rows if row.model == "landmarks" and row.part == "validation"]
    note = [
        f"The landmark network found no face in {number(row)} of {row.where}; these count as upright faces that "
        "fill their pictures."
        for row in missed
        if rows
    ]
    head = ["faces", "figure", f"`{told.name}`", "held out", *(f"`{model}`" for model in others), BASELINE]
    return "\n\n".join([part for part in (table(head, rows, 2), *note) if part])


def _classes(told: Told) -> str:
    rows = [
        [row.where, seen[1], seen[2], number(row), told.held_out(row)]
        for row in told.own(*OF_FACES)
        if (seen := CLASS.fullmatch(row.measure))
    ]
    return table(["where", "truth", "faces", "recall", "held out"], rows, 2)


def _units(told: Told) -> str:
    known = told.file.meta.labels.action_units
    found: dict[tuple[str, str, str], Row] = {}
    counts: dict[str, tuple[str, str]] = {}
    means: list[str] = []
    for row in told.own("held-out"):
        where = row.where.rpartition(", ")[2]
        if seen := UNIT.fullmatch(row.measure):
            found[seen[2], seen[1], where] = row
            if where == EVERY:
                counts[seen[2]] = (seen[3], seen[4])
        elif row.measure.endswith("action units"):
            base = _find(told, row.part, YES, row.where, row.measure)
            beside = f", always yes {number(base)}" if base else ""
            means.append(f"* {row.measure}, {where}: {number(row)}, held out: {told.held_out(row)}{beside}")
    if not known or not found:
        return ""
    rows = []
    for unit, what in ACTION_UNITS.items():
        shown, of = counts.get(unit, (NONE, NONE))
        cells = [found.get((unit, figure, where)) for where in (EVERY, SHOWING) for figure in ("auc", "f1")]
        few = unit in counts and int(shown) < FEWEST
        note = "not modelled" if unit not in known else FEW if unit not in counts or few else ""
        held_out = told.held_out(cells[0]) if cells[0] else NONE
        rows.append([f"{unit} {what}", note, shown, of, *map(number, cells), held_out])
    head = ["unit", "note", "shown", "of faces", "AUC", "F1", f"AUC, {SHOWING}", f"F1, {SHOWING}", "held out"]
    few_told = f'"{FEW}": fewer than {FEWEST} faces show it; its figures are mostly luck, and not in the means.'
    return "\n\n".join([*(["\n".join(means)] if means else []), table(head, rows, 2), few_told])


def _calibration(told: Told) -> str:
    made = told.file.meta.notes.get("figures", {}).get("calibration", {})
    if not made.get("faces"):
        return "Not calibrated: its scores are given as they are; their errors are above."
    rows = []
    for what, stem, count in (
        ("log loss of expressions, nats", "nll", "faces"),
        ("log loss of action units, nats", "units_nll", "coded"),
    ):
        if f"{stem}_before" in made:
            faces = f"kept out for calibration, {made.get(count, NONE)} faces"
            rows.append([faces, what, f"{made[f'{stem}_before']:.3f}", f"{made[f'{stem}_after']:.3f}", "no"])
    for row in told.own(*OF_FACES):
        if row.measure in ("ece", "nll", "brier"):
            rows.append([row.where, OVERALL[row.measure], NONE, number(row), told.held_out(row)])
    ruled = table(["faces", "figure", "before", "after", "held out"], rows, 2)
    return f"Temperature: {made['temperature']:.3f}.\n\n{ruled}"


def _selective(told: Told) -> str:
    rows = []
    for row in told.own(*OF_FACES):
        if row.measure == "accuracy":
            at = [
                _find(told, row.part, told.name, row.where, m)
                for m in ("accuracy_at_80", "accuracy_at_90", "accuracy", "aurc")
            ]
            if at[0] is not None:
                rows.append([row.where, *map(number, at), told.held_out(row)])
    return table(["faces", "accuracy of the surest 80 %", "90 %", "100 %", "AURC", "held out"], rows)


def _robustness(told: Told) -> str:
    most = max(len(sweep.levels) for sweep in SWEEPS)
    rows = []
    held_out = [told.held_out(row) for row in told.own("robustness")][:1] or ["no"]
    for sweep in SWEEPS:
        levels = [one for one in told.levels if one["sweep"] == sweep.name]
        if not levels:
            continue
        cells = [
            f"{_level(one['level'])}: {one['redone']['value']:.2f} [{one['redone']['low']:.2f}, "
            f"{one['redone']['high']:.2f}]"
            for one in levels
        ]
        harmed = [one for one in levels if one["level"] != sweep.clean]
        means = [f"{sum(one[how]['value'] for one in harmed) / len(harmed):.2f}" for how in ("redone", "kept")]
        missed = f"{max(one['missed'] for one in levels):.2f}"
        cells += [""] * (most - len(cells))
        rows.append([f"{sweep.name} ({sweep.unit})", *cells, *means, missed, *held_out])
    ends = ("mean", "mean, points of the clean face", "no face found, worst", "held out")
    head = ["degradation", *(f"level {k + 1}" for k in range(most)), *ends]
    whole = [row for row in told.own("robustness") if row.where == "all sweeps"]
    note = (
        f"Accuracy on {told.faces} faces of FER+ validation at each level, points sought anew; means are over the "
        f"levels that change something{f', over all degradations {number(whole[0])}' if whole else ''}."
    )
    return f"{note}\n\n{table(head, rows)}" if rows else ""


def _speed(told: Told) -> str:
    rows = [[row.where, row.measure, number(row)] for row in told.own("speed") if row.measure != "same bits"]
    same = [row.value == 1 for row in told.own("speed") if row.measure == "same bits"]
    note = [f"A second run gives the same bits: {'yes' if all(same) else 'no'}."] if same else []
    return "\n\n".join([table(["what", "figure", "value"], rows, 2), *note]) if rows else ""


def _confusions(told: Told) -> str:
    rows = [[one["truth"], one["answer"], str(one["faces"]), f"{one['share']:.1%}"] for one in told.confused]
    held_out = {told.held_out(row) for row in told.own("validation")} or {"no"}
    ruled = table(["truth", "answer", "faces", "of the truth's"], rows, 2)
    return f"On FER+ validation, aligned; held out: {min(held_out)}.\n\n{ruled}" if rows else ""


def _level(level: float | str) -> str:
    return level if isinstance(level, str) else f"{level:g}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.expressions.card", description=__doc__.split("\n")[0])
    parser.add_argument("figures", type=Path, nargs="+", help="figures.json of the bench")
    parser.add_argument("--card", type=Path, required=True, help="the model's card")
    parser.add_argument("--model", help="name or file of the model; the card's name when left out")
    parser.add_argument("--chosen-by", default="", help="parts whose faces the recipe was chosen by: not held out")
    given = parser.parse_args()
    try:
        file = modelfile.read(given.model or given.card.stem)
        rewrite(given.card, text(read(given.figures, file, given.chosen_by.split(","))))
    except MienError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

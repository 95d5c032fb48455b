"""``mien evaluate``: honest figures of a model on people it never saw."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from mien import modelfile
from mien.atomic import mapped
from mien.cli.stages import stages
from mien.data import splits
from mien.data.opening import open_dataset
from mien.data.parts import for_training
from mien.data.splits import OfficialPart, Protocol
from mien.errors import UsageError
from mien.evaluate import predict, predictions, report, summary, unit_predictions
from mien.evaluate.predict import AS_IS
from mien.evaluate.unit_section import NAMES, TOO_LITTLE

if TYPE_CHECKING:
    from mien.evaluate.action_units import UnitSummary
    from mien.evaluate.intervals import Interval
    from mien.evaluate.predictions import Predictions
    from mien.evaluate.summary import Summary
    from mien.evaluate.unit_predictions import UnitPredictions


@click.command(
    "evaluate",
    epilog="Example: mien evaluate paper --data ckplus:path/to/ckplus --protocol subject-10fold -o figures",
)
@click.argument("model")
@click.option("--data", required=True, metavar="NAME:PATH", help="Labelled data set: reader's name and path.")
@click.option(
    "--protocol",
    default="subject-10fold",
    show_default=True,
    help="Who is held out: subject-10fold, loso and holdout train the model's recipe anew without them; "
    "sequence-split and paper-split too, but leave people on both sides and leak; as-is scores the model as it "
    "stands, on data it was not trained on; validation and test too, on the part of that name that FER+ has.",
)
@click.option(
    "--beside",
    multiple=True,
    metavar="NAME:PATH",
    help="Data set that every fold is trained on as well, and nobody of which is scored: for a model of two data "
    "sets. May be given more than once.",
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Folder for the results."
)
def command(model: str, data: str, protocol: str, beside: tuple[str, ...], output: Path) -> None:
    """Score MODEL, a file or the name of a shipped one.

    Writes predictions.parquet (what the model said about every held-out face), metrics.json and report.html,
    both computed from it; and action_units.parquet where the model gives action units and the data has codes.
    """
    plan = None if protocol == AS_IS else splits.protocol(protocol)
    if beside and not isinstance(plan, Protocol):
        raise UsageError(f"--beside: --protocol {protocol} trains nothing; leave it out")
    file = modelfile.read(model)
    dataset = open_dataset(data)
    if isinstance(plan, OfficialPart):
        dataset = plan.select(dataset)
    elif plan is not None:
        dataset = for_training(dataset)
    others = [for_training(open_dataset(spec)) for spec in beside]
    with mapped(output):
        output.mkdir(parents=True, exist_ok=True)
    if isinstance(plan, Protocol):
        with stages() as progress:
            made = predict.retrained(file, dataset, plan.folds(dataset), protocol, progress, others)
    else:
        made = predict.as_is(file, dataset, protocol)
    table = output / "predictions.parquet"
    predictions.write(table, made)
    # from the file, not from memory: the figures are those of the table that stays
    kept = replace(predictions.read(table), action_units=_kept_units(made, output))
    figures = summary.summarise(kept)
    summary.write(output / "metrics.json", figures)
    report.write(output / "report.html", figures)
    _show(figures)
    more = "" if kept.action_units is None else f"{unit_predictions.NAME}, "
    click.echo(f"wrote {output}/predictions.parquet, {more}metrics.json, report.html")


def _kept_units(made: Predictions, output: Path) -> UnitPredictions | None:
    """What the model said about action units, written and read again; a table of an earlier run goes."""
    table = output / unit_predictions.NAME
    if made.action_units is None:
        with mapped(table):
            table.unlink(missing_ok=True)
        return None
    unit_predictions.write(table, made.action_units)
    return unit_predictions.read(table)


def _show(s: Summary) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if s.setting.synthetic:
        console.print("SYNTHETIC: drawn faces; these figures say nothing about real ones", style="bold")
    beside = f", trained beside {s.setting.beside}" if s.setting.beside else ""
    console.print(
        f"{s.setting.model} on {s.setting.data}, {s.setting.protocol}{beside}: {s.n} faces of {s.subjects} people; "
        f"{s.level:.0%} intervals by subject",
        markup=False,
    )
    overall = Table(box=None, pad_edge=False, header_style="bold")
    overall.add_column("")
    for title in (s.setting.model, "always majority", "shuffled"):
        overall.add_column(title, justify="right", no_wrap=True)
    for name, (title, _) in report.MEASURE_NAMES.items():
        overall.add_row(
            title.lower() if title not in ("MCC",) else title,
            _interval(s.figures[name]),
            f"{s.baselines['majority'][name].value:.3f}",
            f"{s.baselines['shuffled'][name].value:.3f}",
        )
    console.print(overall)
    by_class = Table(box=None, pad_edge=False, header_style="bold")
    by_class.add_column("truth")
    for title in ("faces", "recall", "precision", "F1"):
        by_class.add_column(title, justify="right", no_wrap=True)
    for c in s.classes:
        by_class.add_row(c.label, str(c.n), _interval(c.recall), _number(c.precision.value), _interval(c.f1))
    console.print(by_class)
    surest = {name: _interval(s.selective[name]) for name in ("accuracy_at_80", "accuracy_at_90")}
    console.print(
        f"right on the surest 80 % of faces: {surest['accuracy_at_80']}; 90 %: {surest['accuracy_at_90']}"
    )
    if s.action_units is not None:
        _show_units(console, s.action_units)


def _show_units(console: Console, s: UnitSummary) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("action unit")
    for title in ("shown", *(name for name, _ in NAMES.values()), "always yes F1"):
        table.add_column(title, justify="right", no_wrap=True)
    for unit in s.units:
        figures = [_interval(unit.figures[name]) for name in NAMES] if unit.figures else [TOO_LITTLE]
        nothing = [_number(unit.baselines["always_yes"]["f1"])] if unit.figures else []
        table.add_row(unit.unit, str(unit.positives), *figures, *nothing)
    if s.means:
        means = [_interval(s.means[name]) for name in NAMES]
        table.add_row(f"mean of {len(s.meant)}", "", *means, _number(s.baselines["always_yes"]["f1"]))
    console.print(table)


def _interval(i: Interval) -> str:
    return f"{_number(i.value)} [{_number(i.low)}, {_number(i.high)}]"


def _number(value: float) -> str:
    return f"{value:.3f}".replace("nan", "-")

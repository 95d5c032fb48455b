"""``mien evaluate``: honest figures of a model on people it never saw."""

from __future__ import annotations

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
from mien.evaluate import predict, predictions, report, summary
from mien.evaluate.predict import AS_IS

if TYPE_CHECKING:
    from mien.evaluate.intervals import Interval
    from mien.evaluate.summary import Summary


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
    "stands, on data it was not trained on.",
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Folder for the results."
)
def command(model: str, data: str, protocol: str, output: Path) -> None:
    """Score MODEL, a file or the name of a shipped one.

    Writes predictions.parquet (what the model said about every held-out face), metrics.json and report.html,
    both computed from it.
    """
    plan = None if protocol == AS_IS else splits.protocol(protocol)
    file = modelfile.read(model)
    dataset = open_dataset(data)
    with mapped(output):
        output.mkdir(parents=True, exist_ok=True)
    if plan is None:
        made = predict.as_is(file, dataset)
    else:
        with stages() as progress:
            made = predict.retrained(file, dataset, plan.folds(dataset), protocol, progress)
    table = output / "predictions.parquet"
    predictions.write(table, made)
    # from the file, not from memory: the figures are those of the table that stays
    figures = summary.summarise(predictions.read(table))
    summary.write(output / "metrics.json", figures)
    report.write(output / "report.html", figures)
    _show(figures)
    click.echo(f"wrote {output}/predictions.parquet, metrics.json, report.html")


def _show(s: Summary) -> None:
    console = Console(highlight=False, soft_wrap=True)
    if s.setting.synthetic:
        console.print("SYNTHETIC: drawn faces; these figures say nothing about real ones", style="bold")
    console.print(
        f"{s.setting.model} on {s.setting.data}, {s.setting.protocol}: {s.n} faces of {s.subjects} people; "
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


def _interval(i: Interval) -> str:
    return f"{_number(i.value)} [{_number(i.low)}, {_number(i.high)}]"


def _number(value: float) -> str:
    return f"{value:.3f}".replace("nan", "-")

"""``mien architecture``: how many layers of how many units a data set supports, and a recipe of that size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mien import atomic, plugins
from mien.atomic import mapped
from mien.cli.stages import stages
from mien.data import parts
from mien.data.opening import open_dataset
from mien.errors import OutputError

if TYPE_CHECKING:
    from mien.learn.architecture.dimension import Count
    from mien.learn.architecture.estimate import Estimate


@click.command(
    "architecture",
    epilog="Example: mien architecture --data ckplus:path/to/ckplus -o size",
)
@click.option(
    "--data", required=True, metavar="NAME:PATH", help="Data set: a reader's name and where its files lie."
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Folder for the results."
)
@click.option(
    "--recipe",
    default="aligned",
    show_default=True,
    metavar="NAME|FILE",
    help="Recipe whose layers and units are sought; all else stays as it says.",
)
@click.option("--no-labels", is_flag=True, help="Leave labels aside, as for faces that have none.")
@click.option("--quick", is_flag=True, help="Fewer sizes and short training: a rough answer in a minute or two.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="Another seed than the recipe's.")
def command(data: str, output: Path, recipe: str, no_labels: bool, quick: bool, seed: int | None) -> None:
    """Estimate how many layers and units the faces of a data set support.

    Four estimates, each with an interval by people: linear dimensions (parallel analysis, Minka's evidence), the
    likelihood of held-out faces against hidden units, the units of a large layer that are in use, and successive
    halving over layers and units, which decides. Writes report.html, curve.png, curve.csv, architecture.json and
    recommended.toml, a recipe that 'mien train' takes.
    """
    recipes = plugins.load("mien.learn.recipe")
    procedure = plugins.load("mien.learn.architecture.procedure")
    chart = plugins.load("mien.evaluate.architecture.chart")
    curves = plugins.load("mien.evaluate.architecture.curves")
    page = plugins.load("mien.evaluate.architecture.page")

    plan = procedure.adjustable(recipes.read(recipe))
    chosen = plan.seed if seed is None else seed
    _make(output)
    dataset = parts.for_training(open_dataset(data))
    options = procedure.QUICK if quick else procedure.Options()
    with stages() as progress:
        found = procedure.of_dataset(dataset, plan, options, chosen, progress, use_labels=not no_labels)
    synthetic = " (synthetic)" if dataset.synthetic else ""
    picture = chart.png(found, f"Layers and units for {dataset.name}{synthetic}")
    atomic.write_bytes(output / "curve.png", picture)
    curves.write_table(output / "curve.csv", found)
    curves.write_record(output / "architecture.json", found, dataset.name, dataset.fingerprint(), plan.name)
    atomic.write_bytes(output / "recommended.toml", found.recipe.text.encode())
    page.write(output / "report.html", found, dataset, picture, quick=quick)
    if dataset.synthetic:
        click.echo("SYNTHETIC: drawn faces; these sizes say nothing about real ones")
    _tell(found)
    click.echo(f"wrote {output}/report.html, curve.png, curve.csv, architecture.json, recommended.toml")


def _make(output: Path) -> None:
    """The folder, if files can be written there; known now, not after minutes of work.

    Raises:
        OutputError: it is a file, or not writable.
    """
    with mapped(output):
        taken = output.exists() and not output.is_dir()
    if taken:
        raise OutputError(f"{output}: is a file; give a folder for the results")
    with mapped(output):
        output.mkdir(parents=True, exist_ok=True)
    atomic.discard(atomic.temporary_for(output / "report.html"))


def _tell(e: Estimate) -> None:
    d, p, h = e.dimension, e.pruning, e.halving
    shape = h.chosen.shape
    accuracy = "" if h.chosen.accuracy is None else f", accuracy {h.chosen.accuracy.value:.3f}"
    rows = {
        "faces": f"{e.faces} of {e.people} people, {'with' if e.labelled else 'without'} labels",
        "dimensions": f"{_count(d.parallel)} by parallel analysis, {_count(d.minka)} by Minka's evidence",
        "likelihood": f"{e.likelihood.chosen} hidden units{' or more' if e.likelihood.grows else ''}",
        "pruning": f"{p.left:.0f} of {p.units} units in use [{p.low}, {p.high}]",
        "halving": f"{h.measure} {h.chosen.score.value:.3f} [{h.chosen.score.low:.3f}, {h.chosen.score.high:.3f}]"
        f"{accuracy}; best {h.best.score.value:.3f} by {h.best.shape.layers} x {h.best.shape.units}",
        "recommended": f"{shape.layers} layer{'s' if shape.layers > 1 else ''} of {shape.units} units",
    }
    for name, value in rows.items():
        click.echo(f"  {name:<12} {value}")


def _count(count: Count) -> str:
    return f"{count.value} [{count.low:.0f}, {count.high:.0f}]"

"""``mien train``: a recipe and data in, one model file out."""

from __future__ import annotations

from pathlib import Path

import click

from mien import modelfile, plugins
from mien.cli.stages import stages
from mien.data import landmarks
from mien.data.opening import open_dataset
from mien.errors import OutputError


@click.command(
    "train",
    epilog="Example: mien train recipes/paper.toml --data ckplus:path/to/ckplus -o paper.onnx",
)
@click.argument("recipe")
@click.option(
    "--data",
    required=True,
    multiple=True,
    metavar="NAME:PATH",
    help="Data set: a reader's name and where its files lie; may be given more than once. "
    "'synthetic' needs no path.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="MODEL.onnx",
    help="File to write; the recipe's name in the current folder when left out.",
)
@click.option("--seed", type=int, metavar="N", help="Another seed than the recipe's.")
def command(recipe: str, data: tuple[str, ...], output: Path | None, seed: int | None) -> None:
    """Train a model by RECIPE, a file or the name of a shipped recipe (paper, fine_tuned,
    aligned).

    The same recipe, data and seed give the same file, byte by byte, on one machine. The file is written only if
    ONNX Runtime and torch agree to 1e-5 on every training face.
    """
    recipes = plugins.load("mien.learn.recipe")
    fit = plugins.load("mien.learn.fit")
    export = plugins.load("mien.learn.export")
    training_set = plugins.load("mien.learn.training_set")

    plan = recipes.read(recipe)
    if seed is not None:
        plan = plan.with_seed(seed)
    target = output or Path(f"{plan.name}.onnx")
    if target.suffix != ".onnx":
        raise click.BadParameter(f"{target} must end in .onnx", param_hint="-o")
    if not target.parent.is_dir():  # known now, not after minutes of training
        raise OutputError(f"{target}: the folder {target.parent} does not exist; create it first")
    sources = [open_dataset(spec) for spec in data]
    dataset = landmarks.for_alignment(training_set.join(sources), plan.patches.alignment)
    with stages() as progress:
        trained = fit.train(plan, dataset, progress)
    difference = export.export(trained, dataset, target, sources)

    written = modelfile.read(target)
    made = written.meta.provenance
    if made.synthetic:
        click.echo("SYNTHETIC: trained on drawn faces; its scores mean nothing for real ones")
    click.echo(f"{target}")
    rows = {
        "labels": " ".join(written.meta.labels.expressions),
        "trained on": f"{made.data}: {made.items} faces of {made.subjects} people, seed {made.seed}",
        "features": _told(trained.features.figures()),
        "head": _told(trained.classifier.figures()),
        "parity": f"torch and ONNX Runtime differ by {difference:.1e} at most",
        "size": f"{len(written.content) / 1e6:.2f} MB, sha256 {written.sha256}",
    }
    for name, value in rows.items():
        click.echo(f"  {name:<11}{value}")


def _told(figures: dict[str, float]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in figures.items())

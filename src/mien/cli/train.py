"""``mien train``: a recipe and data in, one model file out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mien import modelfile, plugins
from mien.cli.stages import stages
from mien.data import landmarks, parts
from mien.data.dataset import TRAIN
from mien.data.opening import open_dataset
from mien.errors import OutputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mien.data.dataset import Dataset
    from mien.modelfile import GeneratorFile, ModelFile


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
@click.option(
    "--from",
    "start",
    metavar="NAME|FILE",
    help="Model to begin with instead of random weights, for recipes of networks: a shipped one's name, or a file.",
)
@click.option(
    "--tune",
    type=click.Choice(["heads", "all"]),
    help="What learns on after --from: the heads alone, for little data, or all (the default).",
)
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda"]),
    default="auto",
    show_default=True,
    help="Where networks are trained.",
)
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    metavar="FILE.npz",
    help="Kept up to date while a network is trained; a run that was stopped goes on from it.",
)
def command(
    recipe: str,
    data: tuple[str, ...],
    output: Path | None,
    seed: int | None,
    start: str | None,
    tune: str | None,
    device: str,
    checkpoint: Path | None,
) -> None:
    """Train a model by RECIPE, a file or the name of a shipped recipe (paper, fine_tuned,
    aligned, wild, default).

    The same recipe, data and seed give the same file, byte by byte, on one machine. The file is written only if
    ONNX Runtime and torch agree on every score. Of data that come divided, such as FER+, only the part made for
    training is used.
    """
    if plugins.load("mien.learn.generation.recipe").holds(recipe):
        _generator(recipe, data, output, seed, start or tune or checkpoint, device)
        return
    recipes = plugins.load("mien.learn.recipe")
    fit = plugins.load("mien.learn.fit")
    export = plugins.load("mien.learn.export")
    training_set = plugins.load("mien.learn.training_set")

    plan = recipes.read(recipe)
    if seed is not None:
        plan = plan.with_seed(seed)
    if start is not None or tune is not None:
        plan = _starting(plan, start, tune)
    target = _target(output or Path(f"{plan.name}.onnx"), checkpoint)
    opened = [open_dataset(spec) for spec in data]
    sources = [parts.for_training(dataset) for dataset in opened]
    dataset = landmarks.for_alignment(training_set.join(sources), plan.patches.alignment)
    with stages() as progress:
        trained = fit.train(plan, dataset, progress, device=device, checkpoint=checkpoint)
    difference = export.export(trained, dataset, target, sources)
    _tell(modelfile.read(target), trained.figures(), difference, _held_out(opened))


def _generator(
    recipe: str, data: tuple[str, ...], output: Path | None, seed: int | None, other: object, device: str
) -> None:
    """Train a generator.

    Raises:
        UsageError: an option that only networks have.
    """
    plan = plugins.load("mien.learn.generation.recipe").read(recipe)
    if other or device == "cuda":
        raise UsageError(f"{plan.name}: a generator has no --from, --tune and --checkpoint, and learns on the CPU")
    if seed is not None:
        plan = plan.with_seed(seed)
    target = _target(output or Path(f"{plan.name}.onnx"), None)
    opened = [open_dataset(spec) for spec in data]
    dataset = plugins.load("mien.learn.training_set").join([parts.for_training(each) for each in opened])
    with stages() as progress:
        trained = plugins.load("mien.learn.generation.train").train(plan, dataset, progress)
        difference = plugins.load("mien.learn.generation.export").write(trained, dataset, target)
    _tell(modelfile.read_generator(target), trained.figures(), difference, _held_out(opened))


def _starting(plan: Any, start: str | None, tune: str | None) -> Any:  # noqa: ANN401  of a room that may be missing
    """The recipe that begins with a model.

    Raises:
        UsageError: it is not a network's, or there is nothing to begin with.
        UnknownPartError, ModelError: there is no such model.
    """
    if not hasattr(plan, "starting_from"):
        raise UsageError(
            f"{plan.name}: only networks, recipes with a [backbone] such as default, can start from a model; leave "
            "--from and --tune out"
        )
    begin = start or plan.start
    if not begin:
        raise UsageError(f"--tune {tune}: {plan.name} starts from random weights; give --from, too")
    modelfile.read(begin)  # known now, not after the data were read
    return plan.starting_from(begin, tune or "all")


def _target(target: Path, checkpoint: Path | None) -> Path:
    """The file to write, if it can be written; known now, not after minutes of training."""
    if target.suffix != ".onnx":
        raise click.BadParameter(f"{target} must end in .onnx", param_hint="-o")
    if checkpoint is not None and checkpoint.suffix != ".npz":
        raise click.BadParameter(f"{checkpoint} must end in .npz", param_hint="--checkpoint")
    for path in (target, checkpoint):
        if path is not None and not path.parent.is_dir():
            raise OutputError(f"{path}: the folder {path.parent} does not exist; create it first")
    return target


def _held_out(opened: Sequence[Dataset]) -> str:
    """The official parts that were not trained on, in words."""
    return ", ".join(
        f"{len(piece.items)} faces of {dataset.name}'s part {part}"
        for dataset in opened
        for part, piece in parts.by_part(dataset).items()
        if part not in ("", TRAIN)
    )


def _tell(written: ModelFile | GeneratorFile, figures: dict[str, Any], difference: float, held_out: str) -> None:
    made = written.meta.provenance
    if made.synthetic:
        click.echo("SYNTHETIC: trained on drawn faces; its scores mean nothing for real ones")
    click.echo(f"{written.path}")
    rows = {
        "labels": " ".join(written.meta.labels.expressions),
        "units": " ".join(written.meta.labels.action_units),
        "trained on": f"{made.data}: {made.items} faces of {made.subjects} people, seed {made.seed}",
        "held out": held_out,
        **{name.replace("_", " "): _told(found) for name, found in figures.items()},
        "parity": f"torch and ONNX Runtime differ by {difference:.1e} at most",
        "size": f"{len(written.content) / 1e6:.2f} MB, sha256 {written.sha256}",
    }
    width = max(len(name) for name, value in rows.items() if value) + 1
    for name, value in rows.items():
        if value:
            click.echo(f"  {name:<{width}}{value}")


def _told(figures: Any) -> str:  # noqa: ANN401  JSON values
    """The numbers among named figures, in words; "" where there are none."""
    if not isinstance(figures, Mapping):
        return ""
    return ", ".join(
        f"{name.replace('_', ' ')} {value:.4g}" for name, value in figures.items() if isinstance(value, int | float)
    )

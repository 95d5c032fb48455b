"""``mien models``: what ships, and what each model is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mien import model_figures, modelfile

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mien.modelfile import GeneratorFile, ModelFile, NetworkFile


@click.command("models", epilog="Example: mien models")
def command() -> None:
    """List what ships with mien: expression models, networks that find and follow faces, generators.

    Of each: what it gives, size, training data, terms, its card, and what was measured where that is known.
    """
    for name in modelfile.shipped():
        model = modelfile.read(name)
        default = "  (default)" if name == modelfile.DEFAULT else ""
        click.echo(f"{name}{default}")
        click.echo(f"  labels    {' '.join(model.meta.labels.expressions)}")
        if model.meta.labels.action_units:
            click.echo(f"  units     {' '.join(model.meta.labels.action_units)}")
        _tell(model)
        for line in _measured(model):
            click.echo(f"  measured  {line}")
    for name in modelfile.shipped_networks():
        network = modelfile.read_network(name)
        click.echo(f"{name}")
        click.echo(f"  job       {_JOBS[network.meta.job]}")
        _tell(network)
    for name in modelfile.shipped_generators():
        generator = modelfile.read_generator(name)
        click.echo(f"{name}")
        click.echo(f"  draws     faces of {generator.meta.people} people who do not exist; 'mien generate'")
        click.echo(f"  labels    {' '.join(generator.meta.labels.expressions)}")
        click.echo(f"  units     {' '.join(generator.meta.labels.action_units)}")
        _tell(generator)


_JOBS = {
    "detector": "finds faces in a picture",
    "landmarks": "finds 68 points of a face, and says whether one is there",
    "signature": "tells the faces of one video apart; never stored, no recogniser of persons",
}


def _measured(model: ModelFile) -> Iterator[str]:
    """The figures beside the model's file, a line each."""
    found = model_figures.beside(model)
    if found is None:
        return
    if found.sha256 != model.sha256:
        yield f"the figures beside it are of another file, sha256 {found.sha256}; not told"
        return
    for figure in found.figures:
        interval = "" if figure.low is None or figure.high is None else f" [{figure.low:.3f}, {figure.high:.3f}]"
        seen = "" if figure.held_out else ", not held out: the model was chosen by or learned from these faces"
        yield f"{figure.what}: {figure.value:.3f}{interval}{seen}"


def _tell(file: ModelFile | NetworkFile | GeneratorFile) -> None:
    """What all files have in common."""
    made = file.meta.provenance
    people = f" of {made.subjects} people" if made.subjects else ""
    click.echo(f"  size      {len(file.content) / 1e6:.2f} MB, sha256 {file.sha256}")
    click.echo(f"  trained   on {made.data}: {made.items} pictures{people}, seed {made.seed}")
    if made.synthetic:
        click.echo("  SYNTHETIC trained on drawn faces; its scores mean nothing for real ones")
    if made.terms:
        click.echo(f"  terms     {made.terms}")
    click.echo(f"  card      cards/{file.meta.name}.md")

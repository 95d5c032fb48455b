"""``mien models``: what ships, and what each model is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mien import modelfile

if TYPE_CHECKING:
    from mien.modelfile import ModelFile, NetworkFile


@click.command("models", epilog="Example: mien models")
def command() -> None:
    """List what ships with mien: expression models and the networks that find and follow faces.

    Of each: what it gives, size, training data, terms, and its card.
    """
    for name in modelfile.shipped():
        model = modelfile.read(name)
        default = "  (default)" if name == modelfile.DEFAULT else ""
        click.echo(f"{name}{default}")
        click.echo(f"  labels    {' '.join(model.meta.labels.expressions)}")
        _tell(model)
    for name in modelfile.shipped_networks():
        network = modelfile.read_network(name)
        click.echo(f"{name}")
        click.echo(f"  job       {_JOBS[network.meta.job]}")
        _tell(network)


_JOBS = {
    "detector": "finds faces in a picture",
    "landmarks": "finds 68 points of a face, and says whether one is there",
    "signature": "tells the faces of one video apart; never stored, no recogniser of persons",
}


def _tell(file: ModelFile | NetworkFile) -> None:
    """What models and networks have in common."""
    made = file.meta.provenance
    people = f" of {made.subjects} people" if made.subjects else ""
    click.echo(f"  size      {len(file.content) / 1e6:.2f} MB, sha256 {file.sha256}")
    click.echo(f"  trained   on {made.data}: {made.items} pictures{people}, seed {made.seed}")
    if made.synthetic:
        click.echo("  SYNTHETIC trained on drawn faces; its scores mean nothing for real ones")
    if made.terms:
        click.echo(f"  terms     {made.terms}")
    click.echo(f"  card      cards/{file.meta.name}.md")

"""``mien models``: what ships, and what each model is made of."""

from __future__ import annotations

import click

from mien import modelfile


@click.command("models", epilog="Example: mien models")
def command() -> None:
    """List the models that ship with mien: labels, size, training data, terms."""
    for name in modelfile.shipped():
        file = modelfile.read(name)
        meta, made = file.meta, file.meta.provenance
        default = "  (default)" if name == modelfile.DEFAULT else ""
        click.echo(f"{name}{default}")
        click.echo(f"  labels    {' '.join(meta.labels.expressions)}")
        click.echo(f"  size      {len(file.content) / 1e6:.2f} MB, sha256 {file.sha256}")
        click.echo(f"  trained   on {made.data}: {made.items} pictures of {made.subjects} people, seed {made.seed}")
        if made.synthetic:
            click.echo("  SYNTHETIC trained on drawn faces; its scores mean nothing for real ones")
        if made.terms:
            click.echo(f"  terms     {made.terms}")
        click.echo(f"  card      cards/{name}.md")

"""``mien reproduce``: the 2010 report, run again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from mien import plugins
from mien.atomic import mapped
from mien.cli.stages import stages
from mien.errors import OutputError


@click.command(
    "reproduce",
    epilog="Example: mien reproduce --data ckplus:path/to/ckplus --data natural:path/to/photographs -o report",
)
@click.option(
    "--data",
    multiple=True,
    metavar="NAME:PATH",
    help="Labelled sequences (such as ckplus:PATH); beside them natural:FOLDER for photographs, and jaffe:PATH or "
    "tfeid:PATH for stills. Without any, faces and pictures are drawn by code.",
)
@click.option(
    "-o", "--output", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Folder for the report."
)
@click.option("--quick", is_flag=True, help="Fewer steps and draws: minutes instead of half an hour.")
@click.option("--seed", type=click.IntRange(0, 2**31 - 1), metavar="N", help="Another seed than 2010.")
def command(data: tuple[str, ...], output: Path, quick: bool, seed: int | None) -> None:
    """Run every experiment of the 2010 report and write what came of it, beside its own numbers.

    Writes report.html (one file, loads nothing), figures/, tables/results.csv (one row per number) and
    predictions.parquet (every answer about every held-out frame). What was computed is kept in DIR/stages: a second
    run takes seconds, and a stopped one goes on.
    """
    publish = plugins.load("mien.reproduce.publish")
    run = plugins.load("mien.reproduce.run")
    settings = plugins.load("mien.reproduce.settings")
    sources = plugins.load("mien.reproduce.sources")
    kept = plugins.load("mien.reproduce.stages")

    with mapped(output):
        taken = output.exists() and not output.is_dir()
    if taken:
        raise OutputError(f"{output}: is a file; give a folder for the report")
    found = sources.find(data)
    folder = output / "stages"
    with mapped(output):
        folder.mkdir(parents=True, exist_ok=True)
    chosen = settings.for_run(drawn=found.frames.synthetic, quick=quick)
    if seed is not None:
        chosen = replace(chosen, seed=seed)
    with stages() as progress:
        outcome = run.run(found, chosen, kept.Stages(folder), progress)
    publish.write(output, outcome)
    for line in publish.told(outcome):
        click.echo(line)
    click.echo(f"wrote {output}/report.html, figures, tables/results.csv, predictions.parquet")

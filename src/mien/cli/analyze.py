"""``mien analyze``: the main job."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mien import atomic, pipeline
from mien.cli import hush, screen
from mien.cli.targets import Targets, plan
from mien.errors import InputError, MienError, UsageError
from mien.explanation import Explainer
from mien.output.columns import Shown
from mien.output.opening import open_table
from mien.plugins import load
from mien.temporal.summary import Summary
from mien.video.ahead import Ahead
from mien.video.opening import open_source
from mien.video.pace import Pace

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mien.output.sink import Sink
    from mien.pipeline import Pipeline
    from mien.types import RunRecord, SourceInfo


@click.command(
    "analyze",
    epilog="""Examples:

    \b
    mien analyze clip.mp4 -o clip.parquet --annotate seen.mp4 --plot seen.png
    mien analyze interview/ talk.webm -o tables/
    mien analyze camera:0 -o - | head
    """,
)
@click.argument("inputs", nargs=-1, required=True, metavar="INPUT...")
@click.option(
    "-o",
    "out",
    metavar="OUT",
    help="Table: .parquet, .csv or .jsonl; - is CSV on standard output; a folder for several inputs.",
)
@click.option(
    "--model",
    default="default",
    show_default=True,
    metavar="NAME|FILE",
    help="A shipped model, or an .onnx made by mien.",
)
@click.option("--recipe", metavar="FILE", help="Settings of the analysis (TOML); recipes/analyze.toml lists them.")
@click.option(
    "--landmarks", is_flag=True, help="Add the 68 points of each face to the table, and draw them with --annotate."
)
@click.option("--annotate", metavar="FILE.mp4", help="The video with boxes, ids, head poses and bars drawn in.")
@click.option("--plot", metavar="FILE.png", help="Probabilities over time, a panel per face.")
@click.option(
    "--explain", metavar="FILE.png", help="Telling moments of each face, and which regions spoke for the answer."
)
@click.option("--every", type=float, metavar="SECONDS", help="Analyse one frame per this many seconds.")
@click.option("--summary", metavar="FILE.json", help="The summary as JSON; - is standard output.")
def command(
    inputs: tuple[str, ...],
    out: str | None,
    model: str,
    recipe: str | None,
    landmarks: bool,
    annotate: str | None,
    plot: str | None,
    explain: str | None,
    every: float | None,
    summary: str | None,
) -> int:
    """See what the faces in a clip show, frame by frame.

    INPUT is a video file, an image, a folder of images (a sequence) or camera:0. The table has one row per decoded
    frame and face; a frame without a face is one row with an empty face. Times are the container's own. Where an
    id may have gone to somebody else, a line on standard error says so.

    Exit code: 0 all inputs done, 1 some input failed, 2 wrong usage.
    """
    Pace(every)  # refuses nonsense before anything is opened
    asked = Targets(out, annotate, plot, explain, summary)
    planned = plan(inputs, asked, [name for name in (model, recipe) if name is not None])
    failed = 0
    with hush.native_chatter():
        loaded = pipeline.load(model, recipe=recipe)
        if loaded.model.meta.provenance.synthetic:
            click.echo(
                f"mien: {model}: SYNTHETIC, trained on drawn faces; its scores mean nothing for real ones", err=True
            )
        shown = loaded.shown(points=landmarks)
        for name, targets in zip(inputs, planned, strict=True):
            try:
                _one(loaded, name, targets, shown, every)
            except UsageError:
                raise
            except MienError as error:
                if isinstance(error.__cause__, BrokenPipeError):
                    raise error.__cause__ from None
                click.echo(f"mien: {error}", err=True)
                failed += 1
    return 1 if failed else 0


def _one(loaded: Pipeline, name: str, wanted: Targets, shown: Shown, every: float | None) -> None:
    """Analyse one input into its sinks; on any failure nothing half-written is left."""
    with Ahead(open_source(name)) as frames, _sinks(loaded, shown, frames.info, wanted) as sinks:
        count, seen = pipeline.Count(loaded, name), Summary(loaded.labels, loaded.model.action_units)
        with screen.progress(frames.info) as progress, _until_stopped(frames.info):
            for frame, result in loaded.watch(frames, every=every):
                count.add(result)
                if result is not None:
                    seen.add(result)
                for sink in sinks:
                    sink.write(frame, result)
                progress(frame)
        record, told = count.record(frames.decode_errors), seen.finish()
        if record.frames == 0:
            raise InputError(f"{name}: not one frame could be decoded; is it a video, and whole?")
        for sink in sinks:
            sink.finish(record)
    if record.decode_errors:
        click.echo(f"mien: {name}: {record.decode_errors} damaged packets or pictures were skipped", err=True)
    if told["uncertain"]:
        click.echo(f"mien: {name}: {_doubt(told['uncertain'])}", err=True)
    if wanted.summary is not None:
        _write_summary(wanted.summary, _told(record, told))
    if "-" not in (wanted.table, wanted.summary):
        screen.show(name, told, wanted.written())


@contextmanager
def _sinks(loaded: Pipeline, shown: Shown, info: SourceInfo, wanted: Targets) -> Iterator[list[Sink]]:
    """Everything that is written to; opened before the first frame, so that a wrong name costs no time."""
    labels = shown.labels
    sinks: list[Sink] = []
    try:
        if wanted.annotate is not None:
            overlay = load("mien.output.overlay")
            sound = Path(info.name) if info.kind == "video" else None
            sinks.append(
                overlay.build(overlay.Options(Path(wanted.annotate), labels, info, sound, points=shown.points))
            )
        if wanted.plot is not None:
            plot = load("mien.output.plot")
            sinks.append(plot.build(plot.Options(Path(wanted.plot), labels, Path(info.name).name)))
        if wanted.explain is not None:
            explained, explainer = load("mien.output.explained"), Explainer(loaded.model)
            options = explained.Options(Path(wanted.explain), labels, explainer, Path(info.name).name)
            sinks.append(explained.build(options))
        if wanted.table is not None:
            sinks.append(open_table(wanted.table, shown))
        yield sinks
    except BaseException:
        for sink in sinks:
            sink.abandon()
        raise


@contextmanager
def _until_stopped(info: SourceInfo) -> Iterator[None]:
    """Ctrl-C is how a camera is stopped, and then the run is whole; anything else it interrupts."""
    try:
        yield
    except KeyboardInterrupt:
        if info.kind != "camera":
            raise


def _doubt(uncertain: Sequence[Mapping[str, Any]]) -> str:
    """The least certain return of a face, and how many more there are."""
    worst = min(uncertain, key=lambda back: back["certainty"])
    moment = f"in picture {worst['frame']}" if worst["time"] is None else f"at {worst['time']:.1f} s"
    more = f"; {len(uncertain) - 1} more, which --summary lists" if len(uncertain) > 1 else ""
    certainty = f"{worst['certainty']:.2f}".lstrip("0")
    return f"face {worst['face']} {moment} may be somebody else (certainty {certainty}){more}"


def _told(record: RunRecord, told: dict[str, Any]) -> dict[str, Any]:
    """The summary with the run's record; ``frames`` are the analysed ones, which ``--every`` makes fewer."""
    counts = {"frames_decoded": record.frames, "decode_errors": record.decode_errors}
    return {**record.as_text(), "labels": list(record.labels), **counts, **told}


def _write_summary(target: str, told: dict[str, Any]) -> None:
    text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    if target == "-":
        screen.say(text)
    else:
        atomic.write_bytes(Path(target), text.encode())

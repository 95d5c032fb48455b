"""``mien analyze``: the main job."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mien import atomic, pipeline
from mien.cli import screen
from mien.errors import InputError, MienError, UsageError
from mien.labels import LabelSet
from mien.output.opening import open_table, suffixes
from mien.plugins import load
from mien.temporal.summary import Summary
from mien.video.ahead import Ahead
from mien.video.opening import open_source

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mien.output.sink import Sink
    from mien.pipeline import Pipeline
    from mien.types import SourceInfo


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Where the results of one input go; ``None`` where something is not wanted."""

    table: str | None
    annotate: Path | None
    plot: Path | None
    summary: str | None


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
@click.option("--annotate", metavar="FILE.mp4", help="The video with boxes, ids and bars drawn in.")
@click.option("--plot", metavar="FILE.png", help="Probabilities over time, a panel per face.")
@click.option("--every", type=float, metavar="SECONDS", help="Analyse one frame per this many seconds.")
@click.option("--summary", metavar="FILE.json", help="The summary as JSON; - is standard output.")
def command(
    inputs: tuple[str, ...],
    out: str | None,
    model: str,
    recipe: str | None,
    annotate: str | None,
    plot: str | None,
    every: float | None,
    summary: str | None,
) -> int:
    """See what the faces in a clip show, frame by frame.

    INPUT is a video file, an image, a folder of images (a sequence) or camera:0. The table has one row per decoded
    frame and face; a frame without a face is one row with an empty face. Times are the container's own.

    Exit code: 0 all inputs done, 1 some input failed, 2 wrong usage.
    """
    if out == "-" and summary == "-":
        raise UsageError("-o - and --summary - both want standard output; give one of them a file")
    pipeline.Pace(every)
    wanted = _plan(inputs, out, annotate, plot, summary)
    loaded = pipeline.load(model, recipe=recipe)
    failed = 0
    for name, where in zip(inputs, wanted, strict=True):
        try:
            _one(loaded, name, where, every)
        except UsageError:
            raise
        except MienError as error:
            if isinstance(error.__cause__, BrokenPipeError):
                raise error.__cause__ from None
            click.echo(f"mien: {error}", err=True)
            failed += 1
    return 1 if failed else 0


def _one(loaded: Pipeline, name: str, wanted: _Wanted, every: float | None) -> None:
    """Analyse one input into its sinks; on any failure nothing half-written is left."""
    with Ahead(open_source(name)) as frames, _sinks(loaded, frames.info, wanted) as sinks:
        count, seen = pipeline.Count(loaded, name), Summary(loaded.labels)
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
    if wanted.summary is not None:
        _write_summary(wanted.summary, {"source": name, **record.as_text(), **told})
    if "-" not in (wanted.table, wanted.summary):
        screen.show(name, told, [p for p in (wanted.table, wanted.annotate, wanted.plot, wanted.summary) if p])


@contextmanager
def _sinks(loaded: Pipeline, info: SourceInfo, wanted: _Wanted) -> Iterator[list[Sink]]:
    """Everything that is written to; opened before the first frame, so that a wrong name costs no time."""
    labels = LabelSet(loaded.labels)
    sinks: list[Sink] = []
    try:
        if wanted.annotate is not None:
            overlay = load("mien.output.overlay")
            sound = Path(info.name) if info.kind == "video" else None
            sinks.append(overlay.build(overlay.Options(wanted.annotate, labels, info, sound)))
        if wanted.plot is not None:
            plot = load("mien.output.plot")
            sinks.append(plot.build(plot.Options(wanted.plot, labels, Path(info.name).name)))
        if wanted.table is not None:
            sinks.append(open_table(wanted.table, labels))
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


def _plan(
    inputs: Sequence[str], out: str | None, annotate: str | None, plot: str | None, summary: str | None
) -> list[_Wanted]:
    """Where each input's results go: files for one input, folders for several."""
    if len(inputs) == 1 and not (out and Path(out).is_dir()):
        return [_Wanted(out, Path(annotate) if annotate else None, Path(plot) if plot else None, summary)]
    for flag, value in {"-o": out, "--annotate": annotate, "--plot": plot, "--summary": summary}.items():
        if value is not None and (value == "-" or Path(value).suffix in {*suffixes(), ".mp4", ".png", ".json"}):
            raise UsageError(f"{flag} {value}: with several inputs or a folder for tables, give a folder")
    for folder in filter(None, (out, annotate, plot, summary)):
        with atomic.mapped(Path(folder)):
            Path(folder).mkdir(parents=True, exist_ok=True)
    return [
        _Wanted(
            str(Path(out, f"{stem}.parquet")) if out else None,
            Path(annotate, f"{stem}.mp4") if annotate else None,
            Path(plot, f"{stem}.png") if plot else None,
            str(Path(summary, f"{stem}.json")) if summary else None,
        )
        for stem in _stems(inputs)
    ]


def _stems(inputs: Sequence[str]) -> list[str]:
    """A file name for each input, no two alike."""
    stems: list[str] = []
    for name in inputs:
        stem = Path(name).stem.replace(":", "") or "input"
        candidate, number = stem, 2
        while candidate in stems:
            candidate, number = f"{stem}-{number}", number + 1
        stems.append(candidate)
    return stems


def _write_summary(target: str, told: dict[str, Any]) -> None:
    text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    if target == "-":
        sys.stdout.write(text)
    else:
        atomic.write_bytes(Path(target), text.encode())

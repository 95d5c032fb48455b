"""What a person at a terminal sees: progress on standard error, the summary as a table on standard output."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from mien.errors import OutputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mien.types import Frame, SourceInfo

_LONGEST_NAME = 32  # letters of a file's name beside the progress bar
_LEAST_SHARE = 0.03  # expressions shown for less of a face's time are left out of the table


@contextmanager
def progress(info: SourceInfo) -> Iterator[Callable[[Frame], None]]:
    """A bar on standard error, on a terminal only; call the result with every frame."""
    if sys.stderr is None or not sys.stderr.isatty():  # None where it is closed (2>&-)
        yield lambda _: None
        return
    whole = info.duration or info.frames
    bar = Progress(
        TextColumn("{task.description}", markup=False),  # a file may be called clip[1].mp4
        BarColumn(),
        TextColumn("{task.fields[frame]} frames"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(_short(info.name), total=whole, frame=0)

        def step(frame: Frame) -> None:
            done = frame.time if info.duration and frame.time is not None else frame.index + 1
            if frame.index % 8 == 0:
                bar.update(task, completed=done, frame=frame.index + 1)

        yield step


def _short(name: str) -> str:
    """The last part of a path, at most so long that the bar beside it has room."""
    last = Path(name).name or name
    return last if len(last) <= _LONGEST_NAME else f"{last[: _LONGEST_NAME - 1]}\u2026"


def show(name: str, told: dict[str, Any], written: Sequence[str | Path]) -> None:
    """The summary of one run.

    Raises:
        OutputError: as ``say``.
    """
    console = Console(highlight=False, emoji=False, soft_wrap=True)
    length = "" if told["seconds"] is None else f" in {told['seconds']:.2f} s"
    with console.capture() as text:
        shots = f", {told['shots']} shots" if told["shots"] > 1 else ""
        console.print(f"{name}: {told['frames']} frames{length}, {len(told['faces'])} face(s){shots}", markup=False)
        if told["faces"]:
            console.print(_faces(told))
        else:
            console.print("no face was found")
        if told["faces"] and told["frames_without_face"]:
            console.print(f"{told['frames_without_face']} frames without a face")
        for path in written:
            console.print(f"wrote {path}", markup=False)
    say(text.get())


def say(text: str) -> None:
    """Write to standard output, now. That nobody reads it (``| head``) is no error: files may still be wanted.

    Raises:
        OutputError: it cannot be written, such as to a full disk behind a redirection.
    """
    if sys.stdout is None:  # closed (>&-)
        return
    try:
        sys.stdout.write(_writable(text))
        sys.stdout.flush()
    except OSError as error:
        forget_standard_output()
        if not isinstance(error, BrokenPipeError):
            raise OutputError(f"standard output: cannot write: {error.strerror or error}") from error


def forget_standard_output() -> None:
    """Lead standard output nowhere, so that what is still in its buffer cannot fail again at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _writable(text: str) -> str:
    """``text`` with escapes for what this output cannot encode, such as file names that are not UTF-8."""
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _faces(told: dict[str, Any]) -> Table:
    timed = told["seconds"] is not None
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("face", "seen", "from", "to", "shows", "for", "peak", "at"):
        table.add_column(title, justify="left" if title == "shows" else "right")
    for face in told["faces"]:
        seen = _time(face["seconds"]) if timed else f"{face['frames']} pictures"
        first, last = (face["first"], face["last"]) if timed else (face["first_frame"], face["last_frame"])
        head = [str(face["face"]), seen, _time(first) if timed else str(first), _time(last) if timed else str(last)]
        expressions = sorted(face["expressions"].items(), key=lambda item: -item[1]["frames"])
        shown = [item for item in expressions if item[1]["share"] >= _LEAST_SHARE]
        for label, sums in shown or expressions[:1]:
            peak = sums["peak"]
            table.add_row(
                *head,
                escape(label),
                _time(sums["seconds"]) if timed else f"{sums['frames']} pictures",
                f"{peak['probability']:.2f}",
                _time(peak["time"]) if timed else f"picture {peak['frame']}",
            )
            head = ["", "", "", ""]
    return table


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s"

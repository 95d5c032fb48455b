"""Progress of long work in stages, on standard error and to a terminal only."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """One bar per stage; call the result as ``progress(stage, done, of)``."""
    if sys.stderr is None or not sys.stderr.isatty():  # None where it is closed (2>&-)
        yield lambda _stage, _done, _of: None
        return
    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    known: dict[str, TaskID] = {}
    with bars:

        def progress(stage: str, done: int, of: int) -> None:
            if stage not in known:
                known[stage] = bars.add_task(stage, total=of)
            bars.update(known[stage], completed=done, total=of)

        yield progress

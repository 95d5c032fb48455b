"""Where the results of ``mien analyze`` go: planned, and refused where they would overwrite what is read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mien import atomic
from mien.errors import UsageError
from mien.output.opening import suffixes

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_FILES = (".mp4", ".mov", ".mkv", ".png", ".svg", ".pdf", ".json")  # beside the tables' own suffixes
_PICTURE = ".png"
_STREAMS = ("-o", "--summary")  # flags for which - is standard output


@dataclass(frozen=True, slots=True)
class Targets:
    """Where the results of one input go; ``None`` where something is not wanted, ``-`` is standard output."""

    table: str | None
    annotate: str | None
    plot: str | None
    explain: str | None
    summary: str | None

    def files(self) -> Iterator[tuple[str, Path]]:
        """Every file that will be written, with the flag that asked for it."""
        for flag, name in self._flags().items():
            if name is not None and (name != "-" or flag not in _STREAMS):
                yield flag, Path(name)

    def written(self) -> list[str]:
        """Every name that was given, in the order of the flags."""
        return [name for name in self._flags().values() if name is not None]

    def _flags(self) -> dict[str, str | None]:
        return {
            "-o": self.table,
            "--annotate": self.annotate,
            "--plot": self.plot,
            "--explain": self.explain,
            "--summary": self.summary,
        }


def plan(inputs: Sequence[str], asked: Targets, read: Sequence[str]) -> list[Targets]:
    """Where each input's results go: files for one input, folders, which are made, for several.

    Args:
        inputs: as given on the command line.
        asked: as given on the command line.
        read: other files that are read, which must not be overwritten either: model, recipe.

    Raises:
        UsageError: two results under one name, or one that would overwrite what is read. Nothing was touched.
        OutputError: a folder cannot be made.
    """
    if "" in asked.written():
        raise UsageError("an output has an empty name; leave its flag out, or give a name")
    if asked.table == "-" and asked.summary == "-":
        raise UsageError("-o - and --summary - both want standard output; give one of them a file")
    if len(inputs) == 1 and not (asked.table and Path(asked.table).is_dir()):
        planned, folders = [asked], list[Path]()
    else:
        folders = list(_folders(asked))
        planned = [_within(asked, stem) for stem in _stems(inputs)]
    _refuse_overlaps([*inputs, *read], planned)
    for folder in folders:
        with atomic.mapped(folder):
            folder.mkdir(parents=True, exist_ok=True)
    return planned


def _folders(asked: Targets) -> Iterator[Path]:
    if "-" in (asked.table, asked.summary):
        flag = "-o" if asked.table == "-" else "--summary"
        raise UsageError(f"{flag} -: with several inputs or a folder for tables, give a folder")
    for flag, folder in asked.files():
        if folder.suffix.lower() in (*suffixes(), *_FILES) and not folder.is_dir():
            raise UsageError(f"{flag} {folder}: with several inputs or a folder for tables, give a folder")
        yield folder


def _within(asked: Targets, stem: str) -> Targets:
    def inside(folder: str | None, suffix: str) -> str | None:
        return None if folder is None else str(Path(folder, f"{stem}{suffix}"))

    return Targets(
        table=inside(asked.table, ".parquet"),
        annotate=inside(asked.annotate, ".mp4"),
        plot=inside(asked.plot, ".png"),
        explain=inside(asked.explain, ".png"),
        summary=inside(asked.summary, ".json"),
    )


def _stems(inputs: Sequence[str]) -> list[str]:
    """A file name for each input, no two alike, on file systems that ignore case too."""
    stems: list[str] = []
    taken: set[str] = set()
    for name in inputs:
        stem = Path(name).stem.replace(":", "") or "input"
        candidate, number = stem, 2
        while candidate.casefold() in taken:
            candidate, number = f"{stem}-{number}", number + 1
        stems.append(candidate)
        taken.add(candidate.casefold())
    return stems


def _refuse_overlaps(read: Sequence[str], planned: Sequence[Targets]) -> None:
    sources = [Path(name) for name in read]
    taken: dict[Path, str] = {}
    for targets in planned:
        for flag, path in targets.files():
            for source in sources:
                if _same(path, source):
                    raise UsageError(f"{flag} {path} would overwrite {source}, which is read; give another name")
                # A picture there would be taken for one of the sequence, now or next time.
                if path.suffix.lower() == _PICTURE and source.is_dir() and _same(path.parent, source):
                    raise UsageError(f"{flag} {path} would lie among the pictures of {source}; give another folder")
            place = path.resolve()
            if place in taken:
                raise UsageError(f"{flag} {path} is the name of {taken[place]} too; give each its own file")
            taken[place] = flag
            if flag == "-o":  # text tables keep their record beside them
                taken[place.with_name(f"{place.name}.json")] = f"the record of -o {path}"


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:  # one of them is not there yet
        return one.resolve() == other.resolve()

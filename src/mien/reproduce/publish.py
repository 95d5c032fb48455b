"""From an outcome to the folder that people open; ``report.html`` last: it never tells of files not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import mien
from mien import atomic
from mien.atomic import mapped
from mien.reproduce import family, gallery, page, points, results, scored, tuning
from mien.reproduce.divisions import GROUPS, PAPER
from mien.reproduce.page import Report

if TYPE_CHECKING:
    from pathlib import Path

    from mien.reproduce.page import Picture
    from mien.reproduce.results import Row
    from mien.reproduce.run import Outcome

TITLE = "The 2010 report, run again"


def write(folder: Path, outcome: Outcome) -> None:
    """Write ``figures/*``, ``tables/results.csv``, ``predictions.parquet`` and ``report.html`` into ``folder``.

    Everything is made before the first file is written; each file is whole or not there.

    Raises:
        OutputError: a file cannot be written.
    """
    pictures = gallery.draw(outcome)
    report = told_whole(outcome, pictures)
    text = page.html(report).encode()
    for name in ("figures", "tables"):
        with mapped(folder / name):
            (folder / name).mkdir(parents=True, exist_ok=True)
    for picture in pictures:
        atomic.write_bytes(folder / "figures" / picture.file, picture.content)
    results.write(folder / "tables" / "results.csv", outcome.rows)
    scored.write(folder / "predictions.parquet", outcome.scored)
    atomic.write_bytes(folder / "report.html", text)


def told_whole(o: Outcome, pictures: tuple[Picture, ...]) -> Report:
    """The page's content."""
    data = o.corpus.dataset
    return Report(
        title=TITLE,
        synthetic=data.synthetic,
        quick=o.settings.quick,
        data_name=data.name,
        fingerprint=o.corpus.fingerprint,
        version=mien.__version__,
        seed=o.settings.seed,
        n_frames=len(o.corpus.label),
        n_sequences=len(set(o.corpus.sequence.tolist())),
        n_subjects=len(set(o.corpus.subject.tolist())),
        skipped=tuple((skip.name, skip.reason) for skip in o.sources.skipped),
        terms=data.terms,
        rows=o.rows,
        figures=pictures,
        notes=_notes(o),
        protocols={division.name: division.text for division in o.divisions.values()},
    )


def told(o: Outcome) -> list[str]:
    """The few numbers for the terminal."""
    lines = []
    if o.corpus.dataset.synthetic:
        lines.append("SYNTHETIC: drawn faces; these figures say nothing about real ones")
    if o.settings.quick:
        lines.append("QUICK: fewer steps and draws than the report needs")
    for name, cell in {
        "Table 1 (b), report's split, accuracy": ("table1", PAPER, "features", "macro", "accuracy"),
        "Table 1 (b), unseen people, accuracy": ("table1", GROUPS, "features", "macro", "accuracy"),
        "Table 1 (b), unseen people, F1": ("table1", GROUPS, "features", "macro", "f1"),
        "softmax on features, unseen people, accuracy": ("softmax", GROUPS, "features", "all", "accuracy"),
        "softmax on pixels, unseen people, accuracy": ("softmax", GROUPS, "pixels", "all", "accuracy"),
        "fine-tuned stack, unseen people, sequences, accuracy": (
            tuning.EXPERIMENT, GROUPS, tuning.TUNED, "all", "sequence_accuracy",
        ),
    }.items():  # fmt: skip
        row: Row = results.find(o.rows, *cell)
        lines.append(f"{name}: {row.value:.3f} [{row.low:.3f}, {row.high:.3f}]")
    return lines


def _notes(o: Outcome) -> dict[str, str]:
    """Why something is missing or special."""
    notes = {
        "fig1": "Near duplicates are filters that could be left out because another, moved by a pixel at most, "
        "correlates above .9; counted in other ways there are fewer or more. The held-out error is the mean over "
        "100 states of the network at the end: it trembles from step to step.",
        "leak": "Where sequences are drawn at random, the tested person is in training with other sequences, which "
        "mostly show other expressions, and a tenth of all sequences is missing there; one person at a time leaves "
        "everybody else's.",
        "softmax": f"Features learned online saw all {len(o.corpus.label)} frames without labels, the tested ones "
        "too, as in the report; all other features were learned without the tested people.",
        "fine-tuned": "All variants but one see faces that are aligned to the mean of the training faces, in local "
        "contrast. Neither is in the report; the variant without alignment shows what it is worth.",
        "family": "Faces are aligned by their landmarks; answers are means over a sequence's frames. Rows with the "
        "change from the first frame know the person's neutral face as well, which a single photograph does not.",
    }
    if not any(row.experiment == family.EXPERIMENT for row in o.rows):
        notes["family"] = "Faces are aligned by their landmarks here, and some frames have none."
    if o.sources.drawn:
        notes["fig1"] = f"SYNTHETIC: no photographs were given; the pictures were drawn by code. {notes['fig1']}"
    if o.guard:
        notes["stills"] = f"With tanh units, alpha .2 is stopped: “{o.guard}”"
    tracked = points.told(o.corpus.dataset, neutral=o.corpus.changes)
    if tracked:
        notes["table1/tracking"] = tracked
    if o.corpus.codes is None:
        notes["table1/facs"] = "No FACS codes in this data set, so (a) and (a′) are missing."
    return notes

"""``mien reproduce`` from the command line to the files, on few drawn faces and with everything made small.

The numbers of so small a run mean nothing; that they are all there, marked, and the same every time does.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import io
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("numba")
pytest.importorskip("matplotlib")

import mien.cli
from mien.data import splits
from mien.data.readers import synthetic
from mien.errors import OutputError
from mien.evaluate import intervals, paired
from mien.learn.features import stack
from mien.learn.heads import logistic
from mien.reproduce import (
    architecture,
    natural,
    online,
    people,
    scored,
    settings,
    sources,
    tuning,
    views,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

EXPERIMENTS = {
    "fig1", "stills", "softmax", "table1", "architecture", "sequence", "labels", "fine-tuned", "leak",
    "activations", "family"
}  # fmt: skip
COLUMNS = ["experiment", "protocol", "inputs", "label", "metric", "value", "low", "high", "paper"]


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str


def reproduce(*arguments: object) -> Outcome:
    """``mien reproduce ARGUMENTS`` in this process."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["mien", "reproduce", *map(str, arguments)])
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as stopped:
            mien.cli.main()
    assert isinstance(stopped.value.code, int)
    return Outcome(stopped.value.code, out.getvalue(), err.getvalue())


def contents(folder: Path) -> dict[str, bytes]:
    """What a run published, by name."""
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in found.items() if not name.startswith("stages/")}


def kept(folder: Path) -> dict[str, int]:
    """The stages and when they were written."""
    return {path.name: path.stat().st_mtime_ns for path in (folder / "stages").iterdir()}


@pytest.fixture(scope="module", autouse=True)
def _everything_small() -> Iterator[None]:
    tiny = replace(
        settings.DRAWN, steps=20_000, natural_steps=20_000, natural_iterations=5, iterations=2, tuning_steps=2,
        copies=1, people=(4,), logistic=logistic.Options(C=(0.01,), balance=0.5, inner_folds=3),
    )  # fmt: skip
    few, pairs = intervals.draws, partial(paired.draws, resamples=40)

    def draws(subjects: np.ndarray, resamples: int = 40, seed: int = 1) -> np.ndarray:
        return few(subjects, resamples, seed)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "for_run", lambda drawn, quick: replace(tiny, quick=quick or drawn))
        patch.setattr(sources, "DRAWN_FACES", synthetic.Options(people=8, frames=2))
        patch.setattr(sources, "DRAWN_PICTURES", 3)
        patch.setattr(sources, "find", functools.cache(sources.find))  # drawing the faces takes a while
        patch.setattr(splits, "GROUPS", 3)
        patch.setattr(intervals, "draws", draws)
        patch.setattr(paired, "draws", pairs)
        patch.setattr(views, "UNITS", 12)
        patch.setattr(online, "UNITS", 12)
        patch.setattr(tuning, "LAYERS", (12, 6))
        patch.setattr(architecture, "SHAPES", {"250": (12,), "250-100": (12, 6), "500": (16,)})
        patch.setattr(natural, "NOISE", 3)
        small = {"units": 3, "patches": 1000, "batch_units": 3, "batch_patches": 300, "heldout": 200}
        patch.setattr(natural, "Sizes", partial(natural.Sizes, **small))
        yield


@pytest.fixture(scope="module")
def first(tmp_path_factory) -> tuple[Path, Outcome]:
    """A whole run: its folder, and what was said."""
    folder = tmp_path_factory.mktemp("first") / "deep" / "report"
    return folder, reproduce("-o", folder)


@pytest.fixture(scope="module")
def rows(first) -> list[dict[str, str]]:
    with (first[0] / "tables" / "results.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_the_run_ends_well_and_says_what_it_wrote_and_that_it_is_drawn(first):
    folder, outcome = first
    assert (outcome.code, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[0].startswith("SYNTHETIC")
    assert lines[1].startswith("QUICK")
    assert str(folder) in lines[-1]
    assert sum(bool(re.search(r": 0\.\d{3} \[", line)) for line in lines) >= 5


def test_all_files_are_there_and_nothing_unfinished(first):
    folder, _ = first
    assert {path.name for path in folder.iterdir()} == {
        "report.html", "figures", "tables", "predictions.parquet", "stages",
    }  # fmt: skip
    names = set(contents(folder))
    for number in (2, 3, 4, 8):
        assert any(name.startswith(f"figures/fig{number}.") for name in names)
    for number in (1, 5, 6, 7):
        assert any(name.startswith(f"figures/fig{number}-") for name in names)
    assert all(contents(folder).values())
    assert not [path for path in folder.rglob("*") if ".part" in path.name or ".checkpoint" in path.name]


def test_results_are_one_tidy_row_per_number(rows):
    assert list(rows[0]) == COLUMNS
    assert {row["experiment"] for row in rows} == EXPERIMENTS
    cells = [tuple(row[name] for name in COLUMNS[:5]) for row in rows]
    assert len(set(cells)) == len(cells)
    for row in rows:
        assert row["metric"]
        if row["low"]:
            assert float(row["low"]) <= float(row["high"])


def test_every_table_stands_beside_what_one_gets_for_nothing_and_the_report(rows):
    inputs: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        inputs.setdefault((row["experiment"], row["protocol"]), set()).add(row["inputs"])
    for protocol in ("paper-split", "subject-10fold"):
        assert inputs["softmax", protocol] >= {
            "features", "online-features", "pixels", "pca", "majority", "shuffled-labels",
        }  # fmt: skip
        assert inputs["table1", protocol] >= {
            "features", "features+facs", "features+predicted-facs", "features+tracking", "features+facs+tracking",
            "tracking", "online-features", "online-features+facs", "always-no", "shuffled-labels",
        }  # fmt: skip
    assert {protocol for experiment, protocol in inputs if experiment == "table1"} == {
        "paper-split", "sequence-split", "subject-10fold", "loso",
    }  # fmt: skip
    value = {tuple(row[name] for name in COLUMNS[:5]): row for row in rows}
    assert float(value["softmax", "paper-split", "features", "all", "accuracy"]["paper"]) == 0.22
    assert float(value["table1", "paper-split", "features", "macro-6", "accuracy"]["paper"]) == pytest.approx(
        0.761, abs=1e-3
    )
    nothing = value["table1", "paper-split", "always-no", "macro-6", "accuracy"]
    assert float(nothing["value"]) == pytest.approx(5 / 6, abs=1e-6)
    leak = value["leak", "paper-split minus loso", "features", "all", "accuracy"]
    assert abs(float(leak["value"])) <= 100
    assert float(leak["low"]) <= float(leak["high"])


def test_predictions_carry_the_numbers(first, rows):
    table = pyarrow.parquet.read_table(first[0] / "predictions.parquet").to_pandas()
    labels = list(table.columns[8:15])
    mine = table[
        (table.experiment == "softmax") & (table.protocol == "subject-10fold") & (table.inputs == "features")
    ]
    assert len(mine) == 8 * 7 * 2  # every face once
    assert mine.item.is_unique
    right = (np.array(labels)[mine[labels].to_numpy().argmax(axis=1)] == mine.truth).mean()
    (told,) = [
        row for row in rows
        if [row[name] for name in COLUMNS[:5]] == ["softmax", "subject-10fold", "features", "all", "accuracy"]
    ]  # fmt: skip
    assert float(told["value"]) == pytest.approx(right, abs=1e-6)
    for protocol, folds in (("subject-10fold", 3), ("loso", 8)):
        honest = table[table.protocol == protocol]
        assert honest.fold.nunique() == folds
        assert (honest.groupby("subject").fold.nunique() == 1).all()  # a person is tested in one fold only


def test_the_page_is_marked_whole_and_loads_nothing(first):
    page = (first[0] / "report.html").read_text(encoding="utf-8")
    assert "SYNTHETIC" in page
    assert "QUICK" in page
    assert "INCOMPLETE" not in page
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!data:|#)""", page)
    assert not re.search(r"url\((?![\"']?(?:data:|#))|@import|<script|<link|<iframe", page)
    assert page.count("<img ") >= 15


def test_nothing_that_is_written_names_a_folder_of_this_machine(first):
    folder, _ = first
    checkout = Path(mien.__file__).parents[2]
    for path in (folder, folder.parents[2], Path.home(), checkout, sys.prefix):
        assert [name for name, content in contents(folder).items() if str(path).encode() in content] == []


def test_a_second_run_into_the_folder_computes_nothing_and_writes_the_same(first, monkeypatch):
    folder, told = first
    before, stages = contents(folder), kept(folder)

    def computed(*_arguments: object, **_names: object) -> None:
        pytest.fail("something was computed again")

    monkeypatch.setattr(natural, "run", computed)
    monkeypatch.setattr(stack.Stack, "fit", computed)
    monkeypatch.setattr(tuning, "_scores", computed)
    monkeypatch.setattr(people, "choose", computed)
    monkeypatch.setattr(logistic.LogisticRegressions, "fit_with", computed)
    again = reproduce("-o", folder)
    assert again == told
    assert kept(folder) == stages
    assert contents(folder) == before


def test_a_stopped_run_leaves_no_report_and_goes_on_to_the_same_bytes(first, tmp_path):
    folder = tmp_path / "stopped"

    def stopped(_bench: object) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "run", stopped)
        outcome = reproduce("-o", folder)
    assert outcome.code == 130
    assert outcome.err.startswith("mien: interrupted")
    assert contents(folder) == {}
    half = kept(folder)
    assert any(name.startswith("scores-") for name in half)
    assert not any(name.startswith("people-") for name in half)

    assert reproduce("-o", folder).code == 0
    whole = kept(folder)
    assert {name: whole[name] for name in half if ".checkpoint" not in name} == {
        name: time for name, time in half.items() if ".checkpoint" not in name
    }
    mine, theirs = contents(folder), contents(first[0])
    assert sorted(mine) == sorted(theirs)
    assert [name for name in mine if mine[name] != theirs[name]] == []


def test_predictions_that_cannot_be_written_cost_no_earlier_report(first, monkeypatch):
    folder, _ = first
    before = contents(folder)

    def refused(*_arguments: object) -> None:
        raise OutputError("the disk is full")

    monkeypatch.setattr(scored, "write", refused)
    outcome = reproduce("-o", folder)
    assert (outcome.code, outcome.err) == (1, "mien: the disk is full\n")
    assert contents(folder) == before


# ------------------------------------------------------------------------------------------- wrong calls


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--data", "nobody:x"], 2, "nobody"),
        (["--data", "ckplus"], 2, "ckplus:PATH"),
        (["--data", "ckplus:/no/such/place"], 1, "/no/such/place: no such folder"),
        (["--data", "natural:/no/such/place"], 1, "/no/such/place: no such folder"),
        (["--data", "natural"], 2, "natural:FOLDER"),
        (["--data", "ckplus:a", "--data", "ckplus:b"], 2, "give one data set"),
        (["--seed", "-1"], 2, "-1 is not in the range"),
        (["--seed", "x"], 2, "not a valid integer"),
        (["further"], 2, "unexpected extra argument"),
    ],
)
def test_wrong_calls_are_one_line_and_leave_nothing(tmp_path, arguments, code, told):
    outcome = reproduce("-o", tmp_path / "report", *arguments)
    assert outcome.code == code
    assert told in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_without_a_folder_to_write_to_it_says_so():
    outcome = reproduce()
    assert outcome.code == 2
    assert "-o" in outcome.err


@pytest.mark.parametrize("name", ["file", "file/below", "n" * 300])
def test_a_folder_that_cannot_be_made_is_told_before_any_work(tmp_path, monkeypatch, name):
    monkeypatch.setattr(sources, "find", lambda _specs: None)
    (tmp_path / "file").write_bytes(b"mine")
    outcome = reproduce("-o", tmp_path / name)
    assert outcome.code == 1
    assert len(outcome.err.splitlines()) == 1
    assert outcome.err.startswith("mien: ")
    assert (tmp_path / "file").read_bytes() == b"mine"
    if name == "file":
        assert "is a file; give a folder" in outcome.err


def test_people_too_few_for_the_protocols_are_told_before_any_learning(tmp_path):
    outcome = reproduce("-o", tmp_path / "r", "--data", "synthetic:people=2")
    assert outcome.code == 1
    assert "is shown by 2 people; 5 are needed" in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert contents(tmp_path / "r") == {}
    assert kept(tmp_path / "r") == {}


@pytest.mark.parametrize(("missing", "extra"), [("matplotlib", "report"), ("torch", "train"), ("numba", "train")])
def test_a_missing_extra_is_named_before_any_work(tmp_path, missing, extra):
    script = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name.split('.')[0] == {missing!r}:\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "from mien.cli import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", script, "reproduce", "-o", str(tmp_path / "report")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert f"{missing}, which is not installed: pip install 'mien[{extra}]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_help_shows_an_example():
    outcome = reproduce("--help")
    assert outcome.code == 0
    assert "Example: mien reproduce" in outcome.out

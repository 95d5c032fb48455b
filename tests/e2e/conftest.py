"""The command as a person runs it: in this process where that shows the same, as a process of its own else."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pyarrow.parquet
import pytest
from skimage.data import astronaut

import mien.cli

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
SIZE = (256, 192)
PATIENCE = 60.0  # seconds to wait for what must happen


@dataclass(frozen=True)
class Outcome:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The one line on standard error."""
        lines = self.err.splitlines()
        assert len(lines) == 1, f"not one line on standard error: {self.err!r}"
        return lines[0]


@pytest.fixture
def mien_here(monkeypatch, capfd) -> Callable[..., Outcome]:
    """``mien_here("analyze", clip, ...)`` in this process; what native code prints is caught too."""

    def call(*arguments: object) -> Outcome:
        monkeypatch.setattr(sys, "argv", ["mien", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as stopped:
            mien.cli.main()
        said = capfd.readouterr()
        assert isinstance(stopped.value.code, int)
        return Outcome(stopped.value.code, said.out, said.err)

    return call


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONWARNINGS": "error", "PYTHONUNBUFFERED": ""}


@pytest.fixture
def mien_process() -> Callable[..., Outcome]:
    """``mien_process("analyze", clip, ...)`` as a process, or a line of bash with MIEN in it."""

    def call(*arguments: object, shell: str | None = None, **settings: object) -> Outcome:
        if shell is not None:
            command = ["bash", "-c", shell.replace("MIEN", f"'{sys.executable}' -m mien")]
        else:
            command = [sys.executable, "-m", "mien", *map(str, arguments)]
        done = subprocess.run(
            command, capture_output=True, timeout=PATIENCE, env=_environment(), check=False, **settings
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    return call


@pytest.fixture
def start_mien():
    """``start_mien("analyze", ...)`` begins a process that takes signals, and ends it with the test."""
    begun: list[subprocess.Popen[bytes]] = []

    def start(*arguments: object, **settings: object) -> subprocess.Popen[bytes]:
        # Shells start background work deaf to Ctrl-C, and children inherit that.
        command = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        command += "from mien.cli import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", command, *map(str, arguments)],
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **settings},
            env=_environment(),
        )
        begun.append(process)
        return process

    yield start
    for process in begun:
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


@pytest.fixture
def until():
    """``until(condition)`` waits for it."""

    def wait(condition: Callable[[], object]) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.01)

    return wait


@pytest.fixture
def read_table() -> Callable[[Path], tuple[list[str], list[dict[str, object]]]]:
    """The columns and rows of a table of any format, ``None`` where a cell is empty, numbers as numbers."""

    def read(path: Path) -> tuple[list[str], list[dict[str, object]]]:
        if path.suffix == ".parquet":
            table = pyarrow.parquet.read_table(path)
            return table.column_names, table.to_pylist()
        if path.suffix == ".jsonl":
            rows = [json.loads(line) for line in path.read_text().splitlines()]
            return list(rows[0]), rows
        with path.open(newline="") as stream:
            header, *lines = csv.reader(stream)
        return header, [
            {name: _cell(name, text) for name, text in zip(header, cells, strict=True)} for cells in lines
        ]

    return read


def _cell(name: str, text: str) -> object:
    if text == "":
        return None
    if name in ("frame", "face", "shot"):
        return int(text)
    return text if name in ("expression", "state", "evidence", "withheld") else float(text)


def portrait(_place: int, width: int, height: int) -> np.ndarray:
    """RGB; a NASA photograph in the public domain, its face at (86, 32) and 52 wide of 256 x 192.

    Out of focus below the collar: what a detector makes of the emblems on the suit is another test's question.
    """
    photograph = astronaut()[:384]
    sharp = np.clip((230 - np.arange(384)) / 24, 0, 1)[:, None, None]
    soft = sharp * photograph + (1 - sharp) * cv2.GaussianBlur(photograph, (0, 0), 18)
    return cv2.resize(soft.astype(np.uint8), (width, height), interpolation=cv2.INTER_AREA)


@pytest.fixture(scope="session")
def portrait_of() -> Callable[[int, int, int], np.ndarray]:
    """``portrait_of(place, width, height)``."""
    return portrait


@pytest.fixture(scope="session")
def face_clip(make_clip) -> Path:
    """Twelve frames with a face."""
    return make_clip("face.mp4", size=SIZE, draw=portrait)


@pytest.fixture(scope="session")
def sample() -> Path:
    """The clip of the demo: 273 frames of irregular length, ten seconds, two faces, sound."""
    path = ROOT / "samples" / "astronaut.mp4"
    assert path.is_file()
    return path


@pytest.fixture
def research_video() -> Callable[[str], Path]:
    """``research_video(name)``: one of the clips beside the checkout, else the test is skipped."""

    def find(name: str) -> Path:
        folder = Path(os.environ.get("MIEN_DATA", ROOT.parent / "shared" / "data"))
        path = folder / "video" / name
        if not path.is_file():
            pytest.skip(f"{name} is not there: set MIEN_DATA to the folder of the research data")
        return path

    return find

"""Every table format that plugins finds, against the same rows and the same promises."""

from __future__ import annotations

import errno
import json
import math
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien import plugins
from mien.errors import OutputError
from mien.labels import EXPRESSIONS, LabelSet
from mien.output.columns import Shown
from mien.output.opening import open_table
from mien.types import Box, Frame, FrameResult, Landmarks, Observation, Pose, Quality, RunRecord

FORMATS = plugins.names("output.tables")
LABELS = LabelSet(EXPRESSIONS)
RECORD = RunRecord(
    "0.1.0", 'a, "b".mp4', "paper", "ab" * 32, "x = 1\n", EXPRESSIONS, 12, 3, 1, extra={"every": "0.5"}
)
PLACE = ["x", "y", "width", "height", "face_score"]
POSE, QUALITY = ["pitch", "yaw", "roll"], ["sharpness", "brightness", "size", "presence"]
POINTS = [f"{axis}_{point}" for axis in "xy" for point in range(68)]
LAST = ["state", "id_score", "shot"]
COLUMNS = ["frame", "time", "face", *PLACE, "expression", *EXPRESSIONS, *LAST]
WITH_POINTS = [*COLUMNS[:-3], *POSE, *POINTS, *QUALITY, *LAST]
EVERYTHING = Shown(LABELS, landmarks=True, points=True)


def observation(face: int, seed: int) -> Observation:
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(8, 0.3))
    x, y, wide, high = rng.uniform(-50, 2000, 4)
    state = ("tentative", "confirmed", "found")[seed % 3]
    return Observation(
        face, Box(x, y, wide, high), rng.random(), state, EXPRESSIONS[shares.argmax()], shares, rng.random()
    )


def with_points(face: int, seed: int) -> Observation:
    """As ``observation``, with points anywhere, also beyond the frame."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(-500, 8000, (68, 2)).astype(np.float32)
    return replace(
        observation(face, seed),
        landmarks=Landmarks(points, np.ones(68, np.float32), 0.9),
        pose=Pose(*rng.uniform(-90, 90, 3)),
        quality=Quality(rng.random(), rng.random(), rng.uniform(5, 500), rng.random()),
    )


@st.composite
def runs(draw: st.DrawFn) -> list[FrameResult]:
    timed = draw(st.booleans())
    gaps = draw(st.lists(st.floats(1e-4, 1e4), max_size=12))
    moments = np.cumsum(gaps)
    return [
        FrameResult(
            index,
            float(moment) if timed else None,
            tuple(
                observation(face, draw(st.integers(0, 2**32)))
                for face in sorted(draw(st.sets(st.integers(1, 2**31 - 1), max_size=3)))
            ),
            shot=1 + index // 3,
        )
        for index, moment in enumerate(moments)
    ]


FEW = [
    FrameResult(0, 0.0, ()),
    FrameResult(1, 1 / 3, (observation(1, 1), observation(2, 2))),
    FrameResult(7, 1e6 + 0.1, (observation(2, 3),)),
]


def write(path: Path, results: list[FrameResult | None], shown: Shown | LabelSet = LABELS) -> None:
    sink = open_table(path, shown)
    for index, result in enumerate(results):
        sink.write(Frame(index, None, None), result)  # type: ignore[arg-type]
    sink.finish(RECORD)


def read(path: Path, columns: list[str] = COLUMNS) -> list[dict[str, object]]:
    """The file as an independent reader sees it, row by row, with floats as float32 where the contract says so."""
    if path.suffix == ".parquet":
        return pyarrow.parquet.read_table(path).to_pylist()
    kinds = dict.fromkeys(columns, polars.Float32) | {
        "frame": polars.Int64,
        "time": polars.Float64,
        "face": polars.Int32,
        "expression": polars.String,
        "state": polars.String,
        "shot": polars.Int32,
    }
    schema = {name: kinds[name] for name in columns}
    if path.suffix == ".csv":
        return polars.read_csv(path, schema=schema).to_dicts()
    if path.stat().st_size == 0:
        return []
    return polars.read_ndjson(path, schema=schema).to_dicts()


def expected(results: list[FrameResult], columns: list[str] = COLUMNS) -> list[dict[str, object]]:
    table: list[dict[str, object]] = []
    for result in results:
        start = {"frame": result.frame, "time": result.time, "shot": result.shot}
        if not result.faces:
            table.append(dict.fromkeys(columns) | start)
        for face in result.faces:
            box, names = face.box, [*PLACE, *EXPRESSIONS, "id_score"]
            numbers = [box.x, box.y, box.width, box.height, face.score, *face.probabilities, face.certainty]
            if face.pose is not None and "yaw" in columns:
                names, numbers = [*names, *POSE], [*numbers, face.pose.pitch, face.pose.yaw, face.pose.roll]
            if face.quality is not None and "size" in columns:
                seen = face.quality
                names += QUALITY
                numbers += [seen.sharpness, seen.brightness, seen.size, seen.presence]
            if face.landmarks is not None and "x_0" in columns:
                names += POINTS
                numbers += [round(float(value), 2) for value in face.landmarks.points.T.ravel()]
            known = start | {"face": face.face, "expression": face.expression, "state": face.state}
            floats = dict(zip(names, map(float, np.float32(numbers)), strict=True))
            table.append(dict.fromkeys(columns) | known | floats)
    return table


def metadata(path: Path) -> dict[str, object]:
    if path.suffix == ".parquet":
        stored = pyarrow.parquet.read_metadata(path).metadata
        return {key.decode(): value.decode() for key, value in stored.items()}
    return json.loads(path.with_name(f"{path.name}.json").read_text())


def test_the_three_formats_are_found():
    assert FORMATS == ("csv", "jsonl", "parquet")


@pytest.mark.parametrize("suffix", FORMATS)
@settings(max_examples=25, deadline=None)
@given(results=runs())
def test_what_is_written_is_what_is_read(tmp_path_factory, suffix, results):
    path = tmp_path_factory.mktemp("t") / f"out.{suffix}"
    write(path, results)
    assert read(path) == expected(results)
    for row in read(path):
        if row["face"] is not None:
            assert math.isclose(sum(float(row[label]) for label in EXPRESSIONS), 1, abs_tol=1e-5)


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    ("shown", "columns"),
    [
        (EVERYTHING, WITH_POINTS),
        (Shown(LABELS, landmarks=True), [name for name in WITH_POINTS if name not in POINTS]),
        (Shown(LABELS), COLUMNS),
    ],
    ids=["points", "pose", "neither"],
)
def test_landmarks_where_they_are_shown(tmp_path, suffix, shown, columns):
    path = tmp_path / f"out.{suffix}"
    results = [FrameResult(i, i / 30, (with_points(1, i), observation(2, i)), shot=2) for i in range(20)]
    results.append(FrameResult(20, 1.0, (), shot=3))
    write(path, results, shown)
    found = read(path, columns)
    assert list(found[0]) == columns
    assert found == expected(results, columns)
    assert found[-1]["shot"] == 3


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("results", [[], [FrameResult(0, 0.0, ())], FEW], ids=["no frames", "no faces", "faces"])
def test_edges(tmp_path, suffix, results):
    path = tmp_path / f"out.{suffix}"
    write(path, results)
    assert read(path) == expected(results)


def test_more_rows_than_a_batch_and_a_row_group(tmp_path, monkeypatch):
    monkeypatch.setattr("mien.output.tables.parquet.BATCH_ROWS", 10)
    monkeypatch.setattr("mien.output.tables.parquet.ROW_GROUP", 64)
    results = [FrameResult(i, i / 30, (observation(1, i), observation(5, -i % 97))) for i in range(301)]
    write(tmp_path / "out.parquet", results)
    assert read(tmp_path / "out.parquet") == expected(results)
    assert pyarrow.parquet.read_metadata(tmp_path / "out.parquet").num_row_groups == 10


@pytest.mark.parametrize("suffix", FORMATS)
def test_frames_that_were_not_analysed_have_no_row(tmp_path, suffix):
    path = tmp_path / f"out.{suffix}"
    write(path, [FEW[0], None, FEW[1], None])
    assert read(path) == expected(FEW[:2])


@pytest.mark.parametrize("suffix", FORMATS)
def test_columns_in_order_and_record_beside_them(tmp_path, suffix):
    path = tmp_path / f"out.{suffix}"
    write(path, FEW)
    text = path.read_text() if suffix != "parquet" else ""
    names = {
        "csv": lambda: text.split("\n")[0].split(","),
        "jsonl": lambda: list(json.loads(text.split("\n")[0])),
        "parquet": lambda: pyarrow.parquet.read_schema(path).names,
    }[suffix]()
    assert names == COLUMNS
    stored = metadata(path)
    for key, value in RECORD.as_text().items():
        found = stored[key]
        assert (" ".join(found) if isinstance(found, list) else str(found)) == value


def test_parquet_types():
    # as in the contract; pandas and polars see them through pyarrow's eyes here
    import pyarrow as pa

    from mien.output.columns import schema

    kinds = [field.type for field in pa.schema(schema(LABELS))]
    assert kinds[:9] == [pa.int64(), pa.float64(), pa.int32(), *[pa.float32()] * 5, pa.string()]
    assert set(kinds[9:-3]) == {pa.float32()}
    assert kinds[-3:] == [pa.string(), pa.float32(), pa.int32()]
    assert set(pa.schema(schema(EVERYTHING)).types[17:-3]) == {pa.float32()}


@pytest.mark.parametrize("suffix", FORMATS)
def test_nothing_is_seen_before_finish_and_nothing_is_left_by_abandon(tmp_path, suffix):
    sink = open_table(tmp_path / f"out.{suffix}", LABELS)
    sink.write(Frame(1, 0.0, None), FEW[1])
    assert all(entry.name.startswith(".out.") for entry in tmp_path.iterdir())
    sink.abandon()
    sink.abandon()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", FORMATS)
def test_abandon_after_finish_keeps_the_file(tmp_path, suffix):
    path = tmp_path / f"out.{suffix}"
    sink = open_table(path, LABELS)
    sink.finish(RECORD)
    sink.abandon()
    assert read(path) == []


class Full:
    """A file on a disk that takes ``room`` more bytes."""

    def __init__(self, file, room: int) -> None:
        self._file, self._room = file, room

    def write(self, data) -> int:
        self._room -= memoryview(data).nbytes
        if self._room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self._file.write(data)

    def __getattr__(self, name: str):
        return getattr(self._file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._file.close()


@pytest.mark.parametrize("room", [0, 700, 3000])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_full_disk_leaves_the_old_table(tmp_path, suffix, room, capfd):
    path = tmp_path / f"out.{suffix}"
    write(path, FEW)
    before = {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()}
    sink = open_table(path, LABELS)
    sink._draft.file = Full(sink._draft.file, room)
    with pytest.raises(OutputError, match="the disk is full"):
        fill(sink, 3000)
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == before
    assert "panicked" not in capfd.readouterr().err


def fill(sink, rows: int) -> None:
    for i in range(rows):
        sink.write(Frame(i, i / 30, None), FrameResult(i, i / 30, (observation(1, i),)))
    sink.finish(RECORD)


@pytest.mark.parametrize("room", [100, 20_000])
def test_a_full_disk_under_the_spool(tmp_path, room, monkeypatch):
    monkeypatch.setattr("mien.output.tables.parquet.BATCH_ROWS", 100)
    sink = open_table(tmp_path / "out.parquet", LABELS)
    sink._spool = Full(sink._spool, room)
    with pytest.raises(OutputError, match="the disk is full"):
        fill(sink, 3000)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", disk], capture_output=True)
    if done.returncode:
        pytest.skip("mounting a small disk needs rights that this user has not")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.skipif(sys.platform != "linux", reason="mounts a tmpfs")
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_real_full_disk(small_disk, suffix):
    path = small_disk / f"out.{suffix}"
    write(path, FEW)
    whole = path.read_bytes()
    with pytest.raises(OutputError, match="the disk is full"):
        fill(open_table(path, LABELS), 3000)
    assert path.read_bytes() == whole
    assert {entry.name for entry in small_disk.iterdir()} <= {path.name, f"{path.name}.json"}
    write(path, FEW)  # the space came back


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_number_that_is_none_is_refused(tmp_path, suffix):
    bad = Observation(1, Box(math.nan, 0, 1, 1), 1.0, "tentative", "anger", np.eye(8)[0])
    sink = open_table(tmp_path / f"out.{suffix}", LABELS)
    with pytest.raises(ValueError, match="frame 4: x is nan"):
        sink.write(Frame(4, 0.0, None), FrameResult(4, 0.0, (bad,)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_point_that_is_nowhere_is_refused(tmp_path, suffix):
    bad = with_points(1, 1)
    assert bad.landmarks is not None
    bad.landmarks.points[30, 1] = np.inf
    sink = open_table(tmp_path / f"out.{suffix}", EVERYTHING)
    with pytest.raises(ValueError, match="frame 4: y_30 is inf"):
        sink.write(Frame(4, 0.0, None), FrameResult(4, 0.0, (bad,)))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", FORMATS)
def test_no_folder(tmp_path, suffix):
    with pytest.raises(OutputError, match="nowhere does not exist"):
        open_table(tmp_path / "nowhere" / f"out.{suffix}", LABELS)


CHILD = """
import sys, time
import numpy as np
from mien.labels import EXPRESSIONS, LabelSet
from mien.output.opening import open_table
from mien.types import Frame, FrameResult
sink = open_table(sys.argv[1], LabelSet(EXPRESSIONS))
for i in range(10000):
    sink.write(Frame(i, 0.0, None), FrameResult(i, 0.0, ()))
print("ready", flush=True)
time.sleep(60)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_killed_run_leaves_only_a_hidden_part(tmp_path, suffix):
    path = tmp_path / f"out.{suffix}"
    with subprocess.Popen([sys.executable, "-c", CHILD, str(path)], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"ready\n"
        child.send_signal(signal.SIGKILL)
    names = [entry.name for entry in tmp_path.iterdir()]
    assert len(names) == 1
    assert names[0].startswith(".out.")
    assert names[0].endswith(f".part.{suffix}")


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_the_sidecar_names_its_table(tmp_path, suffix):
    import hashlib

    path = tmp_path / f"out.{suffix}"
    write(path, FEW)
    stored = metadata(path)
    assert stored["rows"] == 4
    assert stored["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert stored["labels"] == list(EXPRESSIONS)
    assert stored["frames"] == 12


@pytest.mark.parametrize("before", [None, "{}"])
def test_a_table_that_cannot_be_published_takes_its_sidecar_back(tmp_path, monkeypatch, before):
    path = tmp_path / "out.csv"
    sidecar = tmp_path / "out.csv.json"
    if before:
        sidecar.write_text(before)
    sink = open_table(path, LABELS)
    path.mkdir()  # in the way by the time the table is finished
    with pytest.raises(OutputError):
        sink.finish(RECORD)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == (
        ["out.csv", "out.csv.json"] if before else ["out.csv"]
    )
    assert not before or sidecar.read_text() == before

"""``predictions.parquet``: its columns, and what is empty."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from mien.errors import OutputError
from mien.reproduce import scored
from mien.reproduce.scored import Scored

LABELS = ("anger", "fear")


def made(n, said):
    truth = np.arange(n) % 2
    p = np.linspace(0, 1, 2 * n).reshape(n, 2)
    return Scored("table1", "loso", "features" if said is None else "pixels", LABELS,
                  np.array([f"ü{k}" for k in range(n)]), np.array(["P"] * n), np.array(["s"] * n),
                  np.arange(n), truth, p, said)  # fmt: skip


def test_all_answers_are_one_table(tmp_path):
    said = np.array([[True, False], [False, False], [True, True]])
    scored.write(tmp_path / "p.parquet", [made(2, None), made(3, said)])
    table = pyarrow.parquet.read_table(tmp_path / "p.parquet")
    assert [(f.name, f.type) for f in table.schema] == [
        ("experiment", pa.string()), ("protocol", pa.string()), ("inputs", pa.string()), ("item", pa.string()),
        ("subject", pa.string()), ("sequence", pa.string()), ("fold", pa.int32()), ("truth", pa.string()),
        ("anger", pa.float64()), ("fear", pa.float64()), ("anger_present", pa.bool_()),
        ("fear_present", pa.bool_()),
    ]  # fmt: skip
    assert table["item"].to_pylist() == ["ü0", "ü1", "ü0", "ü1", "ü2"]
    assert table["truth"].to_pylist() == ["anger", "fear", "anger", "fear", "anger"]
    assert table["inputs"].to_pylist() == ["features"] * 2 + ["pixels"] * 3
    assert table["fold"].to_pylist() == [0, 1, 0, 1, 2]
    assert table["fear"].to_pylist() == pytest.approx([1 / 3, 1, 0.2, 0.6, 1])
    assert table["anger_present"].to_pylist() == [None, None, True, False, True]
    assert table["fear_present"].to_pylist() == [None, None, False, False, True]


def test_equal_answers_give_equal_bytes(tmp_path):
    for name in ("a", "b"):
        scored.write(tmp_path / name, [made(4, None)])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_where_it_cannot_be_written_nothing_is_left(tmp_path):
    with pytest.raises(OutputError, match="does not exist"):
        scored.write(tmp_path / "no" / "p.parquet", [made(2, None)])
    assert list(tmp_path.iterdir()) == []

"""Text tables byte for byte as they were when somebody last looked at them."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MAKER = runpy.run_path(str(HERE / "make_output_golden.py"))


@pytest.mark.parametrize("name", MAKER["NAMES"])
def test_tables_are_written_as_before(tmp_path, name):
    MAKER["write"](tmp_path)
    assert (tmp_path / name).read_bytes() == (HERE / "output" / name).read_bytes()


def test_every_golden_file_is_compared():
    assert {path.name for path in (HERE / "output").iterdir()} == set(MAKER["NAMES"])

"""Figures beside a model's weights: told if they are the file's own."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from mien import model_figures, modelfile
from mien.cli.models import command
from mien.errors import ModelError

FIGURES = [
    {"what": "CK+ balanced accuracy", "value": 0.912, "low": 0.88, "high": 0.94, "held_out": True},
    {"what": "FER+ validation accuracy", "value": 0.85},
]


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch) -> Path:
    """A copy of what ships, one model of it with figures."""
    for path in modelfile.SHIPPED.glob("*.onnx"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.setattr(modelfile, "SHIPPED", tmp_path)
    write(tmp_path, modelfile.read("paper").sha256)
    return tmp_path


def write(folder: Path, sha256: str, figures=FIGURES) -> None:
    (folder / "paper.json").write_text(json.dumps({"sha256": sha256, "figures": figures}))


def test_figures_are_read_with_their_intervals(shipped):
    found = model_figures.beside(modelfile.read("paper"))
    assert [(f.value, f.low, f.high, f.held_out) for f in found.figures] == [
        (0.912, 0.88, 0.94, True),
        (0.85, None, None, False),
    ]
    (shipped / "paper.json").unlink()
    assert model_figures.beside(modelfile.read("paper")) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sha256": 1, "figures": []}', '{"sha256": "", "figures": [1]}'])
def test_what_is_no_list_of_figures_is_damaged(shipped, text):
    (shipped / "paper.json").write_text(text)
    with pytest.raises(ModelError, match=r"paper\.json: damaged"):
        model_figures.beside(modelfile.read("paper"))


def test_models_tells_the_figures_of_the_very_file(shipped):
    said = CliRunner().invoke(command).output
    assert "measured  CK+ balanced accuracy: 0.912 [0.880, 0.940]\n" in said
    assert "measured  FER+ validation accuracy: 0.850, not held out" in said


def test_models_tells_no_figures_of_another_file(shipped):
    write(shipped, "ab" * 32)
    said = CliRunner().invoke(command).output
    assert f"measured  the figures beside it are of another file, sha256 {'ab' * 32}" in said
    assert "0.912" not in said

"""``mien architecture`` from the command line to its files, on drawn faces and on pictures of a planted rank."""

import csv
import json

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("matplotlib")

from mien.learn import recipe

TINY = """
name = "tiny"
seed = 7
[patches]
size = 8
scaling = "full-range"
[features]
name = "sparse_autoencoder"
units = 6
rho = 0.2
beta = 0.1
iterations = 6
[head]
name = "softmax"
C = [1.0]
"""


@pytest.fixture
def recipe_file(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


def test_drawn_faces_give_a_page_a_curve_and_a_recipe(mien_here, recipe_file, tmp_path):
    folder = tmp_path / "size"
    outcome = mien_here(
        "architecture", "--data", "synthetic:people=12", "-o", folder, "--recipe", recipe_file, "--quick"
    )
    assert (outcome.code, outcome.err) == (0, "")
    assert "SYNTHETIC" in outcome.out
    assert sorted(path.name for path in folder.iterdir()) == [
        "architecture.json", "curve.csv", "curve.png", "recommended.toml", "report.html",
    ]  # fmt: skip
    record = json.loads((folder / "architecture.json").read_text())
    assert record["labels_used"]
    read = recipe.read(folder / "recommended.toml")
    assert read.patches == recipe.read(recipe_file).patches
    assert cv2.imread(str(folder / "curve.png")).shape[2] == 3
    assert "QUICK" in (folder / "report.html").read_text()
    rows = list(csv.DictReader((folder / "curve.csv").read_text().splitlines()))
    assert {row["curve"] for row in rows} == {
        "eigenvalue",
        "chance",
        "likelihood",
        "pruning",
        "halving",
        "accuracy",
    }
    trained = mien_here(
        "train", folder / "recommended.toml", "--data", "synthetic:people=4", "-o", tmp_path / "m.onnx"
    )
    assert (trained.code, trained.err) == (0, "")


def test_a_planted_rank_is_found_in_pictures(mien_here, recipe_file, tmp_path):
    rank = 9
    g = np.random.default_rng(rank)
    x = g.normal(size=(300, rank)) @ g.normal(size=(rank, 64)) / np.sqrt(rank) + 0.4 * g.normal(size=(300, 64))
    pixels = np.clip(128 + 30 * x, 0, 255).astype(np.uint8).reshape(-1, 8, 8)
    for k, picture in enumerate(pixels):
        folder = tmp_path / "faces" / ("happiness", "neutral")[k % 2]
        folder.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(folder / f"person{k // 15:02}_{k}.png"), picture)
    outcome = mien_here(
        "architecture", "--data", f"folder:{tmp_path / 'faces'}", "-o", tmp_path / "size", "--recipe", recipe_file,
        "--quick", "--no-labels",
    )  # fmt: skip
    assert (outcome.code, outcome.err) == (0, "")
    record = json.loads((tmp_path / "size" / "architecture.json").read_text())
    assert not record["labels_used"]
    assert record["halving"]["measure"] == "hidden pixels"
    for estimate in ("parallel_analysis", "minka"):
        assert abs(record["dimension"][estimate]["value"] - rank) <= 0.2 * rank


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--data", "synthetic:people=3"], "3 people are too few"),
        (["--data", "synthetic", "--recipe", "default"], "no layers to choose"),
        (["--data", "synthetic", "--recipe", "nowhere"], "no such recipe"),
    ],
)
def test_what_cannot_be_done_is_one_line(mien_here, tmp_path, arguments, told):
    outcome = mien_here("architecture", *arguments, "--quick", "-o", tmp_path / "size")
    assert outcome.code in (1, 2)
    assert told in outcome.line


def test_a_file_in_the_place_of_the_folder_is_refused_at_once(mien_here, tmp_path):
    (tmp_path / "size").write_text("taken")
    outcome = mien_here("architecture", "--data", "nonsense", "-o", tmp_path / "size")
    assert outcome.code == 1
    assert "is a file; give a folder" in outcome.line

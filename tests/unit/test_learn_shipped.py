"""The shipped model is what its recipe and its card say it is."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from mien import labels, modelfile, recipe
from mien.models.onnx import OnnxModel

CARD = Path(__file__).parents[2] / "cards" / "paper.md"


@pytest.fixture(scope="module")
def paper():
    return modelfile.read("paper")


def test_the_shipped_recipe_made_it(paper):
    made = paper.meta.provenance
    assert made.recipe == recipe.locate("paper").read_text(encoding="utf-8")
    assert made.seed == 2010
    assert made.data == "ckplus"
    assert (made.items, made.subjects) == (920, 123)
    assert not made.synthetic
    assert "research use; see card" in made.terms


def test_it_has_the_eight_expressions_in_order(paper):
    assert paper.meta.labels.expressions == labels.EXPRESSIONS
    assert OnnxModel(paper).run(np.zeros((1, 24, 24), np.float32)).expressions.shape == (1, 8)


def test_the_card_is_about_this_very_file(paper):
    card = CARD.read_text(encoding="utf-8")
    assert hashlib.sha256(paper.content).hexdigest() in card
    for word in (
        "research use",
        "subject-10fold",
        "Always the majority",
        "Art. 5(1)(f)",
        "Barrett",
        "mien train recipes/paper.toml",
    ):
        assert word in card, word


@pytest.mark.parametrize("name", modelfile.shipped())
def test_every_model_has_the_recipe_and_the_card_of_this_very_file(name):
    model = modelfile.read(name)
    assert model.meta.provenance.recipe == recipe.locate(name).read_text(encoding="utf-8")
    assert model.sha256 in (CARD.parent / f"{name}.md").read_text(encoding="utf-8")
    assert "research use; see card" in model.meta.provenance.terms


@pytest.mark.parametrize("name", modelfile.shipped_networks())
def test_every_network_has_a_recipe_and_the_card_of_this_very_file(name):
    network = modelfile.read_network(name)
    last = f"faces/{name}_third" if name == "landmarks" else f"faces/{name}"
    assert network.meta.provenance.recipe == recipe.locate(last).read_text(encoding="utf-8")
    assert network.sha256 in (CARD.parent / f"{name}.md").read_text(encoding="utf-8")
    assert "research use; see card" in network.meta.provenance.terms
    assert len(network.content) < 2_500_000


def test_the_aligned_model_says_whose_points_it_learned_from():
    told = modelfile.read("aligned").meta.notes["landmarks"]
    assert told == {
        "found": 920,
        "missed": 0,
        "own": 0,
        "untold": 0,
        "networks": [modelfile.read_network("landmarks").sha256],
    }

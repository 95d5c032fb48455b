"""The shipped models are what their recipes and cards say they are."""

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from mien import labels, modelfile, recipe
from mien.models.onnx import OnnxModel

NETWORKS = {"default": {"ckplus", "ferplus"}, "wild": {"ferplus"}}
"""Models made by network recipes, and the data they learned from."""

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


@pytest.fixture(params=NETWORKS)
def network(request):
    """A shipped network with its recipe, which is read here and not trained: that takes an hour."""
    pytest.importorskip("torch")
    from mien.learn import recipe as recipes

    return modelfile.read(request.param), recipes.read(request.param)


def test_a_network_is_of_its_recipe(network):
    file, plan = network
    meta = file.meta
    assert (meta.name, meta.provenance.seed) == (plan.name, plan.seed)
    assert meta.notes["backbone"] == json.loads(json.dumps(dataclasses.asdict(plan.backbone)))
    assert meta.preprocessing == json.loads(json.dumps(dataclasses.asdict(plan.patches)))
    assert meta.labels == labels.LabelSet(labels.EXPRESSIONS, plan.targets.action_units)
    assert len(file.content) < 4_000_000


def test_a_network_names_the_data_it_learned_from(network):
    meta = network[0].meta
    named = meta.provenance.data.split("+")
    assert {name.removesuffix("-train") for name in named} == NETWORKS[meta.name]
    told = meta.notes["trained_on"]
    assert {one["data"] for one in told} >= set(named)
    assert all(len(bytes.fromhex(one["fingerprint"])) == 32 for one in told)
    assert meta.notes["landmarks"]["networks"] == [modelfile.read_network("landmarks").sha256]
    assert not meta.provenance.synthetic


def test_only_networks_are_left_out_of_the_list_above():
    assert {name for name in modelfile.shipped() if "backbone" in modelfile.read(name).meta.notes} == set(NETWORKS)


def test_the_default_goes_on_from_the_shipped_wild_network():
    default, wild = modelfile.read(modelfile.DEFAULT), modelfile.read("wild")
    assert default.meta.name == "default"
    begun = default.meta.notes["figures"]["started_from"]
    assert (begun["name"], begun["sha256"]) == ("wild", wild.sha256)
    assert default.meta.notes["trained_on"][: len(begun["trained_on"])] == begun["trained_on"]


def test_the_default_says_which_action_units_a_neutral_face_seems_to_show():
    file = modelfile.read(modelfile.DEFAULT)
    assert len(file.meta.labels.action_units) == 19
    rest = np.array(file.meta.notes["neutral_action_units"])
    assert rest.shape == (19,)
    assert rest.max() < 0.5  # none
    units = OnnxModel(file).run(np.random.default_rng(0).random((4, 48, 48), np.float32)).action_units
    assert units.shape == (4, 19)

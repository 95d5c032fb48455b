"""The shipped generator is what its recipe and card say it is, and shows what it is asked for."""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

import mien
from mien import labels, modelfile, recipe
from mien.generation.clamp import Clamp, asked
from mien.generation.generator import load_generator

CARD = Path(__file__).parents[2] / "cards" / "composites.md"


@pytest.fixture(scope="module")
def file():
    return modelfile.read_generator()


@pytest.fixture(scope="module")
def generator():
    return load_generator()


@pytest.fixture(scope="module")
def drawn(generator):
    """Eight invented people under two labels, whoever they are."""
    people = [*range(1, 9)]
    return {
        label: generator.draw([asked(label, (), generator.labels)] * 8, people, 0)
        for label in ("happiness", "neutral")
    }


def test_the_shipped_recipe_made_it(file):
    made = file.meta.provenance
    assert made.recipe == recipe.locate("generators/composites").read_text(encoding="utf-8")
    assert (made.seed, made.data, made.items, made.subjects) == (1, "ckplus", 920, 123)
    assert not made.synthetic
    assert "research use; see card" in made.terms
    assert file.meta.labels == labels.LabelSet(labels.EXPRESSIONS, tuple(labels.ACTION_UNITS))
    assert len(file.content) < 5_000_000


def test_it_is_of_its_recipe(file):
    pytest.importorskip("torch")
    from mien.learn.generation import recipe as recipes

    plan = recipes.read("generators/composites")
    meta = file.meta
    assert (meta.name, meta.people, meta.features) == (plan.name, plan.people.count, plan.layers.sizes[-1])
    assert meta.preprocessing == json.loads(json.dumps(asdict(plan.patches)))


def test_the_card_is_about_this_very_file(file):
    card = CARD.read_text(encoding="utf-8")
    assert file.sha256 in card
    assert file.meta.provenance.fingerprint in card
    for word in ("research use", "mien train generators/composites", "composite", "Not for"):
        assert word in card, word


def test_the_file_says_that_it_copies_nobody(file):
    told = file.meta.notes["nearest"]
    assert set(told) == {"drawn", "strangers"}
    assert told["drawn"]["likeness"][-1] < 0.9
    assert told["drawn"]["likeness"][2] < told["strangers"]["likeness"][3]


def test_happiness_is_another_answer_than_neutral(drawn):
    happy, neutral = drawn["happiness"], drawn["neutral"]
    mouth = (slice(None), slice(34, 44), slice(14, 34))
    within = np.abs(happy[mouth] - happy[mouth].mean(axis=0)).mean()
    assert np.abs(happy[mouth].mean(axis=0) - neutral[mouth].mean(axis=0)).mean() > within
    assert happy.shape == (8, 48, 48)
    assert 0.1 < happy.std() < 0.3


def test_a_model_of_real_faces_sees_what_was_asked_for(drawn):
    judge = mien.load_model("default")
    for label, faces in drawn.items():
        named = judge.score_patches(faces).expressions.argmax(axis=1)
        assert (named == judge.labels.index(label)).mean() > 0.8


def test_an_action_unit_that_is_asked_for_is_seen(generator):
    judge = mien.load_model("default")
    place = judge.action_units.index("AU12")
    people = [*range(1, 9)]
    shown, not_shown = (
        judge.score_patches(generator.draw([clamp] * 8, people, 0)).action_units[:, place].mean()
        for clamp in (Clamp(None, ("AU12",)), Clamp(None, (), ("AU12",)))
    )
    assert shown > 0.6
    assert not_shown < 0.4

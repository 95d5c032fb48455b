"""The whole procedure on arrays: one recipe that trains, the prior among the sizes, errors before any work."""

import tomllib
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from mien.data.readers import synthetic
from mien.errors import RecipeError, TrainingError, UsageError
from mien.evaluate.architecture import curves, page
from mien.learn import fit, recipe
from mien.learn.architecture import dimension, halving, likelihood, procedure, pruning

TINY = procedure.Options(
    dimension.Options(surrogates=3, groups=2),
    likelihood.Options((4, 16), refinements=0, folds=2, epochs=3, temperatures=30, chains=10),
    pruning.Options(units=16, folds=2),
    halving.Options((1, 2), (4, 16), rounds=2, folds=2),
)
PLAN = recipe.parse(
    """
name = "small"
seed = 5
[patches]
size = 8
[features]
name = "sparse_autoencoder"
units = 6
rho = 0.3
beta = 0.1
iterations = 8
[head]
name = "softmax"
C = [0.1]
standardise = [true]
""",
    "small.toml",
)


def planes(rank, seed=0):
    g = np.random.default_rng(seed)
    x = g.normal(size=(240, rank)) @ g.normal(size=(rank, 64)) / np.sqrt(rank) + 0.5 * g.normal(size=(240, 64))
    return ((x - x.min()) / np.ptp(x)).astype(np.float32), [f"p{k % 20:02}" for k in range(240)]


@pytest.fixture(scope="module")
def found():
    x, people = planes(9)
    return procedure.estimate(x, people, np.arange(240) % 3, PLAN, TINY, 0)


def test_the_planted_rank_is_found_and_tried(found):
    assert abs(found.dimension.parallel.value - 9) <= 1
    assert abs(found.dimension.minka.value - 9) <= 1
    size = found.dimension.parallel.value
    assert size in {point.units for point in found.likelihood.points}
    assert size in {trial.shape.units for trial in found.halving.trials}
    assert (found.faces, found.people, found.labelled) == (240, 20, True)


def test_the_recommended_recipe_is_the_given_one_in_the_chosen_size(found):
    read = recipe.parse(found.recipe.text, "recommended.toml")
    widths = found.halving.chosen.shape.widths
    size = getattr(read.features.options, "layers", None) or (read.features.options.units,)
    assert (read.name, read.seed, tuple(size)) == ("recommended", 5, widths)
    assert (read.patches, read.augmentation, read.head) == (PLAN.patches, PLAN.augmentation, PLAN.head)


def test_the_recommended_recipe_trains_as_it_is(found):
    drawn = synthetic.build(synthetic.Options(people=3))
    trained = fit.train(recipe.parse(found.recipe.text, "recommended.toml"), drawn)
    assert trained.features.units == found.halving.chosen.shape.units


def test_equal_calls_find_the_same(found):
    x, people = planes(9)
    again = procedure.estimate(x, people, np.arange(240) % 3, PLAN, TINY, 0)
    assert again.recipe == found.recipe
    assert again.halving == found.halving
    assert again.likelihood == found.likelihood


def test_it_works_without_labels_and_one_label_counts_as_none():
    x, people = planes(4)
    for labels in (None, np.zeros(240, np.intp)):
        found = procedure.estimate(x, people, labels, PLAN, TINY, 0)
        assert not found.labelled
        assert found.halving.measure == "hidden pixels"


def test_of_many_faces_whole_people_are_drawn():
    x, people = planes(4)
    found = procedure.estimate(x, people, None, PLAN, replace(TINY, most=100), 0)
    assert (found.faces, found.people) == (96, 8)


def test_fine_tuning_stays_in_the_recipe():
    x, people = planes(4)
    tuned = recipe.read("fine_tuned")
    tuned = replace(tuned, features=replace(tuned.features, options=replace(tuned.features.options, iterations=4)))
    found = procedure.estimate(x, people, np.arange(240) % 3, tuned, TINY, 0)
    read = recipe.parse(found.recipe.text, "recommended.toml")
    assert read.fine_tuning == tuned.fine_tuning
    assert read.features.options.layers == found.halving.chosen.shape.widths


def test_errors_come_before_any_work():
    x, people = planes(4)
    with pytest.raises(UsageError, match="has no layers to choose"):
        procedure.estimate(x, people, None, recipe.read("default"), TINY, 0)
    with pytest.raises(TrainingError, match="people are too few"):
        procedure.estimate(x, ["a", "b"] * 120, None, PLAN, TINY, 0)
    plain = PLAN.text.replace("sparse_autoencoder", "pixels").replace(
        "units = 6\nrho = 0.3\nbeta = 0.1\niterations = 8", ""
    )
    with pytest.raises(RecipeError, match="pixels leaves no choice"):
        procedure.adjustable(recipe.parse(plain, "plain.toml"))


def test_the_page_tells_what_each_estimate_counts_and_loads_nothing(found):
    drawn = synthetic.build(synthetic.Options(people=2))
    text = page.html(found, drawn, b"picture", quick=True)
    for said in (
        "SYNTHETIC",
        "QUICK",
        "Horn 1965",
        "Minka",
        "Salakhutdinov",
        "Breiman",
        "Jamieson",
        "one-standard-error",
    ):
        assert said in text
    assert text.count("src=") == text.count("src='data:image/png;base64,")
    assert "http" not in text
    assert page.html(found, drawn, b"picture", quick=True) == text


def test_the_table_has_a_row_for_every_point(found, tmp_path):
    curves.write_table(tmp_path / "curve.csv", found)
    rows = [line.split(",") for line in (tmp_path / "curve.csv").read_text().splitlines()]
    assert tuple(rows[0]) == curves.COLUMNS
    names = [row[0] for row in rows[1:]]
    assert names.count("likelihood") == len(found.likelihood.points)
    assert names.count("halving") == names.count("accuracy") == len(found.halving.trials)
    assert names.count("eigenvalue") == names.count("chance") == 64
    assert tomllib.loads(found.recipe.text)["name"] == "recommended"

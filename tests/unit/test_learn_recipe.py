import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from mien import recipe as toml
from mien.errors import RecipeError, UnknownPartError
from mien.learn import recipe

TEXT = """
name = "small"
seed = 5
[patches]
size = 12
[features]
name = "sparse_autoencoder"
units = 9
[head]
name = "softmax"
C = [1, 0.5]
"""


def test_a_recipe_becomes_frozen_values():
    plan = recipe.parse(TEXT, "here")
    assert (plan.name, plan.seed, plan.patches.size) == ("small", 5, 12)
    assert plan.features.options.units == 9
    assert plan.head.options.C == (1.0, 0.5)
    assert plan.augmentation.copies == 0
    assert plan.fine_tuning is None
    assert plan.text == TEXT
    with pytest.raises(AttributeError):
        plan.seed = 6


def test_another_seed_changes_nothing_else():
    plan = recipe.parse(TEXT, "here")
    assert plan.with_seed(9).seed == 9
    assert plan.with_seed(9).with_seed(5) == plan


def test_the_shipped_recipe_is_the_paper_s():
    plan = recipe.read("paper")
    assert plan == recipe.read("recipes/paper.toml")
    assert plan == recipe.parse(toml.locate("paper").read_text(encoding="utf-8"), "paper")
    assert plan.name == "paper"
    assert plan.patches.size == 24
    assert plan.patches.scaling == "min-max"
    assert plan.features.name == "sparse_autoencoder"
    assert plan.features.options.units == 250
    assert plan.head.name == "softmax"


@pytest.mark.parametrize(
    ("old", "new", "error", "told"),
    [
        ("units = 9", "unit = 9", RecipeError, r"here: \[features\].*unknown key 'unit'"),
        ("units = 9", "units = 0", RecipeError, "units must be 1"),
        ("units = 9", "units = 2.5", RecipeError, "units must be int"),
        ("units = 9", "rho = 1", RecipeError, "rho must lie between"),
        ("units = 9", "beta = nan", RecipeError, "beta"),
        ("units = 9", "iterations = 0", RecipeError, "iterations"),
        ("C = [1, 0.5]", "C = []", RecipeError, "C must be"),
        ("C = [1, 0.5]", "C = [0.0]", RecipeError, "C must be"),
        ("C = [1, 0.5]", "standardise = []", RecipeError, "standardise"),
        ("C = [1, 0.5]", "inner_folds = 1", RecipeError, "inner_folds"),
        ("seed = 5", "seed = -1", RecipeError, "seed must be"),
        ("seed = 5", "", RecipeError, "'seed' is missing"),
        ("seed = 5", "seed = 5\ncolour = 1", RecipeError, "unknown key 'colour'"),
        ('"small"', '"a/b"', RecipeError, "name must be a word"),
        ('"softmax"', '"softmx"', UnknownPartError, "did you mean softmax"),
        ('name = "softmax"', "", RecipeError, r"\[head\].*'name' is missing.*softmax"),
        ("[patches]", "[augmentation]\ncopies = -1\n[patches]", RecipeError, "copies must be"),
        ("[patches]", "[augmentation]\nshift = 0.9\n[patches]", RecipeError, "shift and scale"),
        ("[patches]", "[augmentation]\nrotation = 90\n[patches]", RecipeError, "rotation must be"),
        ("[patches]", "[fine_tuning]\nbatch = 0\n[patches]", RecipeError, "fine_tuning: steps .* batch"),
        ("[patches]", "[patches]\nscaling = 'local'", RecipeError, "scaling must be one of"),
        ("[patches]", "[patches", RecipeError, "not valid TOML"),
    ],
)
def test_mistakes_are_named(old, new, error, told):
    with pytest.raises(error, match=told):
        recipe.parse(TEXT.replace(old, new, 1), "here")

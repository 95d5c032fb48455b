"""Recipes: strict in, exact out."""

import tomllib
from dataclasses import dataclass, field, make_dataclass
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien import pipeline, recipe
from mien.errors import RecipeError, UnknownPartError, UsageError


@dataclass(frozen=True)
class Inner:
    depth: int = 1


@dataclass(frozen=True)
class Options:
    size: int = 24
    margin: float = 1.0
    name: str = "a"
    on: bool = False
    how: Literal["fast", "exact"] = "fast"
    steps: tuple[float, ...] = (1.0, 2.0)
    inner: Inner = field(default_factory=Inner)
    free: dict[str, Any] = field(default_factory=dict)
    perhaps: int | None = None

    def __post_init__(self):
        if self.size < 0:
            raise ValueError(f"size must be 0 or more, not {self.size}")


@dataclass(frozen=True)
class Needs:
    seed: int


def made(text):
    return recipe.options(Options, recipe.parse(text, "r.toml"), "r.toml")


def test_nothing_given_is_the_defaults():
    assert made("") == Options()


def test_everything_given():
    text = """
    size = 3
    margin = 2
    name = "b"
    on = true
    how = "exact"
    steps = [1, 2.5]
    perhaps = 4
    [inner]
    depth = 5
    [free]
    any = ["thing"]
    """
    assert made(text) == Options(3, 2.0, "b", True, "exact", (1.0, 2.5), Inner(5), {"any": ["thing"]}, 4)
    assert type(made("margin = 2").margin) is float
    assert [type(step) for step in made("steps = [1, 2]").steps] == [float, float]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sise = 3", "r.toml: unknown key 'sise'; known: size, margin"),
        ("size = 1.5", "size must be int, not 1.5"),
        ("size = '3'", "size must be int, not '3'"),
        ("size = true", "size must be int, not True"),
        ("margin = true", "margin must be float, not True"),
        ("margin = 'wide'", "margin must be float, not 'wide'"),
        ("margin = nan", "margin must be a number, not nan"),
        ("margin = 9" + 400 * "9", "margin must be float, not 999"),
        ("name = 3", "name must be str, not 3"),
        ("on = 1", "on must be bool, not 1"),
        ("how = 'slow'", "how must be one of 'fast', 'exact', not 'slow'"),
        ("steps = 1", "steps must be a list, not 1"),
        ("steps = ['a']", "steps must be float, not 'a'"),
        ("inner = 3", "inner must be a table, not 3"),
        ("inner = {depht = 3}", "r.toml: inner: unknown key 'depht'; known: depth"),
        ("inner = {depth = 'x'}", "r.toml: inner: depth must be int, not 'x'"),
        ("free = []", "free must be a table"),
        ("perhaps = 'x'", "perhaps must be int, not 'x'"),
        ("size = -1", "r.toml: size must be 0 or more, not -1"),
        ("size = ", "r.toml: not valid TOML"),
    ],
)
def test_what_is_wrong_is_named(text, expected):
    with pytest.raises(RecipeError) as caught:
        made(text)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_one_is_not_true_in_a_choice():
    choice = make_dataclass("Choice", [("n", Literal[1, 2], 1)], frozen=True)
    assert recipe.options(choice, {"n": 2}, "r").n == 2
    for wrong in (True, 1.0, [1]):
        with pytest.raises(RecipeError, match="must be one of 1, 2"):
            recipe.options(choice, {"n": wrong}, "r")


def test_a_key_without_a_default_must_be_given():
    assert recipe.options(Needs, {"seed": 3}, "r").seed == 3
    with pytest.raises(RecipeError, match="r: key 'seed' is missing"):
        recipe.options(Needs, {}, "r")


def test_files(tmp_path):
    path = tmp_path / "ä.toml"
    path.write_text("[a]\nb = 1 # ü\n", encoding="utf-8")
    assert recipe.read(path) == ({"a": {"b": 1}}, "[a]\nb = 1 # ü\n")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(RecipeError, match="cannot read the recipe"):
        recipe.read(path)
    with pytest.raises(RecipeError, match="cannot read the recipe"):
        recipe.read(tmp_path)
    with pytest.raises(RecipeError, match="cannot read the recipe"):
        recipe.read(tmp_path / "none.toml")


def test_locate(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "SHIPPED", tmp_path / "mien" / "recipes")
    shipped = tmp_path / "mien" / "recipes" / "quick.toml"
    shipped.parent.mkdir(parents=True)
    shipped.write_text("")
    own = tmp_path / "own.toml"
    own.write_text("")
    assert recipe.locate(own) == own
    assert recipe.locate(str(own)) == own
    for name in ("quick", "recipes/quick.toml"):
        assert recipe.locate(name).samefile(shipped)
    for name in ("quack", "recipes", "", "x" * 300, str(tmp_path)):
        with pytest.raises(UnknownPartError, match=r"no such recipe file.*shipped: quick$"):
            recipe.locate(name)


def test_a_file_of_ones_own_goes_before_a_shipped_one(tmp_path, monkeypatch):
    monkeypatch.setattr(recipe, "SHIPPED", tmp_path / "mien" / "recipes")
    (tmp_path / "mien" / "recipes").mkdir(parents=True)
    (tmp_path / "mien" / "recipes" / "a.toml").write_text("")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "a.toml").write_text("")
    assert recipe.locate("recipes/a.toml").resolve() == tmp_path / "recipes" / "a.toml"


def test_sections():
    assert recipe.section({"a": {"b": 1}}, "a", "r") == {"b": 1}
    assert recipe.section({}, "a", "r") == {}
    with pytest.raises(RecipeError, match="r: a must be a table, not 3"):
        recipe.section({"a": 3}, "a", "r")


def test_parts():
    part = recipe.part("faces.track", {"max_gap": 2}, "overlap", "r")
    assert (part.room, part.name, part.options.max_gap) == ("faces.track", "overlap", 2.0)
    assert part.build() is not part.build()
    with pytest.raises(UnknownPartError, match="did you mean overlap"):
        recipe.part("faces.track", {"name": "overlapp"}, "overlap", "r")
    with pytest.raises(RecipeError, match="name must be a text, not 3"):
        recipe.part("faces.track", {"name": 3}, "overlap", "r")
    with pytest.raises(RecipeError, match="unknown key 'gap'"):
        recipe.part("faces.track", {"gap": 3}, "overlap", "r")


finite = st.floats(allow_nan=False)
values = st.builds(
    Options,
    size=st.integers(0, 2**62),
    margin=finite,
    name=st.text(st.characters(exclude_categories=["Cs"])),
    on=st.booleans(),
    how=st.sampled_from(["fast", "exact"]),
    steps=st.lists(finite).map(tuple),
    inner=st.builds(Inner, st.integers(-9, 9)),
    free=st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 9) | st.booleans()),
    perhaps=st.none() | st.integers(0, 5),
)


@given(values)
def test_what_is_dumped_is_read_back(options):
    text = recipe.dump({"x": options, "y": recipe.Part("room", 'na"me\x7f', Inner(2))})
    tables = tomllib.loads(text)
    assert recipe.options(Options, tables["x"], "r") == options
    assert tables["y"] == {"name": 'na"me\x7f', "depth": 2}


@pytest.mark.parametrize("detect", ["threshold = 0.4", "name = 'haar'\nsecond_opinion = 0"])
def test_the_analysis_recipe_comes_back_from_its_own_text(tmp_path, detect):
    path = tmp_path / "r.toml"
    path.write_text(f"[track]\nmax_gap = inf\n[smoothing]\nseconds = 0.3\n[detect]\n{detect}\n")
    read = pipeline.read_recipe(path)
    assert (read.track.options.max_gap, read.smoothing.seconds) == (float("inf"), 0.3)
    path.write_text(read.text)
    assert pipeline.read_recipe(path) == read


def test_every_shipped_recipe_is_toml():
    shipped = sorted(recipe.SHIPPED.glob("*.toml"))
    assert shipped
    for path in shipped:
        assert recipe.read(path)[0]


def test_errors_are_usage_errors():
    assert issubclass(RecipeError, UsageError)
    assert issubclass(UnknownPartError, UsageError)

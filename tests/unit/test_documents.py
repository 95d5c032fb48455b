"""The documents say what is: generated pages are fresh, links lead somewhere, every dependency is argued for."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

from mien import pipeline

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md"), *ROOT.glob("cards/*.md")])


def test_the_command_line_page_is_the_commands_own_help():
    spec = importlib.util.spec_from_file_location("make_cli", ROOT / "docs" / "make_cli.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    assert (ROOT / "docs" / "cli.md").read_text(encoding="utf-8") == made.text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8"))
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_gap_was_left_to_fill_in(page):
    assert re.findall(r"[A-Z]+_HERE|TODO|FIXME|XXX", page.read_text(encoding="utf-8")) == []


def test_every_dependency_is_argued_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = [name for group in project["optional-dependencies"].values() for name in group]
    names = [re.split(r"[<>=]", name)[0] for name in [*project["dependencies"], *extras]]
    reasons = (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8")
    assert [name for name in names if name not in reasons] == []


@pytest.mark.parametrize("name", ["analyze", "viola_jones"])
def test_a_shipped_analysis_recipe_spells_out_the_defaults_of_its_parts(name):
    read = pipeline.read_recipe(name)
    assert tomllib.loads((ROOT / f"src/mien/recipes/{name}.toml").read_text(encoding="utf-8")) == tomllib.loads(
        read.text
    )
    assert all(part.options == type(part.options)() for part in (read.detect, read.follow, read.track))
    for settings in (read.shots, read.smoothing, read.baseline, read.abstention):
        assert settings == type(settings)()


def test_every_shipped_model_and_network_has_a_card_and_a_recipe():
    shipped = ROOT / "src/mien/weights"
    for weights in shipped.rglob("*.onnx"):
        card = ROOT / "cards" / f"{weights.stem}.md"
        assert card.is_file()
        assert "FIGURE" not in card.read_text(encoding="utf-8")  # where one is still to be filled in
        assert (ROOT / "src/mien/recipes" / weights.relative_to(shipped)).with_suffix(".toml").is_file()

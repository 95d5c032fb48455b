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


def test_the_shipped_analysis_recipe_spells_out_the_defaults():
    text = (ROOT / "src/mien/recipes/analyze.toml").read_text(encoding="utf-8")
    assert pipeline.read_recipe("analyze").text == pipeline.read_recipe().text
    spelled = tomllib.loads(text)
    effective = tomllib.loads(pipeline.read_recipe().text)
    assert spelled == effective


def test_every_shipped_model_has_a_card_and_a_recipe():
    for weights in (ROOT / "src/mien/weights").glob("*.onnx"):
        assert (ROOT / "cards" / f"{weights.stem}.md").is_file()
        assert (ROOT / "src/mien/recipes" / f"{weights.stem}.toml").is_file()

"""Figures of the bench in a model card: which stand where, what counts as held out, what is refused."""

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from mien import modelfile
from mien.errors import DataError
from mien.labels import EXPRESSIONS, LabelSet

ROOT = Path(__file__).parents[2]
MARKED = "# Card\n<!-- figures: begin -->\n(not measured yet)\n<!-- figures: end -->\nafter\n"


@pytest.fixture(scope="module")
def card():
    sys.path.insert(0, str(ROOT))
    yield importlib.import_module("benchmarks.expressions.card")
    sys.path.remove(str(ROOT))


@pytest.fixture
def file(tiny_model):
    read = modelfile.read(tiny_model)
    made = {"temperature": 1.25, "faces": 70, "nll_before": 0.9, "nll_after": 0.8}
    labels = LabelSet(EXPRESSIONS, ("AU10", "AU12", "AU25"))
    return replace(read, meta=replace(read.meta, labels=labels, notes={"figures": {"calibration": made}}))


def row(part, where, measure, value, model="tiny", held_out="some", bounds=(0.1, 0.9)):
    low, high = bounds if held_out else (None, None)
    return {"part": part, "model": model, "where": where, "measure": measure, "value": value, "low": low,
            "high": high, "held_out": held_out}  # fmt: skip


def figures(path, sha, extra=()):
    seen, units = "FER+ validation, aligned", "ckplus subject-10fold, all coded faces"
    redone, kept = {"value": 0.5, "low": 0.4, "high": 0.6}, {"value": 0.25, "low": 0.2, "high": 0.3}
    level = {"sweep": "occlusion", "model": "tiny", "redone": redone, "kept": kept, "missed": 0.1}
    document = {
        "models": {"tiny": {"sha256": sha, "name": "tiny"}},
        "rows": [
            row("validation", seen, "accuracy", 0.8),
            row("validation", seen, "ece", 0.031),
            row("validation", seen, "aurc", 0.06),
            row("validation", seen, "accuracy_at_80", 0.95),
            row("validation", seen, "accuracy_at_90", 0.9),
            row("validation", seen, "recall fear (57 faces)", 0.42),
            row("validation", seen, "accuracy", 0.385, "always majority", ""),
            row("validation", "FER+ validation, plain box", "accuracy", 0.7),
            row("validation", seen, "accuracy", 0.3, "other"),
            row("held-out", units, "auc AU12 (80 of 920 faces)", 0.97),
            row("held-out", units, "f1 AU12 (80 of 920 faces)", 0.82),
            row("held-out", units, "auc AU10 (15 of 920 faces)", 0.88),
            row("robustness", "all sweeps", "mean accuracy over levels", 0.6),
            row("speed", "1 face on one core", "ms, median", 1.5, held_out=""),
            row("speed", "two runs of 8 faces", "same bits", 1.0, held_out=""),
            *extra,
        ],
        "curves": {"tiny": {"confused": [{"truth": "fear", "answer": "surprise", "faces": 9, "share": 0.25}]}},
        "robustness": {"faces": 50, "levels": [{**level, "level": k} for k in ("none", "mouth")]},
    }
    path.write_text(json.dumps(document))
    return path


def line(text, start):
    """The cells of the only row of a table that begins so."""
    (found,) = [one for one in text.splitlines() if one.startswith(f"| {start} |")]
    return [cell.strip() for cell in found.strip("|").split("|")]


def test_every_kind_of_figure_has_its_row(card, file, tmp_path):
    text = card.text(card.read([figures(tmp_path / "f.json", file.sha256)], file))
    assert "| accuracy | 0.800 [0.100, 0.900] | yes | 0.300 [0.100, 0.900] | 0.385 |" in text
    assert line(text, "FER+ validation, plain box | accuracy")[-1] == "0.385"  # the same faces
    assert line(text, "FER+ validation, aligned | fear")[2:] == ["57", "0.420 [0.100, 0.900]", "yes"]
    assert line(text, "AU12 lip corner puller | ")[2:4] == ["80", "920"]
    assert line(text, "AU10 upper lip raiser | not enough data")[2] == "15"
    assert line(text, "AU25 lips part | not enough data")[2:] == ["–"] * 7
    assert line(text, "AU11 nasolabial deepener | not modelled")[2:] == ["–"] * 7
    assert line(text, "kept out for calibration, 70 faces | log loss of expressions, nats")[2:] == [
        "0.900", "0.800", "no",
    ]  # fmt: skip
    assert "Temperature: 1.250." in text
    assert line(text, "FER+ validation, aligned | 0.950 [0.100, 0.900]")[2][:5] == "0.900"
    occluded = line(text, "occlusion (what is hidden; blocks: 30 %)")
    assert occluded[1:3] == ["none: 0.50 [0.40, 0.60]", "mouth: 0.50 [0.40, 0.60]"]
    assert occluded[-4:] == ["0.50", "0.25", "0.10", "yes"]
    assert line(text, "fear | surprise")[2:] == ["9", "25.0%"]
    assert "same bits: yes" in text


def test_faces_that_a_recipe_was_chosen_by_or_that_were_learned_from_are_not_held_out(card, file, tmp_path):
    path = figures(tmp_path / "f.json", file.sha256, [row("unseen", "CK+, six and neutral", "accuracy", 1.0)])
    text = card.text(card.read([path], file, ["validation"]))
    assert line(text, "FER+ validation, aligned | fear")[-1] == "no"
    assert line(text, "AU12 lip corner puller | ")[-1] == "yes"
    assert "CK+, six and neutral | accuracy | 1.000 [0.100, 0.900] | yes" in text
    learned = replace(file, meta=replace(file.meta, notes={"trained_on": [{"data": "ferplus+ckplus"}]}))
    text = card.text(card.read([path], learned))
    assert "CK+, six and neutral | accuracy | 1.000 [0.100, 0.900] | no" in text
    assert "Not calibrated" in text


def test_later_figures_count(card, file, tmp_path):
    first = figures(tmp_path / "a.json", file.sha256)
    again = [row("validation", "FER+ validation, aligned", "accuracy", 0.875)]
    text = card.text(card.read([first, figures(tmp_path / "b.json", file.sha256, again)], file))
    assert "| accuracy | 0.875 [" in text
    assert "| accuracy | 0.800 [" not in text


def test_figures_of_another_file_are_refused(card, file, tmp_path):
    with pytest.raises(DataError, match="figures of another file, sha256 abc, of 'tiny'"):
        card.read([figures(tmp_path / "f.json", "abc")], file)
    with pytest.raises(DataError, match="has no figures of 'other'"):
        card.read([figures(tmp_path / "f.json", file.sha256)], replace(file, meta=replace(file.meta, name="other")))
    (tmp_path / "no.json").write_text("[]")
    with pytest.raises(DataError, match=r"no\.json: no figures of"):
        card.read([tmp_path / "no.json"], file)


def test_only_what_is_between_the_marks_is_rewritten(card, tiny_model, tmp_path, monkeypatch):
    path = tmp_path / "card.md"
    path.write_text(MARKED)
    made = figures(tmp_path / "f.json", modelfile.read(tiny_model).sha256)
    monkeypatch.setattr(sys, "argv", ["card", str(made), "--card", str(path), "--model", str(tiny_model)])
    card.main()
    once = path.read_text()
    assert once.startswith("# Card\n<!-- figures: begin -->\nMeasured with the file")
    assert once.endswith("\n<!-- figures: end -->\nafter\n")
    card.main()
    assert path.read_text() == once
    for broken in ("no marks", MARKED + MARKED, "<!-- figures: end --><!-- figures: begin -->"):
        path.write_text(broken)
        with pytest.raises(SystemExit, match="must hold <!-- figures: begin -->"):
            card.main()
        assert path.read_text() == broken

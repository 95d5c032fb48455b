"""Figures of action units, their table, and their part of metrics.json and of the report."""

import dataclasses
import json

import numpy as np
import pytest

from mien.data.dataset import Dataset, Item
from mien.errors import DataError
from mien.evaluate import action_units, intervals, predictions, report, summary, unit_predictions, unit_section
from mien.evaluate.unit_predictions import Part
from mien.labels import LabelSet

SETTING = predictions.Setting("small", "ab" * 32, "squares", "cd" * 32, "subject-10fold", True, False, "", "9.9", 4)
UNITS = ("AU01", "AU12", "AU22", "AU25")  # AU22 is coded, shown by nobody, and unknown to the model
KNOWN = ("AU12", "AU25", "AU01", "AU26")  # AU26 is known to the model and not coded


def coded(n=120):
    random = np.random.default_rng(2)
    truth = np.stack([random.random(n) < share for share in (0.05, 0.4, 0.0, 0.5)], axis=1)
    truth[:3, 0] = True
    items = tuple(
        Item(f"i{k:03}", f"s{k // 6:02}", f"q{k}", 0, "neutral" if k % 7 else None,
             tuple(int(v) for v in truth[k]) if k % 10 else None, lambda: np.zeros((8, 8), np.uint8))
        for k in range(n)
    )  # fmt: skip
    return Dataset("squares", items, LabelSet(("happiness", "neutral")), UNITS), truth


@pytest.fixture(scope="module")
def table():
    data, truth = coded()
    random = np.random.default_rng(3)
    shown = truth[:, [1, 3, 0, 0]]
    scores = 1 / (1 + np.exp(-(random.normal(size=shown.shape) + 2 * shown - 1)))
    parts = [Part(data.items[:60], 0, KNOWN, scores[:60]), Part(data.items[60:], 1, KNOWN, scores[60:])]
    return unit_predictions.gathered(parts, data, SETTING)


def test_coded_faces_are_gathered_under_the_data_s_units(table):
    data, truth = coded()
    rows = [k for k, item in enumerate(data.items) if item.action_units is not None]
    assert table.units == UNITS
    assert table.item.tolist() == [data.items[k].name for k in rows]
    np.testing.assert_array_equal(table.truth, truth[rows])
    assert np.isnan(table.probabilities[:, 2]).all()
    assert np.isfinite(table.probabilities[:, [0, 1, 3]]).all()
    assert set(table.fold.tolist()) == {0, 1}


def test_no_units_or_no_codes_give_no_table():
    data, _ = coded()
    assert unit_predictions.gathered([Part(data.items, 0, (), np.zeros((120, 0)))], data, SETTING) is None
    assert unit_predictions.gathered([], data, SETTING) is None
    uncoded = [dataclasses.replace(item, action_units=None) for item in data.items]
    assert unit_predictions.gathered([Part(uncoded, 0, KNOWN, np.zeros((120, 4)))], data, SETTING) is None


def test_coded_faces_without_an_expression_belong_to_people_who_are_scored_and_unknown():
    data, _ = coded()
    found = unit_predictions.unlabelled(data, {"s01", "s02"}, {"s02"})
    assert {item.subject for item in found} == {"s01"}
    assert [item.expression for item in found] == [None] * len(found)
    assert found
    assert all(item.action_units is not None for item in found)


def test_the_table_survives_its_file_bit_by_bit(table, tmp_path):
    unit_predictions.write(tmp_path / "u.parquet", table)
    found = unit_predictions.read(tmp_path / "u.parquet")
    assert (found.units, found.setting) == (table.units, table.setting)
    for name in ("item", "subject", "fold", "truth", "probabilities"):
        np.testing.assert_array_equal(getattr(found, name), getattr(table, name))


def test_columns_are_those_of_the_contract(table, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    unit_predictions.write(tmp_path / "u.parquet", table)
    read = parquet.read_table(tmp_path / "u.parquet")
    wanted = [name for unit in UNITS for name in (f"{unit}_truth", unit)]
    assert read.column_names == ["item", "subject", "fold", *wanted]
    assert read["AU22"].null_count == read.num_rows
    assert read["AU12"].null_count == 0


def test_another_table_is_refused(table, tmp_path):
    with pytest.raises(DataError, match="not a table of action units"):
        unit_predictions.read(tmp_path / "none.parquet")
    unit_predictions.write(tmp_path / "u.parquet", table)
    with pytest.raises(DataError, match="not a table of predictions"):
        predictions.read(tmp_path / "u.parquet")


def test_figures_by_hand():
    truth = np.array([True, True, False, False, False])
    scores = np.array([0.9, 0.4, 0.5, 0.1, 0.2])  # one hit, one miss, one false alarm (0.5 is declared)
    weights = intervals.draws(np.array(list("abcde")), 10)
    found = {name: m.value for name, m in action_units.measured(truth, scores, weights).items()}
    assert found["f1"] == pytest.approx(0.5)
    assert found["balanced_accuracy"] == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert found["f1_skew_normalised"] == pytest.approx(2 * 0.5 / (1 + 0.5 + 1 / 3))
    assert found["auc"] == pytest.approx(5 / 6)


def test_skew_normalised_f1_does_not_depend_on_how_many_show_nothing():
    truth = np.array([True] * 4 + [False] * 4)
    scores = np.array([0.9, 0.8, 0.7, 0.1, 0.9, 0.1, 0.2, 0.3])
    once = intervals.draws(np.arange(8).astype(str), 5)
    more = np.r_[np.arange(8), np.tile(np.arange(4, 8), 5)]
    often = intervals.draws(np.arange(len(more)).astype(str), 5)
    few, many = action_units.measured(truth, scores, once), action_units.measured(truth[more], scores[more], often)
    assert many["f1"].value < few["f1"].value
    assert many["f1_skew_normalised"].value == pytest.approx(few["f1_skew_normalised"].value)
    assert few["f1_skew_normalised"].value == pytest.approx(few["f1"].value)  # as many of both


def test_resamples_equal_the_figures_of_the_repeated_faces():
    random = np.random.default_rng(4)
    truth, scores = random.random(50) < 0.3, random.random(50).round(1)
    weights = intervals.draws(np.array([f"s{k % 9}" for k in range(50)]), 15, 2)
    found = action_units.measured(truth, scores, weights)
    for r in range(15):
        again = np.repeat(np.arange(50), weights[r].astype(int))
        alone = action_units.measured(truth[again], scores[again], np.ones((1, len(again))))
        for name, m in found.items():
            assert m.resampled[r] == pytest.approx(alone[name].value, nan_ok=True), name


def test_probabilities_that_are_none_are_refused(table):
    truth, weights = np.array([True, False]), np.ones((1, 2))
    for wrong in (1.5, np.nan):
        with pytest.raises(ValueError, match=r"must be in \[0, 1\]"):
            action_units.measured(truth, np.array([0.5, wrong]), weights)
    wrong_table = dataclasses.replace(table, probabilities=table.probabilities + 1)
    with pytest.raises(DataError, match="action units of squares"):
        action_units.summarise(wrong_table, 10)


@pytest.mark.parametrize("yes", [True, False])
def test_constant_answers_are_what_the_figures_say_of_them(yes):
    truth = np.array([True] * 3 + [False] * 9)
    found = action_units.measured(truth, np.full(12, float(yes)), np.ones((1, 12)))
    constant = action_units.constant(12, 3, yes=yes)
    for name, value in constant.items():
        assert found[name].value == pytest.approx(value), name
    assert set(constant) == set(action_units.FIGURES) - {"auc"}


def test_rare_units_have_figures_but_do_not_count_in_the_means(table):
    s = action_units.summarise(table, 50)
    by = {unit.unit: unit for unit in s.units}
    assert s.meant == ("AU12", "AU25")
    assert 0 < by["AU01"].positives < action_units.FEWEST
    assert by["AU01"].figures
    assert not by["AU01"].counts
    assert (by["AU22"].modelled, by["AU22"].figures, by["AU22"].positives) == (False, {}, 0)
    for name in action_units.FIGURES:
        wanted = np.mean([by[unit].figures[name].value for unit in s.meant])
        assert s.means[name].value == pytest.approx(wanted)
        assert s.means[name].low <= wanted <= s.means[name].high
    wanted = np.mean([by[unit].baselines["always_yes"]["f1"] for unit in s.meant])
    assert s.baselines["always_yes"]["f1"] == pytest.approx(wanted)


def test_a_unit_that_some_folds_models_lack_counts_where_it_is_known(table):
    probabilities = table.probabilities.copy()
    probabilities[table.fold == 0, 1] = np.nan
    s = action_units.summarise(dataclasses.replace(table, probabilities=probabilities), 20)
    assert s.units[1].items == (table.fold == 1).sum()
    assert s.units[1].positives == table.truth[table.fold == 1, 1].sum()


def test_too_few_faces_for_any_mean_and_for_one_person(table):
    few = dataclasses.replace(
        table, item=table.item[:20], subject=table.subject[:20], fold=table.fold[:20], truth=table.truth[:20],
        probabilities=table.probabilities[:20],
    )  # fmt: skip
    s = action_units.summarise(few, 20)
    assert (s.meant, s.means, s.baselines) == ((), {}, {})
    assert unit_section.TOO_LITTLE in unit_section.html(s)
    with pytest.raises(DataError, match="two subjects"):
        action_units.summarise(dataclasses.replace(table, subject=np.array(["s"] * len(table.item))), 20)


def whole(table):
    n = 60
    return predictions.Predictions(
        labels=("happiness", "neutral"),
        item=np.array([f"i{k:03}" for k in range(n)]),
        subject=np.array([f"s{k // 6}" for k in range(n)]),
        fold=np.zeros(n, np.intp),
        truth=np.arange(n) % 2,
        probabilities=np.random.default_rng(0).dirichlet([1, 1], n),
        setting=SETTING,
        action_units=table,
    )


def test_metrics_and_report_tell_of_action_units_where_there_are_any(table):
    s = summary.summarise(whole(table), 50)
    told = json.loads(summary.as_json(s))["action_units"]
    assert told["meant"] == ["AU12", "AU25"]
    assert told["units"]["AU22"]["enough_data"] is False
    assert told["units"]["AU12"]["auc"]["value"] == s.action_units.units[1].figures["auc"].value
    assert told["always_yes"]["f1_skew_normalised"] == pytest.approx(2 / 3)
    page = report.html(s)
    for wanted in ("By action unit", "lip corner puller", "Mean of 2", "the model does not give it",
                   f"{s.action_units.means['auc'].value:.3f}", "action_units.parquet"):  # fmt: skip
        assert wanted in page, wanted
    without = summary.summarise(whole(None), 50)
    assert "action_units" not in json.loads(summary.as_json(without))
    assert "By action unit" not in report.html(without)


def test_metrics_and_report_tell_how_right_the_surest_answers_are(table):
    s = summary.summarise(whole(table), 50)
    told = json.loads(summary.as_json(s))
    assert told["selective"]["accuracy_at_80"]["value"] == s.selective["accuracy_at_80"].value
    assert told["selective"]["risk_coverage"][-1] == [1.0, pytest.approx(1 - told["accuracy"]["value"], abs=1e-6)]
    assert "accuracy of the surest answers" in report.html(s).lower()

import dataclasses
import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from mien.errors import DataError, OutputError
from mien.evaluate import charts, metrics, predictions, report, summary

SETTING = predictions.Setting(
    model="small",
    model_sha256="ab" * 32,
    data="squares",
    data_fingerprint="cd" * 32,
    protocol="subject-10fold",
    retrained=True,
    synthetic=False,
    terms="for <research>",
    mien_version="9.9",
    seed=4,
)
LABELS = ("anger", "happiness", "neutral")


def predicted(n=60, **changes):
    random = np.random.default_rng(0)
    truth = np.array([0, 1, 2, 2, 2, 2] * (n // 6))
    raised = np.exp(random.normal(size=(n, 3)) + 2 * np.eye(3)[truth])
    setting = dataclasses.replace(SETTING, **changes)
    return predictions.Predictions(
        labels=LABELS,
        item=np.array([f"i{k:03}" for k in range(n)]),
        subject=np.array([f"s{k // 6}" for k in range(n)]),
        fold=np.arange(n) // 12,
        truth=truth,
        probabilities=raised / raised.sum(axis=1, keepdims=True),
        setting=setting,
    )


def test_predictions_survive_the_file_bit_by_bit(tmp_path):
    written = predicted()
    predictions.write(tmp_path / "p.parquet", written)
    found = predictions.read(tmp_path / "p.parquet")
    assert (found.labels, found.setting) == (LABELS, SETTING)
    for name in ("item", "subject", "fold", "truth", "probabilities"):
        np.testing.assert_array_equal(getattr(found, name), getattr(written, name))


def test_columns_are_those_of_the_contract(tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    predictions.write(tmp_path / "p.parquet", predicted())
    table = parquet.read_table(tmp_path / "p.parquet")
    assert table.column_names == ["item", "subject", "fold", "truth", *LABELS]
    assert table["truth"].to_pylist()[:3] == ["anger", "happiness", "neutral"]
    assert {str(table.schema.field(label).type) for label in LABELS} == {"double"}


@pytest.mark.parametrize("content", [b"", b"PAR1 nothing PAR1", b"PAR1" + bytes(40) + b"\4\0\0\0PAR1"])
def test_a_damaged_table_is_refused(tmp_path, content):
    path = tmp_path / "p.parquet"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"p\.parquet: not a table of predictions"):
        predictions.read(path)


def test_a_missing_table_and_a_foreign_one_are_refused(tmp_path):
    with pytest.raises(DataError, match="not a table"):
        predictions.read(tmp_path / "none.parquet")
    parquet = pytest.importorskip("pyarrow.parquet")
    pyarrow = pytest.importorskip("pyarrow")
    parquet.write_table(pyarrow.table({"a": [1]}), tmp_path / "foreign.parquet")
    with pytest.raises(DataError, match="not a table"):
        predictions.read(tmp_path / "foreign.parquet")


def test_no_folder_to_write_to(tmp_path):
    with pytest.raises(OutputError, match="does not exist"):
        predictions.write(tmp_path / "none" / "p.parquet", predicted())


@pytest.fixture(scope="module")
def figures():
    return summary.summarise(predicted(), resamples=200)


def test_every_figure_of_the_contract_with_bounds_and_majority(figures):
    found = json.loads(summary.as_json(figures))
    assert found["n"] == 60
    assert found["subjects"] == 10
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "macro_auc", "ece", "nll"):
        assert found[name]["low"] <= found[name]["high"]
        assert found[name]["value"] == pytest.approx(
            metrics.MEASURES[name](predicted().truth, predicted().probabilities)
        )
        assert set(found["majority"][name]) == {"value", "low", "high"}
    assert found["majority"]["accuracy"]["value"] == pytest.approx(4 / 6)
    assert found["majority"]["balanced_accuracy"]["value"] == pytest.approx(1 / 3)
    assert found["shuffled"]["balanced_accuracy"]["value"] < found["balanced_accuracy"]["low"]
    assert np.sum(found["confusion"]) == 60
    assert found["classes"]["neutral"]["n"] == 40
    assert found["setting"]["protocol"] == "subject-10fold"


def test_figures_are_the_same_every_time_and_follow_the_table(figures):
    assert summary.as_json(summary.summarise(predicted(), resamples=200)) == summary.as_json(figures)
    other = dataclasses.replace(predicted(), probabilities=predicted().probabilities[::-1].copy())
    assert summary.as_json(summary.summarise(other, resamples=200)) != summary.as_json(figures)


def test_no_value_is_null_and_not_nan():
    p = predicted()
    only_two = dataclasses.replace(p, truth=np.minimum(p.truth, 1))  # nobody shows the third label
    found = json.loads(summary.as_json(summary.summarise(only_two, resamples=20)))
    assert found["classes"]["neutral"]["recall"] == {"value": None, "low": None, "high": None}
    report.html(summary.summarise(only_two, resamples=20))


def test_one_subject_gives_no_interval_and_says_so():
    with pytest.raises(DataError, match=r"squares: .*two subjects"):
        summary.summarise(dataclasses.replace(predicted(), subject=np.array(["s"] * 60)))


def test_report_shows_the_figures_and_loads_nothing(figures):
    page = report.html(figures)
    assert page == report.html(figures)
    for wanted in (
        f"{figures.figures['balanced_accuracy'].value:.3f}",
        f"[{figures.figures['macro_f1'].low:.3f}, {figures.figures['macro_f1'].high:.3f}]",
        f"{figures.baselines['majority']['accuracy'].value:.3f}",
        "Always the majority",
        "ten groups",
        "for &lt;research&gt;",
        "what a person feels",
        "ab" * 32,
    ):
        assert wanted in page, wanted
    for foreign in ("http:", "https:", "<script", "<link", "@import", "url(", "src="):
        assert foreign not in page
    assert "SYNTHETIC" not in page
    assert "LEAK" not in page


def test_synthetic_figures_are_marked_where_nobody_can_miss_it():
    page = report.html(summary.summarise(predicted(synthetic=True), resamples=20))
    assert page.index("SYNTHETIC") < page.index("Overall")
    assert "(synthetic)</title>" in page


def test_a_split_that_leaks_is_marked_and_one_as_is_explained():
    assert "LEAK ON PURPOSE" in report.html(summary.summarise(predicted(protocol="paper-split"), resamples=20))
    page = report.html(summary.summarise(predicted(protocol="as-is", retrained=False), resamples=20))
    assert "as it stands" in page
    assert "not trained anew" in page


def test_charts_are_well_formed_and_hold_the_numbers():
    table = np.array([[5, 1], [0, 7]])
    drawn = ET.fromstring(charts.confusion(table, ("a<b", "c&d")))
    texts = [e.text for e in drawn.iter() if e.tag.endswith("text")]
    assert [t for t in texts if t.isdigit()] == ["5", "1", "0", "7"]
    assert "a<b" in texts
    rows = np.array([[0.4, 0.5, 3], [0.9, 1.0, 3]])
    circles = [e for e in ET.fromstring(charts.reliability(rows)).iter() if e.tag.endswith("circle")]
    assert len(circles) == 2


def test_white_on_dark_and_ink_on_light():
    drawn = ET.fromstring(charts.confusion(np.array([[9, 0], [0, 9]]), ("a", "b")))
    cells = [(e[1].get("fill"), e[2].get("fill")) for e in drawn if e.tag.endswith("g")]
    assert cells[0] == ("rgb(8,48,107)", "#fff")
    assert cells[1] == ("rgb(255,255,255)", charts.INK)


def test_report_names_the_model_that_every_fold_began_with():
    page = report.html(summary.summarise(predicted(start="wi<ld"), resamples=20))
    assert "each began with wi&lt;ld, which has not seen these faces" in page
    assert "each began with" not in report.html(summary.summarise(predicted(), resamples=20))

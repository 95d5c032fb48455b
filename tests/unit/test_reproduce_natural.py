"""Fig. 1 in small, and on the research photographs where they are."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from mien.data import photographs
from mien.data.photographs import Photographs
from mien.data.synthetic import leaves
from mien.errors import DataError
from mien.reproduce import natural, results

SMALL = natural.Sizes(
    steps=60_000, units=6, patches=5000, batch_units=5, batch_patches=1500, iterations=60, heldout=500
)


def drawn(count=3):
    return Photographs(leaves.draw(count, side=128), tuple(f"leaves {k}" for k in range(count)), ("x.png: broken",))


@pytest.fixture(scope="module")
def small():
    return natural.run(drawn(), seed=1, sizes=SMALL)


def test_gives_both_sets_of_filters_and_the_curve(small):
    assert small.online.shape == (6, 64)
    assert small.batch.shape == (5, 64)
    assert small.curve[:, 0].tolist() == [20_000, 40_000, 60_000]
    assert np.isfinite(small.curve).all()
    assert small.photographs == 3
    assert small.skipped == ("x.png: broken",)


def test_equal_seeds_give_equal_tables(small):
    again = natural.run(drawn(), seed=1, sizes=SMALL)
    other = natural.run(drawn(), seed=2, sizes=SMALL)
    table = results.as_csv(natural.rows(small))
    assert results.as_csv(natural.rows(again)) == table
    assert results.as_csv(natural.rows(other)) != table


def test_every_number_is_a_row_of_its_own(small):
    rows = natural.rows(small)
    cells = [(r.inputs, r.metric) for r in rows]
    assert len(set(cells)) == len(cells)
    assert {r.inputs for r in rows} == {"online", "batch", "pca", "noise", "zero"}
    assert {(r.experiment, r.protocol, r.label) for r in rows} == {("fig1", "none", "all")}
    zero = results.find(rows, "fig1", "none", "zero", "all", "heldout_sse").value
    assert 3 < zero < 64 / 9  # variance 1/9 a pixel, less what the truncation takes
    for c in small.criteria:
        assert results.find(rows, "fig1", "none", c.inputs, "all", c.metric).value == c.value
        assert results.find(rows, "fig1", "none", c.inputs, "all", f"accepted_{c.metric}").value == float(c.passed)


def test_the_batch_forms_gradient_is_right(small):
    assert small.figures["batch"]["gradient_check"] < 1e-9


def test_the_batch_form_learns_even_in_small(small):
    figures = small.figures["batch"]
    assert figures["rho_hat_error"] < 0.02
    assert figures["heldout_sse"] < figures["heldout_sse_of_mean"]


def test_components_rebuild_better_than_nothing(small):
    assert small.figures["pca"]["heldout_sse"] < 0.6 * small.figures["zero"]["heldout_sse"]


def test_a_stopped_run_goes_on_from_its_checkpoint(small, tmp_path):
    stages = []
    kept = tmp_path / "online.npz"
    natural.run(drawn(), seed=1, sizes=SMALL, checkpoint=kept)
    again = natural.run(drawn(), 1, lambda stage, done, of: stages.append(stage), kept, SMALL)
    np.testing.assert_array_equal(again.online, small.online)
    assert set(stages) == {"batch"}  # the online run was there already


@pytest.mark.parametrize(
    ("value", "relation", "bound", "passed"),
    [
        (1, ">=", 1, True),
        (0.9, ">=", 1, False),
        (1, "<=", 1, True),
        (1, "<", 1, False),
        (0.9, "<", 1, True),
        (float("nan"), "<", 1, False),
        (float("nan"), ">=", 1, False),
        (float("nan"), "<=", 1, False),
    ],
)
def test_a_criterion_is_met_or_missed(value, relation, bound, passed):
    assert natural.Criterion("online", "x", value, relation, bound).passed is passed


def test_the_summary_says_what_was_missed(small):
    bad = natural.Criterion("online", "dead_filters", 5.0, "<=", 3.0)
    changed = dataclasses.replace(small, criteria=(bad,))
    assert not changed.passed
    assert natural.summary(changed) == ["online dead_filters: 5 (<= 3: MISSED)"]


def test_the_control_raises_the_bar_of_the_batch_form(small):
    figures = {inputs: dict(values) for inputs, values in small.figures.items()}
    for control, bar in ((0.5, 0.9), (0.8, 0.95)):
        figures["pca"]["median_gabor_r2"] = control
        found = {(c.inputs, c.metric): c.bound for c in natural.criteria(figures)}
        assert found["batch", "median_gabor_r2"] == pytest.approx(bar)


def test_one_photograph_is_too_few():
    with pytest.raises(DataError, match="held out"):
        natural.run(drawn(1), sizes=SMALL)


@pytest.mark.data
def test_photographs_teach_edges():
    root = Path(os.environ.get("MIEN_DATA") or Path(__file__).parents[3] / "shared" / "data")
    if not (root / "natural").is_dir():
        pytest.skip(f"no photographs in {root}; set MIEN_DATA to the folder that holds natural")
    found = natural.run(
        photographs.read(root / "natural", most=40), sizes=natural.Sizes(steps=1_500_000, iterations=300)
    )
    met = {(c.inputs, c.metric): c.passed for c in found.criteria}
    for metric in ("median_gabor_r2", "share_gabor_r2_above_0.7", "active_fraction", "dead_filters"):
        assert met["online", metric], natural.summary(found)
    for metric in ("median_gabor_r2", "rho_hat_error", "reconstruction_of_mean", "gradient_check"):
        assert met["batch", metric], natural.summary(found)

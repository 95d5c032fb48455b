import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from mien.errors import OutputError
from mien.reproduce import contents, page, paper, readings, results, tables, words
from mien.reproduce.figures import filters
from mien.reproduce.results import Row

LABELS = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
SPLITS = {"paper-split": 0.97, "sequence-split": 0.87, "subject-10fold": 0.81, "loso": 0.815}
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="600" height="60"><text x="5" y="30">a figure</text></svg>'


def believable(seed=0):
    """Rows of every experiment as a run on real faces might give them."""
    random = np.random.default_rng(seed)
    rows = []

    def add(experiment, protocol, inputs, label, metric, value, wide=0.03):
        value = float(value)
        known = paper.number(experiment, protocol, inputs, label, metric)
        low, high = (value - wide, value + 0.8 * wide) if wide else (math.nan, math.nan)
        rows.append(Row(experiment, protocol, inputs, label, metric, value, low, high, known))

    for form, r2 in {"online": 0.99, "batch": 0.96, "pca": 0.67, "noise": 0.25}.items():
        add("fig1", "none", form, "all", "median_gabor_r2", r2, 0)
        add("fig1", "none", form, "all", "share_gabor_r2_above_0.7", max(0, r2 - 0.3), 0)
    for form, sse in {"online": 5.6, "batch": 0.294, "zero": 5.956}.items():
        add("fig1", "none", form, "all", "heldout_sse", sse, 0)
    add("fig1", "none", "batch", "all", "heldout_sse_of_mean", 0.476, 0)
    add("fig1", "none", "online", "all", "accepted_median_gabor_r2", 1, 0)
    add("fig1", "none", "batch", "all", "accepted_active_fraction", 0, 0)
    for inputs in ("stills", "frames"):
        for metric, value in {"sse": 19.1, "sse_of_mean_face": 25.8, "units": 250, "units_alive": 240}.items():
            add("stills", "none", inputs, "all", metric, value, 0)
    for metric, value in {"units": 250, "units_beyond_chance": 87, "largest_difference": 0.4}.items():
        add("activations", "none", "features", "surprise minus anger", metric, value, 0)
    for form in ("online", "batch"):
        add("fig1", "none", form, "all", "active_fraction", 0.012, 0)
        add("fig1", "none", form, "all", "dead_filters", 2, 0)
        add("fig1", "none", form, "all", "near_duplicates", 3, 0)
    overall = {
        "features": 0,
        "online-features": -0.09,
        "pixels": 0.02,
        "pca": 0.01,
        "majority": -1,
        "shuffled-labels": -2,
    }
    for protocol, best in SPLITS.items():
        for inputs, more in overall.items():
            value = {-1: 0.254, -2: 0.171}.get(more, best + more)
            add("softmax", protocol, inputs, "all", "accuracy", value)
            add(
                "softmax",
                protocol,
                inputs,
                "all",
                "balanced_accuracy",
                1 / 7 if more <= -1 else value - 0.3 * (1 - best),
            )
            add("softmax", protocol, inputs, "all", "macro_f1", 0.06 if more == -1 else value - 0.35 * (1 - best))
            add("softmax", protocol, inputs, "all", "macro_auc", 0.5 if more <= -1 else 0.97)
            add("softmax", protocol, inputs, "all", "mcc", 0.0 if more <= -1 else value - 0.08)
        kinds = {
            "online-features": -0.02, "online-features+facs": 0.0, "features": 0.0, "features+facs": 0.02,
            "features+predicted-facs": 0.005, "always-no": -9, "shuffled-labels": -8,
        }  # fmt: skip
        for inputs, more in kinds.items():
            for label in (*paper.SIX, "macro-6", "contempt", "macro"):
                accuracy = best + 0.01 + more + 0.01 * random.normal()
                n, positives = (147, 21) if protocol == "paper-split" else (981, 140)
                if more <= -8:
                    accuracy = 1 - positives / n if more == -9 else 0.74
                tp = 0 if more == -9 else round(positives * (0.9 if more > -8 else 0.15))
                fp = max(0, round(n * (1 - accuracy) - (positives - tp)))
                for metric, count in (("TP", tp), ("TN", n - positives - fp), ("FP", fp), ("FN", positives - tp)):
                    if not label.startswith("macro"):
                        add("table1", protocol, inputs, label, metric, count, 0)
                tpr, fpr = tp / positives, fp / (n - positives)
                add("table1", protocol, inputs, label, "accuracy", accuracy)
                add("table1", protocol, inputs, label, "tpr", tpr)
                add("table1", protocol, inputs, label, "fpr", fpr)
                add("table1", protocol, inputs, label, "f1", 2 * tp / (2 * tp + fp + positives - tp))
                add("table1", protocol, inputs, label, "balanced_accuracy", (tpr + 1 - fpr) / 2)
                add("table1", protocol, inputs, label, "auc", 0.5 if more <= -8 else 0.96)
                add("table1", protocol, inputs, label, "mcc", 0.0 if more <= -8 else 0.8)
    honest = "subject-10fold"
    for inputs, value in {
        "250": 0.79, "250-100": 0.76, "500": 0.795, "online-250": 0.71, "pixels": 0.812, "pca-250": 0.80,
        "majority": 0.254,
    }.items():  # fmt: skip
        add("architecture", honest, inputs, "all", "accuracy", value)
        add("architecture", honest, inputs, "all", "balanced_accuracy", value - 0.09 if value > 0.3 else 1 / 7)
    for inputs, value in {"500 minus 250": 0.005, "250-100 minus 250": -0.03, "250 minus pixels": -0.022}.items():
        add("architecture", honest, inputs, "all", "accuracy", value, 0.015)
    for inputs, value in {"frame": 0.80, "mean": 0.815, "max": 0.81, "product": 0.818, "majority": 0.254}.items():
        add("sequence", honest, inputs, "all", "accuracy", value)
        add("sequence", honest, inputs, "all", "balanced_accuracy", value - 0.1 if value > 0.3 else 1 / 7)
    add("sequence", honest, "mean minus frame", "all", "accuracy", 0.015, 0.012)
    for people in (5, 10, 20, 40, 80, 106):
        for inputs, base in {"features": 0.40, "pixels": 0.34, "pca": 0.38}.items():
            add("labels", honest, f"{inputs}@{people}", "all", "accuracy", base + 0.13 * math.log(people / 5))
            add(
                "labels",
                honest,
                f"{inputs}@{people}",
                "all",
                "balanced_accuracy",
                base - 0.06 + 0.13 * math.log(people / 5),
            )
    add("labels", honest, "majority", "all", "accuracy", 0.254)
    for inputs, value in {
        "stack": 0.76,
        "fine-tuned": 0.91,
        "pixels": 0.81,
        "majority": 0.254,
        "shuffled-labels": 0.2,
    }.items():
        for metric, less in {"sequence_accuracy": 0, "sequence_balanced_accuracy": 0.05, "accuracy": 0.01}.items():
            add("fine-tuned", honest, inputs, "all", metric, value - less)
    for label in LABELS:
        add("fine-tuned", honest, "fine-tuned", label, "sequence_recall", random.uniform(0.7, 1))
    add("fine-tuned", honest, "fine-tuned minus stack", "all", "sequence_accuracy", 0.15, 0.04)
    for inputs, value in {"belief-network": 0.86, "belief-network-tuned": 0.91, "majority": 0.254}.items():
        add("family", honest, inputs, "all", "sequence_accuracy", value)
    add("family", honest, "belief-network-tuned minus belief-network", "all", "sequence_accuracy", 0.05, 0.03)
    for pair, value in {
        "paper-split minus loso": 15.5,
        "sequence-split minus loso": 5.0,
        "paper-split minus subject-10fold": 16,
    }.items():
        for label, metric in (("all", "accuracy"), ("all", "balanced_accuracy"), ("macro-6", "f1")):
            add("leak", pair, "features", label, metric, value + random.normal(), 4)
    return tuple(rows)


def report(**changes):
    settled = {
        "title": "The 2010 report, run again on CK+ crops",
        "synthetic": False,
        "quick": False,
        "data_name": "CK+ crops",
        "fingerprint": "ab" * 32,
        "version": "9.9",
        "seed": 4,
        "n_frames": 981,
        "n_sequences": 327,
        "n_subjects": 118,
        "skipped": (("S999_001.png", "zero bytes"),),
        "terms": "for <research> only.",
        "rows": believable(),
        "figures": (
            page.Picture("fig1-batch", "fig1-batch.png", "Fig. 1: filters", "30 filters", filters.grid(np.eye(16))),
            page.Picture("fig6", "fig6.svg", "Fig. 6 <accuracy>", 'bars "of" accuracy', SVG),
            page.Picture("else", "else.svg", "Something else", "else", SVG),
        ),
        "notes": {"table1/tracking": "No tracking labels: the data set has no landmarks."},
    }
    return page.Report(**{**settled, **changes})


class Text(HTMLParser):
    """What a reader sees, by section, and every tag balanced."""

    VOID = ("meta", "img", "br")

    def __init__(self, text):
        super().__init__()
        self.open, self.ids, self.images, self.rows, self.words = [], [], [], [], ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "img":
            self.images.append(given)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.words += data
        if any(tag in self.open for tag in ("td", "th")):
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def seen():
    return Text(page.html(report()))


def test_equal_reports_give_equal_pages():
    assert page.html(report()) == page.html(report())


def test_the_page_loads_nothing(seen):
    text = page.html(report())
    assert not re.search(r'(src|href)="(?!data:|#)', text)
    assert "<script" not in text
    assert "url(" not in text


def test_every_section_is_there_in_the_order_of_the_report(seen):
    assert seen.ids == [section.key for section in contents.SECTIONS]
    assert all(section.title in seen.words for section in contents.SECTIONS)


def test_all_seven_mistakes_are_named(seen):
    assert len(contents.MISTAKES) == 7
    assert all(name in seen.words and here in seen.words for name, _, here in contents.MISTAKES)


def test_the_report_s_numbers_stand_beside_ours(seen):
    anger = next(row for row in seen.rows if row[0] == "anger")  # Table 1 (b), online features come first
    assert anger[2] == "0.55"
    assert [anger[k] for k in (4, 6, 8, 10)] == ["18", "65", "60", "7"]
    place = next(k for k, row in enumerate(seen.rows) if row[0] == "features, online as in 2010")
    assert seen.rows[place][5].startswith("0.880")
    assert seen.rows[place + 1] == ["the same in 2010", "", "", "", "", "0.22"]


def test_tables_hold_what_one_gets_for_nothing(seen):
    names = [row[0] for row in seen.rows if row]
    for nothing in ("always “no”", "always the majority", "shuffled labels"):
        assert nothing in names


def test_splits_that_leak_are_tagged():
    text = page.html(report())
    assert '<tr class="group"><th colspan="6" scope="colgroup">frames at random, the report’s split ' in text
    assert text.count('<span class="tag">leaks</span>') > 5
    assert not re.search(r'unseen people[^<]*<span class="tag">', text)


def test_pictures_lie_where_they_belong():
    text = page.html(report())
    place = {key: text.index(f'<section id="{key}"') for key in ("fig1", "preprocessing", "table1", "sequence")}
    assert place["fig1"] < text.index("figures/fig1-batch.png") < place["preprocessing"]
    assert place["table1"] < text.index("figures/fig6.svg") < place["sequence"]
    assert text.index("More figures") < text.index("figures/else.svg")


def test_pictures_say_what_they_show(seen):
    assert {image["alt"] for image in seen.images} == {"30 filters", 'bars "of" accuracy', "else"}
    assert {image["class"] for image in seen.images} == {"png", "svg"}


def test_names_are_text_never_markup():
    changes = {"title": "<i>t</i>", "data_name": "<i>d</i>", "terms": "<i>x</i>", "version": "<i>v</i>"}
    changes |= {"skipped": (("<i>a</i>", "<i>b</i>"),), "notes": {"softmax": "<i>n</i>"}, "fingerprint": "<i>f</i>"}
    text = page.html(report(**changes))
    assert "<i>" not in text
    for what in "tdxvabnf":
        assert f"&lt;i&gt;{what}&lt;/i&gt;" in text


def test_synthetic_and_quick_are_marked():
    plain = page.html(report())
    assert "SYNTHETIC" not in plain
    assert "QUICK" not in plain
    text = page.html(report(synthetic=True, quick=True))
    assert "SYNTHETIC" in text
    assert "QUICK" in text
    assert "(synthetic)</h1>" in text


def test_what_is_missing_is_said():
    rows = tuple(row for row in believable() if row.experiment != "fine-tuned")
    assert "INCOMPLETE" not in page.html(report())
    text = page.html(report(rows=rows, notes={"fine-tuned": "Stopped by --skip fine-tuned."}))
    assert "INCOMPLETE: no numbers for: The step that was left out: fine-tuning." in text
    assert "Stopped by --skip fine-tuned." in text


def test_the_family_has_its_section_and_says_what_fine_tuning_adds():
    text = page.html(report())
    part = text[text.index('<section id="family"') :]
    assert '<tr class="ours"><th scope="row">belief network, fine-tuned</th>' in part
    assert "Belief network, fine-tuned against belief network: " in part


def test_a_page_without_any_row_is_plainly_empty():
    text = page.html(report(rows=(), figures=(), notes={}, skipped=()))
    assert text.count("Not part of this run.") == len(contents.SECTIONS)
    assert "INCOMPLETE" in text
    assert "At a glance" not in text


def test_no_folder_to_write_to(tmp_path):
    page.write(tmp_path / "report.html", report())
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == page.html(report())
    with pytest.raises(OutputError, match="does not exist"):
        page.write(tmp_path / "none" / "report.html", report())


def lone(inputs, value, low=math.nan, high=math.nan, metric="accuracy", protocol="subject-10fold"):
    return Row("softmax", protocol, inputs, "all", metric, value, low, high)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.001, 0.05, "a gain"),
        (-0.05, -0.001, "a loss"),
        (-0.01, 0.05, "no difference shown"),
        (0.0, 0.05, "no difference shown"),
    ],
)
def test_a_difference_counts_when_its_interval_leaves_out_zero(low, high, verdict):
    told = readings.difference(lone("500 minus 250", (low + high) / 2, low, high))
    assert told.endswith(f"{verdict}.")
    assert told.startswith("500 units against 250 units: ")


def test_the_reading_follows_the_numbers_both_ways():
    made = tables.Results((lone("features minus pixels", -0.021, -0.04, -0.002),))
    pair = ("features", "pixels")
    told = readings.against(made, "softmax", "subject-10fold", pair, "accuracy")
    assert told == "Features against raw pixels: −2.1 points of accuracy [−4.0, −0.2], a loss."
    turned = readings.against(made, "softmax", "subject-10fold", pair[::-1], "accuracy")
    assert turned == "Raw pixels against features: +2.1 points of accuracy [+0.2, +4.0], a gain."


@pytest.mark.parametrize(("low", "words_"), [(0.79, "overlap"), (0.835, "lie apart")])
def test_without_an_interval_of_the_difference_no_more_is_claimed_than_the_two_show(low, words_):
    made = tables.Results((lone("features", 0.8, 0.77, 0.83), lone("pixels", 0.85, low, 0.9)))
    told = readings.against(made, "softmax", "subject-10fold", ("features", "pixels"), "accuracy")
    assert words_ in told
    assert "a gain" not in told
    assert "a loss" not in told


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.3, 0.5, "something was learned"), (0.2, 0.5, "not shown to be better"), (0.1, 0.2, "worse than nothing")],
)
def test_against_nothing(low, high, verdict):
    made = tables.Results(
        (lone("features", (low + high) / 2, low, high), lone("majority", 0.254), lone("prior", 0.2))
    )
    told = readings.over_nothing(made, "softmax", "subject-10fold", "features", "accuracy")
    assert verdict in told
    assert "always the majority) is 0.254" in told


def test_no_numbers_give_no_sentence():
    made = tables.Results((lone("features", math.nan),))
    assert readings.over_nothing(made, "softmax", "subject-10fold", "features", "accuracy") == ""
    assert readings.against(made, "softmax", "subject-10fold", ("features", "pixels"), "accuracy") == ""


@pytest.mark.parametrize(
    ("low", "high", "verdict"), [(3, 9, "inflated"), (-2, 9, "no inflation"), (-9, -2, "deflated")]
)
def test_the_leak_is_told_in_points(low, high, verdict):
    row = Row("leak", "paper-split minus loso", "features", "macro", "f1", (low + high) / 2, low, high)
    told = readings.leak(row)
    assert verdict in told
    assert f"{readings.signed((low + high) / 2)} points" in told


def test_a_minus_is_a_minus_and_a_nought_has_no_sign():
    assert [readings.signed(x) for x in (-0.04, 0.04, 1.26, -1.26)] == ["0.0", "0.0", "+1.3", "−1.3"]


def test_numbers_of_the_report_keep_their_digits():
    assert [tables.printed(x, "accuracy") for x in (0.22, 0.5, 0.3947, math.nan)] == ["0.22", "0.50", "0.395", ""]
    assert tables.printed(18.0, "TP") == "18"
    assert [tables.ours(x, "f1") for x in (0.39471, -0.1, math.nan)] == ["0.395", "−0.100", "–"]
    assert tables.ours(4.5e-11, "gradient_check") == "4.5e-11"
    assert tables.ours(1e-5, "f1") == "0.000"


def test_words_take_inputs_apart():
    assert words.inputs("features+facs+tracking") == "features + true FACS + tracking labels"
    assert words.inputs("pca@20") == "PCA, 20 people"
    assert words.inputs("mean minus frame") == "mean over the frames minus last frame alone"
    assert words.inputs("never-heard-of") == "never-heard-of"
    assert words.metric("new_figure").head == "new figure"


def test_the_report_s_means_are_those_of_its_counts():
    def mean(inputs, metric):
        return paper.number("table1", "paper-split", inputs, "macro-6", metric)

    found = [mean("features+facs", m) for m in ("accuracy", "tpr", "fpr", "f1", "balanced_accuracy")]
    assert found == pytest.approx([0.849, 0.600, 0.101, 0.579, 0.749], abs=5e-4)
    found = [mean("online-features", m) for m in ("accuracy", "tpr", "fpr", "f1", "balanced_accuracy")]
    assert found == pytest.approx([0.761, 0.493, 0.185, 0.395, 0.654], abs=5e-4)


@pytest.mark.parametrize("rows", [paper.WITH_FACS, paper.FEATURES_ONLY])
def test_the_report_s_counts_agree_with_its_accuracies(rows):
    for counts in rows.values():
        assert counts.TP + counts.FN == paper.PER_EXPRESSION
        assert counts.TN + counts.FP == paper.TEST_FRAMES - paper.PER_EXPRESSION
        assert counts.figure("accuracy") == pytest.approx(counts.accuracy, abs=0.005)


def test_the_report_has_no_number_for_what_it_did_not_run():
    for cell in (
        ("softmax", "loso", "features", "all", "accuracy"),
        ("softmax", "paper-split", "pixels", "all", "accuracy"),
        ("softmax", "paper-split", "features", "all", "mcc"),
        ("table1", "paper-split", "features+predicted-facs", "anger", "accuracy"),
        ("table1", "paper-split", "features", "contempt", "accuracy"),
        ("table1", "paper-split", "features", "macro", "accuracy"),
        ("table1", "paper-split", "features", "macro-6", "TP"),
    ):
        assert math.isnan(paper.number(*cell))
    assert paper.number("softmax", "paper-split", "online-features", "all", "accuracy") == 0.22


def test_rows_are_found_by_their_cell():
    made = tables.Results(believable())
    wanted = ("table1", "loso", "features", "macro-6", "f1")
    assert made.get(*wanted) == results.find(made.rows, *wanted)
    assert made.get("table1", "loso", "features", "macro-6", "none") is None
    assert made.protocols("table1") == list(SPLITS)
    assert made.honest("table1") == "subject-10fold"
    assert made.honest("none of them") == ""


def test_what_a_comparison_has_in_common_is_said_once():
    made = tables.Results((lone("features@20", 0.6, 0.5, 0.7), lone("pixels@20", 0.4, 0.3, 0.45)))
    told = readings.against(made, "softmax", "subject-10fold", ("features@20", "pixels@20"), "accuracy")
    assert told.startswith(
        "With 20 labelled people, features against raw pixels: +20.0 points of accuracy; the two "
    )


def test_the_main_input_is_compared_and_bold():
    text = page.html(report())
    part = text[text.index('<section id="fine-tuned"') :]
    part = part[: part.index("</section>")]
    assert '<tr class="ours"><th scope="row">stack, fine-tuned</th>' in part
    assert "Stack, fine-tuned against raw pixels: " in part
    assert "Stack, not fine-tuned: " not in part


def test_people_and_leaks_have_tables(seen):
    rows = [row for row in seen.rows if row]
    assert ["Labelled people", "features", "raw pixels", "PCA", "always the majority"] in rows
    assert sum(row[0] == "106" for row in rows) == 2
    head = next(row for row in rows if row[0] == "Points that the split adds")
    assert head[1] == "frames at random, the report’s split minus unseen people, one at a time"


def test_readings_of_the_filters_weigh_the_controls():
    def fit(form, value):
        return Row("fig1", "none", form, "all", "median_gabor_r2", value)

    good, bad = (readings.gabor(tables.Results((fit("batch", b), fit("pca", 0.67)))) for b in (0.9, 0.5))
    assert good[0].endswith("0.90 (PCA 0.67): more like an edge than the controls.")
    assert bad[0].endswith("0.50 (PCA 0.67): not more like an edge than all of the controls.")
    assert readings.gabor(tables.Results(())) == []


def test_criteria_that_are_missed_are_named(seen):
    assert "1 of 2 criteria are met; missed: batch L-BFGS: active units." in seen.words
    met = tuple(row for row in believable() if row.inputs != "batch")
    assert readings.accepted(tables.Results(met)) == "1 of 1 criteria are met."
    assert readings.accepted(tables.Results(())) == ""


def test_units_beyond_chance_stand_beside_chance(seen):
    told = "Features: 87 of 250 units differ by more than 95 % of the deals of labels at random; chance alone would"
    assert f"{told} give about 12." in seen.words


def test_counts_over_several_draws_keep_a_decimal():
    assert [tables.ours(x, "TP") for x in (19.0, 19.44)] == ["19", "19.4"]


def test_protocols_are_explained_by_the_run_where_it_says_more():
    assert "Ten draws of a tenth." in page.html(report(protocols={"paper-split": "Ten draws of a tenth."}))
    assert "Leave one subject out" in page.html(report())

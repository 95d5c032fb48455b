import hashlib
import math
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.faces import oval
from mien.reproduce import paper
from mien.reproduce.results import Row

matplotlib = pytest.importorskip("matplotlib")

from mien.reproduce.figures import (  # noqa: E402  the extra must be there first
    _sheet,
    accuracy_bars,
    comparison,
    differences,
    error_curve,
    filters,
    leak,
    learning_curve,
    method,
    preprocessing,
    rates,
    sequence,
)

ROOT = Path(__file__).parents[2]
NAN = float("nan")
NOTE = "synthetic faces, subject-wise 10-fold"
Estimate = comparison.Estimate
Measured = learning_curve.Measured


def rows():
    made = []
    for inputs, table in {"features": paper.FEATURES_ONLY, "features+facs": paper.WITH_FACS}.items():
        for k, label in enumerate(paper.SIX):
            counts = table[label]
            made.append(Row("table1", "paper-split", inputs, label, "accuracy", 0.9, 0.85, 0.93, counts.accuracy))
            made.append(Row("table1", "paper-split", inputs, label, "tpr", 0.9, paper=counts.figure("tpr")))
            made.append(Row("table1", "paper-split", inputs, label, "fpr", 0.01 * k, paper=counts.figure("fpr")))
    made += [Row("table1", "paper-split", "always-no", label, "accuracy", 0.86) for label in paper.SIX]
    for protocol, value in {"paper-split": 0.97, "sequence-split": 0.9, "loso": 0.8}.items():
        made.append(Row("softmax", protocol, "features", "all", "accuracy", value))
        made.append(Row("table1", protocol, "features", "macro-6", "f1", value - 0.1))
    for people, value in ((10, 0.5), (40, 0.6), (20, 0.55)):
        made.append(Row("labels", "loso", f"features@{people}", "all", "accuracy", value, value - 0.1, value + 0.1))
        made.append(Row("labels", "loso", f"pixels@{people}", "all", "accuracy", value - 0.02))
    made.append(Row("labels", "loso", "majority", "all", "accuracy", 0.25))
    return made


def figures():
    steps = np.arange(0, 5_000_000, 500_000)
    return {
        "preprocessing": preprocessing.draw(),
        "method": method.draw(),
        "differences": differences.draw(
            np.linspace(-1, 1, 40), protocol=NOTE, band=(np.full(40, -0.2), np.full(40, 0.2)), ascending=True
        ),
        "accuracy_bars": accuracy_bars.draw(rows(), protocol="paper-split", note=NOTE),
        "rates": rates.draw(rows(), protocol="paper-split", note=NOTE),
        "sequence": sequence.draw(
            np.array([[0.7, 0.3], [0.2, 0.8]]),
            ("anger", "surprise"),
            truth="surprise",
            name="S1",
            protocol=NOTE,
            faces=[np.zeros((8, 8), np.uint8)] * 2,
        ),
        "comparison": comparison.draw(
            [Estimate("250", 0.8, 0.75, 0.85), Estimate("500", 0.81)],
            title="Two",
            protocol=NOTE,
            measure="accuracy",
            baselines=[Estimate("majority", 0.25), Estimate("shuffled", 0.2)],
            differences=[Estimate("500 minus 250", 0.01, -0.01, 0.03)],
        ),
        "learning_curve": learning_curve.draw(
            learning_curve.curves(rows(), "accuracy", "loso"), protocol=NOTE, baselines={"majority": 0.25}
        ),
        "leak": leak.draw(rows(), note=NOTE),
        "error_curve": error_curve.draw(
            {"training": (steps, np.linspace(9, 5, 10))}, title="Error", protocol=NOTE, references={"zero": 6.0}
        ),
    }


@pytest.fixture(scope="module")
def drawn():
    return figures()


def texts(svg):
    return ["".join(text.itertext()) for text in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_every_figure_is_an_svg_of_the_page_s_width(drawn):
    for name, svg in drawn.items():
        root = ET.fromstring(svg)
        assert root.tag.endswith("svg"), name
        assert float(root.attrib["width"].removesuffix("pt")) == pytest.approx(72 * _sheet.WIDTH), name


def test_every_figure_says_where_its_numbers_come_from(drawn):
    for name in set(drawn) - {"preprocessing", "method"}:
        assert NOTE in texts(drawn[name]), name


def test_letters_can_be_read(drawn):
    for name, svg in drawn.items():
        sizes = [float(size) for size in re.findall(r"font(?:-size)?: (?:bold )?([\d.]+)px", svg.decode())]
        assert sizes, name
        assert min(sizes) >= 9, name


def test_figures_load_nothing(drawn):
    for svg in drawn.values():
        assert not re.search(rb'(href|src)="(?!#|data:)', svg)


def test_the_same_data_give_the_same_bytes_in_another_process(drawn):
    code = "import importlib.util as u, hashlib\n"
    code += f"s = u.spec_from_file_location('t', {str(Path(__file__))!r})\nt = u.module_from_spec(s)\n"
    code += "s.loader.exec_module(t)\n"
    code += "print({k: hashlib.sha256(v).hexdigest() for k, v in t.figures().items()})"
    again = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert again.stdout.strip() == str({k: hashlib.sha256(v).hexdigest() for k, v in drawn.items()})


def test_the_user_s_settings_neither_matter_nor_change(drawn):
    settings = {"font.size": 30.0, "svg.fonttype": "path", "axes.facecolor": "red", "lines.linewidth": 9.0}
    with matplotlib.rc_context(settings):
        assert leak.draw(rows(), note=NOTE) == drawn["leak"]
        assert {key: matplotlib.rcParams[key] for key in settings} == settings


def test_settings_come_back_after_an_error():
    before = dict(matplotlib.rcParams)
    with pytest.raises(ValueError, match="do not agree"):
        sequence.draw(np.zeros((2, 3)), ("a", "b"), truth="a", name="S", protocol=NOTE)
    assert dict(matplotlib.rcParams) == before


def test_drawing_needs_no_pyplot():
    code = "import sys, mien.reproduce.figures.leak as f; f.draw([], note='n')\n"
    code += "print('matplotlib.pyplot' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip() == "False"


def test_letters_that_the_font_lacks_and_dollars_are_drawn_as_they_can_be():
    svg = sequence.draw(
        np.array([[1.0, 0.0]]), ("anger", "悲しみ"), truth="anger", name="a$b$c 日", protocol=NOTE, frames=["<0>"]
    )
    seen = texts(svg)
    assert "One sequence, frame by frame: a$b$c \u25a1, which shows anger" in seen
    assert "<0>" in seen


def unpacked(png):
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED)


def test_a_filter_is_shown_around_mid_grey_in_equal_squares():
    weights = np.array([[0, 1, -1, 0.5], [0, 0, 0, 0], [0, 20, -20, 10]])
    picture = unpacked(filters.grid(weights, columns=3))
    scale = 12
    assert picture.shape == (2 * scale, 3 * 2 * scale + 2 * scale)
    first = picture[:, : 2 * scale]
    assert (first[:scale, :scale] == filters.ZERO).all()
    assert (first[:scale, scale:] == 255).all()
    assert (first[scale:, :scale] == 1).all()
    assert (first[scale:, scale:] == 192).all()
    assert (picture[:, 2 * scale : 3 * scale] == filters.PAPER).all()
    assert (picture[:, 3 * scale : 5 * scale] == filters.ZERO).all()  # a dead filter
    np.testing.assert_array_equal(picture[:, 6 * scale :], first)  # each by its own largest weight


@pytest.mark.parametrize(("units", "side", "columns"), [(25, 8, None), (250, 24, 25), (1, 2, None), (7, 5, 3)])
def test_all_filters_find_their_place(units, side, columns):
    picture = unpacked(filters.grid(np.ones((units, side * side)), columns))
    across = columns or math.ceil(math.sqrt(units))
    assert picture.shape[1] <= 1300
    assert (picture == 255).all()  # weights of one are white, and so is the paper
    below = unpacked(filters.grid(-np.ones((units, side * side)), columns))
    scale = round(math.sqrt((below < 128).sum() / units)) // side
    assert (below < 128).sum() == units * (side * scale) ** 2
    assert picture.shape[0] < picture.shape[1] or units <= across**2


@pytest.mark.parametrize("shape", [(3, 5), (0, 4), (4,), (2, 0)])
def test_filters_must_be_square(shape):
    with pytest.raises(ValueError, match="filters must be"):
        filters.grid(np.zeros(shape))


def test_the_strongest_come_first():
    weights = np.array([[1.0, 0], [0, 3], [2, 0], [0, -3]])
    np.testing.assert_array_equal(filters.strongest(weights, 3), [[0, 3], [0, -3], [2, 0]])


def test_the_detector_finds_the_face_that_comes_with_mien():
    grey = preprocessing.photograph()
    assert grey.shape == (128, 128)
    assert grey.dtype == np.uint8
    box = preprocessing.face_in(grey)
    assert box.x < 64 < box.x + box.width  # the nose
    assert 60 < box.width < 90


def test_the_face_is_the_public_domain_photograph():
    data = pytest.importorskip("skimage.data")
    photo = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)[14:190, 134:310]
    small = cv2.resize(photo, (128, 128), interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - preprocessing.photograph()).max() <= 1
    assert (ROOT / "src" / "mien" / "reproduce" / "astronaut.png").stat().st_size <= 20_000


def test_bars_carry_the_letters_of_table_1(drawn):
    seen = texts(drawn["accuracy_bars"])
    assert seen.count("a") == seen.count("b") == 6
    assert "a′" not in seen  # no rows with predicted FACS were given
    assert "2010 report" in seen
    assert "always “no”" in seen
    theirs_missing = [row for row in rows() if math.isnan(row.paper)]
    assert "2010 report" not in texts(accuracy_bars.draw(theirs_missing, protocol="paper-split", note=NOTE))


def test_every_point_is_named_for_us_and_for_the_report(drawn):
    seen = texts(drawn["rates"])
    for label in paper.SIX:
        assert seen.count(label) == 4  # ours and the report's, two inputs


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.sampled_from(paper.SIX), st.booleans()), max_size=12)
)
def test_labels_of_points_stay_in_the_panel_and_rarely_cover_each_other(points):
    made = [rates._Point(*point) for point in points]
    places = rates._labels(made)
    assert len(places) == len(made)
    for x, y in places:
        assert -0.4 <= x <= 1.03
        assert 0 <= y <= 1.01


def test_the_difference_band_is_counted(drawn):
    seen = texts(drawn["differences"])
    assert any(text.startswith("32 of 40 beyond the grey band") for text in seen)
    plain = differences.draw(np.zeros(3), protocol=NOTE)
    assert not any("band" in text for text in texts(plain))


def test_learning_curves_are_read_from_the_rows():
    found = learning_curve.curves(rows(), "accuracy", "loso")
    assert list(found) == ["features", "raw pixels"]
    assert [point.people for point in found["features"]] == [10, 20, 40]
    assert found["features"][1] == Measured(20, 0.55, pytest.approx(0.45), pytest.approx(0.65))
    assert learning_curve.curves(rows(), "accuracy", "paper-split") == {}
    difference = Row("labels", "loso", "features@10 minus pixels@10", "all", "accuracy", 0.1)
    assert learning_curve.curves([*rows(), difference], "accuracy", "loso") == found  # no point of any curve


def test_the_leak_is_written_beside_its_line(drawn):
    seen = texts(drawn["leak"])
    assert seen.count("+17.0") == 2
    of_the_same_frames = Row("leak", "paper-split minus loso", "features", "all", "accuracy", 15.5, -1.0, 19.0)
    seen = texts(leak.draw([*rows(), of_the_same_frames], note=NOTE))
    assert "+15.5 [−1.0, +19.0]" in seen
    assert seen.count("+17.0") == 1
    assert "unseen people, ten groups" not in seen  # no rows under that protocol


def test_estimates_come_from_rows_with_or_without_an_interval(drawn):
    row = Row("architecture", "loso", "500", "all", "accuracy", 0.5, 0.4, 0.6)
    assert Estimate.of(row, "wide") == ("wide", 0.5, 0.4, 0.6)
    assert Estimate.of(row).name == "500 units"
    seen = texts(drawn["comparison"])
    assert "0.800 [0.750, 0.850]" in seen
    assert "0.810" in seen
    assert "+1.0 [−1.0, +3.0]" in seen


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_labels_on_a_line_keep_their_distance_and_their_order(wanted):
    found = _sheet.apart(wanted, 0.1, 0.0, 1.0)
    ordered = [found[i] for i in sorted(range(len(wanted)), key=lambda i: (wanted[i], i))]
    assert all(b - a >= 0.1 - 1e-6 for a, b in pairwise(ordered))
    assert min(found) >= 0
    assert max(found) <= 1 + 1e-6


def test_labels_with_room_stay_where_they_want_to_be():
    assert _sheet.apart([0.9, 0.1, 0.5], 0.1, 0, 1) == pytest.approx([0.9, 0.1, 0.5])


@pytest.mark.parametrize("size", [2, 3, 24, 48, 101])
def test_the_oval_is_symmetric_and_as_large_as_an_ellipse(size):
    inside = oval.oval(size)
    np.testing.assert_array_equal(inside, inside[:, ::-1])
    np.testing.assert_array_equal(inside, inside[::-1])
    assert inside.shape == (size, size)
    if size >= 24:
        assert inside.mean() == pytest.approx(math.pi / 4 * oval.WIDTH * oval.HEIGHT, abs=0.02)
        assert not inside[0, 0]
        assert inside[size // 2, size // 2]


@given(st.integers(0, 2**32 - 1))
def test_what_lies_outside_the_oval_does_not_matter(seed):
    random = np.random.default_rng(seed)
    face = random.integers(0, 256, (24, 24)).astype(np.uint8)
    inside = oval.oval(24)
    masked = oval.mask(face)
    assert masked.dtype == np.float32
    assert (masked[~inside] == 0).all()
    assert masked[inside].min() == 0
    assert masked[inside].max() == 1
    np.testing.assert_array_equal(oval.mask(np.where(inside, face, 255).astype(np.uint8)), masked)


def test_a_face_of_one_grey_is_empty():
    assert not oval.mask(np.full((24, 24), 7, np.uint8)).any()


def test_ovals_are_of_squares():
    with pytest.raises(ValueError, match="square"):
        oval.mask(np.zeros((24, 20), np.uint8))
    with pytest.raises(ValueError, match="2 pixels"):
        oval.oval(1)

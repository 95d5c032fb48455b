"""The page of the reproduction as a real browser shows it, wide and narrow; skipped where there is none."""

from __future__ import annotations

import html
import shutil
import subprocess

import cv2
import numpy as np
import pytest

from mien.reproduce import page, paper
from mien.reproduce.figures import filters
from mien.reproduce.results import Row

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


def rows():
    made = []
    for protocol, value in {"paper-split": 0.97, "loso": 0.8}.items():
        for inputs, less in {"features": 0, "pixels": 0.01, "majority": 0.5}.items():
            known = paper.number("softmax", protocol, inputs, "all", "accuracy")
            at = value - less
            made.append(Row("softmax", protocol, inputs, "all", "accuracy", at, at - 0.02, at + 0.02, known))
        for label in (*paper.SIX, "macro-6"):
            for metric in ("accuracy", "TP", "TN", "FP", "FN", "f1", "balanced_accuracy", "auc", "mcc"):
                known = paper.number("table1", protocol, "features", label, metric)
                at = 20.0 if metric in ("TP", "TN", "FP", "FN") else value
                made.append(Row("table1", protocol, "features", label, metric, at, at - 0.02, at + 0.02, known))
    return tuple(made)


@pytest.fixture
def document(tmp_path):
    method = pytest.importorskip("mien.reproduce.figures.method", reason="matplotlib is not installed")
    weights = np.random.default_rng(0).normal(size=(30, 64))
    pictures = (
        page.Picture("fig1", "fig1.png", "Fig. 1", "filters", filters.grid(weights, 6)),
        page.Picture("fig4", "fig4.svg", "Fig. 4", "the method", method.draw()),
    )
    path = tmp_path / "report.html"
    page.write(
        path,
        page.Report(
            title="The 2010 report on <b>faces</b>",
            synthetic=True,
            quick=True,
            data_name="synthetic",
            fingerprint="0" * 64,
            version="0",
            seed=1,
            n_frames=10,
            n_sequences=5,
            n_subjects=3,
            skipped=(),
            terms="drawn by code",
            rows=rows(),
            figures=pictures,
            notes={"fig1": "Why there are no numbers."},
        ),
    )
    return path


def browse(tmp_path, *arguments):
    quiet = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
    return subprocess.run(
        [BROWSER, *quiet, f"--user-data-dir={tmp_path / 'profile'}", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )


def test_the_page_holds_its_tables_figures_and_marks(document, tmp_path):
    seen = browse(tmp_path, "--dump-dom", document.as_uri()).stdout
    for text in ("SYNTHETIC", "QUICK", "INCOMPLETE", "Why there are no numbers.", "Seven mistakes"):
        assert text in seen
    assert "&lt;b&gt;faces&lt;/b&gt;" in seen  # a name is text, never markup
    assert seen.count("<img ") == 2


def measured(document, tmp_path, width):
    """Whether the page fits a window of that width, and how many of its pictures were decoded.

    The page itself has no script; it lies in a frame of a page that has one. (Browsers do not open windows as
    narrow as a telephone.)
    """
    frame = tmp_path / "frame.html"
    inside = html.escape(document.read_text(encoding="utf-8"))
    frame.write_text(
        f'<iframe srcdoc="{inside}" style="width:{width}px;height:3000px;border:0"></iframe><p></p>'
        "<script>onload=()=>{const d=document.querySelector('iframe').contentDocument;"
        "const n=[...d.images].filter(i=>i.complete&&i.naturalWidth>50).length;"
        "const e=d.documentElement,fits=e.scrollWidth<=e.clientWidth;"
        "document.querySelector('p').textContent='fits: '+fits+', pictures: '+n}</script>",
        encoding="utf-8",
    )
    return browse(tmp_path, "--dump-dom", frame.as_uri()).stdout


@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_fits_its_window_and_its_pictures_load(document, tmp_path, width):
    assert "<p>fits: true, pictures: 2</p>" in measured(document, tmp_path, width)


def test_the_page_is_drawn(document, tmp_path):
    picture = tmp_path / "page.png"
    browse(tmp_path, "--window-size=1280,2400", "--hide-scrollbars", f"--screenshot={picture}", document.as_uri())
    shown = cv2.imread(str(picture), cv2.IMREAD_GRAYSCALE)
    assert shown.shape == (2400, 1280)
    ink = shown < 128
    assert ink.mean() > 0.01  # text and tables
    assert not ink[:, 1265:].any()  # nothing runs off the right edge

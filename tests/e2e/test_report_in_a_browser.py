"""The evaluation report as a real browser shows it; skipped where there is none."""

from __future__ import annotations

import shutil
import subprocess

import cv2
import numpy as np
import pytest

from mien.evaluate import predictions, report, summary

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine")


@pytest.fixture
def page(tmp_path):
    random = np.random.default_rng(0)
    n = 60
    truth = random.integers(0, 3, n)
    scores = random.dirichlet((1, 1, 1), n) + np.eye(3)[truth]
    made = predictions.Predictions(
        labels=("happiness", "neutral", "surprise"),
        item=np.array([f"face{i:02}" for i in range(n)]),
        subject=np.array([f"person{i // 5:02}" for i in range(n)]),
        fold=np.arange(n) // 30,
        truth=truth,
        probabilities=scores / scores.sum(axis=1, keepdims=True),
        setting=predictions.Setting(
            model="<b>tiny</b>",
            model_sha256="0" * 64,
            data="synthetic",
            data_fingerprint="1" * 64,
            protocol="subject-10fold",
            retrained=True,
            synthetic=True,
            terms="drawn by code",
            mien_version="0",
            seed=1,
        ),
    )
    path = tmp_path / "report.html"
    report.write(path, summary.summarise(made))
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


def test_the_page_holds_its_tables_and_marks_what_is_synthetic(page, tmp_path):
    seen = browse(tmp_path, "--dump-dom", page.as_uri()).stdout
    assert "SYNTHETIC" in seen
    assert "Balanced accuracy" in seen
    assert "&lt;b&gt;tiny&lt;/b&gt;" in seen  # a name is text, never markup
    assert seen.count("<svg") >= 1


def test_the_page_is_drawn_and_fits_its_window(page, tmp_path):
    picture = tmp_path / "page.png"
    browse(tmp_path, "--window-size=900,1600", f"--screenshot={picture}", page.as_uri())
    shown = cv2.imread(str(picture), cv2.IMREAD_GRAYSCALE)
    assert shown.shape == (1600, 900)
    ink = shown < 128
    assert ink.mean() > 0.005  # text and tables
    assert not ink[:, 880:].any()  # nothing runs off the right edge

"""The folder that people open: all of it is made before any of it is written, the page last."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("matplotlib")
pytest.importorskip("torch")

from mien.errors import OutputError, TrainingError
from mien.reproduce import publish
from mien.reproduce.page import Picture
from mien.reproduce.results import Row
from mien.reproduce.scored import Scored

SCORED = Scored("softmax", "loso", "features", ("a", "b"), np.array(["i"]), np.array(["P"]), np.array(["s"]),
                np.array([0]), np.array([1]), np.array([[0.25, 0.75]]))  # fmt: skip
OUTCOME = SimpleNamespace(rows=(Row("softmax", "loso", "features", "all", "accuracy", 1.0),), scored=(SCORED,))
PICTURES = (Picture("one", "one.svg", "One", "one", b"<svg/>"), Picture("two", "two.png", "Two", "two", b"png"))
ALL = {"figures/one.svg", "figures/two.png", "tables/results.csv", "predictions.parquet", "report.html"}


@pytest.fixture(autouse=True)
def _a_small_page(monkeypatch):
    monkeypatch.setattr(publish.gallery, "draw", lambda _outcome: PICTURES)
    monkeypatch.setattr(publish, "told_whole", lambda _outcome, _pictures: "report")
    monkeypatch.setattr(publish.page, "html", lambda report: f"<p>{report}")


def written(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_everything_is_written_into_a_new_folder_and_the_page_last(tmp_path, monkeypatch):
    order = []
    write = publish.atomic.write_bytes

    def watched(target, content):
        order.append(target.name)
        write(target, content)

    monkeypatch.setattr(publish.atomic, "write_bytes", watched)
    publish.write(tmp_path / "new" / "report", OUTCOME)
    assert written(tmp_path / "new" / "report") == ALL
    assert order[-1] == "report.html"
    assert (tmp_path / "new" / "report" / "report.html").read_text() == "<p>report"
    assert (tmp_path / "new" / "report" / "figures" / "two.png").read_bytes() == b"png"


@pytest.mark.parametrize("what", [("gallery", "draw"), ("page", "html")])
def test_what_cannot_be_made_leaves_the_folder_untouched(tmp_path, monkeypatch, what):
    def refused(*_):
        raise TrainingError("no")

    monkeypatch.setattr(getattr(publish, what[0]), what[1], refused)
    with pytest.raises(TrainingError):
        publish.write(tmp_path / "report", OUTCOME)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("blocked", sorted(ALL - {"report.html"}))
def test_a_file_that_cannot_be_written_leaves_the_old_page_and_no_new_one(tmp_path, blocked):
    (tmp_path / blocked).mkdir(parents=True)  # a folder where the file should be
    with pytest.raises(OutputError, match="is a folder"):
        publish.write(tmp_path, OUTCOME)
    assert not (tmp_path / "report.html").exists()
    (tmp_path / "report.html").write_text("old")
    with pytest.raises(OutputError, match="is a folder"):
        publish.write(tmp_path, OUTCOME)
    assert (tmp_path / "report.html").read_text() == "old"
    assert not [path for path in tmp_path.rglob("*") if ".part" in path.name]


@pytest.mark.parametrize("name", ["figures", "tables"])
def test_a_file_where_a_folder_should_be_is_an_output_error(tmp_path, name):
    (tmp_path / name).write_text("mine")
    with pytest.raises(OutputError, match=name):
        publish.write(tmp_path, OUTCOME)
    assert (tmp_path / name).read_text() == "mine"
    assert not (tmp_path / "report.html").exists()

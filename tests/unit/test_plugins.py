"""Parts by name."""

import sys

import pytest

from mien import plugins
from mien.errors import MissingExtraError, UnknownPartError


@pytest.fixture
def room(tmp_path, monkeypatch):
    """A package ``mien.trial`` with a few parts in it."""
    import mien

    folder = tmp_path / "trial"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "good.py").write_text("Options = dict\ndef build(options):\n    return ['built', options]\n")
    (folder / "plots.py").write_text("import matplotlib.pyplot\n")
    (folder / "learner.py").write_text("from sklearn import svm\n")
    (folder / "broken.py").write_text("import some_other_package\n")
    (folder / "wrong.py").write_text("raise ImportError('numpy is of the wrong make')\n")
    (folder / "_hidden.py").write_text("raise AssertionError\n")
    monkeypatch.setattr(mien, "__path__", [*mien.__path__, str(tmp_path)])
    yield "trial"
    for name in [name for name in sys.modules if name.startswith("mien.trial")]:
        del sys.modules[name]
    if hasattr(mien, "trial"):
        del mien.trial


class Absent:
    """A finder of modules for which some packages are not installed."""

    def __init__(self, *roots):
        self.roots = roots

    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in self.roots:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@pytest.fixture
def absent(monkeypatch):
    """``absent("matplotlib")``: as if it were not installed."""

    def hide(*roots):
        for name in list(sys.modules):
            if name.split(".")[0] in roots:
                monkeypatch.delitem(sys.modules, name)
        monkeypatch.setattr(sys, "meta_path", [Absent(*roots), *sys.meta_path])

    return hide


def test_the_files_of_a_room_are_its_parts(room):
    assert plugins.names(room) == ("broken", "good", "learner", "plots", "wrong")


def test_rooms_of_the_house():
    assert "haar" in plugins.names("faces.detect")
    assert "overlap" in plugins.names("faces.track")


def test_build(room):
    assert plugins.build(room, "good", {"a": 1}) == ["built", {"a": 1}]
    assert plugins.part(room, "good") is plugins.part(room, "good")


def test_an_unknown_part_is_answered_with_the_nearest(room):
    with pytest.raises(UnknownPartError) as caught:
        plugins.part(room, "goood")
    assert str(caught.value) == (
        "no part of trial is called 'goood'; did you mean good? there are: broken, good, learner, plots, wrong"
    )


@pytest.mark.parametrize("name", ["xyz", "", "_hidden", "good.py", "..good", "os"])
def test_what_is_no_part_is_not_imported(room, name):
    with pytest.raises(UnknownPartError, match=r"there are: broken"):
        plugins.part(room, name)


def test_unknown_where_there_is_nothing():
    assert plugins.unknown("model", "x", ()) == "no model is called 'x'; there are: none"


@pytest.mark.parametrize(
    ("part", "package", "extra"), [("plots", "matplotlib", "report"), ("learner", "sklearn", "train")]
)
def test_a_missing_extra_says_what_to_install(room, absent, part, package, extra):
    absent(package)
    with pytest.raises(MissingExtraError) as caught:
        plugins.part(room, part)
    assert str(caught.value) == f"this needs {package}, which is not installed: pip install 'mien[{extra}]'"
    assert caught.value.exit_code == 2


def test_a_module_blocked_in_sys_modules_counts_as_missing(room, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"mien\[report\]"):
        plugins.part(room, "plots")


def test_another_missing_module_is_our_own_mistake_and_passes(room):
    with pytest.raises(ModuleNotFoundError, match="some_other_package"):
        plugins.part(room, "broken")
    with pytest.raises(ImportError, match="wrong make"):
        plugins.part(room, "wrong")

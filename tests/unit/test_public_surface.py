"""What mien shows to the world, and what it costs to look at it."""

import inspect
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import mien

ROOT = Path(__file__).parents[2]

# Removing or renaming one of these breaks somebody's program; adding one is a promise.
NAMES = [
    "Box",
    "ExpressionModel",
    "Frame",
    "FrameResult",
    "MienError",
    "Observation",
    "Pipeline",
    "__version__",
    "analyze",
    "load",
    "load_model",
]
HEAVY = ("numpy", "cv2", "av", "onnxruntime", "rich", "arro3", "matplotlib", "torch", "sklearn", "onnx")


def test_the_public_names():
    assert list(mien.__all__) == NAMES


@pytest.mark.parametrize("name", [name for name in NAMES if name != "__version__"])
def test_each_is_there_and_explained(name):
    thing = getattr(mien, name)
    assert thing.__name__ == name
    assert len(inspect.getdoc(thing)) > 20
    assert not inspect.getdoc(thing).startswith(f"{name}(")  # what dataclasses write where nobody did


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="module 'mien' has no attribute 'analyse'"):
        _ = mien.analyse


def test_the_version_is_the_project_s():
    told = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert mien.__version__ == told["version"]


def loaded_by(code):
    """Modules that ``code`` loads in a fresh Python."""
    told = "import sys; print('LOADED', *sorted(m.split('.')[0] for m in sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", f"{code}\n{told}"], capture_output=True, text=True, check=True)
    return set(done.stderr.split("LOADED")[1].split())


@pytest.mark.parametrize(
    "code",
    [
        "import mien",
        "import mien; mien.__version__; mien.__all__",
        "import mien; mien.MienError",
        "import mien.cli; mien.cli.cli.main(['--help'], standalone_mode=False)",
        "import mien.cli; mien.cli.cli.main(['--version'], standalone_mode=False)",
    ],
)
def test_looking_is_cheap(code):
    loaded = loaded_by(code)
    assert "mien" in loaded
    assert loaded.isdisjoint(HEAVY)


def test_the_main_job_needs_no_extra():
    loaded = loaded_by("import mien; mien.load, mien.analyze; import mien.cli.analyze")
    assert {"numpy", "cv2", "av", "onnxruntime"} <= loaded
    assert loaded.isdisjoint({"matplotlib", "torch", "sklearn", "onnx", "pandas", "polars", "pyarrow"})


def test_importing_changes_no_settings():
    code = """
import cv2, locale, numpy, signal, warnings
def settings():
    return warnings.filters[:], numpy.geterr(), cv2.getNumThreads(), signal.getsignal(2), locale.setlocale(0)
before = settings()
import mien.pipeline, mien.cli.analyze
assert settings() == before
"""
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)

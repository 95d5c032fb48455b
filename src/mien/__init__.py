"""mien reads facial expressions from video.

``mien.analyze(source)`` gives an Arrow table with one row per decoded frame and face;
``mien.load(model).run(source)`` gives the same as a stream; ``mien.load_model(name).predict(faces)`` scores
face crops. Names load on first use, so that ``import mien`` is quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mien.errors import MienError
    from mien.expression import ExpressionModel, load_model
    from mien.pipeline import Pipeline, analyze, load
    from mien.types import Box, Frame, FrameResult, Observation

__version__ = "0.1.0"

__all__ = [
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

_HOME = {
    "MienError": "mien.errors",
    "Box": "mien.types",
    "Frame": "mien.types",
    "FrameResult": "mien.types",
    "Observation": "mien.types",
    "ExpressionModel": "mien.expression",
    "Pipeline": "mien.pipeline",
    "analyze": "mien.pipeline",
    "load": "mien.pipeline",
    "load_model": "mien.expression",
}


def __getattr__(name: str) -> object:
    """Load a public name on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'mien' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)

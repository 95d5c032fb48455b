"""Parts by name: a folder is the registry, one file is one part.

A part is a module with a frozen dataclass ``Options`` and a function ``build(options)``; its file name is its
name. Files that begin with an underscore are not parts. This is the only place that imports by name and the
only place that turns a missing optional dependency into an error that says what to install.
"""

from __future__ import annotations

import importlib
import pkgutil
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from mien.errors import MissingExtraError, UnknownPartError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import ModuleType

_EXTRA_OF = {
    "matplotlib": "report",
    "torch": "train",
    "sklearn": "train",
    "scipy": "train",
    "skimage": "train",
    "threadpoolctl": "train",
    "numba": "train",
    "onnx": "train",
}


def names(room: str) -> tuple[str, ...]:
    """Names of the parts in ``room`` (a dotted package under mien, such as ``faces.detect``), sorted."""
    package = importlib.import_module(f"mien.{room}")
    return tuple(sorted(m.name for m in pkgutil.iter_modules(package.__path__) if not m.name.startswith("_")))


def part(room: str, name: str) -> ModuleType:
    """The module of part ``name`` in ``room``.

    Raises:
        UnknownPartError: no such part; the message lists those there are.
        MissingExtraError: the part needs an optional dependency that is not installed.
    """
    known = names(room)
    if name not in known:
        raise UnknownPartError(unknown(f"part of {room}", name, known))
    return load(f"mien.{room}.{name}")


def build(room: str, name: str, options: Any, *given: Any) -> Any:  # noqa: ANN401  the room's protocol types it
    """Build part ``name`` of ``room`` from its options, and from what else the room gives its parts."""
    return part(room, name).build(options, *given)


def load(module: str) -> ModuleType:
    """Import ``module``, turning a missing optional dependency into a clear error.

    Raises:
        MissingExtraError: with the ``pip install`` line that mends it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as missing:
        root = (missing.name or "").split(".")[0]
        extra = _EXTRA_OF.get(root)
        if extra is None:
            raise
        raise MissingExtraError(f"this needs {root}, which is not installed: pip install 'mien[{extra}]'") from None


def unknown(what: str, name: str, known: Sequence[str]) -> str:
    """The line for a name that nobody knows: what there is, and the nearest guess."""
    guess = get_close_matches(name, known, 1)
    hint = f"; did you mean {guess[0]}?" if guess else ""
    return f"no {what} is called {name!r}{hint or ';'} there are: {', '.join(known) or 'none'}"

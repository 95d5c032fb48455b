"""Recipes: TOML in, frozen values out. An unknown key or a wrong type is an error that names key and file."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import tomllib
import types as pytypes
import typing
from pathlib import Path
from typing import Any, TypeVar

from mien import plugins
from mien.errors import RecipeError, UnknownPartError

T = TypeVar("T")

SHIPPED = Path(__file__).parent / "recipes"
_WHOLE = 2**53  # whole numbers up to here are floats without loss


def locate(recipe: str | Path) -> Path:
    """The file behind RECIPE: a path, or the name of a shipped recipe (``paper``, ``recipes/paper.toml``).

    Raises:
        UnknownPartError: neither a file nor a shipped recipe.
    """
    path = Path(recipe)
    for candidate in (path, SHIPPED.parent / path, SHIPPED / f"{path}.toml"):
        with contextlib.suppress(OSError):  # a name too long for the file system is no file either
            if candidate.is_file():
                return candidate
    known = ", ".join(sorted(p.stem for p in SHIPPED.glob("*.toml"))) or "none"
    raise UnknownPartError(f"{recipe}: no such recipe file, and no shipped recipe of that name; shipped: {known}")


def read(path: Path) -> tuple[dict[str, Any], str]:
    """The recipe at ``path`` as nested dictionaries, and its text.

    Raises:
        RecipeError: not readable, or not TOML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RecipeError(f"{path}: cannot read the recipe: {error}") from None
    return parse(text, str(path)), text


def parse(text: str, where: str) -> dict[str, Any]:
    """TOML text as nested dictionaries; ``where`` names it in errors."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RecipeError(f"{where}: not valid TOML: {error}") from None


def options(cls: type[T], table: dict[str, Any], where: str) -> T:
    """Make the frozen dataclass ``cls`` from a recipe table, strictly.

    Nested dataclasses take nested tables; lists become tuples; an int serves as a float, nothing else is
    converted. Checks of values belong to ``cls.__post_init__`` and raise ``ValueError``.

    Raises:
        RecipeError: an unknown key, a missing key, a wrong type or a refused value; the message names the key.
    """
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in table:
        if key not in fields:
            raise RecipeError(f"{where}: unknown key {key!r}; known: {', '.join(fields)}")
    values: dict[str, Any] = {}
    for key, spec in fields.items():
        if key in table:
            values[key] = _convert(hints[key], table[key], f"{where}: {key}")
        elif spec.default is dataclasses.MISSING and spec.default_factory is dataclasses.MISSING:
            raise RecipeError(f"{where}: key {key!r} is missing")
    try:
        return cls(**values)
    except ValueError as error:
        raise RecipeError(f"{where}: {error}") from None


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A part chosen by a recipe: the room it lives in, its name, its options."""

    room: str
    name: str
    options: Any

    def build(self, *given: Any) -> Any:  # noqa: ANN401  the room's own protocol types the result
        """A fresh instance of the part, from its options and what else its room gives its parts."""
        return plugins.build(self.room, self.name, self.options, *given)


def part(room: str, table: dict[str, Any], default: str, where: str) -> Part:
    """The part that ``table`` names in its key ``name`` (or ``default``), with its other keys as options.

    Raises:
        UnknownPartError, MissingExtraError, RecipeError: as in ``plugins.part`` and ``options``.
    """
    name = table.get("name", default)
    if not isinstance(name, str):
        raise RecipeError(f"{where}: name must be a text, not {name!r}")
    rest = {key: value for key, value in table.items() if key != "name"}
    return Part(room, name, options(plugins.part(room, name).Options, rest, where))


def section(tables: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    """The table ``name`` of a recipe, empty where it is not given.

    Raises:
        RecipeError: it is not a table.
    """
    table = tables.get(name, {})
    if not isinstance(table, dict):
        raise RecipeError(f"{where}: {name} must be a table, not {table!r}")
    return table


def dump(sections: dict[str, Any]) -> str:
    """Parts and option dataclasses as TOML text, every effective setting spelled out."""
    lines: list[str] = []
    for name, value in sections.items():
        lines.append(f"[{name}]")
        chosen = value.options if isinstance(value, Part) else value
        if isinstance(value, Part):
            lines.append(f"name = {json.dumps(value.name)}")
        lines += [f"{key} = {_toml(item)}" for key, item in dataclasses.asdict(chosen).items() if item is not None]
        lines.append("")
    return "\n".join(lines)


def _toml(value: Any) -> str:  # noqa: ANN401  as in _convert
    """One value as TOML."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_toml(key)} = {_toml(item)}' for key, item in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value)  # TOML writes numbers, inf too, as Python does


def _convert(hint: Any, value: Any, where: str) -> Any:  # noqa: ANN401  TOML values are of any type
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, pytypes.UnionType):
        inner = [a for a in arguments if a is not type(None)]
        return _convert(inner[0], value, where)
    if origin is typing.Literal:
        if not any(type(value) is type(a) and value == a for a in arguments):
            raise RecipeError(f"{where} must be one of {', '.join(map(repr, arguments))}, not {value!r}")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise RecipeError(f"{where} must be a list, not {value!r}")
        return tuple(_convert(arguments[0], item, where) for item in value)
    if origin is dict or hint is dict:
        if not isinstance(value, dict):
            raise RecipeError(f"{where} must be a table, not {value!r}")
        return value
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise RecipeError(f"{where} must be a table, not {value!r}")
        return options(typing.cast("type[Any]", hint), value, where)
    if hint is float and isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _WHOLE:
        return float(value)
    if hint is float and isinstance(value, float) and math.isnan(value):  # no later check of a range would see it
        raise RecipeError(f"{where} must be a number, not nan")
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise RecipeError(f"{where} must be {hint.__name__}, not {value!r}")
    return value

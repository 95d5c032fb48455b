"""What every training recipe has, whatever it trains: a name, a seed, and the text that it was read from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from mien import recipe as toml
from mien.errors import RecipeError

if TYPE_CHECKING:
    from dataclasses import Field
    from typing import ClassVar

LARGEST_SEED = 2**31 - 1


class Document(Protocol):
    """A recipe as a frozen dataclass; ``text`` is no key of its TOML."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    @property
    def name(self) -> str:
        """The short name of what is trained."""

    @property
    def text(self) -> str:
        """The TOML it was read from."""


T = TypeVar("T", bound=Document)


def parse(cls: type[T], text: str, where: str) -> T:
    """The recipe ``cls`` in TOML ``text``, which it keeps; ``where`` names it in errors.

    Raises:
        RecipeError: an unknown or missing key, a wrong type, an impossible value.
    """
    tables = toml.parse(text, where)
    if "text" in tables:
        raise RecipeError(f"{where}: unknown key 'text'")
    found = toml.options(cls, tables, where)
    name(found.name, where)
    return replace(found, text=text)


def name(given: str, where: str) -> str:
    """``given``, if it can be part of a file's name.

    Raises:
        RecipeError: it cannot.
    """
    if not given or set(given) & set("/\\. "):
        raise RecipeError(f"{where}: name must be a word without dots, slashes and spaces, not {given!r}")
    return given


def seed(given: int, where: str) -> int:
    """``given``, if it is a seed.

    Raises:
        RecipeError: out of range.
    """
    if not 0 <= given <= LARGEST_SEED:
        raise RecipeError(f"{where}: seed must be 0 to {LARGEST_SEED}, not {given}")
    return given

"""What the sessions of one pipeline share: networks, each loaded when it is first asked for, and once."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

T = TypeVar("T")


class Shared:
    """Holds what was loaded; safe to use from several threads."""

    def __init__(self) -> None:
        self._held: dict[Hashable, Any] = {}
        self._lock = Lock()

    def get(self, key: Hashable, load: Callable[[], T]) -> T:
        """What is held under ``key``, made by ``load`` where nothing is yet.

        Whatever ``load`` raises goes on to the caller, and the next one tries again.
        """
        with self._lock:
            if key not in self._held:
                self._held[key] = load()
            held: T = self._held[key]
            return held

"""Examples that are made once and learned from several times, in random order.

On a CPU a batch takes longer to make than to learn from. Each is therefore met about ``turns`` times, among those
made shortly before and after it, and each time in another light.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Replay(Generic[T]):
    """Batches in a moving window; what a step gets depends on its number alone, so that a run can be resumed.

    Args:
        make: the batch of a number from 0 on, always the same one.
        seed: of the choice among them.
        turns: how often each is met, on average.
        window: batches among which a step chooses; so many are kept.
    """

    def __init__(self, make: Callable[[int], T], seed: int, turns: int, window: int) -> None:
        if turns < 1 or window < 1:
            raise ValueError(f"turns and window must be 1 or more, not {turns}, {window}")
        self._make, self._seed, self._turns, self._window = make, seed, turns, window
        self._kept: OrderedDict[int, T] = OrderedDict()

    def at(self, step: int) -> T:
        """The batch for ``step``, counted from 0."""
        oldest = step // self._turns
        number = oldest + int(np.random.default_rng([self._seed, step]).integers(self._window))
        if number not in self._kept:
            self._kept[number] = self._make(number)
        self._kept.move_to_end(number)
        for passed in [kept for kept in self._kept if kept < oldest]:
            del self._kept[passed]
        return self._kept[number]

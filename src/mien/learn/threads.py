"""One thread while learning, so that the bits of a model do not depend on how many cores a machine has.

A sum that is split over threads is added up in another order, and floating-point sums depend on their order.
torch and the linear algebra under NumPy and SciPy keep their numbers of threads globally; both are restored.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # comes with scikit-learn

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread within the block; what was set before is set again after it, come what may."""
    before = torch.get_num_threads()
    with threadpool_limits(limits=1):
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(before)

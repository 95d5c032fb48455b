"""Where a network is trained."""

from __future__ import annotations

import torch

from mien.errors import UsageError

NAMES = ("auto", "cpu", "cuda")


def device(name: str) -> torch.device:
    """The device called ``name``; ``auto`` is a GPU where torch sees one.

    Raises:
        UsageError: no such name, or torch sees no such device.
    """
    if name not in NAMES:
        raise UsageError(f"--device must be auto, cpu or cuda, not {name!r}")
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise UsageError("--device cuda: torch sees no such device here; use --device cpu")
    return torch.device("cuda" if there and name != "cpu" else "cpu")

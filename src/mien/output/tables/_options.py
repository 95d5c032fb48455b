"""What every table format needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from mien.labels import LabelSet


@dataclass(frozen=True, slots=True)
class Options:
    """Which file, and the model's labels."""

    path: Path
    labels: LabelSet

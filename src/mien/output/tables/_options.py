"""What every table format needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from mien.output.columns import Shown


@dataclass(frozen=True, slots=True)
class Options:
    """Which file, and what the table tells."""

    path: Path
    shown: Shown

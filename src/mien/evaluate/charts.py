"""Charts of the report as inline SVG: numbers always beside colour, one hue from light to dark."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

INK, LINE, BLUE = "#1b1b1b", "#c8c8c8", "#0072B2"
DARKEST = (8, 48, 107)  # RGB; from white to this, brightness falls steadily, so every eye reads it
SIDE, LEFT, TOP = 300, 48, 12  # of a square chart, pixels
FONT = 'font-family="system-ui,sans-serif"'


def confusion(table: NDArray[np.int64], labels: Sequence[str]) -> str:
    """A confusion matrix (classes, classes) as SVG: counts in the cells, shade by the share of the row."""
    cell, left, top = 68, 96, 34
    size = cell * len(labels)
    share = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    parts = [
        f'<svg viewBox="0 0 {left + size + 8} {top + size + 8}" width="{left + size + 8}" role="img" '
        f'aria-label="Confusion matrix: rows truth, columns answer" {FONT} font-size="13">'
    ]
    for k, label in enumerate(labels):
        middle = (k + 0.5) * cell
        parts.append(f'<text x="{left + middle}" y="{top - 10}" text-anchor="middle">{escape(label)}</text>')
        parts.append(f'<text x="{left - 10}" y="{top + middle + 5}" text-anchor="end">{escape(label)}</text>')
        for j, answer in enumerate(labels):
            part = float(share[k, j])
            fill = ",".join(str(round(255 + (dark - 255) * part)) for dark in DARKEST)
            ink = "#fff" if part > 0.65 else INK
            weight = "600" if j == k else "400"
            parts.append(
                f"<g><title>{escape(label)} answered as {escape(answer)}: {table[k, j]} ({part:.0%})</title>"
                f'<rect x="{left + j * cell}" y="{top + k * cell}" width="{cell - 1}" height="{cell - 1}" '
                f'fill="rgb({fill})" stroke="#e4e4e4"/><text x="{left + (j + 0.5) * cell}" '
                f'y="{top + middle + 5}" text-anchor="middle" fill="{ink}" font-weight="{weight}">'
                f"{table[k, j]}</text></g>"
            )
    return "".join([*parts, "</svg>"])


def reliability(rows: NDArray[np.float64]) -> str:
    """Confidence against accuracy as SVG; ``rows`` as in ``metrics.reliability``."""
    side, left, top = SIDE, LEFT, TOP
    parts = _axes("Reliability diagram: accuracy against confidence", "confidence", "accuracy")
    parts.append(f'<path d="M{left} {top + side}L{left + side} {top}" stroke="{INK}" stroke-dasharray="4 3"/>')
    points = [(left + c * side, top + (1 - a) * side, c, a, n) for c, a, n in rows.tolist()]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, *_ in points)
    parts.append(f'<polyline points="{path}" fill="none" stroke="{BLUE}" stroke-width="1.5"/>')
    parts.extend(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{BLUE}"><title>confidence {c:.2f}, accuracy {a:.2f}, '
        f"{n:.0f} faces</title></circle>"
        for x, y, c, a, n in points
    )
    return "".join([*parts, "</svg>"])


def risk_coverage(rows: NDArray[np.float64]) -> str:
    """Share of faces answered against share of right answers among them, as SVG.

    Args:
        rows: (coverage, risk) as in ``selective.curve``; accuracy, which is what people look for, is 1 - risk.
    """
    parts = _axes(
        "Accuracy of the surest answers against coverage", "share of faces that get an answer", "accuracy"
    )
    points = [(LEFT + c * SIDE, TOP + r * SIDE, c, 1 - r) for c, r in rows.tolist()]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, *_ in points)
    parts.append(f'<polyline points="{path}" fill="none" stroke="{BLUE}" stroke-width="1.5"/>')
    for wanted in (0.8, 0.9, 1.0):
        x, y, coverage, accuracy = next((p for p in points if p[2] >= wanted - 1e-9), points[-1])
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{BLUE}"><title>{coverage:.0%} of the faces answered, '
            f"accuracy {accuracy:.3f}</title></circle>"
        )
    return "".join([*parts, "</svg>"])


def _axes(title: str, across: str, up: str) -> list[str]:
    """The opening of a square chart of shares: grid, ticks and names of both axes."""
    side, left, top = SIDE, LEFT, TOP
    parts = [
        f'<svg viewBox="0 0 {left + side + 12} {top + side + 46}" width="{left + side + 12}" role="img" '
        f'aria-label="{escape(title)}" {FONT} font-size="12">'
    ]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = left + tick * side, top + (1 - tick) * side
        parts.append(f'<path d="M{left} {y}h{side}M{x} {top}v{side}" stroke="{LINE}" stroke-width=".5"/>')
        parts.append(f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{tick:g}</text>')
        parts.append(f'<text x="{x}" y="{top + side + 18}" text-anchor="middle">{tick:g}</text>')
    parts.append(f'<text x="{left + side / 2}" y="{top + side + 38}" text-anchor="middle">{escape(across)}</text>')
    parts.append(
        f'<text transform="translate(12 {top + side / 2}) rotate(-90)" text-anchor="middle">{escape(up)}</text>'
    )
    return parts

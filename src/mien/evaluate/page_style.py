"""What all pages of mien have in common: one style sheet, one frame, one way to write a number."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mien.evaluate.intervals import Interval

STYLE = """
:root{color-scheme:light}body{font:16px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif;color:#1b1b1b;
max-width:60rem;margin:2.5rem auto;padding:0 1.25rem;background:#fff}h1{font-size:1.7rem;margin:0 0 .25rem}
h2{font-size:1.15rem;margin:2.25rem 0 .5rem}p{max-width:44rem}.lead{color:#555;margin-top:0}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;margin:.5rem 0}th{font-weight:600;text-align:left}
th,td{padding:.3rem .9rem .3rem 0;border-bottom:1px solid #e4e4e4;vertical-align:baseline}
thead th{border-bottom:1.5px solid #1b1b1b;font-size:.85rem}
td.n,th.n{text-align:right}small{color:#666;white-space:nowrap}tr.ours td,tr.ours
th{font-weight:600}tr.ours small{font-weight:400}.banner{background:#fff3d6;border:2px solid #b35c00;padding:.75rem
1rem;font-weight:600;margin:1.25rem 0}svg{max-width:100%;height:auto}.scroll{overflow-x:auto}dl{display:grid;
grid-template-columns:max-content 1fr;gap:.15rem 1.25rem;font-size:.9rem}dt{color:#555}dd{margin:0;
overflow-wrap:anywhere}@media print{body{margin:0;max-width:none}}
"""


def document(title: str, body: str, more_style: str = "") -> str:
    """A whole HTML page that loads nothing from elsewhere.

    Args:
        title: plain text.
        body: HTML.
        more_style: CSS after the common one.
    """
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}{more_style}</style></head><body>{body}</body></html>\n"
    )


def banner(text: str) -> str:
    """A line that nobody overlooks; ``text`` is plain."""
    return f'<p class="banner" role="note">{escape(text)}</p>'


def facts(pairs: dict[str, str]) -> str:
    """Names and their values, plain text, as a list."""
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in pairs.items()) + "</dl>"


def interval(i: Interval, *, brief: bool = False) -> str:
    """A figure as HTML, with its bounds unless ``brief``."""
    if brief:
        return number(i.value)
    return f"{number(i.value)} <small>[{number(i.low)}, {number(i.high)}]</small>"


def number(value: float) -> str:
    """Three decimals; a dash where there is no value."""
    return "–" if value != value else f"{value:.3f}"

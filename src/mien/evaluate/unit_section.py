"""The part of ``report.html`` that is about action units."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from mien.evaluate.action_units import FEWEST, FIGURES
from mien.evaluate.page_style import interval, number
from mien.labels import ACTION_UNITS

if TYPE_CHECKING:
    from mien.evaluate.action_units import UnitFigures, UnitSummary

NAMES = {
    "auc": ("AUC", "0.5 is chance"),
    "f1": ("F1", "compare it with the F1 of always saying yes"),
    "f1_skew_normalised": ("F1, skew-normalised", "as if as many faces showed the unit as not"),
    "balanced_accuracy": ("Balanced accuracy", "mean of the rates of hits and of right rejections"),
}
TOO_LITTLE = "not enough data"


def html(s: UnitSummary) -> str:
    """A heading, a table with a row per unit and their means, and what it means."""
    heads = "".join(
        f'<th class="n" scope="col">{name}</th>'
        for name in ("Faces with it", "People", *(name for name, _ in NAMES.values()), "F1 of always yes")
    )
    notes = "; ".join(f"{name}: {meaning}" for name, meaning in NAMES.values())
    return (
        f"<h2>By action unit</h2><p>{s.items} faces of {s.subjects} people were coded by people. Each unit has "
        f"a probability of its own and is declared from {s.threshold:g} on. The means are over the {len(s.meant)} "
        f"units that {FEWEST} faces or more show. Always saying no has an F1 of 0 and a balanced accuracy of 0.5; "
        "always saying yes has a skew-normalised F1 of 0.667.</p>"
        f'<div class="scroll"><table><thead><tr><th scope="col">Unit</th>{heads}</tr></thead>'
        f"<tbody>{_means(s)}{''.join(_row(unit) for unit in s.units)}</tbody></table></div>"
        f"<p><small style='white-space:normal'>{notes}.</small></p>"
    )


def _means(s: UnitSummary) -> str:
    if not s.means:
        return f'<tr class="ours"><th scope="row">Mean</th><td colspan="{len(NAMES) + 3}">{TOO_LITTLE}</td></tr>'
    cells = "".join(f'<td class="n">{interval(s.means[name])}</td>' for name in FIGURES)
    return (
        f'<tr class="ours"><th scope="row">Mean of {len(s.meant)}</th><td></td><td></td>{cells}'
        f'<td class="n">{number(s.baselines["always_yes"]["f1"])}</td></tr>'
    )


def _row(unit: UnitFigures) -> str:
    name = f"{escape(unit.unit)} <small>{escape(ACTION_UNITS.get(unit.unit, ''))}</small>"
    head = f'<th scope="row">{name}</th><td class="n">{unit.positives}</td><td class="n">{unit.people}</td>'
    if not unit.figures:
        why = TOO_LITTLE if unit.modelled else f"{TOO_LITTLE}: the model does not give it"
        return f'<tr>{head}<td colspan="{len(NAMES) + 1}">{why}</td></tr>'
    cells = "".join(f'<td class="n">{interval(unit.figures[figure])}</td>' for figure in FIGURES)
    mark = "" if unit.counts else " <small>not in the means</small>"
    return f'<tr>{head}{cells}<td class="n">{number(unit.baselines["always_yes"]["f1"])}{mark}</td></tr>'

"""What the numbers say, in plain sentences that are made from the numbers and from nothing else."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mien.reproduce import words

if TYPE_CHECKING:
    from mien.reproduce.results import Row
    from mien.reproduce.tables import Results


ACCEPTED = "accepted_"
"""How metrics begin that say whether a criterion is met: 1 or 0."""


def difference(row: Row, *, points: bool = False) -> str:
    """What a row ``a minus b`` says: a gain, a loss, or nothing shown.

    Args:
        row: value and interval.
        points: they are in points already, not fractions.
    """
    scale = 1.0 if points else 100.0
    first, _, second = row.inputs.partition(" minus ")
    return f"{_pair(first, second)}: {_gap(row.value, row.low, row.high, row.metric, scale)}."


def against(
    results: Results, experiment: str, protocol: str, pair: tuple[str, str], metric: str, label: str = "all"
) -> str:
    """Two inputs compared on the same people; empty where one of them has no number.

    Where the difference has a row of its own its interval decides; else the sentence says what the two intervals
    do, and claims no more.
    """
    first, second = pair
    made = results.get(experiment, protocol, f"{first} minus {second}", label, metric)
    if made is not None:
        return difference(made)
    turned = results.get(experiment, protocol, f"{second} minus {first}", label, metric)
    subject = _pair(first, second)
    if turned is not None:
        return f"{subject}: {_gap(-turned.value, -turned.high, -turned.low, metric, 100)}."
    a, b = (results.get(experiment, protocol, name, label, metric) for name in pair)
    if a is None or b is None:
        return ""
    told = f"{subject}: {signed(100 * (a.value - b.value))} points of {_named(metric)}"
    if any(math.isnan(x) for x in (a.low, a.high, b.low, b.high)):
        return f"{told}; no interval was computed."
    if a.low > b.high or b.low > a.high:
        return f"{told}; the two intervals lie apart."
    return f"{told}; the two intervals overlap, so this comparison alone shows no difference."


def over_nothing(
    results: Results, experiment: str, protocol: str, inputs: str, metric: str, label: str = "all"
) -> str:
    """An input against the best of what one gets for nothing; empty where a number is missing."""
    row = results.get(experiment, protocol, inputs, label, metric)
    known = [r for name in words.NOTHING if (r := results.get(experiment, protocol, name, label, metric))]
    if row is None or not known:
        return ""
    best = max(known, key=lambda r: r.value)
    told = (
        f"{sentence(words.inputs(inputs))}: {row.value:.3f} {_named(metric)}; the best of what one gets for "
        f"nothing ({words.inputs(best.inputs)}) is {best.value:.3f}"
    )
    if math.isnan(row.low):
        return f"{told}, {signed(100 * (row.value - best.value))} points."
    if row.low > best.value:
        return f"{told}, below the whole interval: something was learned."
    if row.high < best.value:
        return f"{told}, above the whole interval: worse than nothing."
    return f"{told}, inside the interval: not shown to be better than nothing."


def leak(row: Row) -> str:
    """What a row of the leak says; its numbers are points."""
    loose, _, strict = row.protocol.partition(" minus ")
    what = f"{words.inputs(row.inputs)}, {_named(row.metric)}"
    if row.label not in ("all", ""):
        what += f", {words.label(row.label)}"
    sides = f"{words.protocol(loose)}, against {words.protocol(strict)}"
    known = not math.isnan(row.low)
    verdict = ""
    if known:
        verdict = ": inflated" if row.low > 0 else ": deflated" if row.high < 0 else ": no inflation shown"
    return f"{sentence(what)}; {sides}: {signed(row.value)} points{_between(row.low, row.high, 1)}{verdict}."


def in_points(row: Row | None) -> str:
    """A difference in points with its interval, as HTML; a dash where there is none."""
    if row is None:
        return "–"
    between = _between(row.low, row.high, 1)
    return signed(row.value) + (f" <small>{between.strip()}</small>" if between else "")


def gabor(results: Results) -> list[str]:
    """Fig. 1: fit of Gabor functions beside the controls, and reconstruction beside the zero predictor."""

    def get(inputs: str, metric: str) -> Row | None:
        return results.get("fig1", "none", inputs, "all", metric)

    found = []
    controls = [(n, r) for n in ("pca", "noise") if (r := get(n, "median_gabor_r2"))]
    for form in ("online", "batch"):
        fit = get(form, "median_gabor_r2")
        if fit is not None and controls:
            above = all(fit.value > r.value for _, r in controls)
            rest = ", ".join(f"{words.inputs(n)} {r.value:.2f}" for n, r in controls)
            found.append(
                f"{sentence(words.inputs(form))}: a Gabor function fits the median filter with R² {fit.value:.2f} "
                f"({rest}): {'more like an edge than' if above else 'not more like an edge than all of'} the "
                "controls."
            )
        error = get(form, "heldout_sse")
        mean = get(form, "heldout_sse_of_mean")
        idle = mean or get("zero", "heldout_sse")
        if error is not None and idle is not None:
            verdict = "better" if error.value < idle.value else "not better"
            found.append(
                f"{sentence(words.inputs(form))}: held-out patches come back with an error of {error.value:.2f}; "
                f"always answering {'the mean patch' if mean else 'zero'} gives {idle.value:.2f}: {verdict} than "
                "nothing."
            )
    return found


def accepted(results: Results) -> str:
    """How many of the criteria of Fig. 1 are met, and which are not."""
    rows = [r for r in results.rows if r.experiment == "fig1" and r.metric.startswith(ACCEPTED)]
    missed = [r for r in rows if r.value != 1]
    if not rows:
        return ""
    told = f"{len(rows) - len(missed)} of {len(rows)} criteria are met"
    names = (f"{words.inputs(r.inputs)}: {_named(r.metric.removeprefix(ACCEPTED))}" for r in missed)
    return f"{told}; missed: {'; '.join(names)}." if missed else f"{told}."


def beyond_chance(results: Results, inputs: str, label: str) -> str:
    """Fig. 5: units beyond what chance does, beside how many chance alone puts there."""
    cells = ("activations", "none", inputs, label)
    units, beyond = results.get(*cells, "units"), results.get(*cells, "units_beyond_chance")
    if units is None or beyond is None:
        return ""
    return (
        f"{sentence(words.inputs(inputs))}: {beyond.value:.0f} of {units.value:.0f} units differ by more than 95 % "
        f"of the deals of labels at random; chance alone would give about {0.05 * units.value:.0f}."
    )


def sentence(text: str) -> str:
    """With a capital letter."""
    return text[:1].upper() + text[1:]


def signed(value: float) -> str:
    """One decimal with its sign; a nought has none."""
    text = f"{value:+.1f}"
    return "0.0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def _pair(first: str, second: str) -> str:
    """``Features against raw pixels``; what both have in common is said once."""
    (one, _, people), (other, _, others) = first.rpartition("@"), second.rpartition("@")
    if one and people == others:
        return f"With {people} labelled people, {words.inputs(one)} against {words.inputs(other)}"
    return sentence(f"{words.inputs(first)} against {words.inputs(second)}")


def _gap(value: float, low: float, high: float, metric: str, scale: float) -> str:
    told = f"{signed(scale * value)} points of {_named(metric)}{_between(low, high, scale)}"
    if math.isnan(low) or math.isnan(high):
        return f"{told}; no interval was computed"
    if low > 0:
        return f"{told}, a gain"
    if high < 0:
        return f"{told}, a loss"
    return f"{told}, which holds zero: no difference shown"


def _between(low: float, high: float, scale: float) -> str:
    return "" if math.isnan(low) or math.isnan(high) else f" [{signed(scale * low)}, {signed(scale * high)}]"


def _named(metric: str) -> str:
    head = words.metric(metric).head
    return head if head[:2].isupper() or head.startswith("F1") else head[:1].lower() + head[1:]

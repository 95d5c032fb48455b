"""The page's sections in the order of the 2010 report: what it did, what was done here, and how to read it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from mien.reproduce import paper, readings, words
from mien.reproduce.tables import Group, Line, Results, cell, table

if TYPE_CHECKING:
    from mien.reproduce.results import Row

_OVERALL = ("balanced_accuracy", "macro_f1", "macro_auc", "mcc", "accuracy")
_BY_EXPRESSION = ("accuracy", "TP", "TN", "FP", "FN", "f1", "balanced_accuracy", "auc", "mcc")
_FIRST = ("sequence_balanced_accuracy", "balanced_accuracy", "accuracy")
_FILTERS = (
    "filters", "median_gabor_r2", "share_gabor_r2_above_0.7", "heldout_sse", "active_fraction", "dead_filters",
    "near_duplicates",
)  # fmt: skip
_MEANS = ("accuracy", "balanced_accuracy", "f1", "auc", "mcc", "tpr", "fpr")


class Section(NamedTuple):
    """One section.

    Attributes:
        key: of its notes, and the experiment whose rows it shows.
        title: its heading.
        said: what the report did or claims, one sentence.
        done: what was done here, one sentence.
        pictures: names of its figures.
        body: makes its tables and readings; empty where the section has none.
    """

    key: str
    title: str
    said: str
    done: str
    pictures: tuple[str, ...]
    body: Callable[[Results, str], str] | None


def overall(results: Results, experiment: str) -> str:
    """All inputs, grouped by protocol, figures by sequence first, and a sentence for every comparison."""
    known = results.metrics(experiment, "all")
    by_sequence = [m for p in _OVERALL if (m := f"sequence_{p}") in known]
    rest = [m for m in _OVERALL if m in known]
    rest += [m for m in known if m not in rest and not m.startswith("sequence_")]
    protocols = results.protocols(experiment)
    lines: list[Line | Group] = []
    for protocol in protocols:
        if len(protocols) > 1:
            lines.append(_group(protocol))
        lines += [
            Line(words.inputs(name), protocol, name, "all", strong=name in words.MAIN)
            for name in _nothing_last(results.inputs(experiment, protocol, "all"))
        ]
    found = table(results, experiment, lines, by_sequence or rest, "Input")
    if by_sequence:
        found += _folded("The same by frame", table(results, experiment, lines, rest, "Input"))
    recalls = [m for m in results.metrics(experiment) if m.endswith("recall")]
    for metric in recalls:
        title = f"{words.metric(metric).head}, expression by expression"
        found += _folded(title, _by_label(results, experiment, metric))
    return found + said_by(_compared(results, experiment))


def filters(results: Results, experiment: str) -> str:
    """Fig. 1: what matters in one table, the rest folded away, and what they say of the filters."""
    lines = [Line(words.inputs(name), "none", name, "all") for name in results.inputs(experiment, "none")]
    known = [m for m in results.metrics(experiment) if not m.startswith(readings.ACCEPTED)]
    rest = [m for m in known if m not in _FILTERS]
    found = table(results, experiment, lines, _FILTERS, "Filters")
    for place in range(0, len(rest), 6):
        more = table(results, experiment, lines, rest[place : place + 6], "Filters")
        found += _folded("More numbers" if place == 0 else "Still more numbers", more)
    return found + said_by([*readings.gabor(results), readings.accepted(results)])


def activations(results: Results, experiment: str) -> str:
    """Fig. 5: how many units tell two expressions apart, beside chance."""
    found, told = "", []
    for label in results.labels(experiment, "none"):
        names = results.inputs(experiment, "none", label)
        lines = [Line(words.inputs(name), "none", name, label) for name in names]
        found += table(results, experiment, lines, results.metrics(experiment, label), label.capitalize())
        told += [readings.beyond_chance(results, name, label) for name in names]
    return found + said_by(told)


def table_1(results: Results, experiment: str) -> str:
    """Table 1 on the report's split, the means under every protocol, and the expressions on unseen people."""
    protocols = results.protocols(experiment)
    found = ""
    if "paper-split" in protocols:
        for name in results.inputs(experiment, "paper-split"):
            if name in words.TABLE_1 or "tracking" in name:
                title = f"Table 1: {_lettered(name)}"
                found += f"<h3>{escape(title)} <span class='tag'>leaks</span></h3>{_warning(name)}"
                found += _per_expression(results, experiment, "paper-split", name)
    found += f"<h3>All inputs, all protocols: mean of the six</h3>{_means(results, experiment, 'macro-6')}"
    found += _folded("The same as the mean of all labels", _means(results, experiment, "macro"))
    honest = results.honest(experiment)
    if honest != "paper-split":
        for name in results.inputs(experiment, honest):
            if name in words.TABLE_1 or "tracking" in name:
                inner = _per_expression(results, experiment, honest, name)
                title = f"Expression by expression: {_lettered(name)}, {words.protocol(honest)}"
                found += _folded(title, _warning(name) + inner)
    return found + said_by(_table_1_says(results, experiment, honest))


def people(results: Results, experiment: str) -> str:
    """A table per figure, people against inputs; and what the fewest and the most people say."""
    protocol = results.honest(experiment)
    names = results.inputs(experiment, protocol)
    counts = sorted({int(name.rpartition("@")[2]) for name in names if _counted(name)})
    kinds = list(dict.fromkeys(name.rpartition("@")[0] for name in names if _counted(name)))
    rest = [name for name in names if not _counted(name)]
    metrics = results.metrics(experiment, "all")
    body = ""
    for metric in metrics:
        body += f'<tr class="group"><th colspan="{1 + len(kinds) + len(rest)}" scope="colgroup">'
        body += f"{escape(words.metric(metric).head)}</th></tr>"
        for count in counts:
            places = [*(f"{kind}@{count}" for kind in kinds), *rest]
            body += _row(str(count), [results.get(experiment, protocol, at, "all", metric) for at in places])
    told = [
        readings.against(results, experiment, protocol, (f"features@{count}", f"{other}@{count}"), metric)
        for count in dict.fromkeys((*counts[:1], *counts[-1:]))
        for other in ("pixels", "pca")
        for metric in metrics[:1]
    ]
    return _framed("Labelled people", [words.inputs(k) for k in (*kinds, *rest)], body) + said_by(told)


def inflation(results: Results, experiment: str) -> str:
    """What each split adds, in points: a line per figure, a column per pair of protocols."""
    rows = [row for row in results.rows if row.experiment == experiment and not math.isnan(row.value)]
    pairs = list(dict.fromkeys(row.protocol for row in rows))
    lines = list(dict.fromkeys((row.inputs, row.label, row.metric) for row in rows))
    body = ""
    for inputs, label, metric in lines:
        name = f"{words.inputs(inputs)}, {words.metric(metric).head}"
        name += "" if label == "all" else f", {words.label(label)}"
        cells = (results.get(experiment, pair, inputs, label, metric) for pair in pairs)
        body += f'<tr><th scope="row">{escape(name)}</th>'
        body += "".join(f'<td class="n">{readings.in_points(row)}</td>' for row in cells) + "</tr>"
    if not rows:
        return ""
    found = _framed("Points that the split adds", [_pair(pair) for pair in pairs], body)
    return found + said_by(_leaks_most(rows))


def said_by(sentences: list[str]) -> str:
    """The readings as a list; empty ones are left out."""
    kept = [f"<li>{escape(text)}</li>" for text in sentences if text]
    return f'<ul class="reading">{"".join(kept)}</ul>' if kept else ""


def _by_label(results: Results, experiment: str, metric: str) -> str:
    """Inputs against expressions."""
    protocol = results.honest(experiment)
    rows = [row for row in results.rows if (row.experiment, row.metric) == (experiment, metric)]
    labels = list(dict.fromkeys(row.label for row in rows))
    body = "".join(
        _row(words.inputs(name), [results.get(experiment, protocol, name, label, metric) for label in labels])
        for name in dict.fromkeys(row.inputs for row in rows)
    )
    return _framed("Input", [words.label(label) for label in labels], body)


def _framed(first: str, heads: Sequence[str], body: str) -> str:
    """A table of ready-made lines."""
    across = "".join(f'<th class="n" scope="col">{escape(head)}</th>' for head in heads)
    return (
        f'<div class="scroll"><table class="results"><thead><tr><th scope="col">{escape(first)}</th>{across}</tr>'
        f"</thead><tbody>{body}</tbody></table></div>"
    )


def _row(name: str, rows: Sequence[Row | None]) -> str:
    cells = "".join(f'<td class="n">{"" if row is None else cell(row)}</td>' for row in rows)
    return f'<tr><th scope="row">{escape(name)}</th>{cells}</tr>'


def _folded(title: str, inner: str) -> str:
    return f"<details><summary>{escape(title)}</summary>{inner}</details>" if inner else ""


def _compared(results: Results, experiment: str) -> list[str]:
    """Every difference that has a row; where there is none, features against pixels, PCA and nothing."""
    honest = results.honest(experiment)
    found = [
        readings.difference(row)
        for row in results.differences(experiment)
        if row.label == "all" and row.metric.removeprefix("sequence_") in ("accuracy", "balanced_accuracy")
    ]
    names = results.inputs(experiment, honest, "all")
    metrics = results.metrics(experiment, "all")
    metric = next((m for m in (*_FIRST, *metrics) if m in metrics), "")
    shown = {frozenset(row.inputs.split(" minus ")) for row in results.differences(experiment)}
    main = next((name for name in words.MAIN if name in names), names[0] if names else "")
    if main and metric:
        found += [
            readings.against(results, experiment, honest, (main, other), metric)
            for other in ("pixels", "pca", "pca-250")
            if other in names and other != main and frozenset((main, other)) not in shown
        ]
        found.append(readings.over_nothing(results, experiment, honest, main, metric))
    return found


def _per_expression(results: Results, experiment: str, protocol: str, name: str) -> str:
    known = results.labels(experiment, protocol)
    expressions = [label for label in known if label not in ("macro", "macro-6", "all")]
    order = [*(e for e in expressions if e in paper.SIX), "macro-6"]
    order += [*(e for e in expressions if e not in paper.SIX), "macro"]
    lines: list[Line | Group] = [
        Line(words.label(label), protocol, name, label, strong=label == "macro-6") for label in order
    ]
    lines.append(Group(f"for nothing, {words.label('macro-6')}"))
    lines += [Line(words.inputs(name), protocol, name, "macro-6") for name in words.NOTHING]
    return table(results, experiment, lines, _BY_EXPRESSION, "Expression", beside=True)


def _means(results: Results, experiment: str, label: str) -> str:
    lines: list[Line | Group] = []
    for protocol in results.protocols(experiment):
        lines.append(_group(protocol))
        names = _nothing_last(results.inputs(experiment, protocol, label))
        lines += [Line(_lettered(n), protocol, n, label, strong=n == "features") for n in names]
    return table(results, experiment, lines, _MEANS, "Input")


def _table_1_says(results: Results, experiment: str, honest: str) -> list[str]:
    told = []
    for name in ("online-features", "features"):
        row = results.get(experiment, "paper-split", name, "macro-6", "f1")
        if row is not None and row.paper == row.paper:
            told.append(
                f"{readings.sentence(words.inputs(name))} on the report’s own kind of split: F1 {row.value:.3f}, "
                f"where the report has {row.paper:.3f}: {readings.signed(100 * (row.value - row.paper))} points."
            )
    told += [
        readings.over_nothing(results, experiment, honest, "features", metric, "macro-6")
        for metric in ("accuracy", "balanced_accuracy", "f1")
    ]
    told += [
        readings.against(results, experiment, honest, (other, "features"), "balanced_accuracy", "macro-6")
        for other in ("features+facs", "features+predicted-facs", "features+tracking", "tracking")
    ]
    return told


def _leaks_most(rows: Sequence[Row]) -> list[str]:
    """The greatest and the smallest inflation by the report's own split, or by whichever split there is."""
    own = [row for row in rows if row.protocol.startswith("paper-split")] or list(rows)
    ordered = sorted(own, key=lambda row: row.value)
    return [readings.leak(row) for row in dict.fromkeys((ordered[-1], ordered[0]))]


def _pair(protocol: str) -> str:
    loose, _, strict = protocol.partition(" minus ")
    return f"{words.protocol(loose)} minus {words.protocol(strict)}"


def _warning(name: str) -> str:
    if "predicted-facs" in name or "facs" not in name:
        return ""
    return (
        "<p>The FACS codes here are the coders’ own, for the very faces under test. The labels of CK+ were made "
        "from these codes, so the answer is part of the question: (a′) shows what codes predicted from pixels are "
        "worth.</p>"
    )


def _lettered(name: str) -> str:
    letter = words.TABLE_1.get(name, "")
    return f"{letter} {words.inputs(name)}".strip()


def _group(protocol: str) -> Group:
    return Group(words.protocol(protocol), words.leaks(protocol))


def _nothing_last(names: list[str]) -> list[str]:
    return sorted(names, key=lambda name: name in words.NOTHING)


def _counted(name: str) -> bool:
    return name.rpartition("@")[2].isdigit() and "@" in name

"""Tables of the report's page: ours, beside it the number of 2010, below it what one gets for nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, NamedTuple

from mien.reproduce import words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from mien.reproduce.results import Row

_BELOW = ("mcc", "tpr", "fpr")  # follow from the report's counts: not worth columns of their own
_ORDER = ("paper-split", "sequence-split", "subject-10fold", "loso")


@dataclass(frozen=True)
class Results:
    """Rows of results, found by their cell."""

    rows: tuple[Row, ...]
    _cells: dict[tuple[str, str, str, str, str], Row] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        cells = {(r.experiment, r.protocol, r.inputs, r.label, r.metric): r for r in self.rows}
        object.__setattr__(self, "_cells", cells)

    def get(self, experiment: str, protocol: str, inputs: str, label: str, metric: str) -> Row | None:
        """The row of that cell, if there is one with a value."""
        row = self._cells.get((experiment, protocol, inputs, label, metric))
        return None if row is None or math.isnan(row.value) else row

    def protocols(self, experiment: str) -> list[str]:
        """The experiment's protocols, the report's own first."""
        found = _unique(row.protocol for row in self.rows if row.experiment == experiment)
        return sorted(found, key=lambda p: (_ORDER.index(p) if p in _ORDER else len(_ORDER), p))

    def honest(self, experiment: str) -> str:
        """The experiment's protocol to be read first: on unseen people where there is one; empty without rows."""
        found = self.protocols(experiment)
        return next((p for p in words.HONEST if p in found), found[-1] if found else "")

    def inputs(self, experiment: str, protocol: str, label: str | None = None) -> list[str]:
        """Inputs in the order of the rows, differences left out."""
        return _unique(
            row.inputs
            for row in self.rows
            if (row.experiment, row.protocol) == (experiment, protocol)
            and label in (None, row.label)
            and " minus " not in row.inputs
        )

    def labels(self, experiment: str, protocol: str) -> list[str]:
        """Labels in the order of the rows."""
        return _unique(r.label for r in self.rows if (r.experiment, r.protocol) == (experiment, protocol))

    def metrics(self, experiment: str, label: str | None = None) -> list[str]:
        """Metrics in the order of the rows, those of differences too."""
        return _unique(r.metric for r in self.rows if r.experiment == experiment and label in (None, r.label))

    def differences(self, experiment: str) -> list[Row]:
        """Rows whose inputs are ``a minus b``."""
        return [row for row in self.rows if row.experiment == experiment and " minus " in row.inputs]


class Line(NamedTuple):
    """One line of a table: its name and where its cells come from."""

    name: str
    protocol: str
    inputs: str
    label: str
    strong: bool = False


class Group(NamedTuple):
    """A line across the table that says what the next lines have in common."""

    text: str
    leaks: bool = False


def table(
    results: Results,
    experiment: str,
    lines: Sequence[Line | Group],
    metrics: Sequence[str],
    first: str,
    *,
    beside: bool = False,
) -> str:
    """Lines against metrics; empty lines, columns and groups are left out.

    Args:
        results: where the numbers are.
        experiment: whose.
        lines: in this order; those of ``words.NOTHING`` are set in grey.
        metrics: columns in this order.
        first: head of the first column.
        beside: the report's numbers stand in columns of their own beside ours, else in lines below ours.
    """
    cells = {
        (line, metric): row
        for line in lines
        if isinstance(line, Line)
        for metric in metrics
        if (row := results.get(experiment, line.protocol, line.inputs, line.label, metric))
    }
    columns = [metric for metric in metrics if any(known == metric for _, known in cells)]
    if not columns:
        return ""
    theirs = {m for (_, m), row in cells.items() if beside and m not in _BELOW and not math.isnan(row.paper)}
    head = f'<th scope="col">{escape(first)}</th>'
    for metric in columns:
        word = words.metric(metric)
        head += f'<th class="n" scope="col" title="{escape(word.meaning)}">{escape(word.head)}</th>'
        head += '<th class="n then" scope="col">2010</th>' * (metric in theirs)
    body = ""
    for line in _kept(lines, {line for line, _ in cells}):
        if isinstance(line, Group):
            tag = ' <span class="tag">leaks</span>' if line.leaks else ""
            across = 1 + len(columns) + len(theirs)
            body += f'<tr class="group"><th colspan="{across}" scope="colgroup">{escape(line.text)}{tag}</th></tr>'
            continue
        found = [cells.get((line, metric)) for metric in columns]
        body += _line(line, found, columns, theirs)
        if not beside and any(row is not None and not math.isnan(row.paper) for row in found):
            body += '<tr class="then"><th scope="row">the same in 2010</th>'
            body += "".join(f'<td class="n">{_printed(row)}</td>' for row in found) + "</tr>"
    kind = "results beside" if theirs else "results"
    return (
        f'<div class="scroll{" wide" if theirs else ""}"><table class="{kind}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _line(line: Line, found: Sequence[Row | None], columns: Sequence[str], theirs: Collection[str]) -> str:
    kind = "nothing" if line.inputs in words.NOTHING else "ours" if line.strong else ""
    text = f'<tr class="{kind}"><th scope="row">{escape(line.name)}</th>'
    for metric, row in zip(columns, found, strict=True):
        text += f'<td class="n">{"" if row is None else cell(row)}</td>'
        text += f'<td class="n then">{_printed(row)}</td>' * (metric in theirs)
    return text + "</tr>"


def _printed(row: Row | None) -> str:
    return "" if row is None else printed(row.paper, row.metric)


def cell(row: Row | None) -> str:
    """A number with its interval below it."""
    if row is None:
        return "–"
    if math.isnan(row.low) or math.isnan(row.high) or words.metric(row.metric).counts:
        return ours(row.value, row.metric)
    return (
        f"{ours(row.value, row.metric)} <small>[{ours(row.low, row.metric)}, {ours(row.high, row.metric)}]</small>"
    )


def ours(value: float, metric: str) -> str:
    """A number of ours: three decimals; counts whole, or with one decimal where they are means over draws."""
    if math.isnan(value):
        return "–"
    if words.metric(metric).counts:
        return f"{value:.0f}" if value == round(value) else f"{value:.1f}"  # a mean over several draws
    if metric not in words.METRICS and 0 < abs(value) < 5e-4:  # such as the error of a gradient
        return f"{value:.1e}"
    return f"{value:.3f}".replace("-", "−")


def printed(value: float, metric: str) -> str:
    """A number of the report; nothing where it has none. It prints accuracies with two digits, the rest follows."""
    if math.isnan(value):
        return ""
    if words.metric(metric).counts:
        return f"{value:.0f}"
    two = metric == "accuracy" and abs(100 * value - round(100 * value)) < 1e-9
    return f"{value:.2f}" if two else f"{value:.3f}"


def _kept(lines: Sequence[Line | Group], full: set[Line]) -> list[Line | Group]:
    found: list[Line | Group] = []
    for line in lines:
        if isinstance(line, Group) or line in full:
            if isinstance(line, Group) and found and isinstance(found[-1], Group):
                found.pop()
            found.append(line)
    while found and isinstance(found[-1], Group):
        found.pop()
    return found


def _unique(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))

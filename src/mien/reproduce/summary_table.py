"""The page's first table: what the report claims, and what is left of it on unseen people."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

from mien.reproduce import readings, words
from mien.reproduce.tables import cell, ours, printed

if TYPE_CHECKING:
    from mien.reproduce.results import Row
    from mien.reproduce.tables import Results


class Claim(NamedTuple):
    """One line: where its numbers are."""

    text: str
    experiment: str
    inputs: str
    label: str
    metric: str


CLAIMS = (
    Claim("Softmax on features, accuracy", "softmax", "features", "all", "accuracy"),
    Claim("Softmax on features, balanced accuracy", "softmax", "features", "all", "balanced_accuracy"),
    Claim("Table 1 (b) features, mean accuracy", "table1", "features", "macro-6", "accuracy"),
    Claim("Table 1 (b) features, mean F1", "table1", "features", "macro-6", "f1"),
    Claim("Table 1 (a) features + true FACS, mean accuracy", "table1", "features+facs", "macro-6", "accuracy"),
    Claim("Table 1 (a) features + true FACS, mean F1", "table1", "features+facs", "macro-6", "f1"),
    Claim("Table 1 (a′) features + predicted FACS, mean F1", "table1", "features+predicted-facs", "macro-6", "f1"),
    Claim("Sequences, mean over the frames, accuracy", "sequence", "mean", "all", "accuracy"),
    Claim("Fine-tuned stack, accuracy by sequence", "fine-tuned", "fine-tuned", "all", "sequence_accuracy"),
    Claim("Fine-tuned, balanced", "fine-tuned", "fine-tuned", "all", "sequence_balanced_accuracy"),
)


def glance(results: Results) -> str:
    """The claims that have numbers: the report's, ours on its split, ours on unseen people, and for nothing."""
    body = ""
    for claim in CLAIMS:
        where = claim.experiment, claim.inputs, claim.label, claim.metric
        same = _row(results, "paper-split", *where)
        protocol = results.honest(claim.experiment)
        unseen = _row(results, protocol, *where) if protocol in words.HONEST else None
        if same is None and unseen is None:
            continue
        theirs = next((row for row in (same, unseen) if row is not None and row.paper == row.paper), None)
        known = [
            row
            for name in words.NOTHING
            if (row := _row(results, protocol, claim.experiment, name, claim.label, claim.metric))
        ]
        nothing = max(known, key=lambda row: row.value, default=None)
        idle = "–" if nothing is None else ours(nothing.value, claim.metric)
        body += (
            f'<tr><th scope="row">{escape(claim.text)}</th>'
            f'<td class="n then">{"" if theirs is None else printed(theirs.paper, claim.metric)}</td>'
            f'<td class="n">{cell(same)}</td><td class="n strong">{cell(unseen)}</td><td class="n">{idle}</td></tr>'
        )
    if not body:
        return ""
    told = "".join(f"<li>{escape(text)}</li>" for text in in_words(results))
    said = f'<ul class="reading">{told}</ul>' if told else ""
    return (
        '<h2>At a glance</h2><div class="scroll"><table class="results"><thead><tr><th scope="col"></th>'
        '<th class="n then" scope="col">2010</th><th class="n" scope="col">Ours, the report’s kind of split '
        '<span class="tag">leaks</span></th><th class="n" scope="col">Ours, unseen people</th>'
        f'<th class="n" scope="col">For nothing</th></tr></thead><tbody>{body}</tbody></table></div>{said}'
    )


def _row(results: Results, protocol: str, experiment: str, inputs: str, label: str, metric: str) -> Row | None:
    return results.get(experiment, protocol, inputs, label, metric)


PAIRS = (
    ("softmax", "features", "pixels"),
    ("architecture", "500", "250"),
    ("architecture", "250-100", "250"),
    ("sequence", "mean", "frame"),
    ("fine-tuned", "fine-tuned", "stack"),
)
"""The comparisons that the report's conclusions, and its critics', rest on."""


def in_words(results: Results) -> list[str]:
    """Those comparisons as sentences, on unseen people; and what the report's split adds."""
    found = []
    for experiment, first, second in PAIRS:
        protocol = results.honest(experiment)
        if protocol not in words.HONEST:
            continue
        made = [row for row in results.differences(experiment) if row.inputs == f"{first} minus {second}"]
        told = (row.metric for row in made if row.protocol == protocol)
        metric = next(told, next((m for m in results.metrics(experiment, "all") if m.endswith("accuracy")), ""))
        found.append(readings.against(results, experiment, protocol, (first, second), metric))
    leaks = [row for row in results.rows if row.experiment == "leak" and row.protocol.startswith("paper-split")]
    return [text for text in (*found, *(readings.leak(row) for row in leaks[:1])) if text]

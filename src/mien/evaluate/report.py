"""``report.html``: the figures of one evaluation for people, in one file that loads nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from mien import atomic
from mien.data import splits
from mien.evaluate import charts, unit_section
from mien.evaluate.page_style import banner, document, facts, interval, number
from mien.evaluate.unit_predictions import NAME

if TYPE_CHECKING:
    from pathlib import Path

    from mien.evaluate.summary import Summary

MEASURE_NAMES = {
    "accuracy": ("Accuracy", "share of right answers"),
    "balanced_accuracy": ("Balanced accuracy", "mean recall over the labels: every label counts the same"),
    "macro_f1": ("Macro F1", "mean F1 over the labels"),
    "mcc": ("MCC", "Matthews correlation; 0 is chance"),
    "macro_auc": ("Macro AUC", "one label against the rest, mean; 0.5 is chance"),
    "ece": ("Calibration error", "ECE, 15 bins of equal mass; lower is better"),
    "nll": ("Log loss", "mean negative log-probability of the truth, nats; lower is better"),
    "brier": ("Brier score", "0 to 2; lower is better"),
}
BASELINE_NAMES = {
    "majority": "Always the majority",
    "prior": "Shares of the labels",
    "shuffled": "Own answers, shuffled",
}
AS_IS_TEXT = "The model is scored as it stands, on data that it was not trained on."


def html(s: Summary) -> str:
    """The report of ``s`` as one HTML document; equal summaries give equal text."""
    synthetic = (
        banner(
            "SYNTHETIC: these faces were drawn by code. The figures test the program; they say nothing about real "
            "faces."
        )
        if s.setting.synthetic
        else ""
    )
    title = f"{s.setting.model} on {s.setting.data}, {s.setting.protocol}"
    if s.setting.synthetic:
        title += " (synthetic)"
    return document(
        title,
        f"<h1>{escape(title)}</h1>"
        f'<p class="lead">{s.n} faces of {s.subjects} people, {len(s.labels)} expressions. '
        f"Brackets hold {s.level:.0%} intervals by subject ({s.resamples} resamples of whole people).</p>"
        f"{synthetic}{_overall(s)}{_protocol(s)}{_classes(s)}"
        f"<h2>Confusion</h2><p>Rows are the truth, columns the answer. Each cell holds the number of faces; its "
        f"shade is the share of the row.</p>{charts.confusion(s.confusion, s.labels)}"
        f"<h2>Is it as sure as it is right?</h2><p>Each dot is one of {len(s.reliability)} bins of equally many "
        f"faces. On the line, confidence equals accuracy; below it, the model is too sure of itself.</p>"
        f"{charts.reliability(s.reliability)}{_selective(s)}"
        f"{'' if s.action_units is None else unit_section.html(s.action_units)}{_claims(s)}{_origin(s)}",
    )


def write(path: Path, summary: Summary) -> None:
    """Write the report, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    atomic.write_bytes(path, html(summary).encode())


def _overall(s: Summary) -> str:
    rows = {"ours": (s.setting.model, s.figures)}
    rows |= {name: (BASELINE_NAMES[name], s.baselines[name]) for name in s.baselines}
    head = "".join(f'<th class="n" scope="col">{escape(label)}</th>' for label, _ in rows.values())
    body = ""
    for measure, (name, meaning) in MEASURE_NAMES.items():
        cells = "".join(
            f'<td class="n">{interval(figures[measure], brief=kind != "ours")}</td>'
            for kind, (_, figures) in rows.items()
        )
        body += f'<tr><th scope="row" title="{escape(meaning)}">{name}</th>{cells}</tr>'
    notes = "; ".join(f"{name}: {meaning}" for name, meaning in MEASURE_NAMES.values())
    return (
        f'<h2>Overall</h2><div class="scroll"><table><thead><tr><th scope="col">Figure</th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div><p><small style='white-space:normal'>{notes}.</small></p>"
    )


def _protocol(s: Summary) -> str:
    known = {p.name: p for p in splits.PROTOCOLS}
    protocol = known.get(s.setting.protocol)
    words = {p.name: p.text for p in (*splits.PROTOCOLS, *splits.OFFICIAL)}.get(s.setting.protocol, AS_IS_TEXT)
    leak = (
        banner(
            "LEAK ON PURPOSE: people are on both sides of this split, so these figures are too good. They are "
            "shown to measure by how much."
        )
        if protocol and protocol.leaks
        else ""
    )
    start = escape(s.setting.start)
    begun = f"; each began with {start}, which has not seen these faces" if start else ""
    trained = (
        "Everything learned, the features too, was learned anew for each fold from the model's own recipe"
        f"{f', with all of {s.setting.beside} beside' if s.setting.beside else ''}{begun}."
        if s.setting.retrained
        else "The model was not trained anew."
    )
    folds = f"{s.folds} fold{'s' if s.folds != 1 else ''}"
    return f"<h2>How it was measured</h2><p>{escape(words)} {trained} {folds}.</p>{leak}"


def _classes(s: Summary) -> str:
    body = "".join(
        f'<tr><th scope="row">{escape(c.label)}</th><td class="n">{c.n}</td><td class="n">{c.subjects}</td>'
        f'<td class="n">{interval(c.recall)}</td><td class="n">{interval(c.precision)}</td>'
        f'<td class="n">{interval(c.f1)}</td><td class="n">{number(c.auc)}</td></tr>'
        for c in s.classes
    )
    head = "".join(
        f'<th class="n" scope="col">{h}</th>' for h in ("Faces", "People", "Recall", "Precision", "F1", "AUC")
    )
    return (
        f'<h2>By expression</h2><div class="scroll"><table><thead><tr><th scope="col">Truth</th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _selective(s: Summary) -> str:
    at_80, at_90, area = (s.selective[name] for name in ("accuracy_at_80", "accuracy_at_90", "aurc"))
    return (
        "<h2>What if it answers only where it is sure?</h2><p>Answers are taken from the surest on. Of the surest "
        f"80 % of the faces it is right on {interval(at_80)}, of the surest 90 % on {interval(at_90)}. Area under "
        f"the risk-coverage curve (AURC, lower is better): {interval(area)}.</p>"
        f"{charts.risk_coverage(s.risk_coverage)}"
    )


def _claims(s: Summary) -> str:
    terms = f" Terms of the data: {escape(s.setting.terms.rstrip('.'))}." if s.setting.terms else ""
    return (
        "<h2>What this does not claim</h2><p>The model names the expression a face <em>shows</em>, as labellers of "
        "this data set would; it does not know what a person feels, and faces do not tell that reliably (Barrett "
        "et al. 2019). The figures hold for faces like these: other cameras, light, poses, ages and cultures are "
        f"not measured here. Differences smaller than the intervals mean nothing.{terms}</p>"
    )


def _origin(s: Summary) -> str:
    o = s.setting
    tables = "predictions.parquet" + ("" if s.action_units is None else f" and {NAME}")
    origin = {
        "Model": f"{o.model}, SHA-256 {o.model_sha256}",
        "Data": f"{o.data}, SHA-256 {o.data_fingerprint}",
        "Protocol": o.protocol,
        "Seed of the recipe": str(o.seed),
        "mien": o.mien_version,
    }
    return (
        f"<h2>Where it comes from</h2>{facts(origin)}<p>Every figure was computed from {tables} beside this "
        "file.</p>"
    )

"""``report.html``: the 2010 report run again, ours beside its numbers, in one file that loads nothing else."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

from mien import atomic
from mien.evaluate.page_style import banner, document, facts
from mien.reproduce import summary_table, words
from mien.reproduce.contents import MISTAKES, SECTIONS
from mien.reproduce.tables import Results

if TYPE_CHECKING:
    from pathlib import Path

    from mien.reproduce.results import Row
    from mien.reproduce.sections import Section

_STYLE = """
h3{font-size:1rem;margin:1.75rem 0 .25rem}section{border-top:1px solid #e4e4e4;margin-top:2.5rem}
section>h2{margin-top:1.25rem}dl.two{grid-template-columns:7.5rem 1fr;font-size:1rem;max-width:44rem;
margin:.5rem 0}.results{font-size:.86rem}.results th,.results td{padding:.28rem .7rem .28rem 0}
.results th[scope=row]{font-weight:400}.results tr.ours th[scope=row]{font-weight:600}
.results small{display:block;font-weight:400;font-size:.78rem;line-height:1.2}.results .then{background:#faf3e6;
padding:.28rem .4rem;font-weight:400}.results td.then,tr.then{color:#6b3a00}.results td.then+td,
.results th.then+th{padding-left:.7rem}tr.then td,tr.then th{background:#faf3e6}
.results th[scope=row]{min-width:7.5rem}.results thead th{vertical-align:bottom}.beside{font-size:.8rem}
.beside small{font-size:.72rem}th.n{max-width:9rem}.beside th,.beside td{padding-right:.35rem}
@media(min-width:78rem){.wide{margin-right:-9rem}}tr.nothing td,tr.nothing th{color:#666}
tr.group th{padding-top:1rem;font-size:.85rem;border-bottom-color:#999}.tag{background:#fff3d6;
border:1px solid #b35c00;border-radius:3px;padding:0 .35rem;font-size:.75rem;font-weight:600;color:#1b1b1b;
vertical-align:.1em}.reading{max-width:46rem;padding:.6rem 1rem .6rem 2rem;margin:1rem 0;background:#eef5fa;
border-left:4px solid #0072B2}.reading li{margin:.2rem 0}figure{margin:1.25rem 0}figure img{display:block;
max-width:100%;height:auto}figure img.svg{min-width:40rem}figure img.png{image-rendering:pixelated}
figcaption{color:#555;font-size:.9rem;max-width:44rem;margin-top:.35rem}.box{border:1.5px solid #1b1b1b;
padding:.25rem 1.25rem 1rem;margin:1.5rem 0}.box h2{margin-top:1rem}.box ol{padding-left:1.3rem;margin:.5rem 0}
.box li{margin:.55rem 0;max-width:50rem}.box b{display:block}.tint{background:#faf3e6;color:#6b3a00;
padding:0 .3rem}details{margin:.75rem 0}summary{cursor:pointer;font-weight:600}nav{font-size:.9rem;columns:2;
max-width:50rem}nav ol{margin:.25rem 0;padding-left:1.5rem}.note{background:#f4f4f4;padding:.5rem 1rem;
max-width:46rem}@media(max-width:40rem){nav{columns:1}dl,dl.two{display:block}dt{margin-top:.4rem}}
@media print{figure,tr,.reading{break-inside:avoid}figure img.svg{min-width:0}.scroll{overflow:visible}}
"""


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure.

    Attributes:
        name: where it belongs: ``fig1`` ... ``fig8``, ``error-curve``, ``architecture``, ``features``,
            ``softmax``, ``sequence``, ``leak``, ``labels``, ``fine-tuned``; several in one place as
            ``fig1-online``, ``fig1-batch``.
        file: its name under ``figures``.
        caption: the text below it, plain.
        alt: what it shows, for those who cannot see it, plain.
        content: SVG or PNG.
    """

    name: str
    file: str
    caption: str
    alt: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Report:
    """All that the page tells; text is plain, never markup.

    Attributes:
        title: its heading.
        synthetic: the faces were drawn by code.
        quick: it was run with ``--quick``: less data or fewer steps than the defaults.
        data_name: the data set.
        fingerprint: SHA-256 of the data.
        version: of mien.
        seed: of everything random.
        n_frames, n_sequences, n_subjects: that carry labels.
        skipped: what could not be used and why.
        terms: of the data set.
        rows: every number.
        figures: in any order.
        notes: why something is missing or special, by section (``softmax``) or part of one (``table1/tracking``).
        protocols: a sentence by protocol where ``mien.data.splits`` does not tell all.
    """

    title: str
    synthetic: bool
    quick: bool
    data_name: str
    fingerprint: str
    version: str
    seed: int
    n_frames: int
    n_sequences: int
    n_subjects: int
    skipped: tuple[tuple[str, str], ...]
    terms: str
    rows: tuple[Row, ...]
    figures: tuple[Picture, ...]
    notes: Mapping[str, str] = field(default_factory=dict)
    protocols: Mapping[str, str] = field(default_factory=dict)


def html(report: Report) -> str:
    """The page; equal reports give equal text."""
    results = Results(report.rows)
    placed: set[str] = set()
    sections = ""
    for section in SECTIONS:
        mine = [p for p in report.figures if _belongs(p, section)]
        placed |= {p.file for p in mine}
        sections += _section(report, results, section, mine)
    others = [p for p in report.figures if p.file not in placed]
    if others:
        sections += "<section><h2>More figures</h2>" + "".join(map(_figure, others)) + "</section>"
    title = report.title + (" (synthetic)" if report.synthetic else "")
    body = (
        f"<h1>{escape(title)}</h1>"
        f'<p class="lead">“Recognizing facial expressions from videos using Deep Belief Networks” (Rao and '
        f"Thiagarajan, 2010), every experiment run again on {escape(report.data_name)}: {report.n_frames} frames "
        f"of {report.n_sequences} sequences of {report.n_subjects} people. Brackets hold 95 % intervals by "
        f"subject; "
        f'what is tinted <span class="tint">like this</span> is the report’s own.</p>'
        f"{_banners(report, results)}{summary_table.glance(results)}{_mistakes()}{_contents()}{sections}"
        f"{_protocols(report, results)}{_claims(report)}{_origin(report)}"
    )
    return document(title, body, _STYLE)


def write(path: Path, report: Report) -> None:
    """Write the page, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    atomic.write_bytes(path, html(report).encode())


def _belongs(picture: Picture, section: Section) -> bool:
    return any(picture.name == name or picture.name.startswith(f"{name}-") for name in section.pictures)


def _banners(report: Report, results: Results) -> str:
    found = ""
    if report.synthetic:
        found += banner(
            "SYNTHETIC: these faces were drawn by code. The numbers test the program; they say nothing about real "
            "faces, and they cannot be compared with the report’s."
        )
    if report.quick:
        found += banner(
            "QUICK: shortened training and fewer people or steps than the defaults. Run without --quick for "
            "numbers to rely on."
        )
    missing = [s.title for s in SECTIONS if s.key in _MEASURED and not results.protocols(s.key)]
    if missing:
        found += banner(f"INCOMPLETE: no numbers for: {'; '.join(missing)}. The sections say why.")
    return found


_MEASURED = ("fig1", "architecture", "softmax", "table1", "sequence", "leak", "labels", "fine-tuned", "family")


def _mistakes() -> str:
    items = "".join(
        f"<li><b>{escape(name)}</b>{escape(did)} <em>Here:</em> {escape(here)}</li>" for name, did, here in MISTAKES
    )
    return f'<div class="box"><h2>Seven mistakes of the report, and what is done instead</h2><ol>{items}</ol></div>'


def _contents() -> str:
    items = "".join(f'<li><a href="#{s.key}">{escape(s.title)}</a></li>' for s in SECTIONS)
    return f"<nav><ol>{items}</ol></nav>"


def _section(report: Report, results: Results, section: Section, pictures: list[Picture]) -> str:
    body = section.body(results, section.key) if section.body and results.protocols(section.key) else ""
    notes = "".join(
        f'<p class="note">{escape(text)}</p>'
        for key, text in report.notes.items()
        if key == section.key or key.startswith(f"{section.key}/")
    )
    if not (body or pictures or notes):
        notes = '<p class="note">Not part of this run.</p>'
    return (
        f'<section id="{section.key}"><h2>{escape(section.title)}</h2><dl class="two"><dt>The report</dt>'
        f"<dd>{escape(section.said)}</dd><dt>Here</dt><dd>{escape(section.done)}</dd></dl>"
        f"{''.join(map(_figure, pictures))}{body}{notes}</section>"
    )


def _figure(picture: Picture) -> str:
    kind, name = ("image/png", "png") if picture.content.startswith(b"\x89PNG") else ("image/svg+xml", "svg")
    data = base64.b64encode(picture.content).decode()
    return (
        f'<figure><div class="scroll"><img class="{name}" src="data:{kind};base64,{data}" '
        f'alt="{escape(picture.alt)}"></div><figcaption>{escape(picture.caption)} '
        f"<small>figures/{escape(picture.file)}</small></figcaption></figure>"
    )


def _protocols(report: Report, results: Results) -> str:
    told = {row.protocol: report.protocols.get(row.protocol, words.explained(row.protocol)) for row in results.rows}
    used = {name: text for name, text in told.items() if text}
    items = ""
    for name, text in used.items():
        tag = ' <span class="tag">leaks</span>' if words.leaks(name) else ""
        items += (
            f"<dt>{escape(words.protocol(name))}{tag}</dt><dd>{escape(text)} <small>{escape(name)}</small></dd>"
        )
    columns = dict.fromkeys(row.metric for row in results.rows if words.metric(row.metric).meaning)
    meanings = "".join(
        f"<dt>{escape(words.metric(m).head)}</dt><dd>{escape(words.metric(m).meaning)}</dd>" for m in columns
    )
    return (
        f"<section><h2>How it was measured</h2><dl>{items}</dl><p>Intervals are percentile bootstraps: whole "
        f"people are drawn again, because faces of one person are alike. A difference counts when its interval "
        f"leaves out "
        f"zero.</p><details><summary>What the columns mean</summary><dl>{meanings}</dl></details></section>"
    )


def _claims(report: Report) -> str:
    terms = f" Terms of the data: {escape(report.terms.rstrip('.'))}." if report.terms else ""
    return (
        "<section><h2>What this does not claim</h2><p>The models name the expression a face <em>shows</em>, as "
        f"labellers of this data set would; they do not know what a person feels, and faces do not tell that "
        f"reliably (Barrett et al. 2019). The numbers hold for faces like these: other cameras, light, poses, ages "
        f"and cultures are not measured here. The 2010 report’s own frames are not known, so its numbers and ours "
        f"come from different test sets of one kind; a difference between a column of ours and its neighbour from "
        f"2010 is no measured effect.{terms}</p></section>"
    )


def _origin(report: Report) -> str:
    told = {
        "Data": f"{report.data_name}, SHA-256 {report.fingerprint}",
        "Labelled": f"{report.n_frames} frames, {report.n_sequences} sequences, {report.n_subjects} people",
        "Seed": str(report.seed),
        "mien": report.version,
        "Skipped": f"{len(report.skipped)}" if report.skipped else "nothing",
    }
    skipped = "".join(f"<dt>{escape(name)}</dt><dd>{escape(why)}</dd>" for name, why in report.skipped)
    more = f"<details><summary>What was skipped</summary><dl>{skipped}</dl></details>" if skipped else ""
    return (
        f"<section><h2>Where it comes from</h2>{facts(told)}{more}<p>Every number of this page is a row of "
        "tables/results.csv; every figure lies in figures.</p></section>"
    )

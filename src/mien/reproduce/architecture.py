"""More layers, more units (sections 3.3 and 4.1): 250, 250-100 and 500, judged by unseen people."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mien.reproduce import classify, measures, views
from mien.reproduce.divisions import GROUPS
from mien.reproduce.views import FEATURES, View

if TYPE_CHECKING:
    from mien.reproduce.bench import Bench
    from mien.reproduce.results import Row
    from mien.reproduce.scored import Scored

EXPERIMENT = "architecture"
SHAPES = {"250": (250,), "250-100": (250, 100), "500": (500,)}
"""The report's three."""
ONE = "250"
BESIDE = {"pixels": "pixels", "pca": "pca-250", "online-features": "online-250"}
"""What the softmax experiment calls the inputs that stand beside the shapes, and what they are called here."""


def run(bench: Bench) -> list[Scored]:
    """The three shapes under subject-wise ten-fold."""
    found = []
    views_of_each = len(bench.divisions[GROUPS].learned)
    everything = views_of_each * len(SHAPES)
    for done, (name, units) in enumerate(SHAPES.items()):
        found.append(replace(_score(bench, units, done * views_of_each, everything), inputs=name))
    bench.progress("architecture", everything, everything)
    return found


def beside(others: list[Scored]) -> list[Scored]:
    """Of the softmax results, those that stand beside the shapes."""
    return [
        replace(s, experiment=EXPERIMENT, inputs=BESIDE[s.inputs])
        for s in others
        if s.protocol == GROUPS and s.inputs in BESIDE
    ]


def rows(scored: list[Scored]) -> list[Row]:
    """Figures of all, and what the larger shapes gain over 250 units."""
    by = {s.inputs: s for s in scored}
    found = [row for s in [*scored, measures.majority(scored[0])] for row in measures.of_answers(s)]
    for name in SHAPES:
        if name != ONE:
            found += measures.difference(by[name], by[ONE], measures.ANSWERS, inputs=f"{name} minus {ONE}")
    for name in BESIDE.values():
        if name in by:
            found += measures.difference(by[ONE], by[name], measures.ANSWERS, inputs=f"{ONE} minus {name}")
    return found


def _score(bench: Bench, units: tuple[int, ...], done: int, everything: int) -> Scored:
    division = bench.divisions[GROUPS]

    def of(number: int) -> View:
        bench.progress("architecture", done + number, everything)  # where a run that is stopped ends, too
        learned = division.learned[number]
        features = views.encoded(bench.corpus, learned, FEATURES, units, bench.settings, bench.stages)
        return views.made(bench.corpus, learned, {FEATURES: features})

    return classify.score(
        EXPERIMENT, bench.corpus, division, of, FEATURES, bench.settings.softmax, bench.settings, bench.stages
    )

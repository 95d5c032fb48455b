"""The softmax result of section 4.3, and what unsupervised features are worth against pixels and PCA."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.reproduce import measures
from mien.reproduce.classify import SHUFFLED
from mien.reproduce.divisions import GROUPS, ONE_BY_ONE, PAPER, SEQUENCES
from mien.reproduce.table1 import LEAK
from mien.reproduce.views import FEATURES, ONLINE, PCA, PIXELS

if TYPE_CHECKING:
    from mien.reproduce.bench import Bench
    from mien.reproduce.results import Row
    from mien.reproduce.scored import Scored

EXPERIMENT = "softmax"


def run(bench: Bench) -> list[Scored]:
    """Every input under every protocol."""
    online = [] if bench.online is None else [ONLINE]
    wanted = [
        (protocol, inputs)
        for protocol in (PAPER, SEQUENCES, GROUPS, ONE_BY_ONE)
        for inputs in (
            [FEATURES, PIXELS, PCA, *online, SHUFFLED] if protocol in (PAPER, GROUPS) else [FEATURES, PIXELS]
        )
    ]
    found = []
    for done, (protocol, inputs) in enumerate(wanted):
        bench.progress("softmax", done, len(wanted))
        shuffled = inputs == SHUFFLED
        seen = FEATURES if shuffled else inputs
        found.append(bench.score(EXPERIMENT, protocol, seen, bench.settings.softmax, shuffled=shuffled))
    bench.progress("softmax", len(wanted), len(wanted))
    return found


def rows(bench: Bench, scored: list[Scored]) -> list[Row]:
    """Figures of all, the majority beside them, and features minus pixels and minus PCA for unseen people."""
    found: list[Row] = []
    for protocol in bench.divisions:
        under = [s for s in scored if s.protocol == protocol]
        for s in [*under, measures.majority(under[0])]:
            found += measures.of_answers(s)
    by = {s.inputs: s for s in scored if s.protocol == GROUPS}
    for other in (PIXELS, PCA):
        found += measures.difference(by[FEATURES], by[other], measures.ANSWERS, inputs=f"{FEATURES} minus {other}")
    return found + _leaks(scored)


def _leaks(scored: list[Scored]) -> list[Row]:
    """The leaking protocols minus leave-one-subject-out, on the same frames, in points."""
    by = {s.protocol: s for s in scored if s.inputs == FEATURES}
    return [
        measures.times(row, 100, LEAK)
        for protocol in (PAPER, SEQUENCES)
        for row in measures.difference(
            by[protocol],
            measures.on_frames_of(by[ONE_BY_ONE], by[protocol]),
            ("accuracy", "balanced_accuracy", "macro_f1"),
            inputs=FEATURES,
            protocol=f"{protocol} minus {ONE_BY_ONE}",
        )
    ]

"""Table 1, Fig. 6 and 7 (sections 4.3 and 4.4): one logistic regression per expression, by inputs and protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.reproduce import measures
from mien.reproduce.classify import SHUFFLED
from mien.reproduce.divisions import GROUPS, ONE_BY_ONE, PAPER, SEQUENCES
from mien.reproduce.views import FACS, FEATURES, ONLINE, PREDICTED, TRACKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mien.reproduce.bench import Bench
    from mien.reproduce.results import Row
    from mien.reproduce.scored import Scored

EXPERIMENT, LEAK = "table1", "leak"
METRICS = ("accuracy", "f1", "balanced_accuracy")


def run(bench: Bench) -> list[Scored]:
    """Every input under every protocol that the data allow."""
    wanted = plan(bench)
    found = []
    for done, (protocol, inputs) in enumerate(wanted):
        bench.progress("table 1", done, len(wanted))
        found.append(
            bench.score(EXPERIMENT, protocol, FEATURES if inputs == SHUFFLED else inputs, bench.settings.logistic,
                        shuffled=inputs == SHUFFLED)
        )  # fmt: skip
    bench.progress("table 1", len(wanted), len(wanted))
    return found


def plan(bench: Bench) -> list[tuple[str, str]]:
    """Protocol and inputs of every column of the tables."""
    coded, tracked = bench.corpus.codes is not None, bench.corpus.tracking is not None
    beside = [FEATURES]
    if coded:
        beside += [f"{FEATURES}+{FACS}", f"{FEATURES}+{PREDICTED}"]
    if tracked:
        beside += [f"{FEATURES}+{TRACKING}"]
    if tracked and coded:
        beside += [f"{FEATURES}+{FACS}+{TRACKING}"]
    alone = [TRACKING] * tracked
    online = [] if bench.online is None else [ONLINE] + [f"{ONLINE}+{FACS}"] * coded
    everything = [*beside, *alone, *online, SHUFFLED]
    return (
        [(PAPER, inputs) for inputs in everything]
        + [(SEQUENCES, inputs) for inputs in beside[:1]]
        + [(GROUPS, inputs) for inputs in everything]
        + [(ONE_BY_ONE, inputs) for inputs in beside]
    )


def rows(bench: Bench, scored: list[Scored]) -> list[Row]:
    """The tables, their baselines, and what the leaks are worth."""
    found: list[Row] = []
    for protocol, division in bench.divisions.items():
        under = [s for s in scored if s.protocol == protocol]
        for s in under:
            found += measures.of_detections(s, division.tested)
        found += measures.of_detections(measures.always_no(under[0]), division.tested)
        found += gains(under, division.tested)
    return found + leaks(bench, scored)


def gains(under: Sequence[Scored], tested: Sequence[str]) -> list[Row]:
    """What the features gain by what is put beside them, under one protocol: macro means, paired by person."""
    by = {s.inputs: s for s in under}
    return [
        row
        for inputs, s in by.items()
        if inputs.startswith(f"{FEATURES}+")
        for row in measures.detection_difference(
            s, by[FEATURES], tested, METRICS, inputs=f"{inputs} minus {FEATURES}"
        )
    ]


def leaks(bench: Bench, scored: list[Scored]) -> list[Row]:
    """Macro figures on features: the leaking protocols minus leave-one-subject-out, on the same frames."""
    by = {s.protocol: s for s in scored if s.inputs == FEATURES}
    found: list[Row] = []
    for protocol in (PAPER, SEQUENCES):
        leaking = by[protocol]
        honest = measures.on_frames_of(by[ONE_BY_ONE], leaking)
        found += [
            _points(row)
            for row in measures.detection_difference(
                leaking, honest, bench.divisions[protocol].tested, METRICS,
                inputs=FEATURES, protocol=f"{protocol} minus {ONE_BY_ONE}",
            )
        ]  # fmt: skip
    return found


def _points(row: Row) -> Row:
    """A difference in points: hundredths."""
    return measures.times(row, 100, LEAK)

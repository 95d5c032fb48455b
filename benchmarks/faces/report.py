"""From outcomes to rows: every figure with its interval and, where the project has set one, its goal."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.faces import detection, landmarks, tracking
from benchmarks.faces.composites import SWEEPS
from benchmarks.faces.detection import Rate, everything, goal_faces

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.faces.run import Outcome

PRECISION = 0.98  # at which recalls are compared
BASELINE = "haar"


@dataclass(frozen=True, slots=True)
class Row:
    """One figure.

    Attributes:
        part: ``detection``, ``landmarks``, ``tracking`` or ``speed``.
        of: the detector, network or recipe.
        where: on which pictures, faces or clips.
        measure: what was measured.
        value: the figure; NaN where nothing could be counted.
        low, high: 95 % interval, where there is one.
        goal: such as ``>= 0.97``; empty where none is set.
    """

    part: str
    of: str
    where: str
    measure: str
    value: float
    low: float = math.nan
    high: float = math.nan
    goal: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the value reaches the goal; None without a goal."""
        if not self.goal:
            return None
        sign, number = self.goal.split()
        return self.value >= float(number) if sign == ">=" else self.value <= float(number)


def rows(outcome: Outcome) -> list[Row]:
    """All figures."""
    return [*_detection(outcome), *_landmarks(outcome), *_tracking(outcome), *_speed(outcome)]


def write(found: Sequence[Row], outcome: Outcome, folder: Path) -> None:
    """``results.csv`` and ``results.json`` into ``folder``."""
    with (folder / "results.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, [*asdict(found[0]), "met"])
        table.writeheader()
        for row in found:
            table.writerow(asdict(row) | {"met": "" if row.met is None else row.met})
    plain = [
        {key: (None if isinstance(v, float) and math.isnan(v) else v) for key, v in asdict(row).items()}
        | {"met": row.met}
        for row in found
    ]
    content = {"material": outcome.kind, "seconds": outcome.seconds, "rows": plain}
    (folder / "results.json").write_text(json.dumps(content, indent=1), encoding="utf-8")


def text(found: Sequence[Row], kind: str) -> str:
    """The rows as a table for people; goals first."""
    note = "" if kind == "photographs" else " (DRAWN people: these figures say nothing about real faces)"
    lines = [f"goals{note}"]
    lines += [_line(row) for row in found if row.goal]
    for part in dict.fromkeys(row.part for row in found):
        lines += ["", f"{part}{note}"]
        lines += [_line(row) for row in found if row.part == part]
    return "\n".join(lines)


def _line(row: Row) -> str:
    interval = "" if math.isnan(row.low) else f"[{row.low:.3f}, {row.high:.3f}]"
    goal = f"{row.goal:10s} {'reached' if row.met else 'MISSED'}" if row.goal else ""
    return f"  {row.of:14s} {row.where:44s} {row.measure:34s} {row.value:9.3f} {interval:18s} {goal}".rstrip()


def _row(part: str, of: str, where: str, measure: str, rate: Rate, goal: str = "") -> Row:
    return Row(part, of, where, measure, rate.value, rate.low, rate.high, goal)


def _detection(outcome: Outcome) -> Iterator[Row]:
    for name, usual in outcome.usual.items():
        curved = [one for one in usual if one.scene[1] in detection.CURVED]
        for where, some in (("mixed and face-free scenes", curved), ("all scenes", usual)):
            for faces, counts in (("", everything), (", 40 px and more, 30 deg", goal_faces)):
                yield _row("detection", name, where + faces, "recall, default", detection.recall(some, counts))
                yield _row(
                    "detection", name, where + faces, "precision, default", detection.precision(some, counts)
                )
        for faces, counts in (("", everything), (", 40 px and more, 30 deg", goal_faces)):
            where, goal = f"mixed and face-free scenes{faces}", ">= 0.97" if faces else ""
            best = detection.best_recall(curved, outcome.loose[name], PRECISION, counts)
            yield _row("detection", name, where, f"recall at precision {PRECISION}", best, goal)
            area = detection.curve(outcome.loose[name], counts).average_precision
            yield Row("detection", name, where, "average precision", area)
        for size, prefix in (("own size", "free/own"), ("640 px", "free/640")):
            free = [one for one in usual if one.scene[0].startswith(prefix)]
            # The goal is for 50 scenes; with others its share counts.
            goal = f">= {48 if len(free) == 50 else math.ceil(0.96 * len(free))}"
            clean = len(free) - detection.with_false(free)
            yield Row(
                "detection",
                name,
                f"{len(free)} face-free scenes, {size}",
                "scenes without a face",
                clean,
                goal=goal,
            )
        if name != BASELINE and BASELINE in outcome.usual:
            gained = detection.difference(usual, outcome.usual[BASELINE])
            yield _row("detection", name, "all scenes", f"recall above {BASELINE}'s, default", gained, ">= 0.15")
        for sweep, levels in SWEEPS.items():
            for level in levels:
                some = [one for one in usual if one.scene[1:] == (sweep, level)]
                yield _row("detection", name, f"{sweep} {level:g}", "recall, default", detection.recall(some))


def _landmarks(outcome: Outcome) -> Iterator[Row]:
    measured = [
        (f"{len(errors)} held-out portraits, {looks} look{'s' * (looks > 1)}", errors)
        for looks, errors in outcome.portraits.items()
    ]
    if outcome.foreign:
        measured.append((f"{len(outcome.foreign)} crops of CK+, 2 looks", outcome.foreign))
    for where, errors in measured:
        rate = landmarks.mean(errors, lambda one: one.nme)
        yield _row("landmarks", "landmarks", where, "NME, eyes' centres", rate, "<= 0.045")
        rate = landmarks.mean(errors, lambda one: one.nme_corners)
        yield _row("landmarks", "landmarks", where, "NME, outer corners", rate)
        rate = landmarks.mean(errors, lambda one: float(one.nme > 0.1))
        yield _row("landmarks", "landmarks", where, "share above 0.1", rate)
        rate = landmarks.mean(errors, lambda one: one.spread)
        yield _row("landmarks", "landmarks", where, "error that it expected", rate)
    for sweep, levels in (("mixed", (0.0,)), *SWEEPS.items()):
        for level in levels:
            some = [one for one in outcome.composites if (one.source, one.level) == (sweep, level)]
            if some:
                rate = landmarks.mean(some, lambda one: one.nme)
                yield _row("landmarks", "landmarks", f"{sweep} {level:g}", "NME, eyes' centres", rate)
                rate = landmarks.mean(some, lambda one: one.presence)
                yield _row("landmarks", "landmarks", f"{sweep} {level:g}", "presence", rate)
    if outcome.jitters:
        where = "still noisy face of 200 px"
        worst = max(one.rms for one in outcome.jitters)
        yield Row("landmarks", "landmarks", where, "jitter, px, worst clip", worst, goal="<= 0.4")
        yield Row("landmarks", "landmarks", where, "jitter, px", float(np.mean([j.rms for j in outcome.jitters])))
        yield Row("landmarks", "landmarks", where, "step, px", float(np.mean([j.step for j in outcome.jitters])))


def _tracking(outcome: Outcome) -> Iterator[Row]:
    for name, watched in outcome.watched.items():
        every = tracking.measure(watched)
        ours = ">= 0.95" if name == "default" else ""
        for measure in ("mota", "idf1", "hota", "deta", "assa"):
            goal = ours if measure == "idf1" else ""
            yield Row("tracking", name, "all clips", measure.upper(), getattr(every, measure), goal=goal)
        yield Row("tracking", name, "all clips", "switches", every.switches)
        for kind in dict.fromkeys(one.kind for one in watched):
            some = [one for one in watched if one.kind == kind]
            figures = tracking.measure(some)
            for measure in ("mota", "idf1", "hota"):
                yield Row("tracking", name, kind, measure.upper(), getattr(figures, measure))
            goal = "<= 0" if kind == "crossing" and name == "default" else ""
            yield Row("tracking", name, kind, "switches", figures.switches, goal=goal)
            yield Row("tracking", name, kind, "missed", figures.missed)
            yield Row("tracking", name, kind, "false", figures.false)
            seen, there = (sum(one.shots[k] for one in some) for k in (0, 1))
            yield Row("tracking", name, kind, "shots seen beyond those there", seen - there)
            errors = [error for one in some for error in landmarks.in_clip(one)]
            if errors:
                rate = landmarks.mean(errors, lambda one: one.nme)
                yield _row("tracking", name, kind, "NME, eyes' centres", rate)
        still = [landmarks.in_still_clip(one) for one in watched if one.kind == "still"]
        trembling = [one.rms for one in still if one is not None]
        if trembling:
            yield Row("tracking", name, "still", "jitter, px, worst clip", max(trembling), goal="<= 0.4")


def _speed(outcome: Outcome) -> Iterator[Row]:
    for (name, size), value in outcome.search_ms.items():
        goal = "<= 6" if (name, size) == ("anchor_free", "320x240") else ""
        yield Row("speed", name, f"search, {size}", "ms a picture", value, goal=goal)
    for (name, faces), value in outcome.points_ms.items():
        yield Row("speed", name, faces, "ms a face", value, goal="<= 1.5")
    for (name, faces), value in outcome.rates.items():
        goal = (">= 180" if faces == "1 face" else ">= 60") if name == "default" else ""
        yield Row("speed", name, f"640x480 file, {faces}", "frames/s", value, goal=goal)

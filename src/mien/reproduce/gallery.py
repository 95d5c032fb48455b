"""The figures of one run, each with its caption: the report's eight, and those that it lacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.reproduce import family, paper, sequences, tuning, words
from mien.reproduce.divisions import GROUPS, PAPER
from mien.reproduce.figures import (
    accuracy_bars,
    comparison,
    differences,
    error_curve,
    filters,
    leak,
    learning_curve,
    method,
    preprocessing,
    rates,
    sequence,
)
from mien.reproduce.figures.comparison import Estimate
from mien.reproduce.page import Picture

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mien.reproduce.results import Row
    from mien.reproduce.run import Outcome

MOST_FILTERS = 250
PEOPLE = "people unseen in training, ten groups"
INPUTS = {"features": "features", "pixels": "raw pixels", "pca": "principal components",
          "online-features": "online features"}  # fmt: skip


def draw(o: Outcome) -> tuple[Picture, ...]:
    """All figures, in the order of the report."""
    data = o.corpus.dataset.name + (" (drawn by code)" if o.corpus.dataset.synthetic else "")
    return (
        *_edges(o),
        Picture(
            "fig2", "fig2.svg",
            "Fig. 2. Before and after preprocessing, on a photograph in the public domain (NASA).",
            "A portrait; the same behind an oval mask; the detector's box; the 24 by 24 patch.",
            preprocessing.draw(),
        ),
        *_faces(o, data),
        Picture(
            "fig4", "fig4.svg", "Fig. 4. The method, from video to probabilities.",
            "Diagram: frames, patch, autoencoder, joint vector, softmax and logistic regressions, probabilities.",
            method.draw(),
        ),
        *_activations(o, data),
        *_tables(o, data),
        _sequence(o, data),
        *_comparisons(o.rows, data),
        Picture(
            "leak", "leak.svg", "The same classifier under four protocols; the length of a line is the leak.",
            "Dumbbell chart of figures under leaking and honest protocols.",
            leak.draw(o.rows, note=f"{data}; points: the leaking split minus one person at a time, same frames"),
        ),
        _people(o.rows, data),
    )  # fmt: skip


def _edges(o: Outcome) -> tuple[Picture, ...]:
    found, origin = o.natural, f"{o.natural.photographs} {o.sources.pictures_from}"
    return (
        Picture(
            "fig1-online", "fig1-online.png",
            f"Fig. 1. The {len(found.online)} filters of the 64-30-64 network learned online, one patch at a time, "
            f"on {origin}.", "Grid of 8 by 8 filters, most of them oriented edges.", filters.grid(found.online),
        ),
        Picture(
            "fig1-batch", "fig1-batch.png",
            f"The {len(found.batch)} filters of the batch form (64-25-64) on patches of the same pictures.",
            "Grid of 8 by 8 filters, oriented edges.", filters.grid(found.batch),
        ),
        Picture(
            "fig1-curve", "fig1-curve.svg", "The online network's error while it learns.",
            "Line chart of the error over the steps.",
            error_curve.draw(
                {"online, tanh": (found.curve[:, 0], found.curve[:, 1])}, title="Error of the 64-30-64 network",
                protocol=origin, references={"always zero": found.zero},
            ),
        ),
    )  # fmt: skip


def _faces(o: Outcome, data: str) -> tuple[Picture, ...]:
    stills, frames = o.stills, o.frames
    return (
        Picture(
            "fig3", "fig3.png",
            f"Fig. 3. The filters of the 576-{len(stills.weights)}-576 network learned online, alpha .2, beta 5, "
            f"lambda .002, {stills.curve[-1, 0]:,.0f} steps, on stills of {o.sources.stills.name} behind an oval "
            "mask; the strongest first. A grey field is a unit that died.",
            "Grid of 24 by 24 filters.", filters.grid(filters.strongest(stills.weights, MOST_FILTERS)),
        ),
        Picture(
            "error-curve", "error-curve.svg", "Error per face while the two networks learn.",
            "Line chart of the error over the steps, for stills and frames.",
            error_curve.draw(
                {"masked stills": (stills.curve[:, 0], stills.curve[:, 1]),
                 "frames": (frames.curve[:, 0], frames.curve[:, 1])},
                title="Error of the 576-250-576 network, one face at a time", protocol=data,
                references={"mean still": stills.by_mean, "mean frame": frames.by_mean},
                measure="squared error per face",
            ),
        ),
    )  # fmt: skip


def _activations(o: Outcome, data: str) -> tuple[Picture, ...]:
    found = []
    for inputs, d in o.differences.items():
        name = "online features" if inputs.startswith("online") else "features"
        found.append(
            Picture(
                f"fig5-{inputs}", f"fig5-{inputs}.svg",
                f"Fig. 5. How much more each neuron fires for {d.first} than for {d.second}: {name}.",
                f"Bar chart of {len(d.values)} differences with a band of what chance gives.",
                differences.draw(
                    d.values, protocol=f"{name}, all labelled frames of {data}", first=d.first, second=d.second,
                    band=(d.low, d.high),
                ),
            )
        )  # fmt: skip
    return tuple(found)


def _tables(o: Outcome, data: str) -> tuple[Picture, ...]:
    found = []
    for protocol, told in ((PAPER, "the report's split, which leaks"), (GROUPS, PEOPLE)):
        tested = o.divisions[protocol].tested
        shown = [label for label in paper.SIX if label in tested] or list(tested)
        note = f"{data}; {told}"
        found += [
            Picture(
                f"fig6-{protocol}", f"fig6-{protocol}.svg",
                f"Fig. 6. Accuracy for each expression, by inputs: {told}."
                + (" Hollow marks: the report's numbers." if protocol == PAPER else ""),
                "Bar chart of accuracy per expression, with the line of always answering no.",
                accuracy_bars.draw(o.rows, protocol=protocol, note=note, expressions=shown),
            ),
            Picture(
                f"fig7-{protocol}", f"fig7-{protocol}.svg",
                f"Fig. 7. True against false positive rate, one point per expression: {told}.",
                "Scatter chart of rates; upper left is better.",
                rates.draw(o.rows, protocol=protocol, note=note, expressions=shown),
            ),
        ]  # fmt: skip
    return tuple(found)


def _sequence(o: Outcome, data: str) -> Picture:
    truth, rows, probabilities = o.example
    drawn = o.corpus.dataset.synthetic  # faces of people stay out of the report
    return Picture(
        "fig8", "fig8.svg",
        f"Fig. 8. Probabilities over the frames of one sequence of an unseen person, which shows {truth}. It is "
        "the sequence with the median probability of the right answer: typical, not the best.",
        "Line chart of the probability of every expression over the frames.",
        sequence.draw(
            probabilities, o.corpus.labels, truth=truth, name="one sequence", protocol=f"{data}; {PEOPLE}",
            frames=[f"frame {o.corpus.place[row] + 1}" for row in rows],
            faces=[o.corpus.dataset.items[row].face() for row in rows] if drawn else (),
        ),
    )  # fmt: skip


def _comparisons(rows: Sequence[Row], data: str) -> tuple[Picture, ...]:
    """Dots with intervals: inputs, shapes, poolings, fine-tuning."""
    where = f"{data}; {PEOPLE}"
    return (
        _dots(rows, "softmax", INPUTS, "balanced_accuracy", "What softmax makes of each input", where),
        _dots(
            rows, "architecture",
            {"250": "576-250", "250-100": "576-250-100", "500": "576-500", "online-250": "576-250 online",
             "pixels": "raw pixels", "pca-250": "principal components"},
            "accuracy", "More layers, more units", where,
        ),
        _dots(
            rows, "sequence", {"frame": "last frame alone", **{n: f"{n} over frames" for n in sequences.POOLINGS}},
            "accuracy", "Sequences against single frames", where,
        ),
        _dots(
            rows, tuning.EXPERIMENT,
            {tuning.TUNED: "fine-tuned", tuning.RANDOM: "from random weights", tuning.STACK: "stack, not tuned",
             tuning.PIXELS: "pixels", tuning.UNALIGNED: "fine-tuned, not aligned"},
            "sequence_balanced_accuracy", "Fine-tuning end to end", f"{where}; mean over the frames of a sequence",
        ),
        *(
            (_dots(
                [row for row in rows if " minus " not in row.inputs],  # whose names are longer than a page is wide
                family.EXPERIMENT, _relatives(rows), "sequence_accuracy", "The family of the belief network",
                f"{where}; mean over the frames of a sequence",
            ),) if _relatives(rows) else ()
        ),
    )  # fmt: skip


def _relatives(rows: Sequence[Row]) -> dict[str, str]:
    """What the family's figure shows, the best first; empty where faces had no landmarks to align them by."""
    mine = {
        row.inputs: row.value
        for row in rows
        if (row.experiment, row.metric) == (family.EXPERIMENT, "sequence_accuracy")
        and " minus " not in row.inputs
        and row.inputs not in words.NOTHING
    }
    return {name: words.inputs(name) for name in sorted(mine, key=lambda name: -mine[name])}


def _dots(
    rows: Sequence[Row], experiment: str, inputs: dict[str, str], metric: str, title: str, where: str
) -> Picture:
    mine = [r for r in rows if (r.experiment, r.protocol, r.label, r.metric) == (experiment, GROUPS, "all", metric)]
    known = {row.inputs: row for row in mine}
    apart = [Estimate.of(row) for row in mine if " minus " in row.inputs]
    measure = metric.removeprefix("sequence_").replace("_", " ")
    picture = comparison.draw(
        [Estimate.of(known[name], shown) for name, shown in inputs.items() if name in known],
        title=title, protocol=where, measure=measure, differences=apart,
        baselines=[Estimate.of(known[n], s) for n, s in _nothing(known)],
    )  # fmt: skip
    return Picture(
        experiment, f"{experiment}.svg", f"{title}: {measure}, 95 % intervals by subject.",
        f"Dot chart of {measure} by inputs, and of differences.", picture,
    )  # fmt: skip


def _nothing(known: Iterable[str]) -> list[tuple[str, str]]:
    words = {"majority": "majority", "shuffled-labels": "shuffled labels"}
    return [(name, shown) for name, shown in words.items() if name in known]


def _people(rows: Sequence[Row], data: str) -> Picture:
    curves = learning_curve.curves(rows, "balanced_accuracy", GROUPS)
    return Picture(
        "labels", "labels.svg", "Balanced accuracy against the number of people whose labels are known.",
        "Line chart with one line for features, pixels and principal components.",
        learning_curve.draw(
            curves, protocol=f"{data}; {PEOPLE}",
            measure="balanced accuracy",
        ),
    )  # fmt: skip

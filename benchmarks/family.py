"""The family of the belief network on people it never saw: the rows of ``mien reproduce`` without the rest of it.

    python benchmarks/family.py --data ckplus:path/to/ckplus -o DIR [--quick] [--only NAME ...]

Trains every recipe of the family on nine groups of people and scores it on the tenth, and prints accuracy and
balanced accuracy by sequence with 95 % intervals by subject, the majority beside them, and what sets one apart from
the next.
Results are kept in DIR/stages, where ``mien reproduce -o DIR`` finds them; a stopped run goes on.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mien.cli.stages import stages as shown
from mien.reproduce import corpus, divisions, family, points, sources
from mien.reproduce import settings as sizes
from mien.reproduce.bench import Bench
from mien.reproduce.stages import Stages

METRICS = ("sequence_accuracy", "sequence_balanced_accuracy")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, metavar="NAME:PATH")
    parser.add_argument("-o", "--output", required=True, type=Path, metavar="DIR")
    parser.add_argument("--quick", action="store_true", help="two of the ten groups, fewer steps")
    parser.add_argument("--only", nargs="*", metavar="NAME", help="recipes by their rows' names")
    asked = parser.parse_args()
    (asked.output / "stages").mkdir(parents=True, exist_ok=True)
    kept = Stages(asked.output / "stages")
    settings = sizes.QUICK if asked.quick else sizes.FULL
    with shown() as progress:
        found = sources.find([asked.data])
        framed = points.completed(found.frames, kept, progress)
        rest = () if found.rest is None else points.completed(found.rest, kept, progress).items
        frames = corpus.gather(framed, rest)
        divided = divisions.divide(frames, settings.draws, settings.seed)
        scored = family.run(
            Bench(frames, divided, settings, kept, progress), (*rest, *framed.items), asked.only or None
        )
    rows = {(row.inputs, row.metric): row for row in family.rows(scored)}
    for inputs in dict.fromkeys(name for name, _ in rows):
        cells = (rows[inputs, metric] for metric in METRICS)
        told = "  ".join(f"{row.value:6.3f} [{row.low:.3f}, {row.high:.3f}]" for row in cells)
        print(f"{inputs:52}{told}")


if __name__ == "__main__":
    main()

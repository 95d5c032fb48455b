"""What is known of a whole sequence from its frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mien.data.dataset import Dataset, Item


def codes_of_sequences(dataset: Dataset) -> dict[str, tuple[int, ...]]:
    """The action units coded for each sequence, from whichever of its frames has them.

    CK+ codes the peak only. The first frame's codes are all absent by construction, and say nothing of a sequence
    that goes on: they count only where the data set holds nothing but neutral frames of it.

    Args:
        dataset: the frames, in any order.

    Returns:
        By sequence, 0/1 per ``Dataset.action_units``: the codes of its last coded frame. Sequences that nobody
        coded are not in it.
    """
    frames: dict[str, list[Item]] = {}
    for item in dataset.items:
        frames.setdefault(item.sequence, []).append(item)
    found = {}
    for sequence, items in frames.items():
        shown = [item for item in items if item.expression != "neutral"] or items
        coded = [(item.place, item.action_units) for item in shown if item.action_units is not None]
        if coded:
            found[sequence] = max(coded)[1]
    return found

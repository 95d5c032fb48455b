"""Landmarks for the tracking labels (sections 3.1 and 4.4): the data set's own, or those of mien's network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.data import landmarks

if TYPE_CHECKING:
    from mien.data.dataset import Dataset
    from mien.learn.interfaces import Progress
    from mien.reproduce.stages import Arrays, Stages


def completed(dataset: Dataset, stages: Stages, progress: Progress) -> Dataset:
    """The data set with points for the faces that came without; once found they are kept.

    Raises:
        UnknownPartError, ModelError: mien's landmark network is needed, and missing or damaged. A report that
            lacked its tracking labels for that reason would say nothing about them.
        DataError: an image cannot be read.
        OutputError: the points cannot be kept.
    """
    places = landmarks.unsought(dataset.items)
    if not places:
        return dataset
    network = landmarks.shipped()

    def make(_checkpoint: object) -> Arrays:
        progress("landmarks", 0, 1)
        points = landmarks.found([dataset.items[i] for i in places], network)
        progress("landmarks", 1, 1)
        return {"points": points}

    inputs = {"data": dataset.fingerprint(), "places": places, "network": network.sha256}
    points = stages.get("landmarks", inputs, make)["points"]
    return landmarks.given(dataset, places, points, network.sha256)


def told(dataset: Dataset, *, neutral: bool) -> str:
    """Where the tracking labels of these frames come from, or why there are none; empty for the data set's own.

    Args:
        dataset: the frames, as ``completed`` gives them.
        neutral: they contain the change from a neutral face.
    """
    of = landmarks.origin(dataset.items)
    if of.missed:
        return (
            f"No tracking labels: mien's landmark network sees no face in {of.missed} of {len(dataset.items)} "
            "frames, which come without landmarks of their own. Points are not made up."
        )
    if of.untold:
        return f"No tracking labels: {of.untold} of {len(dataset.items)} frames come without landmarks."
    change = "" if neutral else " No neutral faces are known, so they are the shape alone, without its change."
    if not of.found:
        return change.strip()
    whose = "These frames" if not of.own else f"{of.found} of {len(dataset.items)} frames"
    return (
        f"{whose} come without landmarks: their 68 points are found by mien's own network ({of.networks[0][:12]}), "
        "which has never seen a face of CK+. The report's were tracked from points set by hand; where a data set "
        f"has its own landmarks, those are used.{change}"
    )

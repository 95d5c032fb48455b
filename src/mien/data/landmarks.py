"""Landmarks for faces that come without: found by mien's own network, and marked as found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mien import modelfile
from mien.errors import DataError
from mien.faces.landmarks import LandmarkNetwork, upright
from mien.faces.shape import POINTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from mien.data.dataset import Dataset, Item
    from mien.faces.patches import Alignment
    from mien.types import Grey


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the landmarks of some items come from.

    Attributes:
        own: how many items have the data set's own.
        found: how many have points that a network found.
        missed: how many a network looked at in vain.
        untold: how many have none, and nobody looked.
        networks: SHA-256 (hex) of the networks that looked, sorted.
    """

    own: int
    found: int
    missed: int
    untold: int
    networks: tuple[str, ...]


def with_landmarks(dataset: Dataset, network: LandmarkNetwork | None = None) -> Dataset:
    """The data set with points for every face that came without, where a face is to be seen.

    Landmarks that are there stay. A crop in which the network sees no face stays without, marked as looked at, and
    no second call looks again. Faces are loaded one at a time; what is kept is 8 kB of points for each.

    Args:
        dataset: crops in the geometry of the detector's box.
        network: finds the points; the shipped one where it is left out, read only if a face needs it.

    Raises:
        UnknownPartError, ModelError: the network is needed, and missing or damaged.
        DataError: an image cannot be read.
    """
    places = unsought(dataset.items)
    if not places:
        return dataset
    network = shipped() if network is None else network
    return given(dataset, places, found([dataset.items[i] for i in places], network), network.sha256)


def for_alignment(dataset: Dataset, alignment: Alignment, network: LandmarkNetwork | None = None) -> Dataset:
    """``with_landmarks`` where patches of that alignment need them; else the data set as it is."""
    return dataset if alignment == "box" else with_landmarks(dataset, network)


def shipped() -> LandmarkNetwork:
    """The landmark network that comes with mien.

    Raises:
        UnknownPartError, ModelError: it is missing or damaged.
    """
    return LandmarkNetwork(modelfile.read_network("landmarks"))


def unsought(items: Sequence[Item]) -> list[int]:
    """Places of the items without landmarks at which no network has looked yet."""
    return [i for i, item in enumerate(items) if item.landmarks is None and not item.sought_by]


def found(items: Sequence[Item], network: LandmarkNetwork) -> NDArray[np.float32]:
    """The points (n, 68, 2) in pixels of each crop; NaN where no face is to be seen.

    Raises:
        DataError: an image cannot be read.
        ModelError: the network fails.
    """
    points = np.full((len(items), POINTS, 2), np.nan, np.float32)
    for item, into in zip(items, points, strict=True):
        seen = network.in_crop(item.face())
        if seen is not None:
            into[:] = seen
    return points


def given(dataset: Dataset, places: Sequence[int], points: NDArray[np.float32], sought_by: str) -> Dataset:
    """The data set with points as ``found`` gives them for the items at ``places``.

    Args:
        dataset: any.
        places: of items without landmarks.
        points: (len(places), 68, 2), NaN where there is no face.
        sought_by: SHA-256 (hex) of the network.
    """
    items = list(dataset.items)
    for place, at in zip(places, points, strict=True):
        known = tuple((float(x), float(y)) for x, y in at) if np.isfinite(at).all() else None
        items[place] = replace(items[place], landmarks=known, sought_by=sought_by)
    return replace(dataset, items=tuple(items))


def points(item: Item, face: Grey) -> NDArray[np.float64]:
    """The points (68, 2) by which the crop of ``item`` is aligned.

    A crop in which no face was found counts as an upright face that fills it, as when a model scores it.

    Raises:
        DataError: it has no landmarks, and no network has looked.
    """
    if item.landmarks is not None:
        return np.array(item.landmarks, np.float64)
    if item.sought_by:
        return upright(face)
    raise DataError(f"{item.name}: has no landmarks to align it by, and none were sought; use with_landmarks first")


def origin(items: Iterable[Item]) -> Origin:
    """Where the landmarks of ``items`` come from."""
    looked = [(item.landmarks is not None, item.sought_by) for item in items]
    return Origin(
        own=sum(there and not by for there, by in looked),
        found=sum(there and bool(by) for there, by in looked),
        missed=sum(not there and bool(by) for there, by in looked),
        untold=sum(not there and not by for there, by in looked),
        networks=tuple(sorted({by for _, by in looked if by})),
    )

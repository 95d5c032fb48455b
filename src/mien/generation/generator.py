"""Faces drawn from a generator file: Gibbs sampling in its joint top machine, then one pass down to pixels.

The file's graph is one step of the chain. Given visible states of the top machine (features, expressions, action
units, people) and uniform noise, it draws hidden states and gives the means of the visible units (``means``); with
the hidden units' means in place of states it gives ``settled``; and it makes ``faces`` of features.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from mien import modelfile
from mien.errors import ModelError, UsageError
from mien.generation.clamp import Clamp
from mien.graph import Graph
from mien.labels import NEUTRAL

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from mien.labels import LabelSet
    from mien.modelfile import GeneratorFile, GeneratorMeta

INPUTS = ("visible", "noise")
OUTPUTS = ("means", "settled", "faces")

STEPS = 200
"""Gibbs steps from a chance state to a face."""

FOLLOWING = 60
"""Gibbs steps from one face to the same person's next one."""

COPIES = 2
"""As how many copies of itself an action unit speaks that is held present. One unit beside hundreds of features is
easily outvoted: with one copy the share of faces in which a judge sees AU12 was 0.59, with two 0.91."""

SETTLING = 5
"""Steps by means after them, which take the noise of single draws from the picture."""


class Generator:
    """Draws faces; safe to share between threads.

    Args:
        file: as ``mien.modelfile.read_generator`` gives it.

    Raises:
        ModelError: ONNX Runtime refuses it, or its inputs and outputs are not those of a generator.
    """

    def __init__(self, file: GeneratorFile) -> None:
        self._file = file
        self._graph = Graph(file.content, file.path)
        found = self._graph.shapes.get("noise"), self._graph.shapes.get("visible")
        if self._graph.inputs != set(INPUTS) or not self._graph.outputs.issuperset(OUTPUTS):
            raise ModelError(
                f"{file.path}: expects inputs {', '.join(INPUTS)} and outputs {', '.join(OUTPUTS)}, has "
                f"{', '.join(sorted(self._graph.inputs))} and {', '.join(sorted(self._graph.outputs))}"
            )
        meta = file.meta
        labels, units = len(meta.labels.expressions), len(meta.labels.action_units)
        width = meta.features + labels + units + meta.people
        noise, visible = (shape[-1] if shape else None for shape in found)
        if visible != width or noise is None:
            raise ModelError(
                f"{file.path}: {visible} units, where its description has {width}; the file is damaged or foreign"
            )
        self._hidden = noise
        ends = np.cumsum([meta.features, labels, units, meta.people]).tolist()
        self._features = slice(0, ends[0])
        self._expressions = slice(ends[0], ends[1])
        self._units = slice(ends[1], ends[2])
        self._people = slice(ends[2], ends[3])

    @property
    def labels(self) -> LabelSet:
        """Expressions and action units that can be asked for."""
        return self._file.meta.labels

    @property
    def people(self) -> int:
        """Invented people that can be asked for, numbered from 1."""
        return self._file.meta.people

    @property
    def size(self) -> int:
        """Pixels along each side of a face."""
        return self._file.meta.size

    @property
    def meta(self) -> GeneratorMeta:
        """What the file says of itself."""
        return self._file.meta

    @property
    def sha256(self) -> str:
        """Of the file, hex."""
        return self._file.sha256

    def draw(self, clamps: Sequence[Clamp], people: Sequence[int], seed: int) -> NDArray[np.float32]:
        """One face per clamp and person.

        Args:
            clamps: what each face shows.
            people: which of the invented people each is, from 1.
            seed: of everything drawn. The k-th face is drawn from a stream of its own: equal clamp, person, seed
                and k give the same face, whatever is drawn beside it.

        Returns:
            float32 (n, size, size) in [0, 1], the brightness of a natural picture.

        Raises:
            UsageError: a person, a label or a unit that is not there, or lists of different lengths.
            ModelError: the model fails.
        """
        start = self._start(clamps, people)
        return self._run("faces", self._settled(self._drawn(start, _streams(seed, len(people)), STEPS)))

    def morph(
        self, clamp: Clamp, people: Sequence[int], frames: int, seed: int, start: Clamp | None = None
    ) -> NDArray[np.float32]:
        """People's faces on the way from one clamp to another.

        A face is drawn, its chain goes on under the other clamp, and between the two the features (their log-odds)
        are interpolated, not the pixels: each frame is a face of its own.

        Args:
            clamp: at the end.
            people: as for ``draw``.
            frames: of each person, two or more.
            seed: as for ``draw``.
            start: at the beginning; a neutral face where it is left out.

        Returns:
            float32 (people, frames, size, size) in [0, 1].

        Raises:
            UsageError: as ``draw``, or fewer than two frames.
            ModelError: the model fails.
        """
        if frames < 2:
            raise UsageError(f"a morph has 2 frames or more, not {frames}")
        streams = _streams(seed, len(people))
        at_first = Clamp(NEUTRAL, (), self.labels.action_units) if start is None else start
        first = self._drawn(self._start([at_first] * len(people), people), streams, STEPS)
        last = self._drawn(self._start([clamp] * len(people), people, first), streams, FOLLOWING)
        ends = [_log_odds(self._settled(state)[:, self._features]) for state in (first, last)]
        found = np.empty((len(people), frames, self.size, self.size), np.float32)
        for k, share in enumerate(np.linspace(0, 1, frames, dtype=np.float32)):
            visible = np.zeros((len(people), self._people.stop), np.float32)
            visible[:, self._features] = 1 / (1 + np.exp(-((1 - share) * ends[0] + share * ends[1])))
            found[:, k] = self._run("faces", visible)
        return found

    def _start(self, clamps: Sequence[Clamp], people: Sequence[int], before: _State | None = None) -> _State:
        """The state in which a chain begins: no feature is on, or those of the state before."""
        if len(clamps) != len(people):
            raise UsageError(f"{len(clamps)} clamps for {len(people)} people: one for each is needed")
        held, free = self._held(clamps, people)
        visible = held.copy()
        if before is not None:
            visible[:, self._features] = before.visible[:, self._features]
        return _State(visible, held, free)

    def _drawn(self, state: _State, streams: Sequence[np.random.Generator], steps: int) -> _State:
        """The state after so many Gibbs steps."""
        for _ in range(steps):
            noise = np.stack([stream.random(self._hidden, np.float32) for stream in streams])
            toss = np.stack([stream.random(self._people.start, np.float32) for stream in streams])
            means = self._run("means", state.visible, noise)
            state = replace(state, visible=state.kept(self._tossed(means, toss)))
        return state

    def _settled(self, state: _State) -> NDArray[np.float32]:
        """The visible states (n, visible) after the steps by means."""
        for _ in range(SETTLING):
            state = replace(state, visible=state.kept(self._run("settled", state.visible)))
        return state.visible

    def _held(
        self, clamps: Sequence[Clamp], people: Sequence[int]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Values (n, visible) of what is held, and 1 where a unit is free.

        Expressions never are. Without a label they are missing, held at zero: drawn, they would outvote the one or
        two action units that were asked for.
        """
        held = np.zeros((len(clamps), self._people.stop), np.float32)
        free = np.zeros_like(held)
        free[:, self._features] = free[:, self._units] = 1
        for row, loose, clamp, person in zip(held, free, clamps, people, strict=True):
            if not 1 <= person <= self.people:
                raise UsageError(f"there are the invented people 1 to {self.people}, no {person}")
            row[self._people.start + person - 1] = 1
            if clamp.label is not None:
                row[self._expressions.start + _place(clamp.label, self.labels.expressions, "label")] = 1
            for names, value in ((clamp.present, COPIES), (clamp.absent, 0)):
                for name in names:
                    at = self._units.start + _place(name, self.labels.action_units, "action unit")
                    row[at], loose[at] = value, 0
        return held, free

    def _tossed(self, means: NDArray[np.float32], toss: NDArray[np.float32]) -> NDArray[np.float32]:
        """States of features and action units drawn with these means; nothing else is ever free."""
        drawn = np.zeros_like(means)
        for place in (self._features, self._units):
            drawn[:, place] = toss[:, place] < means[:, place]
        return drawn

    def _run(
        self, output: str, visible: NDArray[np.float32], noise: NDArray[np.float32] | None = None
    ) -> NDArray[np.float32]:
        """One output of the graph.

        Raises:
            ModelError: it fails, or gives another shape or numbers that are not in [0, 1].
        """
        if noise is None:
            noise = np.zeros((len(visible), self._hidden), np.float32)
        (found,) = self._graph.run([output], {"visible": visible, "noise": noise})
        wanted: tuple[int, ...] = (len(visible), self.size, self.size) if output == "faces" else visible.shape
        if found.shape != wanted or not ((found >= 0) & (found <= 1)).all():  # NaN fails both
            raise ModelError(
                f"{self._file.path}: gave {output} of shape {found.shape} where {wanted} is due, or numbers that "
                "are not in 0 to 1; the file is damaged or foreign"
            )
        return np.asarray(found, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """A chain: visible states, what of them is held, and 1 where they are free; all (n, visible)."""

    visible: NDArray[np.float32]
    held: NDArray[np.float32]
    free: NDArray[np.float32]

    def kept(self, drawn: NDArray[np.float32]) -> NDArray[np.float32]:
        """What was drawn, with what is held put back."""
        return np.where(self.free > 0, drawn, self.held)


def load_generator(generator: str | Path = modelfile.GENERATOR) -> Generator:
    """The generator of that name, or in that file.

    Raises:
        UnknownPartError, ModelError: unknown, damaged or foreign.
    """
    return Generator(modelfile.read_generator(generator))


def _streams(seed: int, count: int) -> list[np.random.Generator]:
    """A stream of random numbers for each face."""
    return [np.random.default_rng([seed, k]) for k in range(count)]


def _place(name: str, known: Sequence[str], what: str) -> int:
    if name not in known:
        raise UsageError(f"no {what} is called {name!r}; there are: {', '.join(known)}")
    return list(known).index(name)


def _log_odds(p: NDArray[Any]) -> NDArray[np.float32]:
    kept = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(kept / (1 - kept)), np.float32)

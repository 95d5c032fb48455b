"""Deep belief networks: a restricted Boltzmann machine on top of directed layers (Hinton, Osindero & Teh 2006).

    p(v, h1, ..., hL) = p(v | h1) p(h1 | h2) ... p(h(L-1), hL),

where the last factor is the top machine and every other one a layer of units that are independent given those above
them. What the units above are, given those below, has no closed form; each layer carries its own *recognition*
weights, which guess it: ``q(h | v)``. Greedy learning takes both from one machine, one the transpose of the other;
``up_down`` sets them free.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from mien.errors import TrainingError
from mien.learn.boltzmann import divergence
from mien.learn.boltzmann.machine import Block, Machine
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from torch import Generator, Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Directed:
    """A layer of units that make the units below them, and are recognised from these.

    Attributes:
        W: recognition weights (units, below).
        b: recognition biases (units,).
        G: generative weights (units, below); the very tensor ``W`` where the two are tied.
        a: generative biases (below,); means, where the units below are Gaussian.
        block: what the units below are.

    Raises:
        ValueError: shapes that do not fit each other.
    """

    W: Tensor
    b: Tensor
    G: Tensor
    a: Tensor
    block: Block

    def __post_init__(self) -> None:
        below = self.block.units
        if not self.W.shape == self.G.shape == (len(self.b), below) or len(self.a) != below:
            raise ValueError(
                f"weights {tuple(self.W.shape)} and {tuple(self.G.shape)} do not fit {len(self.b)} units on {below}"
            )

    @staticmethod
    def of(machine: Machine) -> Directed:
        """A layer with the weights of ``machine``, which has one block of visible units, in both directions."""
        (block,) = machine.blocks
        return Directed(machine.W, machine.b, machine.W, machine.a, block)

    @property
    def units(self) -> int:
        """Units of this layer."""
        return len(self.b)

    @property
    def tied(self) -> bool:
        """Whether the generative weights are the recognition weights."""
        return self.G is self.W

    @property
    def recognition(self) -> Machine:
        """The machine whose hidden units, given the visible ones, are what this layer recognises."""
        return Machine(self.W, self.b, self.a, (self.block,))

    @property
    def generation(self) -> Machine:
        """The machine whose visible units, given the hidden ones, are what this layer makes."""
        return Machine(self.G, self.b, self.a, (self.block,))

    def to(self, like: Tensor) -> Directed:
        """The same layer in the dtype and on the device of ``like``."""
        W = self.W.to(like)
        return Directed(W, self.b.to(like), W if self.tied else self.G.to(like), self.a.to(like), self.block)


@dataclass(frozen=True, slots=True, eq=False)
class BeliefNetwork:
    """Directed layers, the lowest first, and the machine on top of them; tensors of one dtype on one device.

    Attributes:
        layers: may be none: then the network is its top machine.
        top: its first block of visible units are the units of the last layer; further blocks may lie beside it,
            such as labels.

    Raises:
        ValueError: a layer does not fit on the one below it.
    """

    layers: tuple[Directed, ...]
    top: Machine

    def __post_init__(self) -> None:
        on = [layer.block for layer in self.layers[1:]] + [self.top.blocks[0]]
        for layer, block in zip(self.layers, on, strict=False):
            if block != Block("binary", layer.units):
                raise ValueError(f"a layer on {block.units} {block.kind} units does not fit one of {layer.units}")

    @property
    def block(self) -> Block:
        """The visible units of the whole network."""
        return self.layers[0].block if self.layers else self.top.blocks[0]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Units of every level: visible, each layer, the top machine's hidden ones."""
        return (self.block.units, *(layer.units for layer in self.layers), self.top.hidden_units)

    def to(self, like: Tensor) -> BeliefNetwork:
        """The same network in the dtype and on the device of ``like``."""
        return BeliefNetwork(tuple(layer.to(like) for layer in self.layers), self.top.to(like))

    def recognise(self, v: Tensor) -> Tensor:
        """Recognised means (n, first block of the top machine) of visible states (n, visible), upwards."""
        for layer in self.layers:
            v = layer.recognition.hidden(v)
        return v

    def features(self, v: Tensor) -> Tensor:
        """Recognised means (n, top hidden) of visible states (n, visible).

        Units that lie beside the last layer, such as labels, are taken as missing.
        """
        below = self.top.blocks[0].units
        return torch.sigmoid(self.recognise(v) @ self.top.W[:, :below].T + self.top.b)

    def generate(self, v: Tensor, random: Generator | None = None) -> Tensor:
        """Means (n, visible) of what states of the top machine's visible units (n, top visible) make, downwards.

        Args:
            v: states; those of blocks beside the first go no further down.
            random: draws the states of the layers between; without it their means are passed on.
        """
        v = v[:, : self.top.blocks[0].units]
        for depth, layer in reversed([*enumerate(self.layers)]):
            drawn = depth > 0 and random is not None
            v = layer.generation.sample_visible(v, random) if drawn else layer.generation.visible(v)  # type: ignore[arg-type]
        return v

    def dream(self, count: int, steps: int, random: Generator) -> Tensor:
        """Means (count, visible) of samples: Gibbs steps in the top machine from chance states, then downwards."""
        half = self.top.b.new_full((count, self.top.hidden_units), 0.5)
        h = torch.bernoulli(half, generator=random)
        for _ in range(steps):
            h = self.top.sample_hidden(self.top.sample_visible(h, random), random)
        if not self.layers:
            return self.top.visible(h)[:, : self.block.units]
        return self.generate(self.top.sample_visible(h, random), random)

    def stack(self) -> tuple[tuple[NDArray[np.float32], NDArray[np.float32]], ...]:
        """The logistic layers (W (units, below), b (units,)) whose activations are ``features``, lowest first."""
        below = self.top.blocks[0].units
        pairs = [*((layer.W, layer.b) for layer in self.layers), (self.top.W[:, :below], self.top.b)]
        return tuple((_array(W), _array(b)) for W, b in pairs)


@dataclass(frozen=True, slots=True, eq=False)
class Learned:
    """A network learned layer by layer, with the curve of each machine, the lowest first."""

    network: BeliefNetwork
    curves: tuple[tuple[divergence.Epoch, ...], ...]


def greedy(
    x: NDArray[np.float32],
    block: Block,
    sizes: Sequence[int],
    options: Sequence[divergence.Options],
    seed: int,
    progress: Progress = silent,
    *,
    held_out: NDArray[np.float32] | None = None,
    device: torch.device | str = "cpu",
    watch: Callable[[tuple[Directed, ...]], divergence.Watch] | None = None,
) -> Learned:
    """Learn one machine after the other, each from the recognised means of the layers below it.

    A machine on a binary one whose visible units it has as many of begins as that machine upside down: then it
    starts as good a prior of the states below as the machine that it replaces has, and whatever raises its
    likelihood raises the bound of the network's (Hinton, Osindero & Teh 2006, section 4).

    Args:
        x: float32 (n, visible), as the block has it: in [0, 1], or standardised.
        block: the visible units.
        sizes: hidden units of each machine, the lowest first.
        options: of each machine; the last holds for all further ones.
        seed: of the first machine, the next has ``seed + 1`` and so on.
        progress: called after every epoch, counted over all machines.
        held_out: rows (m, visible) for the free-energy gaps.
        device: where to train; the network stays there.
        watch: gives what looks on at a machine's training, from the layers below it.

    Raises:
        TrainingError: as ``divergence.train``, with the layer.
    """
    planned = [options[min(depth, len(options) - 1)] for depth in range(len(sizes))]
    epochs = [plan.epochs for plan in planned]
    layers: tuple[Directed, ...] = ()
    curves: list[tuple[divergence.Epoch, ...]] = []
    machine: Machine | None = None
    for depth, (units, plan) in enumerate(zip(sizes, planned, strict=True)):
        if machine is not None:
            layers = (*layers, Directed.of(machine))
            x = hidden_means(machine, x)
            held_out = None if held_out is None else hidden_means(machine, held_out)
            block = Block("binary", machine.hidden_units)

        def over_all(stage: str, done: int, of: int, before: int = sum(epochs[:depth])) -> None:
            del of
            progress(stage, before + done, sum(epochs))

        try:
            trained = divergence.train(
                x, (block,), units, plan, seed + depth, over_all,
                start=_upside_down(machine, units), held_out=held_out, device=device,
                watch=None if watch is None else watch(layers),
            )  # fmt: skip
        except TrainingError as error:
            raise TrainingError(f"layer {depth + 1} ({block.units}-{units}): {error}") from None
        machine = trained.machine
        curves.append(trained.curve)
    if machine is None:
        raise TrainingError("a belief network needs one layer or more")
    return Learned(BeliefNetwork(layers, machine), tuple(curves))


def hidden_means(machine: Machine, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """P(h = 1 | v) (n, hidden) of rows (n, visible), float32."""
    with one_thread(), torch.inference_mode():
        return _array(machine.hidden(torch.tensor(x, device=machine.W.device)))


def _upside_down(machine: Machine | None, units: int) -> Machine | None:
    """The machine to put on ``machine``, where it may be the same one turned over."""
    if machine is None or units != machine.visible_units or machine.blocks[0].kind != "binary":
        return None
    return Machine(machine.W.T, machine.a, machine.b, (Block("binary", machine.hidden_units),))


def untied(network: BeliefNetwork) -> BeliefNetwork:
    """The same network in tensors of its own, generative weights apart from recognition weights."""
    layers = tuple(
        replace(layer, W=layer.W.clone(), b=layer.b.clone(), G=layer.G.clone(), a=layer.a.clone())
        for layer in network.layers
    )
    top = network.top
    return BeliefNetwork(layers, Machine(top.W.clone(), top.b.clone(), top.a.clone(), top.blocks))


def _array(tensor: Tensor) -> NDArray[np.float32]:
    found: NDArray[np.float32] = np.ascontiguousarray(tensor.cpu().numpy(), np.float32)
    return found

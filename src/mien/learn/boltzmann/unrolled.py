"""Layers learned together as an autoencoder: recognition weights up, generative weights down again.

Greedy learning leaves each layer a poor code of a face: what one loses the next cannot find. Unrolled into an
autoencoder and tuned by gradient descent on the reconstruction (Hinton & Salakhutdinov 2006), the same layers keep
what tells one expression from another. The topmost units are *drawn*, because the machine above them will deal in
states, not in means; the gradient goes past the draw as if it were not there (straight-through: Bengio, Leonard &
Courville 2013).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn.functional import linear, mse_loss

from mien.errors import TrainingError
from mien.learn.boltzmann.belief_network import Directed
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Generator, Tensor

EVERY = 50
"""Updates between two calls of the progress, and two looks whether the learning diverged."""

WARM = 0.3
"""Share of the updates in which the rate rises to its highest; it falls to nothing in the others."""


@dataclass(frozen=True, slots=True)
class Options:
    """How layers are tuned.

    Attributes:
        updates: how many.
        batch: faces per update.
        rate: highest learning rate (Adam; Kingma & Ba 2015).
        drawn: share of the faces whose topmost units are drawn; the others' means are passed on.
        rho: mean activation above which a topmost unit costs.
        sparsity: how much.
    """

    updates: int = 2500
    batch: int = 100
    rate: float = 0.0015
    drawn: float = 0.7
    rho: float = 0.2
    sparsity: float = 0.02

    def __post_init__(self) -> None:
        if not (0 <= self.updates <= 10_000_000 and 1 <= self.batch <= 1_000_000):
            raise ValueError(f"updates must be 0 or more, batch 1 or more, not {self.updates}, {self.batch}")
        if not 0 < self.rate <= 1 or self.sparsity < 0:
            raise ValueError(
                f"rate must lie above 0 and up to 1, sparsity be 0 or more, not {self.rate}, {self.sparsity}"
            )
        if not (0 <= self.drawn <= 1 and 0 < self.rho <= 1):
            raise ValueError(f"drawn and rho must lie in 0 to 1, not {self.drawn}, {self.rho}")

    def rate_at(self, share: float) -> float:
        """The learning rate when ``share`` of the updates are done."""
        return self.rate * (share / WARM if share < WARM else (1 - share) / (1 - WARM))


def tune(
    layers: tuple[Directed, ...], x: NDArray[np.float32], options: Options, seed: int, progress: Progress = silent
) -> tuple[Directed, ...]:
    """Tune directed layers on faces.

    Args:
        layers: the lowest first, on Gaussian units.
        x: float32 (n, visible), standardised.
        options: how.
        seed: of everything drawn; equal layers, faces, options and seed give equal bits, whatever the number of
            threads.
        progress: called every 50 updates.

    Returns:
        Layers whose generative weights are apart from the recognition weights.

    Raises:
        TrainingError: the learning diverged: with the update and the rate.
    """
    data = torch.from_numpy(x)
    with one_thread():
        random = torch.Generator().manual_seed(seed)
        free = [
            [part.detach().clone().requires_grad_() for part in (layer.W, layer.b, layer.G, layer.a)]
            for layer in layers
        ]
        descent = torch.optim.Adam([part for parts in free for part in parts], lr=options.rate)
        for update in range(options.updates):
            descent.param_groups[0]["lr"] = rate = options.rate_at((update + 1) / options.updates)
            seen = data[torch.randint(len(data), (options.batch,), generator=random)]
            loss = _loss(free, seen, options, random)
            descent.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            descent.step()
            if (update + 1) % EVERY == 0 or update + 1 == options.updates:
                if not bool(torch.isfinite(loss)):
                    raise TrainingError(
                        f"unrolled layers: learning diverged by update {update + 1} at learning rate {rate:g}; "
                        "use a smaller rate"
                    )
                progress("unrolled layers", update + 1, options.updates)
    return tuple(
        Directed(W.detach(), b.detach(), G.detach(), a.detach(), layer.block)
        for (W, b, G, a), layer in zip(free, layers, strict=True)
    )


def _loss(free: list[list[Tensor]], seen: Tensor, o: Options, random: Generator) -> Tensor:
    """Mean squared error per pixel, and what busy units cost."""
    means = seen
    for W, b, _, _ in free:
        means = torch.sigmoid(linear(means, W, b))
    states = means + (torch.bernoulli(means.detach(), generator=random) - means).detach()
    drawn = torch.rand(len(seen), 1, generator=random) < o.drawn
    made = torch.where(drawn, states, means)
    for depth, (_, _, G, a) in reversed([*enumerate(free)]):
        made = linear(made, G.T, a)
        if depth:
            made = torch.sigmoid(made)
    busy = (means.mean(dim=0) - o.rho).clamp(min=0)
    return mse_loss(made, seen) + o.sparsity * (busy**2).sum()

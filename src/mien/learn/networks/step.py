"""One step of a network's training: faces in, loss out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from mien.learn import loop, photometry
from mien.learn.networks import targets

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from mien.learn.interfaces import Progress
    from mien.learn.networks import views
    from mien.learn.networks.backbone import Network
    from mien.learn.networks.recipe import NetworkRecipe
    from mien.learn.networks.targets import Targets

CAMERA = 7919  # added to the seed for what the camera does
PRETRAINING = 1  # keeps the draws of learning without labels apart
RARE = 8.0  # largest weight of a positive code against a negative one


class Step:
    """Draws faces, alters them, and tells how wrong the network is.

    Args:
        recipe: how.
        network: on its device; is run, not changed.
        faces: those that ``t`` is about first, then any others, which serve learning without labels alone.
        t: what the first faces show.
        sources: (n,) the data set that each of these is from.
        progress: see ``learn.interfaces``.

    Attributes:
        natural: log share of every expression among the faces as they are, float64 (labels,).
    """

    def __init__(
        self,
        recipe: NetworkRecipe,
        network: Network,
        faces: views.Faces,
        t: Targets,
        sources: NDArray[np.intp],
        progress: Progress,
    ) -> None:
        self._recipe, self._network, self._faces, self._targets = recipe, network, faces, t
        self._progress = progress
        self._chances = targets.chances(t, sources, recipe.targets)
        self._device = next(network.parameters()).device
        soft = t.expressions.astype(np.float64)
        drawn = (soft * self._chances[:, None]).sum(axis=0)
        self.natural = _log_share(soft.sum(axis=0))
        self._prior = torch.tensor(
            recipe.losses.prior * _log_share(drawn), dtype=torch.float32, device=self._device
        )
        coded = self._chances[t.coded] @ t.units[t.coded] if t.coded.any() else np.zeros(t.units.shape[1])
        share = np.clip(coded / max(self._chances[t.coded].sum(), 1e-9), 1e-6, 1 - 1e-6)
        rare = np.clip(np.sqrt((1 - share) / share), 1.0, RARE)
        self._rare = torch.tensor(rare, dtype=torch.float32, device=self._device)

    def __call__(self, number: int) -> Tensor:
        """The loss of step ``number``, a scalar."""
        recipe, t = self._recipe, self._targets
        self._progress("training", number, recipe.training.steps)
        if recipe.tune == "heads":
            self._network.backbone.eval()
        random = np.random.default_rng([recipe.seed, number])
        index = random.choice(len(self._chances), recipe.training.batch, p=self._chances)
        expressions, units, _ = self._network(self._seen(index, number, random).to(self._device))
        with torch.autocast(self._device.type, enabled=False):
            found = self._of_expressions(expressions, index)
            if t.units.shape[1]:
                found = found + recipe.losses.units * self._of_units(units, index)
        return found

    def views(self, number: int, batch: int) -> Tensor:
        """Views (batch, size, size) of any faces, each as likely as the next: for learning without labels."""
        random = np.random.default_rng([self._recipe.seed, PRETRAINING, number])
        index = random.integers(0, len(self._faces.pictures), batch)
        return self._seen(index, number, random).to(self._device)

    def _seen(self, index: NDArray[np.intp], number: int, random: np.random.Generator) -> Tensor:
        """Altered views (n, size, size) of the faces at ``index``."""
        recipe = self._recipe
        with torch.autocast(self._device.type, enabled=False):
            seen = self._faces.draw(index, random, recipe.views)
            camera = loop.generator(recipe.seed + CAMERA, number, "cpu")
            lit = photometry.degrade(torch.from_numpy(seen)[:, None], camera, recipe.light)[:, 0].numpy()
            self._faces.cover(lit, random, recipe.views)
        return torch.from_numpy(lit)

    def _of_expressions(self, logits: Tensor, index: NDArray[np.intp]) -> Tensor:
        soft = torch.from_numpy(self._targets.expressions[index]).to(self._device)
        likely = functional.log_softmax(logits + self._prior, dim=1)
        return -(soft * likely).sum() / soft.sum().clamp(min=1)

    def _of_units(self, logits: Tensor, index: NDArray[np.intp]) -> Tensor:
        coded = torch.from_numpy(self._targets.coded[index]).to(self._device)
        codes = torch.from_numpy(self._targets.units[index]).to(self._device)
        wrong = functional.binary_cross_entropy_with_logits(logits, codes, pos_weight=self._rare, reduction="none")
        return wrong[coded].sum() / (coded.sum() * logits.shape[1]).clamp(min=1)


def _log_share(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.log(np.maximum(counts / max(counts.sum(), 1e-9), 1e-6)), np.float64)

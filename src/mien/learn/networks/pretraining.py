"""A start without labels: the backbone learns to tell what is behind covered parts of a face.

The idea of the 2010 report, features before labels, with today's means: a masked autoencoder (He et al. 2022). The
patch is divided into the cells of the backbone's last map, most of them are painted over with the face's mean, and
a linear layer on each place of the map says what its cell looks like. Only covered cells count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from mien.learn import loop
from mien.learn.faces.landmark_network import Normalised

if TYPE_CHECKING:
    from collections.abc import Callable

    from mien.learn.interfaces import Progress
    from mien.learn.networks.backbone import Backbone

SEED = 104729  # added to the seed for what is covered


@dataclass(frozen=True, slots=True)
class Options:
    """A recipe's table on learning without labels.

    Attributes:
        steps: one batch each; 0: none of it.
        batch: views per step.
        rate: largest learning rate.
        covered: share of the cells that are painted over.
    """

    steps: int = 0
    batch: int = 128
    rate: float = 2e-3
    covered: float = 0.6

    def __post_init__(self) -> None:
        if self.steps < 0 or self.batch < 1 or not 0 < self.rate < 1:
            raise ValueError(
                f"steps must be 0 or more, batch 1 or more, rate 0 to 1, not {self.steps}, {self.batch}, "
                f"{self.rate}"
            )
        if not 0 < self.covered < 1:
            raise ValueError(f"covered must be above 0 and below 1, not {self.covered}")


class Autoencoder(nn.Module):
    """A backbone and a linear decoder: patches with covered cells to the loss on these cells."""

    def __init__(self, backbone: Backbone, channels: int, stride: int) -> None:
        super().__init__()
        self.backbone, self.stride = backbone, stride
        self.normalised = Normalised()
        self.decoder = nn.Conv2d(channels, stride * stride, 1)

    def forward(self, patches: Tensor, covered: Tensor) -> Tensor:
        """The mean squared error over the covered cells, in variances of the patch: 1 is the mean's error.

        Args:
            patches: (n, size, size) in [0, 1].
            covered: bool (n, size / stride, size / stride).
        """
        whole = self.normalised(patches[:, None].float())
        cells = nn.functional.pixel_unshuffle(whole, self.stride)
        mean = patches.mean(dim=(1, 2), keepdim=True)
        hidden = covered.repeat_interleave(self.stride, 1).repeat_interleave(self.stride, 2)
        told = self.decoder(self.backbone(torch.where(hidden, mean, patches))).float()
        wrong = (told - cells).square().mean(dim=1)
        found: Tensor = wrong[covered].sum() / covered.sum().clamp(min=1)
        return found


def pretrain(
    backbone: Backbone, views: Callable[[int, int], Tensor], seed: int, options: Options, progress: Progress
) -> float:
    """Train ``backbone`` in place on views without labels.

    Args:
        backbone: on its device; its last map must divide the patches evenly.
        views: (step, batch) -> patches (batch, size, size) in [0, 1], on the backbone's device.
        seed: of the covers.
        options: see there.
        progress: see ``learn.interfaces``.

    Returns:
        The loss of the averaged weights on one more batch.

    Raises:
        TrainingError: the learning diverged.
    """
    example = views(0, 2)
    with torch.no_grad():
        shape = backbone.eval()(example).shape
    cells, stride = shape[2], example.shape[1] // shape[2]
    module = Autoencoder(backbone, shape[1], stride).to(example.device)

    def loss(network: nn.Module, number: int) -> Tensor:
        progress("pretraining", number, options.steps)
        random = loop.generator(seed + SEED, number, "cpu")
        patches = views(number, options.batch)
        covered = torch.rand(len(patches), cells, cells, generator=random) < options.covered
        found: Tensor = network(patches, covered.to(patches.device))
        return found

    training = loop.Options(
        steps=options.steps,
        batch=options.batch,
        rate=options.rate,
        warmup=min(100, options.steps // 5),
    )
    average = loop.train(module, lambda number: loss(module, number), training, None, lambda _: None)
    assert isinstance(average, Autoencoder)  # a copy of the one given
    backbone.load_state_dict(average.backbone.state_dict())
    with torch.inference_mode():
        return float(loss(average, options.steps))

"""A fixed filter that evens out the spectrum of pictures before something is learned from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from mien.errors import TrainingError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

SIDE = 11
"""Of the filter, which is cut off there; beyond it there is next to nothing."""

CUTOFF = 0.35
"""f0, cycles per pixel: what is finer is mostly noise."""

PERIOD = 48  # pixels, over which the filter is computed


@dataclass(frozen=True, slots=True)
class Whitening:
    """A small filter and what is added after it.

    Attributes:
        kernel: float32 (side, side), odd.
        bias: number.
    """

    kernel: NDArray[np.float32]
    bias: float

    @classmethod
    def of(cls, pictures: Tensor, deviation: float, *, filtered: bool) -> Whitening:
        """The filter, or none, in the strength that gives ``pictures`` (n, 1, t, t) mean 0 and this deviation.

        Raises:
            TrainingError: the pictures are all of one grey.
        """
        plain = cls(kernel() if filtered else np.ones((1, 1), np.float32), 0.0)
        seen = nn.Sequential(*plain.layers())(pictures)
        mean, spread = float(seen.mean(dtype=torch.float64)), float(seen.double().std())
        if not spread > 1e-6:
            raise TrainingError("convolutional_belief_network: the faces do not vary; there is nothing to learn")
        strength = np.float32(deviation / spread)
        return cls(plain.kernel * strength, -mean * float(strength))

    def layers(self) -> tuple[nn.Module, ...]:
        """Repeat the pixels of the edges outwards and convolve; not to be learned further."""
        side = len(self.kernel)
        convolution = nn.Conv2d(1, 1, side, device="meta")
        weight, bias = torch.from_numpy(self.kernel)[None, None].clone(), torch.tensor([self.bias])
        convolution.weight = nn.Parameter(weight, requires_grad=False)
        convolution.bias = nn.Parameter(bias, requires_grad=False)
        return (nn.ReplicationPad2d(side // 2), convolution) if side > 1 else (convolution,)


def kernel() -> NDArray[np.float32]:
    """The filter of response ``f exp(-(f / f0)^4)`` (Olshausen & Field 1997), made to give 0 on a plain grey."""
    frequency = np.fft.fftfreq(PERIOD)
    f = np.hypot(*np.meshgrid(frequency, frequency))
    response = f * np.exp(-((f / CUTOFF) ** 4))
    whole = np.fft.fftshift(np.real(np.fft.ifft2(response)))
    middle, reach = PERIOD // 2, SIDE // 2
    found = whole[middle - reach : middle + reach + 1, middle - reach : middle + reach + 1]
    plain_to_zero: NDArray[np.float32] = (found - found.mean()).astype(np.float32)
    return plain_to_zero

"""Gabor energies: what a fixed bank of filters sees, the features of Bartlett et al. (2003, 2005, 2006).

A complex Gabor filter is a wave under a Gaussian hill; the magnitude of its response says how much of a wave of
that length and direction there is at a place, wherever the wave's crests lie (Daugman 1985; complex cells). Nothing
is learned here: which of the thousands of magnitudes say something about the expression is for the head to find
(``heads.boosted_svm``). The kernels are scikit-image's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from skimage.filters import gabor_kernel
from torch import nn

from mien.errors import TrainingError
from mien.learn.features._examples import checked
from mien.learn.interfaces import Progress, silent
from mien.learn.layers import Magnitude
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALLEST = 6  # pixels on a side
HILL = 2.0  # standard deviations of the Gaussian hill that a kernel reaches; beyond them lies 5 % of its energy
CHUNK = 256  # patches filtered at a time; 48x48 ones with 40 filters then take some 30 MB


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the bank.

    Attributes:
        wavelengths: pixels per cycle, one scale each.
        orientations: directions across the stripes, evenly spread over half a turn; the first is horizontal.
        stride: pixels between two places at which the magnitudes are taken, along both axes.
        bandwidth: octaves that a filter covers at half its height.
    """

    wavelengths: tuple[float, ...] = (4.0, 5.7, 8.0, 11.3, 16.0)
    orientations: int = 8
    stride: int = 4
    bandwidth: float = 1.0

    def __post_init__(self) -> None:
        if not self.wavelengths or not all(2 <= length < np.inf for length in self.wavelengths):
            raise ValueError(
                f"wavelengths must be one or more numbers of pixels, 2 or more each, not {self.wavelengths}"
            )
        if len(set(self.wavelengths)) < len(self.wavelengths):
            raise ValueError(f"wavelengths must differ from each other, not {self.wavelengths}")
        if not 1 <= self.orientations <= 64:
            raise ValueError(f"orientations must be 1 to 64, not {self.orientations}")
        if self.stride < 1:
            raise ValueError(f"stride must be 1 pixel or more, not {self.stride}")
        if not 0.2 <= self.bandwidth <= 4:
            raise ValueError(f"bandwidth must be 0.2 to 4 octaves, not {self.bandwidth}")


def build(options: Options) -> Gabor:
    """The learner under ``options``."""
    return Gabor(options)


@dataclass(frozen=True, slots=True)
class Gabor:
    """Learns nothing but the size of the patches."""

    options: Options

    def fit(self, x: NDArray[np.float32], seed: int, progress: Progress = silent) -> GaborFeatures:
        """Lay the bank over patches of the size of these.

        Args:
            x: float32 (n, pixels) in [0, 1], of square patches.
            seed: not used; there is nothing random here.
            progress: called once, at the end.

        Raises:
            TrainingError: unfit examples; patches that are not square or too small for the stride or the waves.
        """
        del seed
        x = checked("gabor", x)
        side = round(x.shape[1] ** 0.5)
        if side * side != x.shape[1] or side < SMALLEST:
            raise TrainingError(
                f"gabor: needs square patches of {SMALLEST}x{SMALLEST} pixels or more, not of {x.shape[1]} pixels"
            )
        o = self.options
        if max(o.wavelengths) > side or o.stride > side:
            raise TrainingError(
                f"gabor: waves of {max(o.wavelengths):g} pixels at every {o.stride} pixels do not fit patches of "
                f"{side}x{side}; give shorter wavelengths or a smaller stride, or cut larger patches"
            )
        progress("features", 1, 1)
        return GaborFeatures(side, o.stride, bank(o, side))


@dataclass(frozen=True, slots=True, eq=False)
class GaborFeatures:
    """A bank laid over square patches.

    Attributes:
        side: pixels on a side of the patches.
        stride: pixels between two places.
        kernels: complex64 (filters, k, k), k odd, shortest waves first and within a wavelength by orientation.
    """

    side: int
    stride: int
    kernels: NDArray[np.complex64]

    @property
    def units(self) -> int:
        """Filters times places."""
        return len(self.kernels) * self.places**2

    @property
    def places(self) -> int:
        """Places along each axis, spread evenly over the patch."""
        return -(-self.side // self.stride)

    def encode(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Magnitudes (n, units), by filter, row and column, of flattened patches (n, pixels)."""
        network = nn.Sequential(*self.layers())
        rows = np.require(x, np.float32, ["C", "W"])
        found = np.empty((len(rows), self.units), np.float32)
        with one_thread(), torch.inference_mode():
            for start in range(0, len(rows), CHUNK):
                part = slice(start, start + CHUNK)
                found[part] = network(torch.from_numpy(rows[part])).numpy()
        return found

    def layers(self) -> tuple[nn.Module, ...]:
        """One convolution with all real and then all imaginary kernels, and the lengths of what it gives.

        The patch goes on beyond its edges with the pixels there: a frame of zeros would be an edge of its own.
        """
        reach = self.kernels.shape[1] // 2
        left = (self.side - 1 - (self.places - 1) * self.stride) // 2
        right = self.side - 1 - left - (self.places - 1) * self.stride
        padding = reach - left, reach - right
        convolution = nn.Conv2d(
            1, 2 * len(self.kernels), 2 * reach + 1, stride=self.stride, bias=False, device="meta"
        )
        parts = np.concatenate([self.kernels.real, self.kernels.imag])[:, None]
        convolution.weight = nn.Parameter(torch.from_numpy(np.ascontiguousarray(parts, np.float32)))
        return (
            nn.Unflatten(1, (1, self.side, self.side)),
            nn.ReplicationPad2d(padding * 2),
            convolution,
            Magnitude(),
            nn.Flatten(),
        )

    def figures(self) -> dict[str, float]:
        """How many filters, and at how many places."""
        return {"filters": float(len(self.kernels)), "places": float(self.places**2)}


def bank(options: Options, side: int) -> NDArray[np.complex64]:
    """The kernels, complex64 (filters, k, k), of mean 0 and length 1; k is odd and reaches over the patch at most.

    The real part of a Gabor filter answers to plain brightness; here a share of its hill is taken off, so that it
    does not (Lee 1996, "Image representation using 2D Gabor wavelets"). A kernel is laid on without being flipped,
    which changes the sign of its imaginary part and no magnitude.
    """
    raw = [
        _kernel(1 / length, np.pi * turn / options.orientations, options.bandwidth, side - 1)
        for length in options.wavelengths
        for turn in range(options.orientations)
    ]
    reach = max(options.stride, *(kernel.shape[0] // 2 for kernel in raw))
    found = np.stack([np.pad(kernel, reach - kernel.shape[0] // 2) for kernel in raw])
    return found.astype(np.complex64)


def _kernel(frequency: float, orientation: float, bandwidth: float, largest: int) -> NDArray[np.complex128]:
    """One kernel (k, k), reaching ``largest`` pixels from its middle at most."""
    plain: NDArray[Any] = gabor_kernel(  # type: ignore[no-untyped-call]
        frequency, theta=orientation, bandwidth=bandwidth, n_stds=HILL
    )
    reach = min(max(plain.shape) // 2, largest)
    wave = _square(plain, reach)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    hill = wave * np.exp(-2j * np.pi * frequency * (x * np.cos(orientation) + y * np.sin(orientation)))
    wave = wave - hill * (wave.sum() / hill.sum())
    found: NDArray[np.complex128] = wave / np.sqrt((np.abs(wave) ** 2).sum())
    return found


def _square(kernel: NDArray[Any], reach: int) -> NDArray[Any]:
    """A kernel of odd sides, cut or filled with zeros to 2 reach + 1 pixels on a side."""
    for axis in (0, 1):
        lacking = reach - kernel.shape[axis] // 2
        if lacking >= 0:
            kernel = np.pad(kernel, [(lacking, lacking) if a == axis else (0, 0) for a in (0, 1)])
        else:
            kernel = np.take(kernel, np.arange(-lacking, kernel.shape[axis] + lacking), axis=axis)
    return kernel

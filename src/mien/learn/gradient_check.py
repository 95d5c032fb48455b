"""Whether back-propagation is right: the sparse autoencoder's written gradient against differences of its cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from mien.learn.equations import Autoencoder, cost, cost_and_gradient
from mien.learn.features.sparse_autoencoder import initial
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.learn.features.sparse_autoencoder import Options

STEP = 1e-4


def relative_error(x: NDArray[np.float32], options: Options, seed: int) -> float:
    """``|numeric - written| / |numeric + written|`` at the learner's random weights and biases of 0, in float64.

    The numeric gradient is a central difference of ``STEP`` in each parameter in turn. A right gradient gives less
    than 1e-9. The biases are 0, as in the CS294A exercise: where rho_hat is already as small as rho, the sparsity
    term bends so much within a step that the difference itself is off by 1e-8.

    Args:
        x: a few patches (n, pixels) in [0, 1]; the cost is computed twice for each parameter.
        options: of the batch form.
        seed: of the weights.
    """
    patches = torch.from_numpy(x.astype(np.float64))
    start = initial(torch.from_numpy(np.ascontiguousarray(x, np.float32)), options.units, options.rho, seed)
    parts = [start.W1.double(), torch.zeros_like(start.b1).double()]
    parts += [start.W2.double(), torch.zeros_like(start.b2).double()]
    flat = torch.cat([part.reshape(-1) for part in parts])
    sizes = [part.numel() for part in parts]

    def network() -> Autoencoder:
        pieces = torch.split(flat, sizes)
        return Autoencoder(*(piece.view(part.shape) for piece, part in zip(pieces, parts, strict=True)))

    def total() -> float:
        terms = cost(network(), patches, rho=options.rho, beta=options.beta, lam=options.weight_decay)
        return float(terms.total)

    with one_thread(), torch.no_grad():
        _, slope = cost_and_gradient(
            network(), patches, rho=options.rho, beta=options.beta, lam=options.weight_decay
        )
        written = torch.cat([part.reshape(-1) for part in slope]).numpy()
        numeric = np.empty(len(flat))
        for k, value in enumerate(flat.tolist()):
            flat[k] = value + STEP
            above = total()
            flat[k] = value - STEP
            numeric[k] = (above - total()) / (2 * STEP)
            flat[k] = value
    return float(np.linalg.norm(numeric - written) / np.linalg.norm(numeric + written))

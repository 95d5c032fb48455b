"""The online rule of ``learn.equations.online_step``, many steps at a time, compiled.

One step touches every weight twice: to use it and to change it. Here each matrix goes through the cache once a
step. A row of W2 is used, gives its share of d2 and is changed while it lies in the cache; a row of W1 gets the
change of the *previous* step just before it is used in this one. ``tests/reference`` holds the two to each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

from mien.learn.equations import RUNNING

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Number = np.floating[Any]
    Floats = NDArray[Number]

FLOOR = -60.0
"""Least input of a logistic unit. Below it exp would overflow, which the compiler was told not to expect, and
products of activations would become denormal, which are a hundred times slower; 1e-26 is off enough."""


def steps(
    parameters: tuple[Floats, Floats, Floats, Floats],
    rho_hat: Floats,
    x: Floats,
    order: NDArray[np.int64],
    *,
    alpha: float,
    beta: float,
    lam: float,
    rho: float,
    tanh: bool,
) -> float:
    """Change ``parameters`` and ``rho_hat`` in place by one step for each entry of ``order``.

    The interpreter's lock is free meanwhile. Equal inputs give equal bits on one machine.

    Args:
        parameters: W1, b1, W2, b2 as in ``learn.equations``, contiguous, all of one precision (float32 or
            float64) with ``rho_hat`` (units,) and ``x`` (n, inputs).
        rho_hat: running mean activation.
        x: the examples.
        order: int64; which row of ``x`` each step takes; one or more.
        alpha: step; it and the next three as in ``learn.equations``.
        beta: weight of the sparsity term.
        lam: weight decay.
        rho: wanted mean activation.
        tanh: tanh units instead of logistic ones.

    Returns:
        The sum of |a3 - x|^2 over the steps, each by the weights before it.
    """
    number = x.dtype.type
    return _compiled(
        *parameters, rho_hat, x, order, *map(number, (alpha, beta, lam, rho, RUNNING, 1 - RUNNING)), tanh
    )


def _loop(
    W1: Floats,
    b1: Floats,
    W2: Floats,
    b2: Floats,
    rho_hat: Floats,
    x: Floats,
    order: NDArray[np.int64],
    alpha: Number,
    beta: Number,
    lam: Number,
    rho: Number,
    kept: Number,
    added: Number,
    tanh: bool,
) -> float:
    number = x.dtype.type
    one, floor = number(1), number(FLOOR)
    units, inputs = W1.shape
    a2 = np.empty(units, x.dtype)
    d2 = np.empty(units, x.dtype)  # times alpha, once it is whole
    last = x[order[0]]
    shrink = number(one - alpha * lam)
    errors = 0.0
    for t in range(len(order)):
        now = x[order[t]]
        for j in range(units):
            row = W1[j]
            z = number(0)
            if t == 0:
                for i in range(inputs):
                    z += row[i] * now[i]
            else:
                step = d2[j]
                for i in range(inputs):
                    weight = shrink * row[i] - step * last[i]
                    row[i] = weight
                    z += weight * now[i]
            z += b1[j]
            a2[j] = np.tanh(z) if tanh else one / (one + np.exp(-max(z, floor)))
        d2[:] = 0
        for i in range(inputs):
            row = W2[i]
            z = b2[i]
            for j in range(units):
                z += row[j] * a2[j]
            a3 = np.tanh(z) if tanh else one / (one + np.exp(-max(z, floor)))
            error = a3 - now[i]
            errors += error * error
            d3 = error * (one - a3 * a3 if tanh else a3 * (one - a3))
            step = alpha * d3
            for j in range(units):
                d2[j] += row[j] * d3
                row[j] = shrink * row[j] - step * a2[j]
            b2[i] -= step
        for j in range(units):
            a = a2[j]
            d2[j] *= alpha * (one - a * a if tanh else a * (one - a))
            rho_hat[j] = kept * rho_hat[j] + added * a
            b1[j] -= d2[j] + alpha * beta * (rho_hat[j] - rho)
        last = now
    for j in range(units):
        for i in range(inputs):
            W1[j, i] = shrink * W1[j, i] - d2[j] * last[i]
    return errors


_compiled: Callable[..., float] = njit(fastmath=True, nogil=True)(_loop)

"""The equations of the 2010 report's learning half, as pure functions of tensors, in its order.

**Sparse autoencoder** (sections 2.1 and 3.3 of the report; batch form of Ng's CS294A notes "Sparse
autoencoder" and the UFLDL tutorial). Symbols and shapes:

======  ============================================  ================
x       patches, one a row, pixels in [0, 1]          (n, inputs)
W1, b1  encoder weights and biases                    (units, inputs), (units,)
W2, b2  decoder weights and biases                    (inputs, units), (inputs,)
a2      activation of the hidden units                (n, units)
a3      reconstruction of x                           (n, inputs)
rho     wanted mean activation of a hidden unit       0 < rho < 1
beta    weight of the sparsity term                   >= 0
lam     weight decay (lambda); biases are spared      >= 0
======  ============================================  ================

The units are logistic, as section 3.3 says, in both layers. Section 3.2 scales the pixels to [-1, 1]; a
logistic output lies in (0, 1) and can never reach them, so here the pixels are scaled to [0, 1].

**Softmax regression** (section 3.4): Y holds one row per example with a single one, W (classes, units),
b (classes,), w (n,) is the weight of each example.

Nothing here allocates parameters, keeps state or knows of data sets. The gradients are written out, not left
to automatic differentiation: they are the report's back-propagation. ``tests/reference`` holds slow twins in
NumPy and checks every gradient by central differences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from torch import Tensor


class Autoencoder(NamedTuple):
    """Parameters of a one-layer autoencoder, or a gradient with respect to them; shapes in the module text."""

    W1: Tensor
    b1: Tensor
    W2: Tensor
    b2: Tensor


class Cost(NamedTuple):
    """The three terms of the autoencoder's cost, each a scalar tensor with its weight already applied."""

    reconstruction: Tensor
    decay: Tensor
    sparsity: Tensor

    @property
    def total(self) -> Tensor:
        """J, the sum of the three."""
        return self.reconstruction + self.decay + self.sparsity


def encode(p: Autoencoder, x: Tensor) -> Tensor:
    """Hidden activations a2 = s(x W1' + b1), s(z) = 1 / (1 + exp(-z)); (n, units) in (0, 1)."""
    return torch.sigmoid(x @ p.W1.T + p.b1)


def decode(p: Autoencoder, a2: Tensor) -> Tensor:
    """Reconstruction a3 = s(a2 W2' + b2); (n, inputs) in (0, 1)."""
    return torch.sigmoid(a2 @ p.W2.T + p.b2)


def mean_activation(a2: Tensor) -> Tensor:
    """rho_hat: mean activation of each hidden unit over the batch; (units,).

    Kept one rounding step away from 0 and 1, where the divergence below has no value.
    """
    tiny = torch.finfo(a2.dtype).eps
    return a2.mean(dim=0).clamp(tiny, 1 - tiny)


def kl_divergence(rho: float, rho_hat: Tensor) -> Tensor:
    """KL(rho || rho_hat_j) = rho log(rho/rho_hat_j) + (1-rho) log((1-rho)/(1-rho_hat_j)); (units,), nats."""
    return rho * torch.log(rho / rho_hat) + (1 - rho) * torch.log((1 - rho) / (1 - rho_hat))


def cost(p: Autoencoder, x: Tensor, *, rho: float, beta: float, lam: float) -> Cost:
    """The three terms of J = 1/n sum 0.5 |a3 - x|^2 + lam/2 (|W1|^2 + |W2|^2) + beta sum_j KL(rho || rho_hat_j)."""
    a2 = encode(p, x)
    return _cost(p, x, a2, decode(p, a2), rho, beta, lam)


def cost_and_gradient(
    p: Autoencoder, x: Tensor, *, rho: float, beta: float, lam: float
) -> tuple[Cost, Autoencoder]:
    """The cost and dJ/dp by back-propagation.

    ``d3 = (a3 - x) a3 (1 - a3) / n`` and
    ``d2 = (d3 W2 + beta/n (-rho/rho_hat + (1-rho)/(1-rho_hat))) a2 (1 - a2)``; then
    ``dW1 = d2' x + lam W1``, ``db1 = sum d2``, ``dW2 = d3' a2 + lam W2``, ``db2 = sum d3``.

    rho_hat depends on every example, so one full forward pass comes first.
    """
    n = x.shape[0]
    a2 = encode(p, x)
    a3 = decode(p, a2)
    rho_hat = mean_activation(a2)
    d3 = (a3 - x) * a3 * (1 - a3) / n
    push = beta / n * (-rho / rho_hat + (1 - rho) / (1 - rho_hat))
    d2 = (d3 @ p.W2 + push) * a2 * (1 - a2)
    gradient = Autoencoder(d2.T @ x + lam * p.W1, d2.sum(dim=0), d3.T @ a2 + lam * p.W2, d3.sum(dim=0))
    return _cost(p, x, a2, a3, rho, beta, lam), gradient


def _cost(p: Autoencoder, x: Tensor, a2: Tensor, a3: Tensor, rho: float, beta: float, lam: float) -> Cost:
    return Cost(
        reconstruction=0.5 * ((a3 - x) ** 2).sum() / x.shape[0],
        decay=0.5 * lam * ((p.W1**2).sum() + (p.W2**2).sum()),
        sparsity=beta * kl_divergence(rho, mean_activation(a2)).sum(),
    )


class Softmax(NamedTuple):
    """Parameters of softmax regression, or a gradient: W (classes, units), b (classes,)."""

    W: Tensor
    b: Tensor


def class_probabilities(p: Softmax, x: Tensor) -> Tensor:
    """P(k | x) = exp(W_k x + b_k) / sum_j exp(W_j x + b_j); (n, classes), rows sum to 1."""
    return torch.softmax(x @ p.W.T + p.b, dim=1)


def softmax_cost_and_gradient(p: Softmax, x: Tensor, Y: Tensor, w: Tensor, *, C: float) -> tuple[Tensor, Softmax]:
    """Penalised, weighted cross-entropy and its gradient.

    ``J = 0.5 |W|^2 - C sum_i w_i sum_k Y_ik log P(k | x_i)``, the form that scikit-learn minimises (its
    ``C`` is the inverse of the decay); ``dW = W + C (w (P - Y))' x``, ``db = C sum_i w_i (P_i - Y_i)``.
    With ``w_i = n / (classes * n_k)`` for an example of class k (``balanced``), every class weighs the same
    in total: 593 neutral faces cannot make "neutral" the answer to everything.
    """
    logits = x @ p.W.T + p.b
    entropy = -(w * (Y * torch.log_softmax(logits, dim=1)).sum(dim=1)).sum()
    error = C * w[:, None] * (torch.softmax(logits, dim=1) - Y)
    return 0.5 * (p.W**2).sum() + C * entropy, Softmax(p.W + error.T @ x, error.sum(dim=0))

"""The equations of the 2010 report's learning half, as pure functions of tensors, in its order.

Sources: the report's sections as named at each function; Ng's CS294A notes "Sparse autoencoder" (its reference
[9]) and the UFLDL tutorial, which grew out of them. Symbols and shapes, the same everywhere:

========  ==================================================  ================
x         examples, one a row (or one alone)                  (n, inputs)
W1, b1    encoder weights and biases                          (units, inputs), (units,)
W2, b2    decoder weights and biases                          (inputs, units), (inputs,)
f         activation of both layers, logistic or tanh
a2, a3    activation of the hidden units; reconstruction      (n, units), (n, inputs)
d2, d3    slope of the cost by the inputs of those two        (n, units), (n, inputs)
rho       wanted mean activation of a hidden unit             in the range of f
rho_hat   mean activation, over a batch or running            (units,)
alpha     step of the online rule                             > 0
beta      weight of the sparsity term                         >= 0
lam       weight decay (lambda); biases are spared            >= 0
Y, w      1-of-K labels; weight of each example               (n, classes), (n,)
========  ==================================================  ================

Logistic units answer in (0, 1), tanh units in (-1, 1); a reconstruction can reach nothing else. The report scales
pixels to [-1, 1] (3.2) and names logistic units (3.3), which cannot both be: use ``unit_range`` with logistic
units and ``symmetric_range`` with tanh units.

Nothing here allocates parameters, keeps state or knows of data sets. The gradients are written out, not left
to automatic differentiation: they are the report's back-propagation. ``tests/reference`` holds slow twins in
NumPy and checks every gradient by central differences.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

Activation = Literal["logistic", "tanh"]


class Autoencoder(NamedTuple):
    """Parameters of a one-layer autoencoder, or a gradient with respect to them; shapes in the module text."""

    W1: Tensor
    b1: Tensor
    W2: Tensor
    b2: Tensor


class Layer(NamedTuple):
    """Parameters of one layer of a stack, or a gradient: W (units, inputs), b (units,)."""

    W: Tensor
    b: Tensor


# --- 2.1: the sparse autoencoder --------------------------------------------------------------------------------


def activate(z: Tensor, activation: Activation = "logistic") -> Tensor:
    """f(z) = 1 / (1 + exp(-z)), or tanh(z); any shape (2.1, 3.3)."""
    return torch.sigmoid(z) if activation == "logistic" else torch.tanh(z)


def activation_slope(a: Tensor, activation: Activation = "logistic") -> Tensor:
    """f'(z) by the answer a = f(z): a (1 - a), or 1 - a^2; any shape."""
    return a * (1 - a) if activation == "logistic" else 1 - a * a


def encode(p: Autoencoder, x: Tensor, activation: Activation = "logistic") -> Tensor:
    """Hidden activations a2 = f(x W1' + b1); (n, units)."""
    return activate(x @ p.W1.T + p.b1, activation)


def decode(p: Autoencoder, a2: Tensor, activation: Activation = "logistic") -> Tensor:
    """Reconstruction a3 = f(a2 W2' + b2); (n, inputs)."""
    return activate(a2 @ p.W2.T + p.b2, activation)


RUNNING = 0.999
"""Share of the running mean activation that one step of the online rule keeps (CS294A)."""


def online_step(
    p: Autoencoder,
    rho_hat: Tensor,
    x: Tensor,
    *,
    alpha: float,
    beta: float,
    lam: float,
    rho: float,
    activation: Activation = "logistic",
) -> tuple[Autoencoder, Tensor]:
    """Steps (i) to (iii) of section 2.1 for one example x (inputs,), in the order of the CS294A exercise.

    ``d3 = (a3 - x) f'``, ``d2 = (W2' d3) f'``, both by the old weights; then descent on
    ``0.5 |a3 - x|^2 + lam/2 (|W1|^2 + |W2|^2)`` by alpha, where lam is *not* divided by the number of examples:
    it acts in full at every step. Last, ``rho_hat = .999 rho_hat + .001 a2`` and
    ``b1 -= alpha beta (rho_hat - rho)``: only the hidden biases see the sparsity.

    Returns:
        The new parameters and the new rho_hat; the old ones are left as they are.
    """
    a2 = encode(p, x, activation)
    a3 = decode(p, a2, activation)
    d3 = (a3 - x) * activation_slope(a3, activation)
    d2 = (d3 @ p.W2) * activation_slope(a2, activation)
    rho_hat = RUNNING * rho_hat + (1 - RUNNING) * a2
    new = Autoencoder(
        W1=p.W1 - alpha * (torch.outer(d2, x) + lam * p.W1),
        b1=p.b1 - alpha * d2 - alpha * beta * (rho_hat - rho),
        W2=p.W2 - alpha * (torch.outer(d3, a2) + lam * p.W2),
        b2=p.b2 - alpha * d3,
    )
    return new, rho_hat


class Cost(NamedTuple):
    """The three terms of the batch cost, each a scalar tensor with its weight already applied."""

    reconstruction: Tensor
    decay: Tensor
    sparsity: Tensor

    @property
    def total(self) -> Tensor:
        """J, the sum of the three."""
        return self.reconstruction + self.decay + self.sparsity


def mean_activation(a2: Tensor) -> Tensor:
    """rho_hat of logistic units: mean activation of each over the batch; (units,).

    Kept one rounding step away from 0 and 1, where the divergence below has no value.
    """
    tiny = torch.finfo(a2.dtype).eps
    return a2.mean(dim=0).clamp(tiny, 1 - tiny)


def kl_divergence(rho: float, rho_hat: Tensor) -> Tensor:
    """KL(rho || rho_hat_j) = rho log(rho/rho_hat_j) + (1-rho) log((1-rho)/(1-rho_hat_j)); (units,), nats."""
    return rho * torch.log(rho / rho_hat) + (1 - rho) * torch.log((1 - rho) / (1 - rho_hat))


def cost(p: Autoencoder, x: Tensor, *, rho: float, beta: float, lam: float) -> Cost:
    """The three terms of the batch cost of logistic units (UFLDL, "Autoencoders and Sparsity").

    ``J = 1/n sum 0.5 |a3 - x|^2 + lam/2 (|W1|^2 + |W2|^2) + beta sum_j KL(rho || rho_hat_j)``.
    """
    a2 = encode(p, x)
    return _cost(p, x, a2, decode(p, a2), rho, beta, lam)


def cost_and_gradient(
    p: Autoencoder, x: Tensor, *, rho: float, beta: float, lam: float
) -> tuple[Cost, Autoencoder]:
    """The batch cost and dJ/dp by back-propagation.

    ``d3 = (a3 - x) a3 (1 - a3) / n`` and
    ``d2 = (d3 W2 + beta/n (-rho/rho_hat + (1-rho)/(1-rho_hat))) a2 (1 - a2)``; then
    ``dW1 = d2' x + lam W1``, ``db1 = sum d2``, ``dW2 = d3' a2 + lam W2``, ``db2 = sum d3``.

    rho_hat depends on every example, so one full forward pass comes first.
    """
    n = x.shape[0]
    a2 = encode(p, x)
    a3 = decode(p, a2)
    rho_hat = mean_activation(a2)
    # Written out, not by ``activation_slope``: another order of the products rounds otherwise, and the shipped
    # weights would no longer come out byte for byte.
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


def maximal_input(W1: Tensor) -> Tensor:
    """The pictures of Fig. 1 and 3: the input of length 1 that excites each unit most; (units, inputs).

    ``x_j = W1_ij / sqrt(sum_j W1_ij^2)`` (UFLDL, "Visualizing a Trained Autoencoder"); nought for a unit whose
    weights are all nought.
    """
    length = W1.norm(dim=1, keepdim=True)
    return torch.where(length > 0, W1 / length, torch.zeros_like(W1))


# --- 3.2: preprocessing -----------------------------------------------------------------------------------------


def unit_range(pixels: Tensor) -> Tensor:
    """Each picture by its own extremes, x = (p - min p) / (max p - min p), in [0, 1]; (n, inputs).

    Our choice where the report takes [-1, 1]. A picture of one grey throughout gives noughts.
    """
    low, high = pixels.amin(dim=1, keepdim=True), pixels.amax(dim=1, keepdim=True)
    return torch.where(high > low, (pixels - low) / (high - low), torch.zeros_like(pixels))


def symmetric_range(pixels: Tensor) -> Tensor:
    """The report's own scaling, 2 (p - min p) / (max p - min p) - 1, in [-1, 1]; (n, inputs)."""
    return 2 * unit_range(pixels) - 1


# --- 3.3: layers on layers --------------------------------------------------------------------------------------


def encode_stack(layers: Sequence[Layer], x: Tensor, activation: Activation = "logistic") -> tuple[Tensor, ...]:
    """Activations of every layer from the lowest up, a_l = f(a_{l-1} W_l' + b_l) with a_0 = x; the last: features.

    The report's 576-250-100 is two such layers.
    """
    found: list[Tensor] = []
    for layer in layers:
        x = activate(x @ layer.W.T + layer.b, activation)
        found.append(x)
    return tuple(found)


# --- 3.4, 4.3: classifiers --------------------------------------------------------------------------------------


class Softmax(NamedTuple):
    """Parameters of softmax regression, or a gradient: W (classes, units), b (classes,)."""

    W: Tensor
    b: Tensor


def class_probabilities(p: Softmax, x: Tensor) -> Tensor:
    """P(k | x) = exp(W_k x + b_k) / sum_j exp(W_j x + b_j); (n, classes), rows sum to 1 (3.4)."""
    return torch.softmax(x @ p.W.T + p.b, dim=1)


def softmax_cost_and_gradient(p: Softmax, x: Tensor, Y: Tensor, w: Tensor, *, C: float) -> tuple[Tensor, Softmax]:
    """Penalised, weighted cross-entropy of softmax regression and its gradient (3.4).

    ``J = 0.5 |W|^2 - C sum_i w_i sum_k Y_ik log P(k | x_i)``, the form that scikit-learn minimises (its
    ``C`` is the inverse of the decay); ``dW = W + C (w (P - Y))' x``, ``db = C sum_i w_i (P_i - Y_i)``.
    With ``w_i = n / (classes * n_k)`` for an example of class k (``balanced``), every class weighs the same
    in total: 593 neutral faces cannot make "neutral" the answer to everything.
    """
    logits = x @ p.W.T + p.b
    entropy = -(w * (Y * torch.log_softmax(logits, dim=1)).sum(dim=1)).sum()
    error = C * w[:, None] * (torch.softmax(logits, dim=1) - Y)
    return 0.5 * (p.W**2).sum() + C * entropy, Softmax(p.W + error.T @ x, error.sum(dim=0))


class Logistic(NamedTuple):
    """Parameters of the logistic regression of one expression, or a gradient: w (units,), b ()."""

    w: Tensor
    b: Tensor


def expression_probability(p: Logistic, x: Tensor) -> Tensor:
    """P(shown | x) = 1 / (1 + exp(-(w x + b))); (n,) (4.3)."""
    return torch.sigmoid(x @ p.w + p.b)


def logistic_cost_and_gradient(
    p: Logistic, x: Tensor, y: Tensor, w: Tensor, *, C: float
) -> tuple[Tensor, Logistic]:
    """Penalised, weighted cross-entropy of one expression's logistic regression and its gradient (4.3).

    ``J = 0.5 |w|^2 - C sum_i w_i (y_i log P_i + (1 - y_i) log(1 - P_i))`` with y (n,) of 0 and 1 and example
    weights w (n,); ``dw = w + C x' (w (P - y))``, ``db = C sum_i w_i (P_i - y_i)``.
    """
    z = x @ p.w + p.b
    # log P = -softplus(-z), log(1 - P) = -softplus(z): exact where P rounds to 0 or 1
    softplus = torch.nn.functional.softplus
    entropy = (w * (y * softplus(-z) + (1 - y) * softplus(z))).sum()
    error = C * w * (torch.sigmoid(z) - y)
    return 0.5 * (p.w**2).sum() + C * entropy, Logistic(p.w + error @ x, error.sum())


# --- after the report: fine-tuning ------------------------------------------------------------------------------


def stack_cost_and_gradient(
    layers: Sequence[Layer],
    softmax: Softmax,
    x: Tensor,
    Y: Tensor,
    w: Tensor,
    *,
    decay: float,
    activation: Activation = "logistic",
) -> tuple[Tensor, tuple[Layer, ...], Softmax]:
    """Cross-entropy through the whole stack and its gradient by back-propagation: the step the report left out.

    ``J = -1/n sum_i w_i sum_k Y_ik log P(k | a_L) + decay/2 (sum_l |W_l|^2 + |W|^2)``. With
    ``d = w (P - Y) / n`` the softmax gets ``dW = d' a_L + decay W`` and ``db = sum d``; downwards
    ``d_L = (d W) f'(a_L)``, ``d_l = (d_{l+1} W_{l+1}) f'(a_l)``, ``dW_l = d_l' a_{l-1} + decay W_l``,
    ``db_l = sum d_l``.

    Returns:
        J, the gradient of each layer from the lowest up, the softmax's gradient.
    """
    answers = (x, *encode_stack(layers, x, activation))
    logits = answers[-1] @ softmax.W.T + softmax.b
    entropy = -(w * (Y * torch.log_softmax(logits, dim=1)).sum(dim=1)).mean()
    squares = sum(((layer.W**2).sum() for layer in layers), (softmax.W**2).sum())
    error = w[:, None] * (torch.softmax(logits, dim=1) - Y) / x.shape[0]
    top = Softmax(error.T @ answers[-1] + decay * softmax.W, error.sum(dim=0))
    gradients: list[Layer] = []
    above = softmax.W
    for layer, below, answer in zip(reversed(layers), answers[-2::-1], answers[:0:-1], strict=True):
        error = (error @ above) * activation_slope(answer, activation)
        gradients.append(Layer(error.T @ below + decay * layer.W, error.sum(dim=0)))
        above = layer.W
    return entropy + decay / 2 * squares, tuple(reversed(gradients)), top

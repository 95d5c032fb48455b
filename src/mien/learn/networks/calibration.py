"""From scores to probabilities, on people whom the network was not trained on.

Expressions: one temperature (Guo et al. 2017), after the prior was put back that training took out. How much of it
makes the held-out answers most likely is found together with the temperature, as a network's logits have a scale of
their own; the recipe's share of that is put back, and the temperature found again. Action units:
one slope for all and a bias for each (Platt 1999), held near zero, as a unit may have a handful of positives.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mien.errors import TrainingError
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.learn.networks.targets import Targets

TEMPERATURES = np.exp(np.linspace(-1.5, 1.5, 151))
STRENGTHS = np.linspace(0, 3, 61)  # of the prior, in the logits' own scale
HELD = 1.0  # standard deviation within which the biases of action units are expected, logits
STEPS = 100  # of L-BFGS; it is done far earlier


@dataclass(frozen=True, slots=True)
class Options:
    """A recipe's table on calibration.

    Attributes:
        share: of the people of every data set who are kept out of training for it; 0: nothing is calibrated.
        prior: how much of the natural frequencies of expressions the answers take into account, 0 (each is as
            likely as the next before anything is seen) to 1 (as much as is most likely on held-out faces).
    """

    share: float = 0.05
    prior: float = 0.5

    def __post_init__(self) -> None:
        if not (0 <= self.share <= 0.5 and 0 <= self.prior <= 1):
            raise ValueError(f"share must be 0 to 0.5, prior 0 to 1, not {self.share} and {self.prior}")


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """How scores become probabilities.

    Attributes:
        temperature: by which the expressions' logits are divided.
        prior: added to them before, (labels,).
        slope: by which the action units' logits are multiplied.
        bias: added to them then, (units,).
        figures: negative log likelihood (nats) and so on of the people it was made on, before and after.
    """

    temperature: float
    prior: NDArray[np.float64]
    slope: float
    bias: NDArray[np.float64]
    figures: dict[str, Any]


class Calibrated(nn.Module):
    """A trained network as it is used: its outputs are probabilities."""

    temperature: Tensor
    prior: Tensor
    slope: Tensor
    bias: Tensor

    def __init__(self, network: nn.Module, made: Calibration) -> None:
        super().__init__()
        self.network = network
        for name in ("temperature", "prior", "slope", "bias"):
            self.register_buffer(name, torch.tensor(np.asarray(getattr(made, name)), dtype=torch.float32))

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Probabilities (n, labels), probabilities (n, units) and features (n, channels)."""
        expressions, units, features = self.network(patches)
        shown = torch.softmax((expressions + self.prior) / self.temperature, dim=1)
        return shown, torch.sigmoid(units * self.slope + self.bias), features


def none(prior: NDArray[np.float64], units: int) -> Calibration:
    """No calibration but the prior."""
    return Calibration(1.0, prior, 1.0, np.zeros(units), {})


def fit(
    expressions: NDArray[np.float32],
    units: NDArray[np.float32],
    t: Targets,
    natural: NDArray[np.float64],
    share: float,
) -> Calibration:
    """Calibrate on n faces.

    Args:
        expressions: logits (n, labels).
        units: logits (n, units).
        t: what the faces show; those without a label, or without codes, do not count where they have none.
        natural: log share of every expression among the faces, (labels,).
        share: of the prior that fits best which is put back.

    Raises:
        TrainingError: no face has a label.
    """
    shown = t.labels >= 0
    if not shown.any():
        raise TrainingError(
            "calibration: none of the people kept out for it has a labelled face; give a larger share"
        )
    scores, truth = expressions[shown].astype(np.float64), t.labels[shown]
    strength = min(STRENGTHS, key=lambda strength: _temperature(scores + strength * natural, truth)[0])
    prior = share * strength * natural
    after, temperature = _temperature(scores + prior, truth)
    scores = scores + prior
    figures: dict[str, Any] = {
        "faces": int(shown.sum()),
        "prior": float(share * strength),
        "nll_before": _surprise(scores, truth),
        "nll_after": after,
        "accuracy": float((scores.argmax(axis=1) == truth).mean()),
    }
    slope, bias = 1.0, np.zeros(units.shape[1])
    if t.coded.any() and units.shape[1]:
        slope, bias, told = _platt(units[t.coded].astype(np.float64), t.units[t.coded].astype(np.float64))
        figures |= {"coded": int(t.coded.sum()), **told}
    return Calibration(temperature, prior, slope, bias, figures)


def _temperature(scores: NDArray[np.float64], truth: NDArray[np.intp]) -> tuple[float, float]:
    """The least mean negative log likelihood, nats, and the temperature that gives it."""
    return min((_surprise(scores / temperature, truth), float(temperature)) for temperature in TEMPERATURES)


def _surprise(logits: NDArray[np.float64], truth: NDArray[np.intp]) -> float:
    """Mean negative log likelihood, nats."""
    top = logits.max(axis=1, keepdims=True)
    total = np.log(np.exp(logits - top).sum(axis=1)) + top[:, 0]
    return float((total - logits[np.arange(len(truth)), truth]).mean())


def _platt(
    logits: NDArray[np.float64], codes: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64], dict[str, float]]:
    with one_thread():
        z, y = torch.from_numpy(logits), torch.from_numpy(codes)
        growth = torch.zeros((), dtype=torch.float64, requires_grad=True)
        bias = torch.zeros(z.shape[1], dtype=torch.float64, requires_grad=True)
        solver = torch.optim.LBFGS([growth, bias], max_iter=STEPS, line_search_fn="strong_wolfe")

        def likelihood() -> Tensor:
            return functional.binary_cross_entropy_with_logits(growth.exp() * z + bias, y, reduction="sum")

        def objective() -> Tensor:
            solver.zero_grad()
            found = likelihood() + 0.5 * (bias / HELD).square().sum() + 0.5 * (growth / HELD).square()
            found.backward()  # type: ignore[no-untyped-call]
            return found

        before = float(likelihood().detach()) / z.numel()
        solver.step(objective)  # type: ignore[no-untyped-call]
        after = float(likelihood().detach()) / z.numel()
        told = {"units_nll_before": before, "units_nll_after": after}
        return float(growth.detach().exp()), bias.detach().numpy().copy(), told

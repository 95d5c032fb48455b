"""The loop in which every network of this room is trained, with one checkpoint to go on from.

A step must draw all of its random numbers from ``generator(seed, step, device)``: then a run that was interrupted
and one that was not see the same batches, and end with the same weights.
"""

from __future__ import annotations

import copy
import io
import json
import math
import time
import zipfile
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mien import atomic
from mien.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor, nn

CLIP = 5.0  # largest length of the gradient
LOOKED_AT = 20  # steps between two looks at the loss; each look makes a GPU wait
SECONDS = 20.0  # between two reports


@dataclass(frozen=True, slots=True)
class Options:
    """A recipe's table on training.

    Attributes:
        steps: of AdamW, one batch each.
        batch: examples per step.
        rate: largest learning rate; it falls to a hundredth along a cosine.
        weight_decay: of the weights; biases and the scales of normalisation are left alone.
        warmup: steps over which the rate rises to its largest.
        average: decay of the exponential average of the weights, the one that is returned.
    """

    steps: int = 6000
    batch: int = 512
    rate: float = 2e-3
    weight_decay: float = 0.02
    warmup: int = 300
    average: float = 0.998

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 1 or self.warmup < 0:
            raise ValueError(
                f"steps and batch must be 1 or more, warmup 0 or more, not {self.steps}, {self.batch}, "
                f"{self.warmup}"
            )
        if not (0 < self.rate < math.inf and 0 <= self.weight_decay < math.inf and 0 <= self.average < 1):
            raise ValueError(
                f"rate must be above 0, weight_decay 0 or more and average 0 to below 1, not {self.rate}, "
                f"{self.weight_decay}, {self.average}"
            )

    def rate_at(self, step: int) -> float:
        """The learning rate of ``step``, counted from 0."""
        rise = min(1.0, (step + 1) / (self.warmup + 1))
        way = min(max((step - self.warmup) / max(self.steps - self.warmup, 1), 0.0), 1.0)
        return self.rate * rise * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * way)))


def generator(seed: int, step: int, device: torch.device | str) -> torch.Generator:
    """All random numbers of one step: the same for the same seed and step."""
    mixed = np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0]
    return torch.Generator(device).manual_seed(int(mixed >> np.uint64(1)))


def train(
    module: nn.Module,
    step: Callable[[int], Tensor],
    options: Options,
    checkpoint: Path | None,
    report: Callable[[str], None],
    every: int = 500,
    factor: Callable[[str], float] = lambda _: 1.0,
) -> nn.Module:
    """Train ``module`` in place by AdamW and give the average of its weights.

    The steps run under bfloat16 autocast; whatever must stay exact switches it off for itself.

    Args:
        module: on its device already; is changed.
        step: (number of the step from 0) -> the loss, a scalar; runs ``module`` itself.
        options: how long and how fast.
        checkpoint: a ``.npz`` file to go on from where it is there, written every ``every`` steps and at the end.
        report: takes a line of progress every 20 seconds.
        every: steps between two checkpoints.
        factor: name of a parameter -> by what its learning rate is multiplied.

    Returns:
        A copy of ``module`` with the exponential average of its weights, in ``eval`` mode.

    Raises:
        TrainingError: the loss is no longer a finite number, or the checkpoint is another run's.
        OutputError: the checkpoint cannot be written.
    """
    device = next(module.parameters()).device
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = copy.deepcopy(module).eval().requires_grad_(requires_grad=False)
    solver = torch.optim.AdamW(_groups(module, options, factor), lr=options.rate, fused=device.type == "cuda")
    start = 0
    if checkpoint is not None and checkpoint.exists():
        start = _restore(checkpoint, module, average, solver, options)
        report(f"goes on from {checkpoint} at step {start}")
    losses = torch.zeros(LOOKED_AT, device=device)
    module.train()
    began = told = time.monotonic()
    for number in range(start, options.steps):
        for group in solver.param_groups:
            group["lr"] = group["factor"] * options.rate_at(number)
        with torch.autocast(device.type, torch.bfloat16):
            loss = step(number)
        solver.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(module.parameters(), CLIP)
        solver.step()
        _follow(average, module, min(options.average, (1 + number) / (10 + number)))
        losses[number % LOOKED_AT] = loss.detach()
        done = number + 1
        saves = checkpoint is not None and (done % every == 0 or done == options.steps)
        if done % LOOKED_AT == 0 or saves or done == options.steps:
            recent = _finite(losses, number, options)
            now = time.monotonic()
            if now - told > SECONDS or done == options.steps:
                told, pace = now, (now - began) / (done - start)
                report(
                    f"step {done}/{options.steps} loss {recent:.4f} rate {options.rate_at(number):.2g} "
                    f"{pace * 1000:.0f} ms/step {pace * (options.steps - done):.0f} s left"
                )
        if saves and checkpoint is not None:
            _save(checkpoint, module, average, solver, options, done)
    return average


def weights(module: nn.Module) -> dict[str, NDArray[Any]]:
    """Parameters and buffers of a module by name."""
    return {name: tensor.detach().cpu().contiguous().numpy() for name, tensor in module.state_dict().items()}


def save(path: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays by name to a ``.npz`` file, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    content = io.BytesIO()
    np.savez(content, **arrays)  # type: ignore[arg-type]
    atomic.write_bytes(path, content.getvalue())


def read(path: Path) -> dict[str, NDArray[Any]]:
    """Arrays by name of a ``.npz`` file.

    Raises:
        TrainingError: not there, or not a ``.npz`` file of plain arrays.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, AttributeError, TypeError, zipfile.BadZipFile) as error:
        raise TrainingError(f"{path}: cannot read the weights: {error}") from None


def load(module: nn.Module, arrays: Mapping[str, NDArray[Any]], where: str) -> None:
    """Put arrays, as ``weights`` gives them, into ``module``.

    Raises:
        TrainingError: names or shapes are another network's.
    """
    try:
        module.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in arrays.items()})
    except (RuntimeError, TypeError):
        raise TrainingError(f"{where}: these are the weights of another network; train it again") from None


def _groups(module: nn.Module, options: Options, factor: Callable[[str], float]) -> list[dict[str, Any]]:
    """Parameters by whether they decay and by their rate, in a fixed order."""
    found: dict[tuple[bool, float], list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            found.setdefault((parameter.ndim > 1, factor(name)), []).append(parameter)
    return [
        {"params": found[key], "weight_decay": options.weight_decay if key[0] else 0.0, "factor": key[1]}
        for key in sorted(found, reverse=True)
    ]


@torch.no_grad()
def _follow(average: nn.Module, module: nn.Module, decay: float) -> None:
    for slow, fast in zip(average.state_dict().values(), module.state_dict().values(), strict=True):
        if slow.is_floating_point():
            slow.lerp_(fast, 1 - decay)
        else:
            slow.copy_(fast)


def _finite(losses: Tensor, number: int, options: Options) -> float:
    """Mean of the recent losses."""
    recent = [float(loss) for loss in losses.cpu()]
    since = number - number % LOOKED_AT
    for offset, loss in enumerate(recent[: number - since + 1]):
        if not math.isfinite(loss):
            at = since + offset
            raise TrainingError(
                f"the loss is no longer a finite number at step {at} of {options.steps} with rate "
                f"{options.rate_at(at):.3g}; give a smaller rate"
            )
    return float(np.mean(recent[: number - since + 1]))


def _save(
    path: Path, module: nn.Module, average: nn.Module, solver: torch.optim.Optimizer, options: Options, done: int
) -> None:
    arrays: dict[str, NDArray[Any]] = {"step": np.array(done), "options": np.array(json.dumps(asdict(options)))}
    arrays |= {f"module/{name}": array for name, array in weights(module).items()}
    arrays |= {f"average/{name}": array for name, array in weights(average).items()}
    for index, state in solver.state_dict()["state"].items():
        arrays |= {f"solver/{index}/{key}": value.cpu().contiguous().numpy() for key, value in state.items()}
    save(path, arrays)


def _restore(
    path: Path, module: nn.Module, average: nn.Module, solver: torch.optim.Optimizer, options: Options
) -> int:
    """Put everything back as it was; gives the number of steps done."""
    arrays = read(path)
    if "options" not in arrays or str(arrays["options"]) != json.dumps(asdict(options)):
        raise TrainingError(f"{path}: the checkpoint of a run with other options; remove it or name another")
    for prefix, target in (("module/", module), ("average/", average)):
        load(target, {k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}, str(path))
    state: dict[int, dict[str, Tensor]] = {}
    for name, array in arrays.items():
        if name.startswith("solver/"):
            _, index, key = name.split("/")
            state.setdefault(int(index), {})[key] = torch.from_numpy(np.array(array))
    solver.load_state_dict({"state": state, "param_groups": solver.state_dict()["param_groups"]})
    return int(arrays["step"])

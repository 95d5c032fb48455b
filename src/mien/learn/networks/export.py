"""Networks to model files."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import torch

from mien import modelfile
from mien.data import landmarks
from mien.learn import tracing
from mien.learn.description import described

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from torch import Tensor

    from mien.data.dataset import Dataset
    from mien.learn.networks.train import TrainedNetwork

EXAMPLES = 16  # patches of noise on which torch and ONNX Runtime are compared


def write(trained: TrainedNetwork, dataset: Dataset, target: Path, sources: Sequence[Dataset]) -> float:
    """Write a network to a model file, refused unless ONNX Runtime gives what torch gives.

    Args:
        trained: what ``train`` gave for ``dataset``.
        dataset: the data it was trained on.
        target: file to write, whole or not at all.
        sources: the data sets that ``dataset`` was joined from.

    Returns:
        The largest difference in any output between torch with the rounded weights and ONNX Runtime.

    Raises:
        TrainingError: that difference is beyond 1e-4, or not a number.
        OutputError: the file cannot be written.
    """
    size = trained.recipe.patches.size
    outputs = ("probabilities", "action_units", "features")
    names = outputs if trained.labels.action_units else ("probabilities", "features")
    module = trained.module if trained.labels.action_units else _WithoutUnits(trained.module)
    example = torch.rand(EXAMPLES, size, size, generator=torch.Generator().manual_seed(0))
    dynamic = {name: {0: "n"} for name in ("patches", *names)}
    content, difference = tracing.graph(target, module, {"patches": example}, names, dynamic)
    modelfile.write(target, content, describe(trained, dataset, sources))
    return difference


def describe(trained: TrainedNetwork, dataset: Dataset, sources: Sequence[Dataset]) -> modelfile.ModelMeta:
    """What the model file says of itself."""
    recipe = trained.recipe
    notes: dict[str, Any] = {"figures": trained.told, "backbone": asdict(recipe.backbone)}
    at_rest = trained.told.get("neutral_action_units")
    if at_rest:
        notes["neutral_action_units"] = at_rest
    if recipe.patches.alignment != "box":
        notes["landmarks"] = asdict(landmarks.origin(dataset.items))
    before = trained.told.get("started_from", {}).get("trained_on", [])
    notes["trained_on"] = [*before, *({"data": s.name, "fingerprint": s.fingerprint()} for s in sources)]
    return described(trained, dataset, notes)


class _WithoutUnits(torch.nn.Module):
    """A network without action units has no such output."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.inner = module

    def forward(self, patches: Tensor) -> tuple[Tensor, Tensor]:
        """Probabilities (n, labels) and features (n, channels)."""
        shown, _, features = self.inner(patches)
        return shown, features

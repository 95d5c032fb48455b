"""What the commands that train a face network have in common: arguments, recipe, weights with their story."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

import mien
from mien import atomic, modelfile, recipe
from mien.errors import MienError, TrainingError, UsageError
from mien.learn import loop
from mien.learn.device import NAMES as DEVICES
from mien.learn.device import device as chosen
from mien.learn.faces.bank import read as read_bank

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.learn.faces.bank import Bank

R = TypeVar("R")
Train = Callable[..., tuple[torch.nn.Module, dict[str, Any]]]
Export = Callable[[Path, Path], float]

TERMS = "research use; see card: the photographs and FER+ are given for research"
STORY = "story"  # the array of the weights' file that is no weight: JSON text


@dataclass(frozen=True, slots=True)
class Given:
    """The arguments of a training command."""

    recipe: Path
    bank: Path | None
    weights: Path | None
    checkpoint: Path | None
    device: torch.device
    steps: int | None
    source: Path | None
    out: Path | None
    start: Path | None = None

    def training(self, options: loop.Options) -> loop.Options:
        """The recipe's table under ``--steps``."""
        if self.steps is None:
            return options
        return replace(options, steps=self.steps, warmup=min(options.warmup, self.steps // 5))


def arguments(job: modelfile.Job, argv: list[str] | None) -> Given:
    """Read the command line.

    Raises:
        UsageError: neither a training nor an export, or no such device.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m mien.learn.faces.{job}",
        description=f"Train the {job} network (--bank, --weights) or export it (--from, -o).",
    )
    parser.add_argument("--recipe", default=f"faces/{job}", help="a recipe file, or the name of a shipped one")
    parser.add_argument("--bank", type=Path, help="pictures and labels, made by mien.learn.faces.bank")
    parser.add_argument("--weights", type=Path, help="write the trained weights here (.npz)")
    parser.add_argument("--checkpoint", type=Path, help="go on from this file, and keep it up to date (.npz)")
    if job == "landmarks":  # the only one with several courses
        parser.add_argument("--start", type=Path, help="begin with these weights (.npz) instead of random ones")
    parser.add_argument("--device", choices=DEVICES, default="auto")
    parser.add_argument("--steps", type=int, help="train for so many steps instead of the recipe's")
    parser.add_argument("--from", dest="source", type=Path, metavar="WEIGHTS", help="export these weights")
    parser.add_argument("-o", dest="out", type=Path, help="write the network here (.onnx)")
    read = parser.parse_args(argv)
    if (read.source is None) != (read.out is None) or (read.bank is None) != (read.weights is None):
        raise UsageError("training takes --bank and --weights, export takes --from and -o")
    if read.source is None and read.bank is None:
        raise UsageError("give --bank and --weights to train, or --from and -o to export")
    device = chosen(read.device)
    if read.steps is not None and read.steps < 1:
        raise UsageError(f"--steps must be 1 or more, not {read.steps}")
    path = recipe.locate(read.recipe)
    return Given(
        path,
        read.bank,
        read.weights,
        read.checkpoint,
        device,
        read.steps,
        read.source,
        read.out,
        getattr(read, "start", None),
    )


def recipe_of(cls: type[R], text: str, where: str) -> R:
    """A recipe's text as the frozen dataclass ``cls``.

    Raises:
        RecipeError: as ``mien.recipe.options``.
    """
    return recipe.options(cls, recipe.parse(text, where), where)


def keep(path: Path, weights: dict[str, NDArray[Any]], story: dict[str, Any]) -> None:
    """Write weights with their story, and the story's figures once more beside them, to be read.

    Raises:
        OutputError: they cannot be written.
    """
    loop.save(path, {**weights, STORY: np.array(json.dumps(story))})
    atomic.write_bytes(path.with_suffix(".json"), (json.dumps(story, indent=2) + "\n").encode())


def kept(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The weights and the story that ``keep`` wrote.

    Raises:
        TrainingError: no such file.
    """
    arrays = loop.read(path)
    try:
        story: dict[str, Any] = json.loads(str(arrays.pop(STORY)))
    except (KeyError, ValueError):
        raise TrainingError(f"{path}: no weights with their story; train with --weights") from None
    return arrays, story


def provenance(bank: Bank, text: str, seed: int) -> dict[str, Any]:
    """Where the weights come from, the fields of ``modelfile.Provenance``."""
    faces = [name for kind in (bank.portraits, bank.small) for name in kind.of("train").names]
    people = {re.sub(r"_\d+$", "", Path(name).stem) for name in bank.portraits.of("train").names}
    found = modelfile.Provenance(
        recipe=text,
        data=", ".join(sorted({name.split("/")[0] for name in faces})),
        fingerprint=bank.fingerprint,
        items=len(faces),
        subjects=len(people),
        synthetic=False,
        seed=seed,
        mien_version=mien.__version__,
        terms=TERMS,
    )
    return asdict(found)


def job(name: modelfile.Job, recipe_class: type[R], train: Train, export: Export, argv: list[str] | None) -> None:
    """Train or export the network for a job, as the command line says.

    Args:
        name: the job.
        recipe_class: what its recipe is read as; has ``seed`` and ``training``.
        train: (bank, recipe, training, device, checkpoint[, start]) -> the network, and its story.
        export: (weights, target) -> largest difference between torch and ONNX Runtime.
        argv: the arguments; those of this process where ``None``.

    Raises:
        MienError: whatever a person can act upon.
    """
    given = arguments(name, argv)
    if given.source is not None and given.out is not None:
        tell(f"{given.out}: differs from torch by {export(given.source, given.out):.2g}")
    if given.bank is None or given.weights is None:
        return
    text = given.recipe.read_text(encoding="utf-8")
    recipe: Any = recipe_of(recipe_class, text, str(given.recipe))
    faces = read_bank(given.bank)
    begin = () if given.start is None else (given.start,)
    network, story = train(faces, recipe, given.training(recipe.training), given.device, given.checkpoint, *begin)
    story["provenance"] = provenance(faces, text, recipe.seed)
    keep(given.weights, loop.weights(network), story)
    tell("\n".join(f"{figure} {value}" for figure, value in story["figures"].items()))


def run(main: Callable[[], None]) -> int:
    """Run a command; an error that a person can act upon becomes one line and an exit code."""
    try:
        main()
    except MienError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    return 0


def tell(line: str) -> None:
    """A line of progress, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()

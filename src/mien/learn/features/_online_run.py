"""An online run that can be put down and taken up again."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from mien import atomic
from mien.errors import TrainingError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Run:
    """An online run, under way or over.

    Attributes:
        W1, b1, W2, b2: float32 parameters as in ``learn.equations``.
        rho_hat: float32 (units,), running mean activation.
        curve: float64 (chunks, 3), one row per chunk of steps: the mean of |a3 - x|^2 over its steps, each by the
            weights of its time; lowest and highest rho_hat of any unit at its end.
        position: steps done.
        by_mean: mean of |x - mean(x)|^2 over the examples: what a constant answer costs.
    """

    W1: NDArray[np.float32]
    b1: NDArray[np.float32]
    W2: NDArray[np.float32]
    b2: NDArray[np.float32]
    rho_hat: NDArray[np.float32]
    curve: NDArray[np.float64]
    position: int
    by_mean: float


def key(x: NDArray[np.float32], settings: dict[str, Any], seed: int) -> str:
    """What a run depends on, as a hash: the examples, the options, the seed."""
    digest = hashlib.sha256(json.dumps([settings, seed, x.shape], sort_keys=True).encode())
    digest.update(x.data)
    return digest.hexdigest()


def save(path: Path, run: Run, key: str) -> None:
    """Write ``run`` to ``path``, whole or not at all.

    Raises:
        OutputError: the file cannot be written.
    """
    buffer = io.BytesIO()
    np.savez(buffer, key=np.array(key), **{field.name: getattr(run, field.name) for field in fields(run)})
    atomic.write_bytes(path, buffer.getvalue())


def load(path: Path, key: str) -> Run | None:
    """The run at ``path``, or none where there is no file.

    Raises:
        TrainingError: the file is damaged, or of a run with other examples, options or seed.
    """
    advice = "delete it to begin anew, or name another file"
    try:
        # From memory: np.load leaves a file that is no archive open.
        archive = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
        found = {name: archive[name] for name in getattr(archive, "files", ())}  # a lone array has none
    except FileNotFoundError:
        return None
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise TrainingError(f"{path}: cannot be read as a stopped run ({error}); {advice}") from None
    if str(found.pop("key", "")) != key or set(found) != {field.name for field in fields(Run)}:
        raise TrainingError(f"{path}: is not from a run with these examples, options and seed; {advice}")
    return Run(**found | {"position": int(found["position"]), "by_mean": float(found["by_mean"])})

"""How many linear dimensions the faces vary in: the prior on the number of units.

Two counts that bracket the answer. **Parallel analysis** (Horn 1965) counts the principal components that are
stronger than those of data in which no two columns have anything to do with each other: it is strict, as weak
components drown in what chance alone produces. **Minka's** (2000) Laplace approximation of the evidence counts the
dimension of the Gaussian factor model (probabilistic PCA) that explains the data best: it counts weak components
too, as long as what remains looks like equal noise in all directions, which in pictures it never quite does.

Both count directions of *linear* variation. A logistic layer may need more units than that, because one unit
bends, or fewer, because one unit that bends can do the work of several directions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln

from mien.errors import TrainingError
from mien.learn.architecture.score import reach
from mien.learn.inner_folds import inner_folds
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.learn.architecture.examples import Examples

    Floats = NDArray[np.float64]

QUANTILE = 0.95
"""Of the surrogates' eigenvalues, which a component must exceed (Glorfeld 1995)."""

ZERO = 1e-9  # share of the largest eigenvalue below which one is rounding noise


@dataclass(frozen=True, slots=True)
class Options:
    """How dimensions are counted.

    Attributes:
        surrogates: data sets with the columns of the real one, each shuffled by itself, that a component is
            compared with.
        groups: of people, each left out once for the interval.
    """

    surrogates: int = 20
    groups: int = 10

    def __post_init__(self) -> None:
        if self.surrogates < 2 or self.groups < 2:
            raise ValueError("surrogates and groups must be 2 or more")


@dataclass(frozen=True, slots=True)
class Count:
    """A number of dimensions with its 95 % interval by people."""

    value: int
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Dimension:
    """How many linear dimensions there are.

    Attributes:
        parallel: by parallel analysis.
        minka: by the evidence.
        eigenvalues: of the columns' correlations, largest first (components,).
        thresholds: what each must exceed, the surrogates' quantile (components,).
        explained: share of the standardised columns' variance that the components of ``parallel`` hold.
    """

    parallel: Count
    minka: Count
    eigenvalues: Floats
    thresholds: Floats
    explained: float


def estimate(examples: Examples, options: Options, seed: int, progress: Progress = silent) -> Dimension:
    """Count the dimensions of faces.

    The interval leaves out one group of people after the other and counts anew: the delete-a-group jackknife
    (Shao & Wu 1989), with Student's t. A bootstrap by people would repeat faces, which looks like dimensions of
    little noise and raises both counts.

    Args:
        examples: the faces.
        options: how.
        seed: of the surrogates and of the groups.
        progress: called after every group.

    Raises:
        TrainingError: fewer people than groups.
    """
    x = examples.x.astype(np.float64)
    group = inner_folds(examples.subjects, options.groups, seed)
    with one_thread():
        eigenvalues, thresholds = _against_chance(x, options.surrogates, seed)
        found = _strong(eigenvalues, thresholds), minka(spectrum(x - x.mean(axis=0)), len(x))
        without: list[tuple[int, int]] = []
        for k in range(options.groups):
            progress("dimensions", k, options.groups)
            rest = x[group != k]
            strong = _strong(*_against_chance(rest, options.surrogates, seed))
            without.append((strong, minka(spectrum(rest - rest.mean(axis=0)), len(rest))))
    progress("dimensions", options.groups, options.groups)
    counts = [
        _jackknifed(value, np.array(column, np.float64), min(x.shape))
        for value, column in zip(found, zip(*without, strict=True), strict=True)
    ]
    held = float(eigenvalues[: found[0]].sum() / eigenvalues.sum())
    return Dimension(counts[0], counts[1], eigenvalues, thresholds, held)


def parallel(x: Floats, surrogates: int, seed: int) -> int:
    """The number of components by parallel analysis of rows ``x`` (n, columns).

    Components are counted from the strongest on, until one does not exceed the surrogates' of the same rank.

    Args:
        x: rows; a constant column counts for nothing.
        surrogates: shuffled copies.
        seed: of the shuffling.
    """
    return _strong(*_against_chance(x, surrogates, seed))


def minka(variances: Floats, rows: int) -> int:
    """The number of dimensions with the largest evidence (Minka 2000, equations 76 to 81).

    Args:
        variances: eigenvalues of the covariance, largest first (columns,); zeros where there are fewer rows.
        rows: of the data.

    Raises:
        TrainingError: the data do not vary in two directions.
    """
    columns = len(variances)
    rank = int((variances > ZERO * variances[0]).sum()) if variances[0] > 0 else 0
    if rank < 2:
        raise TrainingError("architecture: the faces vary in fewer than two directions; give faces that differ")
    evidence = _evidence(variances, rows, min(rank, columns) - 1)
    return 1 + int(np.argmax(evidence))


def spectrum(centred: Floats) -> Floats:
    """Eigenvalues (columns,) of the covariance of centred rows (n, columns), largest first."""
    n, columns = centred.shape
    product = centred.T @ centred if columns <= n else centred @ centred.T
    values = np.maximum(np.linalg.eigvalsh(product)[::-1] / n, 0.0)
    return np.concatenate([values, np.zeros(columns - len(values))])


def _against_chance(x: Floats, surrogates: int, seed: int) -> tuple[Floats, Floats]:
    """Eigenvalues of the correlations of ``x``, and of each rank what chance reaches."""
    standard = _standardised(x)
    random = np.random.default_rng([seed, 11])
    chance = np.stack([spectrum(random.permuted(standard, axis=0)) for _ in range(surrogates)])
    thresholds: Floats = np.quantile(chance, QUANTILE, axis=0)
    return spectrum(standard), thresholds


def _standardised(x: Floats) -> Floats:
    centred = x - x.mean(axis=0)
    spread = centred.std(axis=0)
    found: Floats = centred / np.where(spread > 0, spread, 1.0)
    return found


def _strong(eigenvalues: Floats, thresholds: Floats) -> int:
    beaten = np.flatnonzero(eigenvalues <= thresholds)
    return int(beaten[0]) if len(beaten) else len(eigenvalues)


def _evidence(variances: Floats, rows: int, most: int) -> Floats:
    """Log evidence of 1 to ``most`` dimensions (most,), up to a constant."""
    d, N = len(variances), rows
    k = np.arange(1, most + 1)
    lead = np.maximum(variances[:most], np.finfo(np.float64).tiny)
    rest = np.maximum(variances.sum() - np.cumsum(variances[:most]), ZERO * variances[0])
    v = rest / (d - k)
    j = np.arange(d, d - most, -1) / 2
    prior = np.cumsum(gammaln(j) - j * math.log(math.pi)) - k * math.log(2)
    parameters = d * k - k * (k + 1) / 2
    fit = -N / 2 * (np.cumsum(np.log(lead)) + (d - k) * np.log(v))
    curvature = parameters * math.log(N) + _log_gaps(variances, v, most)
    found: Floats = prior + fit + (parameters + k) / 2 * math.log(2 * math.pi) - curvature / 2 - k / 2 * math.log(N)
    return found


def _log_gaps(variances: Floats, v: Floats, most: int) -> Floats:
    """Log |A_z| without its log N: pairs i <= k, j > i; in one place v stands for the variances beyond k.

    Everything but the terms with v is a running sum over i, so that all k together cost columns squared.
    """
    d = len(variances)
    floor = ZERO * variances[0]
    lead = variances[:most]
    plain = np.log(np.maximum(lead[:, None] - variances[None, :], floor))  # (most, d)
    later = np.arange(d)[None, :] > np.arange(most)[:, None]
    gaps = np.cumsum(np.where(later, plain, 0.0).sum(axis=1))
    # 1/b - 1/a = (a - b) / (a b): among the leading ones, pairs i < j <= k
    logs = np.log(np.maximum(lead, floor))
    inverse = plain[:, :most] - logs[:, None] - logs[None, :]
    among = np.cumsum(np.where(np.arange(most)[:, None] < np.arange(most)[None, :], inverse, 0.0).sum(axis=0))
    to_rest = np.array(
        [
            (d - count) * float(np.log(np.maximum(1 / v[count - 1] - 1 / lead[:count], floor)).sum())
            for count in range(1, most + 1)
        ]
    )
    found: Floats = gaps + among + to_rest
    return found


def _jackknifed(value: int, without: Floats, most: int) -> Count:
    groups = len(without)
    error = math.sqrt((groups - 1) / groups * float(((without - without.mean()) ** 2).sum()))
    far = reach(groups - 1) * error
    return Count(value, max(0.0, value - far), min(float(most), value + far))

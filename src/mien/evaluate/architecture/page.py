"""``report.html`` of ``mien architecture``: what was counted, how, and what is recommended, in one file."""

from __future__ import annotations

from base64 import b64encode
from html import escape
from typing import TYPE_CHECKING

from mien import __version__, atomic
from mien.evaluate.page_style import banner, document, facts

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from mien.data.dataset import Dataset
    from mien.learn.architecture.estimate import Estimate
    from mien.learn.architecture.family import Shape
    from mien.learn.architecture.halving import Trial
    from mien.learn.architecture.score import Score

MORE_STYLE = (
    "img{max-width:100%;height:auto}pre{background:#f6f6f6;padding:.75rem 1rem;overflow-x:auto;font-size:.85rem}"
)

SOURCES = (
    "Horn, J. L. (1965). A rationale and test for the number of factors in factor analysis. Psychometrika 30.",
    "Minka, T. P. (2000). Automatic choice of dimensionality for PCA. NIPS 13.",
    "Salakhutdinov, R. & Murray, I. (2008). On the quantitative analysis of deep belief networks. ICML.",
    "Owen, A. B. & Perry, P. O. (2009). Bi-cross-validation of the SVD and the nonnegative matrix factorization. "
    "Annals of Applied Statistics 3.",
    "Jamieson, K. & Talwalkar, A. (2016). Non-stochastic best arm identification and hyperparameter optimization. "
    "AISTATS.",
    "Breiman, L., Friedman, J., Olshen, R. & Stone, C. (1984). Classification and Regression Trees, section 3.4.3.",
    "Shao, J. & Wu, C. F. J. (1989). A general theory for jackknife variance estimation. Annals of Statistics 17.",
)


def html(e: Estimate, dataset: Dataset, picture: bytes, *, quick: bool) -> str:
    """The page; equal estimates give equal text.

    Args:
        e: what was found.
        dataset: where.
        picture: ``curve.png``.
        quick: whether it was only a quick look.
    """
    title = f"Layers and units for {dataset.name}"
    notes = ""
    if dataset.synthetic:
        notes += banner("SYNTHETIC: these faces were drawn by code; the sizes say nothing about real faces.")
    if quick:
        notes += banner("QUICK: few sizes, short training; run it without --quick before you rely on it.")
    chosen = e.halving.chosen
    encoded = b64encode(picture).decode()
    return document(
        title,
        f"<h1>{escape(title)}</h1><p class='lead'>{e.faces} faces of {e.people} people, "
        f"{'with' if e.labelled else 'without'} labels. Brackets hold 95 % intervals by people.</p>{notes}"
        f"<p><strong>Recommended: {escape(_shape(chosen))}</strong>, {chosen.weights:,} weights; the recipe is "
        f"below and in recommended.toml.</p>{_glance(e)}"
        f"<img alt='Four curves: eigenvalues, likelihood, pruning and halving against size' "
        f"src='data:image/png;base64,{encoded}'>"
        f"{_dimension(e)}{_likelihood(e)}{_pruning(e)}{_halving(e)}"
        f"<h2>The recipe</h2><p><code>mien train recommended.toml --data …</code> takes it as it is.</p>"
        f"<pre>{escape(e.recipe.text)}</pre>{_claims()}{_sources()}"
        + facts(
            {
                "Data": f"{dataset.name}, SHA-256 {dataset.fingerprint()}",
                "Terms": dataset.terms,
                "Seed": str(e.seed),
                "mien": __version__,
            }
        ),
        MORE_STYLE,
    )


def write(path: Path, estimate: Estimate, dataset: Dataset, picture: bytes, *, quick: bool) -> None:
    """Write the page, whole or not at all; arguments as in ``html``.

    Raises:
        OutputError: the file cannot be written.
    """
    atomic.write_bytes(path, html(estimate, dataset, picture, quick=quick).encode())


def _glance(e: Estimate) -> str:
    d, p = e.dimension, e.pruning
    rows = (
        (
            "Parallel analysis",
            _count(d.parallel.value, d.parallel.low, d.parallel.high),
            "directions stronger than chance",
        ),
        (
            "Minka's evidence",
            _count(d.minka.value, d.minka.low, d.minka.high),
            "directions of a Gaussian factor model",
        ),
        (
            "Likelihood",
            f"{e.likelihood.chosen} or more" if e.likelihood.grows else str(e.likelihood.chosen),
            "hidden units from which on faces get no likelier",
        ),
        (
            "Pruning",
            f"{p.left:.0f} <small>[{p.low}, {p.high}], range over folds</small>",
            f"units of {p.units} in use",
        ),
        ("Halving", escape(_shape(e.halving.chosen)), "smallest network as good as the best; it decides"),
    )
    return _table(("Estimate", "Found", "What it counts"), rows)


def _dimension(e: Estimate) -> str:
    d = e.dimension
    return (
        "<h2>How many dimensions do the faces have?</h2><p>Parallel analysis (Horn 1965) counts the principal "
        "components that are stronger than those of the same faces with every pixel shuffled over the faces by "
        f"itself: {d.parallel.value}, which hold {d.explained:.0%} of the variance. It is strict. Minka's (2000) "
        f"evidence for a Gaussian factor model also counts weak components: {d.minka.value}. Where the two agree, "
        "the faces are a plane plus equal noise; where they are far apart, as for pictures, strength falls off "
        "without an edge, and no number is the dimension. Both count linear directions, not units: they are where "
        "the search begins. Intervals leave out one group of people after the other (Shao &amp; Wu 1989).</p>"
    )


def _likelihood(e: Estimate) -> str:
    rows = (
        (str(p.units), _score(p.score, 1), f"{p.trained:.1f}", f"{p.effective:.0f}") for p in e.likelihood.points
    )
    kind = "standardised Gaussian" if e.likelihood.visible == "gaussian" else "binary"
    return (
        "<h2>From how many units on do faces get no likelier?</h2><p>Restricted Boltzmann machines with "
        f"{kind} pixels, log Z by annealed importance sampling (Salakhutdinov &amp; Murray 2008). Nats per face on "
        "people that the machine was not trained on; only differences mean anything. A mean far higher on the "
        "faces trained on shows learning by heart. Few effective chains mean that log Z, and with it the row, is "
        "uncertain, and rather too good.</p>"
        + _table(("Units", "Held-out people", "Trained on", "Effective chains"), rows)
    )


def _pruning(e: Estimate) -> str:
    p = e.pruning
    return (
        f"<h2>How many units of a large layer are in use?</h2><p>Of {p.units} units, {p.silent:.0f} hardly change "
        f"from face to face, {p.doubles:.0f} repeat another one and {p.spare:.0f} add nothing to what the others "
        "tell of pixels that were hidden, in faces of other people, beyond one standard error. "
        f"{p.left:.0f} are left (means over folds).</p>"
    )


def _halving(e: Estimate) -> str:
    measure = (
        "the mean log-probability of the true expression on held-out people, in nats, by the recipe's own head"
        if e.labelled
        else "the share of hidden pixels that the features tell of held-out people's faces"
    )
    rows = (
        (
            str(trial.budget.round),
            escape(_shape(trial)),
            f"{trial.weights:,}",
            _score(trial.score, 3),
            "–" if trial.accuracy is None else _score(trial.accuracy, 3),
        )
        for trial in e.halving.trials
    )
    return (
        f"<h2>Which network does best?</h2><p>Successive halving (Jamieson &amp; Talwalkar 2016): all candidates "
        "learn a little on some of the people, the best third longer on more; in the end the next smaller ones, "
        "too. The score is "
        f"{measure}. The best of several noisy scores is the best by luck, too; so the smallest network that is no "
        "more than one standard error worse is taken (the one-standard-error rule of Breiman et al. 1984): as good "
        "as anybody can tell, cheaper, and less a matter of who was in the data. Rows of different rounds cannot "
        "be compared.</p>" + _table(("Round", "Network", "Weights", "Score", "Accuracy"), rows) + _failures(e)
    )


def _failures(e: Estimate) -> str:
    items = "".join(
        f"<li>{escape(_words(f.shape))}, round {f.round}: {escape(f.why)}</li>" for f in e.halving.failures
    )
    return f"<p>Dropped, as they could not be trained so briefly:</p><ul>{items}</ul>" if items else ""


def _claims() -> str:
    return (
        "<h2>What this does not claim</h2><p>The size fits this recipe's patches and training, these faces and "
        "this many of them: more people may support a larger network. The people who chose the size cannot "
        "measure how good it is; use <code>mien evaluate</code> on others, or with the choice made anew "
        "in every fold.</p>"
    )


def _sources() -> str:
    return "<h2>Sources</h2><ul>" + "".join(f"<li>{escape(source)}</li>" for source in SOURCES) + "</ul>"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>'


def _score(score: Score, digits: int) -> str:
    return f"{score.value:.{digits}f} <small>[{score.low:.{digits}f}, {score.high:.{digits}f}]</small>"


def _count(value: int, low: float, high: float) -> str:
    return f"{value} <small>[{low:.0f}, {high:.0f}]</small>"


def _shape(trial: Trial) -> str:
    return _words(trial.shape)


def _words(shape: Shape) -> str:
    return f"{shape.layers} layer{'s' if shape.layers > 1 else ''} of {shape.units} units"

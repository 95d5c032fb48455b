"""What rows of results are called where people read them."""

from __future__ import annotations

from typing import NamedTuple

from mien.data import splits


class Metric(NamedTuple):
    """A column's head, what it means, and whether it counts things."""

    head: str
    meaning: str
    counts: bool = False


METRICS = {
    "accuracy": Metric("Accuracy", "share of right answers"),
    "balanced_accuracy": Metric(
        "Balanced accuracy", "mean recall: every label counts the same; guessing gives 1/K"
    ),
    "macro_f1": Metric("Macro F1", "mean F1 over the labels"),
    "f1": Metric("F1", "harmonic mean of precision and recall; “no” to everything gives 0"),
    "macro_auc": Metric("Macro AUC", "one label against the rest, mean; 0.5 is chance"),
    "auc": Metric("AUC", "0.5 is chance"),
    "mcc": Metric("MCC", "Matthews correlation; 0 is chance"),
    "tpr": Metric("TPR", "true positive rate"),
    "fpr": Metric("FPR", "false positive rate"),
    "TP": Metric("TP", "true positives", counts=True),
    "TN": Metric("TN", "true negatives", counts=True),
    "FP": Metric("FP", "false positives", counts=True),
    "FN": Metric("FN", "false negatives", counts=True),
    "recall": Metric("Recall", "share of a label’s faces that were found"),
    "sequence_accuracy": Metric("Accuracy by sequence", "share of sequences with the right answer"),
    "sequence_balanced_accuracy": Metric("Balanced accuracy by sequence", "mean recall over the labels, sequences"),
    "sequence_macro_f1": Metric("Macro F1 by sequence", "mean F1 over the labels, sequences"),
    "sequence_macro_auc": Metric("Macro AUC by sequence", "one label against the rest, sequences; 0.5 is chance"),
    "sequence_mcc": Metric("MCC by sequence", "Matthews correlation, sequences; 0 is chance"),
    "sequence_recall": Metric("Recall by sequence", "share of a label’s sequences that were found"),
    "units": Metric("Units", "of the hidden layer", counts=True),
    "units_alive": Metric("Units alive", "that do not give the same answer to every face", counts=True),
    "units_beyond_chance": Metric(
        "Beyond chance", "units whose difference lies beyond what labels dealt out at random give", counts=True
    ),
    "largest_difference": Metric("Largest difference", "of mean activations, any unit"),
    "steps": Metric("Steps", "one example each", counts=True),
    "sse": Metric("Error", "squared error per face, at the end of learning"),
    "sse_of_mean_face": Metric("Error of the mean face", "squared error of always answering the mean face"),
    "sse_ratio": Metric("Ratio", "error by that of the mean face; below 1 something was learned"),
    "filters": Metric("Filters", "how many", counts=True),
    "median_gabor_r2": Metric(
        "Gabor fit, median R²", "how well a Gabor function fits the median filter; 1 is exact"
    ),
    "share_gabor_r2_above_0.7": Metric("Filters with R² ≥ 0.7", "share of the filters"),
    "heldout_sse": Metric("Error, held out", "squared error per patch that was not trained on"),
    "zero_sse": Metric("Error of zero", "squared error of always answering zero"),
    "active_fraction": Metric("Active units", "share of the units that fire for a patch"),
    "dead_filters": Metric("Dead filters", "filters that never fire", counts=True),
    "near_duplicates": Metric("Near duplicates", "filters that look like another one", counts=True),
    "heldout_sse_of_mean": Metric("Error of the mean", "squared error of always answering the mean patch"),
}

_INPUTS = {
    "features": "features",
    "online-features": "features, online as in 2010",
    "facs": "true FACS",
    "predicted-facs": "predicted FACS",
    "tracking": "tracking labels",
    "pixels": "raw pixels",
    "pca": "PCA",
    "majority": "always the majority",
    "prior": "shares of the labels",
    "always-no": "always “no”",
    "shuffled-labels": "shuffled labels",
    "stack": "stack, not fine-tuned",
    "fine-tuned": "stack, fine-tuned",
    "250": "250 units",
    "500": "500 units",
    "250-100": "250 and 100 units",
    "from-random": "the same network from random weights",
    "fine-tuned-unaligned": "stack, fine-tuned, faces not aligned",
    "stills": "masked stills (section 2.2)",
    "frames": "frames (section 3.3)",
    "online-250": "250 units, online as in 2010",
    "frame": "last frame alone",
    "mean": "mean over the frames",
    "max": "maximum over the frames",
    "product": "product over the frames",
    "online": "online, as in 2010",
    "belief-network": "belief network",
    "belief-network-tuned": "belief network, fine-tuned",
    "autoencoders": "autoencoders of that size",
    "autoencoders-tuned": "autoencoders of that size, fine-tuned",
    "random-layers": "random layers of that size",
    "random-layers-tuned": "random layers of that size, fine-tuned",
    "sparse-encoding": "sparse encoding machine",
    "autoencoder": "autoencoder of that size",
    "convolutional": "convolutional belief network",
    "convolutional-tuned": "convolutional belief network, fine-tuned",
    "gabor-boosted": "Gabor filters, AdaBoost, SVM",
    "aligned-pixels": "aligned pixels",
    "aligned-pca": "PCA of aligned pixels",
    "change": "change",
    "batch": "batch L-BFGS",
    "noise": "noise (control)",
    "zero": "always zero (control)",
}

NOTHING = ("always-no", "majority", "prior", "shuffled-labels", "noise", "zero")
"""Inputs that have learned nothing about faces: what one gets for nothing."""

MAIN = ("fine-tuned", "belief-network-tuned", "features", "250", "mean")
"""Inputs that an experiment is about; set in bold and compared with the others."""

TABLE_1 = {
    "features": "(b)",
    "features+facs": "(a)",
    "features+predicted-facs": "(a′)",
    "online-features": "(b)",
    "online-features+facs": "(a)",
    "online-features+predicted-facs": "(a′)",
}
"""The report's letters for the inputs of Table 1; (a′) is ours."""

_PROTOCOLS = {
    "paper-split": "frames at random, the report’s split",
    "sequence-split": "sequences at random",
    "subject-10fold": "unseen people, ten groups",
    "loso": "unseen people, one at a time",
    "none": "no labels used",
}
HONEST = ("subject-10fold", "loso", "holdout")
"""Protocols that test on unseen people, the one to be read first."""


def metric(name: str) -> Metric:
    """How a metric is called; an unknown one by its own name."""
    return METRICS.get(name, Metric(name.replace("_", " "), ""))


def inputs(name: str) -> str:
    """``features+facs`` in words; ``a minus b`` and ``a@20`` are taken apart."""
    if " minus " in name:
        first, _, second = name.partition(" minus ")
        return f"{inputs(first)} minus {inputs(second)}"
    base, at, people = name.rpartition("@")
    if at:
        return f"{inputs(base)}, {people} people"
    if name in _INPUTS:
        return _INPUTS[name]
    if name.startswith("pca-"):
        return f"PCA, {name.removeprefix('pca-')}"
    return " + ".join(_INPUTS.get(part, part) for part in name.split("+"))


def protocol(name: str) -> str:
    """A protocol in a few words."""
    return _PROTOCOLS.get(name, name)


def explained(name: str) -> str:
    """A protocol in a sentence; empty where there is nothing to say."""
    return {p.name: p.text for p in splits.PROTOCOLS}.get(name, "")


def leaks(name: str) -> bool:
    """Whether people are on both sides of the split."""
    return {p.name: p.leaks for p in splits.PROTOCOLS}.get(name, False)


def label(name: str) -> str:
    """A row's label in words."""
    return {"macro-6": "mean of the six", "macro": "mean of all labels", "all": "all"}.get(name, name)

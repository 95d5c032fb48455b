"""Action units of held-out people: every coded face once, by a model that never saw the person."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from mien import modelfile
from mien.data import splits
from mien.data.dataset import Dataset, Item
from mien.evaluate import predict
from mien.labels import LabelSet
from mien.learn import fit

LABELS = ("anger", "happiness", "neutral")
CODED = ("AU04", "AU12", "AU25")
RECIPE = """
name = "small"
seed = 4
[patches]
size = 8
[features]
name = "pixels"
[head]
name = "softmax"
C = [1.0]
"""


def dataset():
    """Twelve people; of each, three labelled faces and one that is coded only; one in five is not coded."""
    items = tuple(
        Item(f"i{k:03}", f"s{k // 4:02}", f"q{k}", 0, LABELS[k % 4] if k % 4 < 3 else None,
             (k % 2, k % 3 // 2, 0) if k % 5 else None, lambda k=k: np.full((10, 10), k, np.uint8))
        for k in range(48)
    )  # fmt: skip
    return Dataset("squares", items, LabelSet(LABELS), CODED)


class Stub:
    """What a fold's training gives: as many probabilities as there are patches; knows AU12 and one more."""

    labels = LabelSet(LABELS, ("AU12", "AU09"))

    def predict(self, patches):
        return np.full((len(patches), 3), 1 / 3)

    def action_units(self, patches):
        return np.tile([0.25, 0.75], (len(patches), 1))


def quiet(stage, done, of):
    pass


def scored(monkeypatch, folds, protocol="subject-10fold"):
    known = []

    def train(plan, data, progress):
        known.append({item.subject for item in data.items})
        return Stub()

    monkeypatch.setattr(fit, "train", train)
    made = modelfile.Provenance(RECIPE, "squares", "0" * 64, 1, 1, False, 4, "0.1.0")
    meta = modelfile.ModelMeta("small", LabelSet(LABELS), {"size": 8}, made)
    file = SimpleNamespace(path="small.onnx", sha256="0" * 64, meta=meta)
    return predict.retrained(file, dataset(), folds, protocol, quiet), known


def test_every_coded_face_is_scored_once_by_a_model_that_never_saw_the_person(monkeypatch):
    folds = splits.protocol("subject-10fold").folds(dataset())
    found, known = scored(monkeypatch, folds)
    assert len(found.item) == 36  # those with an expression
    units = found.action_units
    assert units.item.tolist() == [i.name for i in dataset().items if i.action_units is not None]
    for subject, fold in zip(units.subject.tolist(), units.fold.tolist(), strict=True):
        assert subject not in known[fold]
    np.testing.assert_array_equal(units.probabilities[:, CODED.index("AU12")], 0.25)
    assert np.isnan(units.probabilities[:, [0, 2]]).all()
    assert units.setting == found.setting


def test_people_on_both_sides_add_no_faces_that_were_coded_only(monkeypatch):
    everyone = [k for k in range(48) if k % 4 < 3]
    fold = splits.Fold(tuple(everyone[1::2]), tuple(everyone[::2]))
    found, _ = scored(monkeypatch, [fold], "sequence-split")
    assert set(found.action_units.item.tolist()) <= set(found.item.tolist())

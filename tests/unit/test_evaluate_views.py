"""Predictions as others would count them: forced choice among fewer expressions."""

import numpy as np
import pytest

from mien.errors import DataError
from mien.evaluate import predictions, views
from mien.labels import EXPRESSIONS

SETTING = predictions.Setting("small", "ab" * 32, "ckplus", "cd" * 32, "subject-10fold", True, False, "", "9.9", 4)


def predicted(labels=EXPRESSIONS, n=40):
    random = np.random.default_rng(1)
    return predictions.Predictions(
        labels=labels,
        item=np.array([f"i{k:02}" for k in range(n)]),
        subject=np.array([f"s{k // 4}" for k in range(n)]),
        fold=np.arange(n) % 10,
        truth=np.arange(n) % len(labels),
        probabilities=random.dirichlet(np.ones(len(labels)), n),
        setting=SETTING,
    )


@pytest.mark.parametrize(("view", "faces", "without"), [
    (views.SEVEN, 35, "neutral"), (views.EIGHT, 40, None), (views.SIX_AND_NEUTRAL, 35, "contempt"),
])  # fmt: skip
def test_faces_and_columns_of_each_view(view, faces, without):
    p = predicted()
    seen = views.seen(p, view)
    assert len(seen.item) == faces
    assert without not in seen.labels
    np.testing.assert_allclose(seen.probabilities.sum(axis=1), 1)
    shown = dict(zip(p.item.tolist(), np.array(p.labels)[p.truth].tolist(), strict=True))
    assert [seen.labels[k] for k in seen.truth] == [shown[name] for name in seen.item.tolist()]
    of = dict(zip(p.item.tolist(), p.probabilities, strict=True))
    columns = [p.labels.index(label) for label in view.labels]
    for name, row in zip(seen.item.tolist(), seen.probabilities, strict=True):
        np.testing.assert_allclose(row, of[name][columns] / of[name][columns].sum())


def test_a_face_taken_for_neutral_is_right_where_neutral_is_no_answer():
    p = predicted(n=8)
    p.probabilities[:] = 0.02
    p.probabilities[:, EXPRESSIONS.index("neutral")] = 0.8
    p.probabilities[np.arange(8), p.truth] += 0.06
    assert (p.probabilities.argmax(axis=1) == p.truth).sum() == 1
    seen = views.seen(p, views.SEVEN)
    assert (seen.probabilities.argmax(axis=1) == seen.truth).all()


def test_nothing_left_is_shared_evenly():
    found = views.chosen_among(np.array([[0.0, 0.0, 1.0], [0.1, 0.3, 0.6]]), [0, 1])
    np.testing.assert_allclose(found, [[0.5, 0.5], [0.25, 0.75]])


def test_a_view_that_does_not_fit_is_refused():
    with pytest.raises(DataError, match=r"small: has no label contempt, .* cannot be seen as seven expressions"):
        views.seen(predicted(tuple(label for label in EXPRESSIONS if label != "contempt")), views.SEVEN)
    p = predicted(n=8)
    p.truth[:] = EXPRESSIONS.index("neutral")
    with pytest.raises(DataError, match="no face shows one of"):
        views.seen(p, views.SEVEN)

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from mien.errors import TrainingError
from mien.learn import facs


def people(n=120, features=12, seed=0):
    """Each action unit lights a feature of its own; the last one is never shown."""
    random = np.random.default_rng(seed)
    codes = (random.random((n, 4)) < (0.5, 0.3, 0.2, 0.0)).astype(np.int64)
    x = random.normal(0, 0.4, (n, features))
    x[:, :4] += codes
    return x.astype(np.float32), codes, np.array([f"s{i // 6}" for i in range(n)])


def test_it_sees_what_is_shown_in_new_people():
    predictor = facs.fit(*people(), seed=0)
    x, codes, _ = people(seed=1)
    scores = predictor.scores(x)
    assert scores.shape == (120, 4)
    assert scores.dtype == np.float32
    for k in range(3):
        assert scores[codes[:, k] == 1, k].mean() > scores[codes[:, k] == 0, k].mean() + 0.4
    np.testing.assert_allclose(scores[:, 3], 0, atol=1e-7)


@pytest.mark.parametrize("features", [12, 200])  # more rows than features, and fewer
def test_against_scikit_learn(features):
    linear = pytest.importorskip("sklearn.linear_model")
    x, codes, subjects = people(features=features)
    z = (x.astype(float) - x.mean(axis=0, dtype=float)) / x.std(axis=0, dtype=float)
    ours = facs.fit(x, codes, subjects, 0, penalties=(50.0,)).scores(x)
    theirs = linear.Ridge(alpha=50).fit(z, codes).predict(z)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_held_out_scores_come_from_models_that_never_saw_the_person():
    # Every person has a feature that is theirs alone and gives their own codes away.
    x, codes, subjects = people()
    own = np.zeros((120, 20), np.float32)
    own[np.arange(120), np.arange(120) // 6] = codes[:, 0] * 2 - 1
    x = np.hstack([np.random.default_rng(1).normal(0, 1, (120, 3)).astype(np.float32), own])
    predictor = facs.fit(x, codes, subjects, 0, penalties=(1e-3,))
    shown = codes[:, 0] == 1
    assert predictor.scores(x)[shown, 0].min() > predictor.scores(x)[~shown, 0].max()  # seen: all right
    gap = predictor.held_out[shown, 0].mean() - predictor.held_out[~shown, 0].mean()
    assert abs(gap) < 0.2  # unseen: nothing is known


def test_held_out_equals_a_fit_without_the_fold():
    from mien.learn.inner_folds import inner_folds

    x, codes, subjects = people()
    predictor = facs.fit(x, codes, subjects, 4, folds=3, penalties=(30.0,))
    out = inner_folds(subjects, 3, 4) == 1
    rest = facs.fit(x[~out], codes[~out], subjects[~out], 4, folds=3, penalties=(30.0,))
    np.testing.assert_allclose(predictor.held_out[out], rest.scores(x[out]), atol=1e-6)


def test_every_action_unit_has_its_own_penalty():
    x, codes, subjects = people(n=300, features=60)
    codes = codes.copy()
    codes[:, 2] = np.random.default_rng(3).random(300) < 0.2  # not to be seen in the features
    predictor = facs.fit(x, codes, subjects, 0, penalties=(1.0, 1e5))
    assert predictor.penalties[0] == 1
    assert predictor.penalties[2] == 1e5


def test_same_seed_same_bits():
    one, again = (facs.fit(*people(), seed=2) for _ in range(2))
    assert one.W.tobytes() == again.W.tobytes()
    assert one.held_out.tobytes() == again.held_out.tobytes()


def test_a_feature_that_never_varies_does_no_harm():
    x, codes, subjects = people()
    flat = np.hstack([x, np.full((120, 1), 7, np.float32)])
    ours, plain = (facs.fit(f, codes, subjects, 0) for f in (flat, x))
    np.testing.assert_allclose(ours.scores(flat), plain.scores(x), atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codes": np.full((120, 4), 2)}, "0 or 1"),
        ({"codes": np.zeros(120, int)}, "do not match"),
        ({"subjects": np.array(["a"])}, "do not match"),
        ({"features": np.full((120, 2), np.nan, np.float32)}, "finite"),
        ({"penalties": ()}, "penalties"),
        ({"penalties": (0.0,)}, "penalties"),
    ],
)
def test_nonsense_is_refused(change, message):
    given = dict(zip(("features", "codes", "subjects"), people(), strict=True))
    with pytest.raises(ValueError, match=message):
        facs.fit(**{**given, "seed": 0, **change})


def test_too_few_people():
    x, codes, _ = people()
    with pytest.raises(TrainingError, match="1 subjects cannot make 5 inner folds"):
        facs.fit(x, codes, np.array(["s"] * 120), 0)

"""The family of the belief network: which recipes are compared, on what, and with whom held out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from mien.data.readers import synthetic
from mien.errors import TrainingError
from mien.learn import fit
from mien.learn.interfaces import silent
from mien.reproduce import corpus, divisions, family, measures, points
from mien.reproduce import settings as sizes
from mien.reproduce.bench import Bench
from mien.reproduce.scored import Scored
from mien.reproduce.stages import Stages

QUICKEST = sizes.DRAWN


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """A bench of drawn people, and everything that was drawn of them."""
    stages = Stages(tmp_path_factory.mktemp("stages"))
    data = points.completed(synthetic.build(synthetic.Options(people=10, frames=2)), stages, silent)
    frames = corpus.gather(data)
    divided = divisions.divide(frames, 1, QUICKEST.seed)
    return Bench(frames, divided, QUICKEST, stages, silent), data.items


def test_networks_that_are_compared_differ_in_their_features_alone():
    of = family.recipes(sizes.FULL)
    for learned, other in (
        (family.BELIEF, family.AUTOENCODERS),
        (family.TUNED, family.AUTOENCODERS_TUNED),
        (family.TUNED, family.RANDOM_TUNED),
        (family.ENCODING, family.ONE_AUTOENCODER),
        (family.BELIEF, family.RANDOM),
    ):
        one, two = of[learned], of[other]
        assert one.features.name != two.features.name
        assert tuple(one.features.options.layers) == tuple(two.features.options.layers)  # of equal size
        assert replace(one, features=two.features) == two


def test_a_full_run_takes_the_recipes_as_they_ship_and_a_quick_one_smaller_ones():
    full, quick = family.recipes(sizes.FULL), family.recipes(sizes.QUICK)
    assert full[family.TUNED] == family._read("belief_network_tuned")
    assert quick[family.TUNED].fine_tuning.steps == 300
    assert quick[family.TUNED].augmentation.copies == sizes.QUICK.copies
    assert quick[family.BELIEF].features.options.epochs == dict(sizes.QUICK.at_most)["features.epochs"]
    assert quick[family.GABOR].head.options.rounds == dict(sizes.QUICK.at_most)["head.rounds"]
    assert quick[family.GABOR].augmentation.copies <= full[family.GABOR].augmentation.copies


@pytest.mark.parametrize("settings", [sizes.FULL, sizes.QUICK, sizes.DRAWN])
def test_enough_people_are_scored_for_an_interval_where_each_group_is_one_person(settings):
    assert settings.family_folds >= 2
    assert settings.tuned_folds >= 2


def test_every_pair_names_rows_that_there_are():
    names = set(family.recipes(sizes.FULL))
    assert {part.removesuffix(family.FROM_FIRST) for pair in family.PAIRS for part in pair} <= names


def test_nobody_is_scored_by_what_saw_them(drawn, monkeypatch):
    bench, items = drawn
    seen, train = [], fit.train

    def watched(plan, dataset, *more):
        seen.append({item.subject for item in dataset.items})
        return train(plan, dataset, *more)

    monkeypatch.setattr(fit, "train", watched)
    scored = family.run(replace(bench, stages=Stages(bench.stages.folder)), items, [family.PIXELS])
    assert len(seen) == QUICKEST.family_folds
    for number, people in enumerate(seen):
        tested = set(scored[0].subject[scored[0].fold == number].tolist())
        assert tested
        assert not people & tested
    assert set(scored[0].item.tolist()) <= set(bench.corpus.item.tolist())


def test_answers_are_probabilities_with_the_change_from_the_neutral_face_beside(drawn):
    bench, items = drawn
    own, change = family.run(bench, items, [family.RANDOM_TUNED])
    assert (own.inputs, change.inputs) == (family.RANDOM_TUNED, family.RANDOM_TUNED + family.FROM_FIRST)
    for s in (own, change):
        np.testing.assert_allclose(s.probabilities.sum(axis=1), 1, atol=1e-6)
    assert not np.allclose(own.probabilities, change.probabilities)


def test_without_neutral_faces_there_is_no_change(drawn):
    bench, _ = drawn
    scored = family.run(bench, bench.corpus.dataset.items, [family.PIXELS])
    assert [s.inputs for s in scored] == [family.PIXELS]


def test_without_landmarks_nothing_is_compared_and_nothing_claimed(drawn):
    bench, _ = drawn
    bare = tuple(replace(item, landmarks=None) for item in bench.corpus.dataset.items)
    frames = replace(bench.corpus, dataset=replace(bench.corpus.dataset, items=bare))
    assert family.run(replace(bench, corpus=frames), ()) == []
    assert family.rows([]) == []


def test_kept_answers_are_read_and_not_computed_again(drawn, monkeypatch):
    bench, items = drawn
    first = family.run(bench, items, [family.PCA])
    monkeypatch.setattr(fit, "train", lambda *_: pytest.fail("trained again"))
    again = family.run(bench, items, [family.PCA])
    np.testing.assert_array_equal(first[0].probabilities, again[0].probabilities)


def test_a_failed_training_says_why(drawn, monkeypatch):
    bench, items = drawn

    def broken(*_):
        raise TrainingError("belief network: diverged in epoch 3 at rate 5")

    monkeypatch.setattr(fit, "train", broken)
    with pytest.raises(TrainingError, match="epoch 3 at rate 5"):
        family.run(bench, items, [family.BELIEF])


def test_rows_are_by_sequence_and_hold_the_majority_and_the_differences():
    labels, n = ("a", "b"), 40
    truth = np.arange(n) // 2 % 2
    right = np.where(truth[:, None] == np.arange(2), 0.9, 0.1)

    def made(inputs, probabilities):
        return Scored(
            family.EXPERIMENT, "subject-10fold", inputs, labels, np.array([f"i{k}" for k in range(n)]),
            np.array([f"s{k // 4}" for k in range(n)]), np.array([f"q{k // 2}" for k in range(n)]),
            np.arange(n) % 2, truth, probabilities,
        )  # fmt: skip

    rows = family.rows([made(family.TUNED, right), made(family.BELIEF, 1 - right)])
    by = {(row.inputs, row.metric): row.value for row in rows}
    assert by[family.TUNED, "sequence_accuracy"] == 1
    assert by[family.BELIEF, "sequence_accuracy"] == 0
    assert by[f"{family.TUNED} minus {family.BELIEF}", "sequence_accuracy"] == 1
    assert ("majority", "sequence_accuracy") in by
    assert all(metric.startswith("sequence_") for _, metric in by)
    assert measures.ANSWERS

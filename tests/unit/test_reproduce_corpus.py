"""From a data set to labelled frames, and the folds that they are divided into."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")

from mien.data.dataset import Dataset, Item
from mien.data.splits import Fold
from mien.errors import DataError
from mien.labels import EXPRESSIONS, LabelSet
from mien.learn import tracking
from mien.reproduce import corpus, divisions, paper

SEVEN = tuple(label for label in EXPRESSIONS if label != "neutral")


def points(seed: float) -> tuple[tuple[float, float], ...]:
    """Landmarks with eyes 20 pixels apart; the others differ with ``seed``."""
    found = np.random.default_rng(int(seed)).uniform(0, 48, (68, 2))
    found[36:42], found[42:48] = (14, 20), (34, 20)
    return tuple((float(x), float(y)) for x, y in found)


def item(subject, number, place, label, *, codes=None, landmarks=None) -> Item:
    sequence = f"{subject}_{number:03d}"
    pixels = np.random.default_rng([len(str(label)), place]).integers(0, 256, (24, 24), np.uint8)
    return Item(f"{sequence}_{place:03d}", subject, sequence, place, label, codes, lambda: pixels, landmarks)


def made(people=4, labels=("anger", "fear"), frames=2, neutral=True, **known) -> Dataset:
    items = []
    for p in range(people):
        for n, label in enumerate(labels):
            if neutral:
                items.append(item(f"P{p:02d}", n, 0, "neutral"))
            items += [item(f"P{p:02d}", n, 5 + k, label, **known) for k in range(frames)]
    return Dataset("made", tuple(items), LabelSet(EXPRESSIONS), ("AU01", "AU02"))


def test_neutral_and_unlabelled_frames_are_not_among_the_rows():
    whole = made()
    whole = replace(whole, items=(*whole.items, item("P00", 9, 1, None)))
    found = corpus.gather(whole)
    assert found.labels == ("anger", "fear")
    assert len(found.label) == len(found.dataset.items) == 4 * 2 * 2
    assert {entry.expression for entry in found.dataset.items} == {"anger", "fear"}
    assert [found.labels[k] for k in found.label] == [entry.expression for entry in found.dataset.items]
    assert found.patches.shape == (16, 24, 24)
    assert 0 <= found.patches.min() < found.patches.max() <= 1
    assert found.flat.shape == (16, 576)
    assert (found.flat[3] == found.patches[3].ravel()).all()
    assert found.item.tolist() == [entry.name for entry in found.dataset.items]
    assert found.fingerprint == found.dataset.fingerprint()
    assert (found.codes, found.tracking) == (None, None)


def test_labels_keep_the_order_of_the_data_set_and_those_nobody_shows_go():
    found = corpus.gather(made(labels=("surprise", "anger", "fear")))
    assert found.labels == ("anger", "fear", "surprise")


def test_every_frame_takes_the_codes_of_its_sequences_peak():
    whole = made(frames=3)
    coded = tuple(
        replace(entry, action_units=(0, 0) if entry.place == 0 else None if entry.place < 7 else (k // 4 % 2, 1))
        for k, entry in enumerate(whole.items)
    )
    found = corpus.gather(replace(whole, items=coded))
    peak = {entry.sequence: entry.action_units for entry in coded if entry.place == 7}
    assert found.codes.tolist() == [list(peak[name]) for name in found.sequence.tolist()]
    assert len({tuple(row) for row in found.codes.tolist()}) == 2


def test_codes_that_some_sequence_lacks_or_that_are_all_absent_are_none():
    whole = made(codes=(1, 0))
    items = [replace(e, action_units=None) if e.sequence == "P00_000" else e for e in whole.items]
    assert corpus.gather(whole).codes is not None
    assert corpus.gather(replace(whole, items=tuple(items))).codes is None
    assert corpus.gather(made(codes=(0, 0))).codes is None


def test_tracking_is_the_shape_and_its_change_from_the_sequences_own_first_frame():
    whole = made(people=2)
    items = tuple(replace(entry, landmarks=points(k)) for k, entry in enumerate(whole.items))
    found = corpus.gather(replace(whole, items=items))
    assert found.tracking.shape == (8, 272)
    own = {entry.sequence: np.array(entry.landmarks) for entry in items if entry.expression == "neutral"}
    for row, entry in enumerate(found.dataset.items):
        shape = tracking.shape(np.array([entry.landmarks]))[0]
        assert found.tracking[row, :136] == pytest.approx(shape, abs=1e-5)
        rest = tracking.shape(own[entry.sequence][None])[0]
        assert found.tracking[row, 136:] == pytest.approx(shape - rest, abs=1e-5)


def test_where_a_sequence_has_no_neutral_frame_another_of_the_same_person_serves():
    whole = made(people=2)
    items = tuple(
        replace(entry, landmarks=points(k))
        for k, entry in enumerate(whole.items)
        if entry.expression != "neutral" or entry.sequence.endswith("000")
    )
    found = corpus.gather(replace(whole, items=items))
    rest = {entry.subject: entry.landmarks for entry in items if entry.expression == "neutral"}
    row = found.sequence.tolist().index("P01_001")
    entry = found.dataset.items[row]
    wanted = tracking.change(np.array([entry.landmarks]), np.array([rest["P01"]]))[0]
    assert found.tracking[row, 136:] == pytest.approx(wanted, abs=1e-5)


def test_without_neutral_frames_there_is_the_shape_only_and_without_all_landmarks_nothing():
    whole = made(neutral=False)
    items = tuple(replace(entry, landmarks=points(k)) for k, entry in enumerate(whole.items))
    assert corpus.gather(replace(whole, items=items)).tracking.shape == (16, 136)
    items = (replace(items[0], landmarks=None), *items[1:])
    assert corpus.gather(replace(whole, items=items)).tracking is None


def test_impossible_landmarks_are_a_data_error():
    whole = made(neutral=False)
    items = tuple(replace(entry, landmarks=((1.0, 1.0),) * 68) for entry in whole.items)
    with pytest.raises(DataError, match="both eyes in one place"):
        corpus.gather(replace(whole, items=items))


@pytest.mark.parametrize(
    ("dataset", "says"),
    [
        (made(people=1), "made: all labelled faces are of P00; faces of two people or more are needed"),
        (made(labels=("anger",)), "made: all labelled faces show anger; two expressions or more"),
        (made(labels=()), "made: no face shows an expression; give labelled data"),
        (made(labels=("neutral",)), "made: no face shows an expression"),
        (
            replace(made(), items=(*made().items, item("P00", 7, 3, "surprise"))),
            r"made: one person alone shows surprise \(only P00\)",
        ),
    ],
)
def test_too_few_people_or_labels_are_told(dataset, says):
    with pytest.raises(DataError, match=says) as caught:
        corpus.gather(dataset)
    assert "\n" not in str(caught.value)


def test_rows_of_a_fold():
    train, test = corpus.rows(Fold((0, 2), (1,)))
    assert (train.tolist(), test.tolist()) == ([0, 2], [1])


# --------------------------------------------------------------------------------------------- divisions


@pytest.fixture(scope="module")
def enough() -> corpus.Corpus:
    """Thirteen people with seven expressions of seven frames: 91 frames of each."""
    return corpus.gather(made(people=13, labels=SEVEN, frames=7, neutral=False))


def counted(found, fold, side):
    rows = getattr(fold, side)
    return {label: int((found.label[list(rows)] == k).sum()) for k, label in enumerate(found.labels)}


def test_the_reports_split_tests_25_frames_of_each_of_the_six(enough):
    divided = divisions.divide(enough, 3, 5)
    split = divided["paper-split"]
    assert (split.tested, split.leaks, len(split.folds)) == (paper.SIX, True, 3)
    for fold in split.folds:
        assert counted(enough, fold, "test") == {label: 25 * (label != "contempt") for label in SEVEN}
        assert counted(enough, fold, "train")["contempt"] == 91
        assert set(fold.train) | set(fold.test) == set(range(len(enough.label)))
    assert len({fold.test for fold in split.folds}) == 3
    assert "25 frames of each of 6" in split.text
    assert "Drawn 3 times" in split.text


def test_in_smaller_sets_training_keeps_two_thirds():
    small = corpus.gather(made(people=13, labels=SEVEN, frames=1, neutral=False))
    assert divisions.composition(small) == (paper.SIX, 4)
    without = corpus.gather(made(people=13, labels=("anger", "contempt"), frames=1, neutral=False))
    assert divisions.composition(without) == (("anger", "contempt"), 4)
    fewest = corpus.gather(made(people=2, frames=1, neutral=False))
    with pytest.raises(DataError, match=r"made: 3 frames of every expression are needed .* one has 2"):
        divisions.composition(fewest)


def test_draws_depend_on_the_seed_alone(enough):
    one, same, other = (divisions.divide(enough, 2, seed) for seed in (5, 5, 6))
    assert one == same
    for name in ("paper-split", "sequence-split"):
        assert one[name].folds != other[name].folds
    for name in ("subject-10fold", "loso"):
        assert one[name].folds == other[name].folds


def test_too_few_people_for_ten_groups():
    with pytest.raises(DataError, match="subject-10fold needs 10 people"):
        divisions.divide(corpus.gather(made(people=9)), 1, 0)


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    people=st.integers(10, 23),
    labels=st.sampled_from([("anger", "fear"), ("contempt", "fear", "sadness"), SEVEN]),
    frames=st.integers(1, 3),
    draws=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_nothing_that_is_tested_was_learned_from(people, labels, frames, draws, seed):
    found = corpus.gather(made(people, labels, frames, neutral=False))
    divided = divisions.divide(found, draws, seed)
    assert list(divided) == ["paper-split", "sequence-split", "subject-10fold", "loso"]
    for name, division in divided.items():
        assert division.name == name
        assert len(division.uses) == len(division.folds)
        assert set(division.uses) == set(range(len(division.learned)))
        for fold, use in zip(division.folds, division.uses, strict=True):
            assert fold.train
            assert fold.test
            assert not set(fold.train) & set(fold.test)
            learned = set(division.learned[use])
            assert learned <= set(fold.train)
            assert not learned & set(fold.test)
            if name == "sequence-split":
                assert not set(found.sequence[list(fold.train)]) & set(found.sequence[list(fold.test)])
            if not division.leaks:
                tested = set(found.subject[list(fold.test)])
                assert not tested & set(found.subject[list(fold.train)])
                assert not tested & set(found.subject[list(learned)])
    for name in ("subject-10fold", "loso"):
        tested = [row for fold in divided[name].folds for row in fold.test]
        assert sorted(tested) == list(range(len(found.label)))
    assert [division.leaks for division in divided.values()] == [True, True, False, False]
    assert len(divided["loso"].folds) == people
    assert len(divided["loso"].learned) == 10


def test_more_people_than_can_be_left_out_one_by_one_are_refused():
    whole = corpus.gather(made())
    crowd = replace(whole, subject=np.array([f"P{k}" for k in range(divisions.MOST_PEOPLE + 1)]))
    with pytest.raises(DataError, match=r"made: 1001 people; .* 1000 people at most"):
        divisions.divide(crowd, 1, 0)

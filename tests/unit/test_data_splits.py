"""Who is trained on and who is tested."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.data import splits
from mien.data.dataset import Dataset, Item
from mien.data.splits import Fold, checked, protocol
from mien.errors import DataError, UnknownPartError
from mien.labels import LabelSet

HONEST = ("subject-10fold", "loso", "holdout")
LEAKY = ("sequence-split", "paper-split")


def make(people: list[tuple[str, list[str | None]]]) -> Dataset:
    """A data set of these people, each with these labels."""
    items = [
        Item(f"{who}_{k}", who, f"{who}_{k}", 0, label, None, lambda: np.zeros((2, 2), np.uint8))
        for who, labels in people
        for k, label in enumerate(labels)
    ]
    return Dataset("made", tuple(sorted(items, key=lambda item: item.name)), LabelSet(("a", "b")))


def crowd(count: int, faces: int = 2) -> Dataset:
    return make([(f"P{k:03d}", ["a"] * faces) for k in range(count)])


def filmed(clips: dict[tuple[str, str], list[str | None]]) -> Dataset:
    """A data set of sequences, told by person and name, with these labels frame by frame."""
    items = [
        Item(f"{who}_{clip}_{k}", who, f"{who}_{clip}", k, label, None, lambda: np.zeros((2, 2), np.uint8))
        for (who, clip), labels in clips.items()
        for k, label in enumerate(labels)
    ]
    return Dataset("made", tuple(sorted(items, key=lambda item: item.name)), LabelSet(("a", "b")))


LABELS = st.lists(st.sampled_from(["a", "b", None]), min_size=1, max_size=4)
NAMES = st.text("abcXYZ019", min_size=1, max_size=4)
DATASETS = st.dictionaries(NAMES, LABELS, min_size=12, max_size=40).map(lambda people: make(list(people.items())))


def enough(dataset: Dataset, needed: int) -> bool:
    return len({item.subject for item in dataset.items if item.expression is not None}) >= needed


def labelled(dataset: Dataset) -> set[int]:
    return {i for i, item in enumerate(dataset.items) if item.expression is not None}


@pytest.mark.parametrize("name", ["subject-10fold", "loso"])
@given(dataset=DATASETS.filter(lambda d: enough(d, 10)))
def test_every_labelled_face_is_tested_exactly_once(name, dataset):
    tested = Counter(i for fold in protocol(name).folds(dataset) for i in fold.test)
    assert tested == Counter(labelled(dataset))


@pytest.mark.parametrize("name", HONEST)
@given(dataset=DATASETS.filter(lambda d: enough(d, 10)), seed=st.integers(0, 2**32))
def test_nobody_is_on_both_sides_and_nobody_is_forgotten(name, dataset, seed):
    for fold in protocol(name).folds(dataset, seed):
        people = [{dataset.items[i].subject for i in side} for side in (fold.train, fold.test)]
        assert not people[0] & people[1]
        assert all(people)
        assert {*fold.train, *fold.test} == labelled(dataset)
        assert list(fold.train) == sorted(fold.train)
        assert list(fold.test) == sorted(fold.test)


@pytest.mark.parametrize("name", [*HONEST, *LEAKY])
@given(dataset=DATASETS.filter(lambda d: enough(d, 10)), seed=st.integers(0, 2**32))
def test_the_same_seed_gives_the_same_folds(name, dataset, seed):
    assert protocol(name).folds(dataset, seed) == protocol(name).folds(dataset, seed)


@pytest.mark.parametrize("count", [10, 11, 19, 123])
def test_the_ten_groups_are_neighbours_by_id_and_nearly_equal(count):
    dataset = crowd(count)
    groups = [
        sorted({dataset.items[i].subject for i in fold.test}) for fold in protocol("subject-10fold").folds(dataset)
    ]
    assert len(groups) == 10
    assert [who for group in groups for who in group] == list(dataset.subjects)
    assert max(map(len, groups)) - min(map(len, groups)) <= 1


def test_one_by_one_makes_a_fold_of_each_person():
    folds = protocol("loso").folds(crowd(5, faces=3))
    assert [len(fold.test) for fold in folds] == [3] * 5


def test_holdout_tests_a_fifth_of_the_people_and_another_by_another_seed():
    dataset = crowd(50)
    drawn = [protocol("holdout").folds(dataset, seed) for seed in (1, 2)]
    assert drawn[0] != drawn[1]
    for folds in drawn:
        assert len(folds) == 1
        assert len({dataset.items[i].subject for i in folds[0].test}) == 10


def test_the_paper_split_tests_a_tenth_of_the_faces_and_says_that_it_leaks():
    dataset = crowd(20, faces=10)
    leaky = protocol("paper-split")
    (fold,) = leaky.folds(dataset, 1)
    assert (len(fold.train), len(fold.test)) == (180, 20)
    assert leaky.leaks
    assert "leak" in leaky.text
    assert leaky.folds(dataset, 2) != [fold]
    with pytest.raises(DataError, match="in training and in test"):
        checked([fold], dataset)


FILMS = st.dictionaries(
    st.tuples(st.sampled_from(["ann", "ben", "cem", "dov"]), st.sampled_from("1234567")), LABELS, min_size=4
).map(filmed)


@given(dataset=FILMS.filter(lambda d: len(sequences(d, labelled(d))) >= 2), seed=st.integers(0, 2**32))
def test_the_sequence_split_never_cuts_a_sequence_and_forgets_no_frame(dataset, seed):
    (fold,) = protocol("sequence-split").folds(dataset, seed)
    train, test = (sequences(dataset, side) for side in (fold.train, fold.test))
    assert not train & test
    assert len(test) == max(1, round(0.1 * len(train | test)))
    assert {*fold.train, *fold.test} == labelled(dataset)
    assert list(fold.train) == sorted(fold.train)
    assert list(fold.test) == sorted(fold.test)


def sequences(dataset: Dataset, places) -> set[str]:
    return {dataset.items[i].sequence for i in places}


def test_the_sequence_split_leaves_people_on_both_sides_and_says_so():
    dataset = filmed({(who, clip): ["a", "a", "b"] for who in ("ann", "ben") for clip in "0123456789"})
    leaky = protocol("sequence-split")
    (fold,) = leaky.folds(dataset, 1)
    assert (len(fold.train), len(fold.test)) == (54, 6)
    assert leaky.leaks
    assert "leak" in leaky.text
    assert leaky.folds(dataset, 2) != [fold]
    with pytest.raises(DataError, match="in training and in test"):
        checked([fold], dataset)


def test_only_these_two_leak_and_the_first_one_does_not():
    assert tuple(p.name for p in splits.PROTOCOLS if p.leaks) == LEAKY
    assert tuple(p.name for p in splits.PROTOCOLS) == (*HONEST, *LEAKY)
    assert all(p.text.endswith(".") for p in splits.PROTOCOLS)


@pytest.mark.parametrize(
    ("name", "people", "says"),
    [
        ("subject-10fold", 9, "needs 10 people with labelled faces, there are 9; use --protocol loso"),
        ("subject-10fold", 1, "there is 1; no split by subject is possible"),
        ("loso", 1, "needs 2 people"),
        ("holdout", 1, "needs 2 people"),
        ("holdout", 0, "there are 0"),
        ("paper-split", 0, "needs 2 labelled faces"),
        ("sequence-split", 0, "needs 2 sequences with labels"),
    ],
)
def test_too_few_people_are_refused(name, people, says):
    with pytest.raises(DataError, match=says):
        protocol(name).folds(crowd(people))


def test_people_without_a_label_do_not_count():
    dataset = make([(f"P{k}", ["a"]) for k in range(9)] + [("P9", [None])])
    with pytest.raises(DataError, match="there are 9"):
        protocol("subject-10fold").folds(dataset)


def test_an_unknown_protocol_lists_those_there_are():
    with pytest.raises(UnknownPartError, match="subject-10fold, loso, holdout, sequence-split, paper-split"):
        protocol("random")


@pytest.mark.parametrize(
    ("fold", "leaks", "says"),
    [
        (
            Fold((0, 2), (1, 3)),
            False,
            "fold 0 has 2 people in training and in test, such as P000; split by subject",
        ),
        (Fold((0, 2, 3), (1,)), False, "has a person in training and in test"),
        (Fold((0, 1), (1, 2)), True, "has the face P000_1 in training and in test"),
        (Fold((), (0, 1)), False, "nobody to train on"),
        (Fold((0, 1), ()), False, "nobody to test on"),
        (Fold((0, 1), (4,)), False, "not among the 4"),
        (Fold((0, 1), (-1,)), False, "not among the 4"),
    ],
)
def test_a_bad_split_is_refused(fold, leaks, says):
    with pytest.raises(DataError, match=says):
        checked([fold], crowd(2), leaks)


def test_a_good_split_and_a_declared_leak_pass():
    good, leaky = Fold((0, 1), (2, 3)), Fold((0, 2), (1, 3))
    assert checked([good], crowd(2)) == [good]
    assert checked([good, leaky], crowd(2), leaks=True) == [good, leaky]

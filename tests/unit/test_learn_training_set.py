import dataclasses

import numpy as np
import pytest

from mien.data.dataset import Dataset, Item, Votes
from mien.errors import DataError, RecipeError, TrainingError
from mien.faces import patches
from mien.labels import LabelSet
from mien.learn import training_set
from mien.learn.augmentation import Augmentation
from mien.recipe import options

LABELS = LabelSet(("happiness", "neutral"))
CUT = patches.Options(size=8)


def item(k, expression):
    picture = np.random.default_rng(k).integers(0, 256, (40, 40)).astype(np.uint8)
    return Item(f"i{k:02}", f"s{k % 4}", f"q{k}", 0, expression, None, lambda: picture)


ITEMS = tuple(item(k, ("happiness", "neutral", None, "fear")[k % 4]) for k in range(8))


def test_only_labelled_faces_are_taken_in_order():
    found = training_set.assemble(ITEMS, LABELS, CUT, Augmentation(), 0)
    assert found.patches.shape == (4, 8, 8)
    assert found.patches.dtype == np.float32
    assert found.labels.tolist() == [0, 1, 0, 1]
    assert found.subjects.tolist() == ["s0", "s1", "s0", "s1"]
    np.testing.assert_array_equal(found.patches[1], patches.cut(ITEMS[1].face(), None, CUT))
    np.testing.assert_array_equal(found.flat[1], found.patches[1].ravel())


def test_copies_keep_label_and_subject_and_begin_with_the_face_itself():
    found = training_set.assemble(ITEMS, LABELS, CUT, Augmentation(mirror=True, copies=3), 0)
    assert len(found.patches) == 4 * 5
    assert found.labels.tolist() == [0] * 5 + [1] * 5 + [0] * 5 + [1] * 5
    plain = training_set.assemble(ITEMS, LABELS, CUT, Augmentation(), 0)
    np.testing.assert_array_equal(found.patches[::5], plain.patches)
    np.testing.assert_allclose(found.patches[1], plain.patches[0][:, ::-1], atol=1e-6)
    assert len({p.tobytes() for p in found.patches}) == 20  # no copy equals another
    assert found.patches.min() >= 0
    assert found.patches.max() <= 1


def test_copies_come_from_the_seed():
    alter = Augmentation(copies=2)
    once, again, other = (training_set.assemble(ITEMS, LABELS, CUT, alter, seed).patches for seed in (1, 1, 2))
    np.testing.assert_array_equal(once, again)
    assert not np.array_equal(once, other)


def test_copies_without_shift_and_scale_are_the_face_whatever_the_margin():
    alter = Augmentation(copies=1, shift=0.0, scale=0.0)
    found = training_set.assemble(ITEMS, LABELS, patches.Options(size=8, margin=1.25), alter, 0)
    np.testing.assert_array_equal(found.patches[0], found.patches[1])


def test_nothing_to_learn_from():
    with pytest.raises(TrainingError, match="happiness, neutral"):
        training_set.assemble(ITEMS[2:4], LABELS, CUT, Augmentation(), 0)


def test_no_faces_cut_to_no_patches():
    assert training_set.cut((), CUT).shape == (0, 8, 8)


def test_augmentation_from_a_recipe():
    assert options(Augmentation, {"mirror": True}, "x").mirror
    with pytest.raises(RecipeError, match="copies"):
        options(Augmentation, {"copies": 101}, "x")


def dataset(name, **changes):
    return dataclasses.replace(Dataset(name, ITEMS, LABELS, terms=f"{name} terms"), **changes)


def test_one_data_set_stays_as_it_is():
    one = dataset("one")
    assert training_set.join([one]) is one


def test_joined_data_sets_keep_people_apart_and_say_all():
    both = training_set.join([dataset("one"), dataset("two", synthetic=True)])
    assert both.name == "one+two"
    assert len(both.items) == 16
    assert len(both.subjects) == 8
    assert both.synthetic
    assert both.terms == "one terms; two terms"
    assert [i.name for i in both.items] == sorted(i.name for i in both.items)


def coded(name, units, codes, **changes):
    items = tuple(dataclasses.replace(i, action_units=codes, **changes) for i in ITEMS)
    return dataset(name, items=items, action_units=units)


def test_joined_data_sets_keep_their_action_units_votes_and_parts():
    votes = Votes((3, 7), 1, "neutral")
    both = training_set.join(
        [
            coded("lab", ("AU01", "AU12"), (0, 1), intensities=(0, 4.0)),
            coded("web", (), None, part="train", votes=votes),
        ]
    )
    assert both.action_units == ("AU01", "AU12")
    of = {name: {i for i in both.items if i.name.startswith(name)} for name in ("lab", "web")}
    assert {(i.action_units, i.intensities, i.part, i.votes) for i in of["lab"]} == {((0, 1), (0, 4.0), "", None)}
    assert {(i.action_units, i.intensities, i.part, i.votes) for i in of["web"]} == {(None, None, "train", votes)}


def test_action_units_in_another_order_are_put_in_the_first_set_s():
    one, other = coded("one", ("AU01", "AU12"), (0, 1)), coded("other", ("AU12", "AU01"), (1, 0))
    assert {i.action_units for i in training_set.join([one, other]).items} == {(0, 1)}


def test_different_action_units_are_refused():
    with pytest.raises(
        DataError, match=r"one and other code different action units \(AU04, AU12 in one of them only\)"
    ):
        training_set.join([coded("one", ("AU01", "AU12"), (0, 1)), coded("other", ("AU01", "AU04"), (1, 0))])


def test_what_cannot_be_joined():
    with pytest.raises(DataError, match="different labels"):
        training_set.join([dataset("one"), dataset("two", labels=LabelSet(("fear", "neutral")))])
    with pytest.raises(DataError, match="different data sets"):
        training_set.join([dataset("one"), dataset("one")])
    with pytest.raises(DataError, match="none"):
        training_set.join([])

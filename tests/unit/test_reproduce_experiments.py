"""The experiments' own choices: who is labelled, which sequence is shown, what chance does, which columns."""

import time
from dataclasses import replace
from threading import Event
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("sklearn")

from mien.data.dataset import Dataset, Item
from mien.errors import DataError, TrainingError
from mien.labels import LabelSet
from mien.reproduce import activations, architecture, corpus, online, people, results, run, sequences, table1
from mien.reproduce import settings as sizes
from mien.reproduce.scored import Scored
from mien.reproduce.stages import Stages

FACE = np.arange(576, dtype=np.uint8).reshape(24, 24)


def made(shown: dict[str, tuple[str, ...]], frames: int = 2) -> corpus.Corpus:
    """Who shows what."""
    labels = tuple(sorted({label for of_one in shown.values() for label in of_one}))
    items = tuple(
        Item(f"{who}_{label}_{frame}", who, f"{who}_{label}", frame, label, None, FACE.copy)
        for who, of_one in sorted(shown.items())
        for label in of_one
        for frame in range(frames)
    )
    return corpus.gather(Dataset("made", items, LabelSet(labels)))


# ----------------------------------------------------------------------------------------------- people


@settings(deadline=None, max_examples=40)
@given(data=st.data(), count=st.integers(4, 12), seed=st.integers(0, 99))
def test_labelled_people_show_every_label_and_are_as_many_as_asked(data, count, seed):
    labels = ("a", "b", "c", "d")
    shown = {
        f"P{k:02d}": tuple(data.draw(st.sets(st.sampled_from(labels), min_size=1))) for k in range(12)
    } | {"Q1": labels, "Q2": labels}  # fmt: skip
    found = made(shown)
    train = np.flatnonzero(found.subject != "P00")
    rows = people.choose(found, train, count, seed)
    assert set(rows.tolist()) <= set(train.tolist())
    chosen = set(found.subject[rows].tolist())
    assert len(chosen) == count
    assert set(found.label[rows].tolist()) == {0, 1, 2, 3}
    for who in chosen:  # with all their faces
        assert set(np.flatnonzero(found.subject == who)) <= set(rows.tolist())
    assert rows.tolist() == people.choose(found, train, count, seed).tolist()


def test_other_draws_label_other_people():
    found = made({f"P{k:02d}": ("a", "b") for k in range(20)})
    everyone = np.arange(len(found.label))
    assert len({tuple(people.choose(found, everyone, 5, seed).tolist()) for seed in range(5)}) > 1


# -------------------------------------------------------------------------------------------- sequences


def answers(found: corpus.Corpus, right: dict[str, tuple[float, ...]], **changes) -> Scored:
    """Softmax answers in which the true label of every sequence's frames gets these probabilities."""
    p = np.zeros((len(found.label), len(found.labels)))
    for row, (name, place) in enumerate(zip(found.sequence.tolist(), found.place.tolist(), strict=True)):
        p[row] = (1 - right[name][place]) / (p.shape[1] - 1)
        p[row, found.label[row]] = right[name][place]
    order = np.arange(len(p))[::-1]  # not the order of the corpus
    told = {"experiment": "softmax", "protocol": "subject-10fold", "inputs": "features"} | changes
    return Scored(
        told["experiment"], told["protocol"], told["inputs"], found.labels, found.item[order],
        found.subject[order], found.sequence[order], np.zeros(len(p), int), found.label[order], p[order],
    )  # fmt: skip


@pytest.fixture
def three():
    found = made({"P1": ("a", "b"), "P2": ("a",), "P3": ("b",), "P4": ("a",)})
    right = {"P1_a": (0.1, 0.2), "P1_b": (0.9, 0.9), "P2_a": (0.3, 0.9), "P3_b": (0.9, 0.5), "P4_a": (0.0, 0.1)}
    return found, answers(found, right)


def test_the_sequence_that_is_shown_is_the_median_one_in_the_order_of_its_frames(three):
    found, s = three
    decoy = replace(s, protocol="loso", probabilities=np.full_like(s.probabilities, 0.5))
    truth, rows, p = sequences.example(found, [decoy, s])
    assert truth == "a"
    assert found.item[rows].tolist() == ["P2_a_0", "P2_a_1"]  # means: .05 .15 .6 .7 .9
    assert p[:, 0] == pytest.approx([0.3, 0.9])


def test_a_frame_alone_is_the_last_of_its_sequence(three):
    found, s = three
    alone, mean, largest, product = sequences.run(found, [replace(s, inputs="pixels"), s])
    assert sorted(alone.item.tolist()) == ["P1_a_1", "P1_b_1", "P2_a_1", "P3_b_1", "P4_a_1"]
    assert [x.inputs for x in (alone, mean, largest, product)] == ["frame", "mean", "max", "product"]
    assert {x.experiment for x in (alone, mean, largest, product)} == {"sequence"}
    whole = dict(zip(mean.item.tolist(), mean.probabilities.tolist(), strict=True))
    assert whole["P2_a"] == pytest.approx([0.6, 0.4])
    cells = [(row.inputs, row.metric) for row in sequences.rows([alone, mean, largest, product])]
    assert ("mean minus frame", "accuracy") in cells
    assert ("majority", "macro_f1") in cells
    assert len(set(cells)) == len(cells)


# ------------------------------------------------------------------------------------------ activations


def test_a_unit_that_tells_two_expressions_apart_lies_beyond_chance_and_noise_seldom_does():
    found = made({f"P{k:02d}": ("anger", "fear", "surprise") for k in range(20)})
    features = np.random.default_rng(0).normal(0, 1, (len(found.label), 200)).astype(np.float32)
    place = {label: k for k, label in enumerate(found.labels)}
    features[found.label == place["surprise"], 0] += 3
    features[found.label == place["fear"], 1] += 9  # plays no part
    d = activations.compare(found, features, 3)
    assert (d.first, d.second) == ("surprise", "anger")
    surprised, angry = features[found.label == place["surprise"]], features[found.label == place["anger"]]
    assert d.values == pytest.approx(surprised.mean(axis=0) - angry.mean(axis=0), abs=1e-5)
    assert d.values[0] > d.high[0]
    assert (d.low < d.high).all()
    assert 1 <= d.beyond <= 0.12 * 200
    rows = {row.metric: row for row in activations.rows("features", d)}
    assert rows["units"].value == 200
    assert rows["units_beyond_chance"].value == d.beyond
    assert rows["largest_difference"].value == np.abs(d.values).max()
    assert rows["units"].label == "surprise minus anger"
    assert (activations.compare(found, features, 3).low == d.low).all()


def test_without_surprise_or_anger_the_first_two_are_compared():
    found = made({f"P{k}": ("fear", "happiness", "sadness") for k in range(3)})
    d = activations.compare(found, np.zeros((len(found.label), 2), np.float32), 0)
    assert (d.first, d.second, d.beyond) == ("fear", "happiness", 0)


def test_frames_of_one_sequence_are_dealt_together():
    """Two sequences of many frames: chance knows two deals only, and the true one is among them."""
    found = made({"P1": ("anger", "surprise"), "P2": ("anger", "surprise")}, frames=30)
    features = np.random.default_rng(0).normal(0, 1, (len(found.label), 5)).astype(np.float32)
    features[np.isin(found.sequence, ["P1_surprise"])] += 5
    d = activations.compare(found, features, 0)
    assert (d.high > 1).all()  # one sequence in one of four places; single frames would give about 0.5
    assert d.beyond == 0


# --------------------------------------------------------------------------------------- plan, the rest


@pytest.mark.parametrize(
    ("codes", "tracking", "online_features", "wanted"),
    [
        (False, False, False, {"features"}),
        (True, False, False, {"features", "features+facs", "features+predicted-facs"}),
        (False, True, True, {"features", "features+tracking", "tracking", "online-features"}),
        (
            True, True, True,
            {"features", "features+facs", "features+predicted-facs", "features+tracking", "features+facs+tracking",
             "tracking", "online-features", "online-features+facs"},
        ),
    ],
)  # fmt: skip
def test_table_1_has_the_columns_that_the_data_allow(codes, tracking, online_features, wanted):
    known = SimpleNamespace(codes=codes or None, tracking=tracking or None)
    plan = table1.plan(SimpleNamespace(corpus=known, online=online_features or None))
    assert len(set(plan)) == len(plan)
    for protocol in ("paper-split", "subject-10fold"):
        assert {inputs for name, inputs in plan if name == protocol} == wanted | {"shuffled-labels"}
    assert {inputs for name, inputs in plan if name == "loso"} == {x for x in wanted if x.startswith("features")}
    assert ("sequence-split", "features") in plan


def test_beside_the_shapes_stand_pixels_components_and_online_features_of_unseen_people(three):
    _, s = three
    others = [
        replace(s, inputs=name) for name in ("features", "pixels", "pca", "online-features", "shuffled-labels")
    ]
    beside = architecture.beside([*others, replace(others[1], protocol="loso")])
    assert [(x.experiment, x.inputs) for x in beside] == [
        ("architecture", "pixels"), ("architecture", "pca-250"), ("architecture", "online-250"),
    ]  # fmt: skip


def test_what_the_guard_says_is_kept_and_empty_if_it_lets_pass(tmp_path, monkeypatch):
    x = np.random.default_rng(0).random((20, 16)).astype(np.float32)
    words = online.stopped_at(x, sizes.DRAWN, Stages(tmp_path))
    assert "alpha 0.2" in words
    monkeypatch.setattr(online.online_autoencoder, "build", lambda _options: pytest.fail("computed again"))
    assert online.stopped_at(x, sizes.DRAWN, Stages(tmp_path)) == words
    monkeypatch.undo()
    gentle = online.online_autoencoder.Options(units=4, alpha=0.01, steps=1000)
    monkeypatch.setattr(online, "DIVERGENT", gentle)
    assert online.stopped_at(x, sizes.DRAWN, Stages(tmp_path)) == ""


def test_kept_rows_come_back_with_their_empty_numbers(tmp_path, three):
    _, s = three
    row = results.Row("softmax", "loso", "features", "all", "accuracy", 0.1 + 0.2, low=0.1)
    first = results.kept(Stages(tmp_path), "softmax", [s], lambda _: [row])
    again = results.kept(Stages(tmp_path), "softmax", [s], lambda _: pytest.fail("computed again"))
    assert results.as_csv(first) == results.as_csv(again) == results.as_csv([row])
    assert again[0].value == 0.1 + 0.2
    results.kept(Stages(tmp_path), "softmax", [replace(s, truth=1 - s.truth)], lambda _: [])
    assert len(list(tmp_path.iterdir())) == 2


def test_work_beside_ends_when_the_experiments_fail(tmp_path, monkeypatch):
    """The second thread is told to stop at its next step; otherwise Ctrl-C would wait for millions of them."""
    began, ended = Event(), []

    def endless(_x, name, _settings, _stages, progress):
        began.set()
        try:
            for _ in range(30_000):  # half a minute, if nobody stops it
                progress(name, 0, 1)
                time.sleep(0.001)
        except BaseException as error:
            ended.append(type(error).__name__)
            raise

    def failing(*_):
        assert began.wait(30)
        raise TrainingError("stopped")

    found = made({f"P{k:02d}": ("anger", "fear") for k in range(12)})
    monkeypatch.setattr(online, "learn", endless)
    monkeypatch.setattr(run, "_experiments", failing)
    monkeypatch.setattr(run.points, "completed", lambda faces, *_: faces)
    faces = found.dataset
    given = SimpleNamespace(frames=faces, stills=faces, rest=None)
    with pytest.raises(TrainingError, match="stopped"):
        run.run(given, sizes.DRAWN, Stages(tmp_path), lambda *_: None)
    assert ended == ["_Stopped"]


def test_one_is_told_of_every_view_of_every_shape(tmp_path, monkeypatch):
    """So often can a run that is stopped end, too."""
    told = []
    division = SimpleNamespace(learned=((0,), (1,)))
    bench = SimpleNamespace(
        divisions={"subject-10fold": division}, corpus=None, stages=None,
        settings=SimpleNamespace(softmax=None), progress=lambda *step: told.append(step),
    )  # fmt: skip
    monkeypatch.setattr(architecture.views, "encoded", lambda *_: None)
    monkeypatch.setattr(architecture.views, "made", lambda *_: None)

    def score(*arguments):
        for number in range(2):
            arguments[3](number)
        return Scored("", "", "", (), *(np.zeros(0),) * 6)

    monkeypatch.setattr(architecture.classify, "score", score)
    assert [s.inputs for s in architecture.run(bench)] == ["250", "250-100", "500"]
    assert told == [("architecture", k, 6) for k in range(7)]


# ------------------------------------------------------------------------------------------ before any work


def test_a_label_that_few_people_show_is_refused_before_any_work():
    shown = {f"P{k}": ("anger", "fear") for k in range(run.FEWEST - 1)} | {"Q": ("anger",)}
    with pytest.raises(DataError, match=r"made: fear is shown by 4 people; 5 are needed"):
        run._enough(made(shown))
    run._enough(made(shown | {"R": ("fear",)}))

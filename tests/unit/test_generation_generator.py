"""Faces drawn from a small generator file whose answers are known: clamps, people, chance."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

import torch

from mien import modelfile
from mien.errors import ModelError, UsageError
from mien.generation.clamp import Clamp, asked
from mien.generation.generator import COPIES, Generator, load_generator
from mien.labels import LabelSet
from mien.learn.boltzmann.belief_network import Directed
from mien.learn.boltzmann.joint import Joint, blocks
from mien.learn.boltzmann.machine import Block, Machine
from mien.learn.generation import export
from mien.learn.generation.recipe import parse
from mien.learn.generation.train import TrainedGenerator

LABELS = LabelSet(("anger", "happiness", "neutral"), ("AU06", "AU12"))
FEATURES, PEOPLE, SIZE = 4, 3, 4
RECIPE = """
name = "tiny"
seed = 1
[patches]
size = 4
scaling = "full-range"
alignment = "points"
[joint]
hidden = 6
"""


def trained():
    """Feature k lights row k of the face: 0 with happiness and AU12, 1 with anger, 2 with AU06, 3 with person 2."""
    width = FEATURES + 3 + 2 + PEOPLE
    W = np.zeros((6, width), np.float32)
    for hidden, (feature, label) in enumerate([(0, 5), (1, 4), (2, 7), (3, 10), (0, 8)]):
        W[hidden, feature], W[hidden, label] = 5, 5
    W[4, 5] = 2
    a = np.zeros(width, np.float32)
    a[:FEATURES], a[7:9] = -3, -2
    machine = Machine(
        torch.from_numpy(W), torch.full((6,), -5.0), torch.from_numpy(a), blocks(FEATURES, 3, 2, PEOPLE)
    )
    G = torch.zeros(FEATURES, SIZE * SIZE)
    for k in range(FEATURES):
        G[k, k * SIZE : (k + 1) * SIZE] = 2
    layer = Directed(torch.zeros_like(G), torch.zeros(FEATURES), G, torch.zeros(SIZE * SIZE), Block("gaussian", 16))
    flat = np.zeros(16, np.float32), np.ones(16, np.float32)
    return TrainedGenerator(parse(RECIPE, "tiny"), LABELS, *flat, (layer,), Joint(machine), 30, 10, {"a": 1.0})


@pytest.fixture(scope="module")
def tiny_generator(tmp_path_factory):
    """The file; do not write to it."""
    path = tmp_path_factory.mktemp("generator") / "tiny.onnx"
    made = trained()
    content, difference = export.graph(path, made)
    assert difference < 1e-5
    meta = modelfile.GeneratorMeta(
        "tiny",
        LABELS,
        FEATURES,
        PEOPLE,
        SIZE,
        {"size": SIZE},
        modelfile.Provenance("", "d", "", 30, 10, True, 1, "0"),
    )
    modelfile.write_generator(path, content, meta)
    return path


@pytest.fixture
def generator(tiny_generator):
    return load_generator(tiny_generator)


def rows(faces):
    """How bright each row of each face is above the ground of 0.5."""
    return faces.mean(axis=2) - 0.5


@pytest.fixture
def states(monkeypatch):
    """``states()``: the visible states (steps, n, visible) that the graph was shown so far."""
    seen, real = [], Generator._run

    def watched(self, output, visible, *noise):
        if output != "faces":
            seen.append(visible.copy())
        return real(self, output, visible, *noise)

    monkeypatch.setattr(Generator, "_run", watched)
    return lambda: np.stack(seen)


@pytest.fixture
def unsettled(monkeypatch):
    """Faces of single draws, whose chance so small a machine would settle away."""
    monkeypatch.setattr("mien.generation.generator.SETTLING", 0)


@pytest.mark.usefixtures("unsettled")
def test_what_is_asked_for_is_shown(generator):
    count = 60
    happy = rows(generator.draw([Clamp("happiness")] * count, [1] * count, 0)).mean(axis=0)
    angry = rows(generator.draw([Clamp("anger")] * count, [1] * count, 0)).mean(axis=0)
    assert happy[0] > 1.5 * angry[0]
    assert angry[1] > 1.5 * happy[1]


def test_units_that_are_present_and_absent_are_shown_so(generator):
    count = 60
    clamps = [Clamp("neutral", ("AU06",), ("AU12",)), Clamp("neutral", ("AU12",), ("AU06",))]
    first, second = (rows(generator.draw([clamp] * count, [1] * count, 0)).mean(axis=0) for clamp in clamps)
    assert first[2] > 1.5 * second[2]
    assert second[0] > 1.5 * first[0]


def test_a_person_has_the_same_mark_under_every_label(generator):
    for label in LABELS.expressions:
        faces = rows(generator.draw([Clamp(label)] * 40 + [Clamp(label)] * 40, [1] * 40 + [2] * 40, 0))
        assert faces[40:, 3].mean() > 3 * faces[:40, 3].mean()


def test_held_units_keep_their_values_in_every_step(generator, states):
    generator.draw([Clamp("anger", ("AU06",), ("AU12",))] * 3, [1, 2, 3], 0)
    seen = states()
    assert len(seen) > 200
    assert (seen[:, :, 4:7] == [1, 0, 0]).all()
    assert (seen[:, :, 7:9] == [COPIES, 0]).all()
    assert (seen[:, :, 9:] == np.eye(3)).all()
    assert np.isin(seen[:200, :, :4], (0, 1)).all()
    assert seen[:200, :, :4].std(axis=0).max() > 0


def test_without_a_label_the_expressions_are_missing(generator, states):
    generator.draw([Clamp(None, ("AU12",))] * 20, [1] * 20, 0)
    seen = states()
    assert not seen[:, :, 4:7].any()
    assert (seen[:, :, 8] == COPIES).all()
    assert 0 < seen[1:200, :, 7].mean() < 1  # the unit that was not named is drawn


@pytest.mark.usefixtures("unsettled")
def test_equal_calls_give_equal_bits_whatever_is_drawn_beside(generator):
    clamp = Clamp("happiness")
    alone = generator.draw([clamp] * 2, [1, 2], 7)
    more = generator.draw([clamp] * 5, [1, 2, 3, 1, 2], 7)
    assert np.array_equal(alone, more[:2])
    assert np.array_equal(alone, generator.draw([clamp] * 2, [1, 2], 7))
    many = [generator.draw([clamp] * 9, [1] * 9, seed) for seed in (7, 8)]
    assert len(np.unique(many[0], axis=0)) > 1  # the same person drawn again and again
    assert not np.array_equal(*many)


def test_a_morph_goes_from_neutral_to_the_label(generator):
    found = generator.morph(Clamp("anger"), [1, 3], 6, 0)
    assert found.shape == (2, 6, SIZE, SIZE)
    bright = found.mean(axis=3)[:, :, 1]
    assert (bright[:, -1] - bright[:, 0] > 0.1).all()
    assert (np.diff(bright, axis=1) >= -1e-6).all()
    short = generator.morph(Clamp("anger"), [1, 3], 2, 0)
    assert np.allclose(short, found[:, [0, -1]])


@pytest.mark.parametrize(
    ("clamps", "people", "said"),
    [
        ([Clamp("anger")], [4], "there are the invented people 1 to 3, no 4"),
        ([Clamp("anger")], [0], "there are the invented people 1 to 3, no 0"),
        ([Clamp("fear")], [1], "no label is called 'fear'; there are: anger"),
        ([Clamp("anger", ("AU01",))], [1], "no action unit is called 'AU01'; there are: AU06"),
        ([Clamp("anger")] * 2, [1], "2 clamps for 1 people"),
    ],
)
def test_what_is_not_there_cannot_be_drawn(generator, clamps, people, said):
    with pytest.raises(UsageError, match=said):
        generator.draw(clamps, people, 0)


def test_one_frame_is_no_morph(generator):
    with pytest.raises(UsageError, match="a morph has 2 frames or more, not 1"):
        generator.morph(Clamp("anger"), [1], 1, 0)


def test_words_become_clamps_of_this_file(generator):
    assert asked("happy", ["-AU6"], generator.labels) == Clamp("happiness", (), ("AU06",))
    assert (generator.people, generator.size) == (PEOPLE, SIZE)
    assert len(generator.sha256) == 64


def test_a_file_whose_description_is_of_other_weights_is_refused(tiny_generator, tmp_path):
    read = modelfile.read_generator(tiny_generator)
    for wrong in ({"people": 4}, {"features": 5}, {"labels": LabelSet(("anger", "neutral"), ("AU06",))}):
        odd = dataclasses.replace(read, meta=dataclasses.replace(read.meta, **wrong))
        with pytest.raises(ModelError, match=r"12 units, where its description has 1[0-9]; the file is damaged"):
            Generator(odd)


def test_another_graph_is_refused(tiny_graph, tiny_generator):
    read = modelfile.read_generator(tiny_generator)
    with pytest.raises(
        ModelError, match="expects inputs visible, noise and outputs means, settled, faces, has patches"
    ):
        Generator(dataclasses.replace(read, content=tiny_graph()))


def test_the_file_steps_as_the_machine_does(generator):
    """The graph's means are those of torch, given the same noise."""
    machine = trained().joint.machine
    random = np.random.default_rng(0)
    visible, noise = random.integers(0, 2, (5, 12)).astype(np.float32), random.random((5, 6), np.float32)
    drawn = (torch.from_numpy(noise) < machine.hidden(torch.from_numpy(visible))).float()
    assert np.allclose(generator._run("means", visible, noise), machine.visible(drawn).numpy(), atol=1e-5)
    settled = machine.visible(machine.hidden(torch.from_numpy(visible)))
    assert np.allclose(generator._run("settled", visible), settled.numpy(), atol=1e-5)

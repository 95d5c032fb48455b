"""Training a generator from a recipe, on drawn faces, to a file that is read again."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("onnx")

from mien import modelfile  # noqa: E402
from mien.data.opening import open_dataset  # noqa: E402
from mien.errors import RecipeError, TrainingError  # noqa: E402
from mien.generation.clamp import Clamp  # noqa: E402
from mien.generation.generator import load_generator  # noqa: E402
from mien.generation.likeness import Nearest  # noqa: E402
from mien.learn import recipe as recipes  # noqa: E402
from mien.learn.boltzmann.joint import Joint, blocks  # noqa: E402
from mien.learn.boltzmann.machine import Machine  # noqa: E402
from mien.learn.generation import export, people, recipe, train  # noqa: E402

TINY = """
name = "tiny"
seed = 3
[patches]
size = 16
margin = 1.0
scaling = "full-range"
alignment = "points"
[composites]
count = 48
alike = 1.0
[layers]
sizes = [20, 12]
epochs = 2
[unrolled]
updates = 20
batch = 20
[joint]
hidden = 10
updates = 30
batch = 20
particles = 20
[people]
count = 5
"""


@pytest.fixture(scope="module")
def dataset():
    return open_dataset("synthetic:people=8,seed=1")


@pytest.fixture(scope="module")
def plan():
    return recipe.parse(TINY, "tiny.toml")


@pytest.fixture(scope="module")
def trained(plan, dataset):
    return train.train(plan, dataset)


@pytest.fixture(scope="module")
def written(trained, dataset, tmp_path_factory):
    path = tmp_path_factory.mktemp("generator") / "tiny.onnx"
    assert export.write(trained, dataset, path) < 1e-4
    return path


def test_the_file_says_where_it_comes_from(written, dataset):
    meta = modelfile.read_generator(written).meta
    assert (meta.name, meta.features, meta.people, meta.size) == ("tiny", 12, 5, 16)
    assert meta.labels.expressions == dataset.labels.expressions
    assert meta.labels.action_units == dataset.action_units
    made = meta.provenance
    assert (made.recipe, made.data, made.seed, made.synthetic) == (TINY, "synthetic", 3, True)
    assert (made.items, made.subjects) == (len(dataset.items), 8)
    assert made.fingerprint == dataset.fingerprint()
    assert set(meta.notes["nearest"]) == {"drawn", "strangers"}
    assert set(meta.notes["figures"]) == {"variance_lost", "composites_named"}


def test_nobody_real_is_in_the_file(trained):
    """The people of the machine are as many as were invented; each is a blend of three of the eight."""
    assert trained.joint.machine.blocks[-1].units == 5
    assert trained.joint.machine.visible_units == 12 + 8 + len(trained.labels.action_units) + 5


def test_the_file_can_be_drawn_from(written):
    generator = load_generator(written)
    faces = generator.draw([Clamp("surprise")] * 2, [1, 5], 0)
    assert faces.shape == (2, 16, 16)
    assert np.isfinite(faces).all()


def test_equal_recipes_and_data_give_equal_bytes(plan, dataset, written, tmp_path):
    export.write(train.train(plan, dataset), dataset, tmp_path / "again.onnx")
    assert (tmp_path / "again.onnx").read_bytes() == written.read_bytes()
    other = train.train(plan.with_seed(4), dataset)
    assert not np.array_equal(other.layers[0].G.numpy(), train.train(plan, dataset).layers[0].G.numpy())


def test_progress_tells_every_stage_to_its_end(plan, dataset):
    told = {}
    train.train(plan, dataset, lambda stage, done, of: told.__setitem__(stage, (done, of)))
    assert list(told) == ["composites", "features", "unrolled layers", "joint machine"]
    assert all(done == of for done, of in told.values())


def test_faces_without_action_units_are_refused(plan, dataset):
    with pytest.raises(TrainingError, match="synthetic: its faces are not coded for action units"):
        train.train(plan, dataclasses.replace(dataset, action_units=()))


def test_a_label_without_a_face_is_refused(plan, dataset):
    few = dataclasses.replace(dataset, items=tuple(i for i in dataset.items if i.expression != "fear"))
    with pytest.raises(TrainingError, match="no training face shows fear"):
        train.train(plan, few)


def test_too_few_people_are_refused(plan):
    with pytest.raises(TrainingError, match="2 people are too few to blend 3 of them"):
        train.train(plan, open_dataset("synthetic:people=2"))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('alignment = "points"', 'alignment = "box"', "a generator wants alignment"),
        ("seed = 3", "seed = -1", "seed must be 0 to"),
        ("count = 5", "count = 5\nblended = 1", "nobody real is to be shown"),
        ("hidden = 10", "hiden = 10", "unknown key 'hiden'"),
        ('name = "tiny"', 'name = "a b"', "name must be a word"),
        ("sizes = [20, 12]", "sizes = []", "sizes and rate must list one number or more"),
        ("epochs = 2", "edge = 0.0", "edge must lie above 0"),
    ],
)
def test_impossible_recipes_are_refused(old, new, said):
    assert old in TINY
    with pytest.raises(RecipeError, match=said):
        recipe.parse(TINY.replace(old, new), "tiny.toml")


def test_a_generators_recipe_is_told_from_a_models(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    assert recipe.holds(path)
    assert not recipe.holds("paper")
    assert recipe.read("generators/composites").name == "composites"
    with pytest.raises(RecipeError, match="the recipe of a generator"):
        recipes.read(path)


def test_people_who_are_like_somebody_are_left_out(monkeypatch, trained):
    """Of twice as many as are wanted the least alike stay, in the order in which they were invented."""
    asked = []

    def likeness(joint, *_):
        asked.append(joint)
        return np.array([0.9, 0.1, 0.8, 0.2, 0.3, 0.7])

    monkeypatch.setattr(people, "_likeness", likeness)
    options = people.Options(count=3, blended=2, strength=2.0)
    found = people.invented(trained.joint, None, None, options, 0)
    tried = asked[0].machine
    place = asked[0].places.people.start
    assert tried.blocks[-1].units == 6
    assert found.machine.blocks[-1].units == 3
    assert torch.equal(found.machine.W[:, place:], tried.W[:, [place + 1, place + 3, place + 4]])


def test_each_invented_person_is_an_even_blend_of_different_people():
    random = torch.Generator().manual_seed(0)
    W = torch.randn(12, 2 + 2 + 1 + 6, generator=random)
    real = Joint(Machine(W, torch.zeros(12), torch.zeros(11), blocks(2, 2, 1, 6)))
    found = people.invented(
        real, lambda f: np.zeros((len(f), 2, 2), np.float32), _NobodyAlike(), people.Options(count=4), 1
    )
    shares = torch.linalg.lstsq(W[:, 5:], found.machine.W[:, 5:]).solution.T
    for row in shares:
        told = row[row.abs() > 1e-3]
        assert len(told) == 3
        assert torch.allclose(told, torch.ones(3), atol=1e-3)


class _NobodyAlike:
    """Stands for a gallery."""

    def nearest(self, faces):
        return Nearest(np.ones(len(faces)), np.zeros(len(faces)), np.zeros(len(faces), np.intp))

"""The joint machine: exact answers against enumeration, holds that hold, blocks that are missing."""

import dataclasses
import itertools

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mien.errors import TrainingError  # noqa: E402
from mien.learn.boltzmann import joint_training  # noqa: E402
from mien.learn.boltzmann.joint import Hold, Joint, Places, blocks, held  # noqa: E402
from mien.learn.boltzmann.joint_training import Options, Rows  # noqa: E402
from mien.learn.boltzmann.machine import Machine  # noqa: E402

FEATURES, LABELS, UNITS, PEOPLE, HIDDEN = 4, 3, 2, 2, 5
QUICK = Options(hidden=12, updates=600, batch=20, particles=20, rate=0.2)


@pytest.fixture
def joint():
    """A small machine with strong weights, float64."""
    random = torch.Generator().manual_seed(3)
    width = FEATURES + LABELS + UNITS + PEOPLE
    draw = lambda *shape: torch.randn(*shape, generator=random, dtype=torch.float64)  # noqa: E731
    return Joint(Machine(draw(HIDDEN, width), draw(HIDDEN), draw(width), blocks(FEATURES, LABELS, UNITS, PEOPLE)))


def enumerated(joint, features, units=None):
    """p(label, units | features) by (label, units), identity missing, summed over all hidden states."""
    machine, places = joint.machine, joint.places
    table = {}
    asked = [tuple(units)] if units is not None else list(itertools.product((0, 1), repeat=UNITS))
    for label, shown in itertools.product(range(LABELS), asked):
        v = torch.zeros(1, machine.visible_units, dtype=torch.float64)
        v[0, places.features] = torch.tensor(features, dtype=torch.float64)
        v[0, places.expressions.start + label] = 1
        v[0, places.units] = torch.tensor(shown, dtype=torch.float64)
        states = torch.tensor(list(itertools.product((0.0, 1.0), repeat=HIDDEN)), dtype=torch.float64)
        table[label, shown] = float(torch.exp(-machine.energy(v.expand(len(states), -1), states)).sum())
    whole = sum(table.values())
    return {key: value / whole for key, value in table.items()}


@pytest.mark.parametrize("features", [(0, 1, 0, 1), (1, 1, 1, 1), (0.2, 0.9, 0.4, 0.0)])
def test_the_posterior_of_the_expressions_is_exact(joint, features):
    # With units missing they are held at zero, which is what a table over units all off is, too.
    table = enumerated(joint, features, (0, 0))
    expected = [table[label, (0, 0)] for label in range(LABELS)]
    found = joint.posterior(torch.tensor([features], dtype=torch.float64))[0]
    assert found.tolist() == pytest.approx(expected, abs=1e-12)


def test_given_action_units_change_the_posterior_as_enumeration_has_it(joint):
    table = enumerated(joint, (1, 0, 0, 1), (1, 1))
    found = joint.posterior(
        torch.tensor([[1.0, 0, 0, 1]], dtype=torch.float64), torch.ones(1, 2, dtype=torch.float64)
    )[0]
    assert found.tolist() == pytest.approx([table[label, (1, 1)] for label in range(LABELS)], abs=1e-12)
    assert found.tolist() != pytest.approx(
        [enumerated(joint, (1, 0, 0, 1), (0, 0))[k, (0, 0)] for k in range(LABELS)]
    )


def test_sampled_action_units_come_to_the_exact_means(joint):
    features = (1.0, 0.0, 1.0, 0.0)
    table = enumerated(joint, features)
    exact = [sum(p for (_, shown), p in table.items() if shown[unit]) for unit in range(UNITS)]
    many = torch.tensor([features], dtype=torch.float64).expand(200, -1)
    found = joint.sampled_action_units(many, 200, torch.Generator().manual_seed(1)).mean(dim=0)
    assert found.tolist() == pytest.approx(exact, abs=0.03)


def test_mean_field_finds_the_units_that_a_decided_machine_shows():
    # One hidden unit per expression ties feature k, label k and, for the first two, unit k together.
    W = torch.zeros(LABELS, FEATURES + LABELS + UNITS + PEOPLE)
    places = Places.of(FEATURES, LABELS, UNITS, PEOPLE)
    for k in range(LABELS):
        W[k, k], W[k, places.expressions.start + k] = 8, 8
        if k < UNITS:
            W[k, places.units.start + k] = 8
    a = torch.zeros(W.shape[1])
    a[places.units] = -4
    found = Joint(Machine(W, torch.full((LABELS,), -6.0), a, blocks(FEATURES, LABELS, UNITS, PEOPLE))).action_units(
        torch.tensor([[1.0, 0, 0, 0], [0, 0, 1.0, 0]])
    )
    assert found[0, 0] > 0.9
    assert found[0, 1] < 0.1
    assert found[1].max() < 0.1


def test_what_is_held_stays_in_every_step(joint):
    hold = joint.nothing_held(30)
    hold.values[:, joint.places.expressions.start + 1] = 1
    hold.free[:, joint.places.expressions] = 0
    hold.values[:, joint.places.units.start], hold.free[:, joint.places.units.start] = 1, 0
    random = torch.Generator().manual_seed(0)
    for steps in (0, 1, 2, 7):
        v = joint.sample(hold, steps, random)
        assert v[:, joint.places.expressions].tolist() == [[0, 1, 0]] * 30
        assert v[:, joint.places.units.start].tolist() == [1] * 30
        assert not v[:, joint.places.people].any()
        assert v[:, joint.places.features].unique().tolist() == [0, 1]


def test_put_back_means_put_back():
    hold = Hold(torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]]))
    assert held(torch.tensor([[0.3, 0.7]]), hold).tolist() == [[1.0, pytest.approx(0.7)]]


def test_a_mixture_of_people_is_held_as_its_shares_were(joint):
    shares = torch.tensor([[0.25, 0.75], [0.5, 0.5], [1.0, 0.0]], dtype=torch.float64)
    mixed = joint.with_people(shares)
    assert mixed.machine.blocks[-1].units == 3
    for k, share in enumerate(shares):
        v = torch.zeros(1, joint.machine.visible_units, dtype=torch.float64)
        v[0, joint.places.people] = share
        w = torch.zeros(1, mixed.machine.visible_units, dtype=torch.float64)
        w[0, mixed.places.people.start + k] = 1
        assert torch.allclose(joint.machine.hidden(v), mixed.machine.hidden(w), atol=1e-12)
        assert torch.allclose(joint.machine.free_energy(v), mixed.machine.free_energy(w), atol=1e-12)


@pytest.mark.parametrize("bad", [[[0.5, float("nan"), 0, 0]], [[0.5, 1.5, 0, 0]], [[0.5, 0.5]]])
def test_features_that_are_none_are_refused(joint, bad):
    with pytest.raises(TrainingError, match=r"joint machine: .*features"):
        joint.posterior(torch.tensor(bad))


def test_other_blocks_are_refused():
    machine = Machine(
        torch.zeros(2, 4), torch.zeros(2), torch.zeros(4), blocks(1, 1, 1, 1)[:3] + blocks(1, 1, 1, 1)[:1]
    )
    with pytest.raises(ValueError, match="a joint machine has blocks of binary, softmax, binary, softmax"):
        Joint(machine)


# --- training


@pytest.fixture
def rows():
    """Feature k and unit k are on where the expression is k; the people are of no matter."""
    random = np.random.default_rng(0)
    label = random.integers(0, LABELS, 120)
    features = 0.05 + 0.9 * np.eye(FEATURES)[label]
    units = np.eye(LABELS)[label][:, :UNITS]
    people = np.eye(PEOPLE)[random.integers(0, PEOPLE, 120)]
    return Rows(*(part.astype(np.float32) for part in (features, np.eye(LABELS)[label], units, people)))


@pytest.fixture
def learned(rows):
    return joint_training.train(rows, QUICK, 1)


def test_it_learns_to_name_and_to_show(learned, rows):
    features = torch.from_numpy(rows.features)
    named = learned.posterior(features).argmax(dim=1)
    assert (named.numpy() == rows.expressions.argmax(axis=1)).mean() > 0.95
    assert np.abs(learned.action_units(features).numpy() - rows.units).mean() < 0.15
    hold = learned.nothing_held(100)
    hold.values[:, learned.places.expressions.start + 2], hold.free[:, learned.places.expressions] = 1, 0
    drawn = learned.sample(hold, 30, torch.Generator().manual_seed(0))[:, learned.places.features]
    assert drawn.mean(dim=0).argmax() == 2
    assert drawn[:, 2].mean() > 0.7


def test_units_that_are_always_missing_teach_nothing(rows):
    options = dataclasses.replace(QUICK, missing=(0.0, 1.0, 1.0))
    other = dataclasses.replace(rows, units=rows.units[::-1].copy(), people=rows.people[::-1].copy())
    one, two = (joint_training.train(each, options, 1).machine for each in (rows, other))
    assert torch.equal(one.W, two.W)
    assert torch.equal(one.b, two.b)
    start = FEATURES + LABELS
    assert one.W[:, start:].abs().max() < 0.1  # as they were at first, and never more than that
    assert one.W[:, :start].abs().max() > 0.5


def test_the_naming_gradient_is_that_of_the_exact_posterior(joint, rows):
    machine = Machine(
        *(part.float().requires_grad_() for part in (joint.machine.W, joint.machine.b, joint.machine.a)),
        joint.machine.blocks,
    )
    x = torch.from_numpy(rows.checked())[:7]
    there = torch.ones_like(x)
    there[2, joint.places.expressions] = 0  # says nothing, so it teaches nothing
    there[:, joint.places.people] = 0
    lesson = joint_training._Lesson.begun(x, rows.widths, QUICK, torch.Generator().manual_seed(0))
    lesson.machine = machine
    told = lesson._naming((x * there).detach(), there)
    keep = [0, 1, 3, 4, 5, 6]
    chance = Joint(machine).posterior(x[keep][:, joint.places.features], x[keep][:, joint.places.units])
    (chance.log() * x[keep][:, joint.places.expressions]).sum().backward()
    for found, exact in zip(told, (machine.W.grad, machine.b.grad, machine.a.grad), strict=True):
        assert torch.allclose(found, exact, atol=1e-5)


def test_equal_rows_and_seed_give_equal_bits_on_any_number_of_threads(rows, learned):
    before = torch.random.get_rng_state()
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        again = joint_training.train(rows, QUICK, 1)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(again.machine.W, learned.machine.W)
    assert not torch.equal(joint_training.train(rows, QUICK, 2).machine.W, learned.machine.W)
    assert torch.equal(torch.random.get_rng_state(), before)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            {"features": lambda x: np.where(np.eye(120, FEATURES) > 0, np.nan, x)},
            "4 features are not numbers in 0 to 1",
        ),
        ({"units": lambda x: x * 2}, "units are not numbers in 0 to 1, the first, 2, in row"),
        ({"people": lambda x: x * 0.5}, "people must sum to 1 in every row, but not in row 1"),
        ({"expressions": lambda x: x[:3]}, "expressions must be rows beside the features'"),
    ],
)
def test_rows_that_are_none_are_refused(rows, change, said):
    changed = {name: how(getattr(rows, name)).astype(np.float32) for name, how in change.items()}
    with pytest.raises(TrainingError, match=said):
        joint_training.train(dataclasses.replace(rows, **changed), QUICK, 1)


def test_divergence_stops_with_the_update_and_the_rate(rows):
    with pytest.raises(
        TrainingError, match=r"diverged by update \d+ at learning rate [\d.]+: .* use a smaller rate"
    ):
        joint_training.train(rows, dataclasses.replace(QUICK, rate=10.0, momentum=0.99, held=50.0, free=40.0), 1)


def test_progress_ends_at_its_end(rows):
    told = []
    joint_training.train(rows, dataclasses.replace(QUICK, updates=150), 1, lambda *now: told.append(now))
    assert told == [("joint machine", 100, 150), ("joint machine", 150, 150)]


@pytest.mark.parametrize(
    "wrong",
    [
        {"hidden": 0},
        {"rate": 0.0},
        {"free": 0.0, "held": 0.0, "named": 0.0},
        {"missing": (0.5, 2.0, 0.0)},
        {"momentum": 1.0},
    ],
)
def test_impossible_options_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        Options(**wrong)

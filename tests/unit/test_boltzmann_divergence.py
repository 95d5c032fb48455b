"""Contrastive divergence: what it learns, what it refuses, and that its fast loop is the plain one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("sklearn")

from mien.errors import OutputError, TrainingError  # noqa: E402
from mien.learn.boltzmann import divergence, enumeration, memory, rows, watching  # noqa: E402
from mien.learn.boltzmann.chain import SLOW, Chain  # noqa: E402
from mien.learn.boltzmann.divergence import Options, train  # noqa: E402
from mien.learn.boltzmann.machine import Block, Machine  # noqa: E402

BINARY = (Block("binary", 9),)
EVERY = (Block("binary", 4), Block("softmax", 3), Block("gaussian", 2))
CPU = torch.device("cpu")


def patterns(n=200, units=9, flipped=0.08, seed=0):
    """Four patterns, now and then with a unit flipped."""
    random = np.random.default_rng(seed)
    x = random.integers(0, 2, (4, units))[random.integers(0, 4, n)]
    return np.where(random.uniform(size=x.shape) < flipped, 1 - x, x).astype(np.float32)


def mixed(n=60, seed=0):
    """Rows of ``EVERY`` in which everything goes with the first unit."""
    random = np.random.default_rng(seed)
    on = random.integers(0, 2, n)
    bits = np.where(random.uniform(size=(n, 4)) < 0.1, 1 - on[:, None], on[:, None])
    one = np.eye(3)[np.where(random.uniform(size=n) < 0.1, 2, on)]
    return np.hstack([bits, one, (2 * on - 1)[:, None] + 0.5 * random.normal(size=(n, 2))]).astype(np.float32)


def plainly(x, blocks, hidden, o, seed, present=None):
    """``train`` as the papers say it, row blocks of tensors and nothing in place."""
    random = torch.Generator().manual_seed(seed)
    data = torch.tensor(x)
    there = None if present is None else torch.tensor(present)
    machine = divergence.initial(data, blocks, hidden, random, there)
    there = torch.ones_like(data) if there is None else there
    torch.randperm(len(data), generator=random)
    mu = (data * there).sum(0) / there.sum(0).clamp(min=1) if o.centred else torch.zeros(data.shape[1])
    lam = torch.full((hidden,), 0.5 if o.centred else 0.0)
    if o.persistent:
        state = machine.sample_hidden(data[torch.randint(len(data), (o.particles,), generator=random)], random)
    dW, db, da = torch.zeros_like(machine.W), torch.zeros_like(machine.b), torch.zeros_like(machine.a)
    for epoch in range(1, o.epochs + 1):
        batches = torch.randperm(len(data), generator=random).tensor_split(-(-len(data) // o.batch))
        for done, batch in enumerate(batches):
            rate = o.rate * (1 - (1 - o.rate_left) * (epoch - 1 + done / len(batches)) / o.epochs)
            momentum = min(o.momentum, 0.5) if epoch <= 5 else o.momentum
            v0, mask = data[batch], there[batch]
            h0 = machine.hidden(v0)
            if not o.persistent:
                state = (torch.rand(h0.shape, generator=random) < h0).float()
            for step in range(o.steps):
                v1 = machine.sample_visible(state, random) if o.draw else machine.visible(state)
                v1 = v1 if o.persistent else v1 * mask
                h1 = machine.hidden(v1)
                if o.persistent or step + 1 < o.steps:
                    state = (torch.rand(h1.shape, generator=random) < h1).float()
            weight = there.mean(0) if o.persistent else mask
            c0, c1 = (v0 - mu) * mask, (v1 - mu) * weight
            gW = (h0 - lam).T @ c0 / len(v0) - (h1 - lam).T @ c1 / len(v1)
            gb = h0.mean(0) - h1.mean(0) - gW @ mu + o.sparsity * (o.rho - h0.mean(0))
            ga = c0.mean(0) - c1.mean(0) - gW.T @ lam
            if o.centred:
                lam = lam + SLOW * (h0.mean(0) - lam)
            dW = momentum * dW + rate * (gW - o.weight_cost * machine.W)
            db, da = momentum * db + rate * gb, momentum * da + rate * ga
            machine = Machine(machine.W + dW, machine.b + db, machine.a + da, blocks)
        torch.rand(len(data), hidden, generator=random)  # what the figures of the epoch are drawn with
    return machine


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize(
    "options",
    [Options(), Options(steps=3), Options(persistent=True, particles=17), Options(draw=False, sparsity=1.0),
     Options(persistent=True, steps=2, particles=10, weight_cost=0.01, rate_left=0.0)],
)  # fmt: skip
@pytest.mark.parametrize("missing", [False, True])
def test_the_fast_loop_is_the_plain_one(options, centred, missing):
    x, present = mixed(), None
    if missing:
        present = np.ones_like(x)
        present[::3, 4:7] = 0
        present[1::4, 8] = 0
        x = x * present
    o = replace(options, epochs=7, batch=16, rate=0.02, centred=centred)
    fast, slow = train(x, EVERY, 5, o, 3, present=present).machine, plainly(x, EVERY, 5, o, 3, present)
    for name in ("W", "b", "a"):
        torch.testing.assert_close(getattr(fast, name), getattr(slow, name), atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("kind", ["steps", "persistent"])
def test_a_long_chain_points_where_the_exact_gradient_does(kind, centred):
    random = torch.Generator().manual_seed(0)
    machine = Machine(*(0.5 * torch.randn(*shape, generator=random) for shape in ((3, 4), (3,), (4,))),
                      (Block("binary", 4),))  # fmt: skip
    x = torch.tensor(patterns(40, 4))
    o = Options(batch=40, steps=20 if kind == "steps" else 1, persistent=kind == "persistent", particles=400,
                centred=centred, weight_cost=0)  # fmt: skip
    chain = Chain.beside(machine, x, None, o, random)
    if centred:
        chain.lam.copy_(machine.hidden(x).mean(dim=0))  # where it would come to rest
    total = [torch.zeros_like(t) for t in (machine.W, machine.b, machine.a)]
    for _ in range(600):
        chain.update(torch.arange(40), 1e-9, 0.0)  # too slow to move the machine
        total = [t + step / 1e-9 / 600 for t, step in zip(total, (chain.dW, chain.db, chain.da), strict=True)]
    exact = enumeration.gradient(machine, x)
    if centred:  # the same slope in other coordinates: centring changes the biases' steps
        lam, mu = chain.lam.double(), x.mean(dim=0).double()
        gW = exact.W - torch.outer(exact.b, mu) - torch.outer(lam, exact.a)
        wanted = (gW, exact.b - gW @ mu, exact.a - gW.T @ lam)
    else:
        wanted = (exact.W, exact.b, exact.a)
    for found, right in zip(total, wanted, strict=True):
        torch.testing.assert_close(found.double(), right, atol=0.012, rtol=0)


@pytest.mark.parametrize(
    "options",
    [Options(), Options(centred=False), Options(steps=5), Options(persistent=True, momentum=0.0, rate=0.1)],
)
def test_training_raises_the_exact_likelihood(options):
    x = patterns()
    trained = train(x, BINARY, 6, replace(options, epochs=150, batch=20), 0)
    begin = divergence.initial(torch.tensor(x), BINARY, 6, torch.Generator().manual_seed(0))
    before, after = (enumeration.log_likelihood(machine, torch.tensor(x)) for machine in (begin, trained.machine))
    assert before < -5
    assert after > before + 1.2
    assert trained.curve[-1].reconstruction < trained.curve[0].reconstruction / 2


def test_softmax_and_gaussian_units_learn_what_goes_together():
    x = mixed(400)
    machine = train(x, EVERY, 6, Options(epochs=80, batch=20, rate=0.01), 0).machine
    before = divergence.initial(torch.tensor(x), EVERY, 6, torch.Generator().manual_seed(0))
    new = torch.tensor(mixed(400, seed=1))
    assert enumeration.log_likelihood(machine, new) > enumeration.log_likelihood(before, new) + 2


def test_a_missing_unit_teaches_nothing_and_the_others_are_learned_without_it():
    x = mixed(80)
    present = np.ones_like(x)
    present[:, 4:7] = 0
    spoiled = x.copy()
    spoiled[:, 4:7] = np.nan
    o = Options(epochs=6, batch=20, weight_cost=0, rate=0.01)
    for options in (o, replace(o, persistent=True, particles=9), replace(o, centred=False)):
        found = train(spoiled, EVERY, 4, options, 0, present=present).machine
        begin = divergence.initial(
            torch.tensor(x), EVERY, 4, torch.Generator().manual_seed(0), torch.tensor(present)
        )
        torch.testing.assert_close(found.W[:, 4:7], begin.W[:, 4:7])
        torch.testing.assert_close(found.a[4:7], begin.a[4:7])
        assert float((found.W[:, :4] - begin.W[:, :4]).abs().max()) > 1e-3
    whole = train(x, EVERY, 4, o, 0, present=np.ones_like(x)).machine
    torch.testing.assert_close(whole.W, train(x, EVERY, 4, o, 0).machine.W, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("rho", [0.05, 0.2])
def test_sparsity_reaches_its_target(rho):
    x = patterns(400, 25)
    o = Options(epochs=60, batch=20, rho=rho)
    plain, sparse = (train(x, (Block("binary", 25),), 12, replace(o, sparsity=s), 0) for s in (0.0, 5.0))
    assert sparse.curve[-1].rho_hat == pytest.approx(rho, abs=0.2 * rho + 0.01)
    assert plain.curve[-1].rho_hat > 0.35


def test_weight_cost_keeps_weights_small_and_momentum_makes_them_grow_faster():
    x = patterns()
    o = Options(epochs=40, batch=20, rate=0.02, momentum=0.0, weight_cost=0)
    slow, fast, held = (
        float(train(x, BINARY, 6, options, 0).machine.W.norm())
        for options in (o, replace(o, momentum=0.9), replace(o, momentum=0.9, weight_cost=0.3))
    )
    assert slow < 0.6 * fast
    assert held < 0.6 * fast


def test_rates_fall_linearly_and_momentum_rises_after_five_epochs():
    o = Options(rate=0.1, rate_left=0.2)
    assert [o.rate_at(share) for share in (0, 0.5, 1)] == pytest.approx([0.1, 0.06, 0.02])
    assert [o.momentum_at(epoch) for epoch in (1, 5, 6)] == [0.5, 0.5, 0.9]
    assert replace(o, momentum=0.2).momentum_at(1) == 0.2


def test_the_curve_tells_of_every_epoch_and_of_what_was_held_out():
    told = []
    trained = train(patterns(), BINARY, 4, Options(epochs=3), 0, lambda *step: told.append(step),
                    held_out=patterns(1500, seed=5))  # fmt: skip
    assert [epoch.number for epoch in trained.curve] == [1, 2, 3]
    assert told == [("features", 1, 3), ("features", 2, 3), ("features", 3, 3)]
    assert all(epoch.free_energy_gap is not None and 0 < epoch.rho_hat < 1 for epoch in trained.curve)
    assert train(patterns(), BINARY, 4, Options(epochs=1), 0).curve[0].free_energy_gap is None


def test_learning_by_heart_opens_the_gap():
    random = np.random.default_rng(0)
    few, others = ((random.uniform(size=(n, 9)) < 0.5).astype(np.float32) for n in (12, 300))
    curve = train(few, BINARY, 40, Options(epochs=400, batch=4, rate=0.1), 0, held_out=others).curve
    assert abs(curve[0].free_energy_gap) < 1
    assert curve[-1].free_energy_gap > 3


def test_training_goes_on_from_a_given_machine_and_leaves_it_as_it_is():
    x = patterns()
    first = train(x, BINARY, 4, Options(epochs=60, batch=20), 0)
    kept = first.machine.W.clone()
    second = train(x, BINARY, 4, Options(epochs=1, batch=20), 1, start=first.machine)
    torch.testing.assert_close(first.machine.W, kept)
    assert second.curve[0].reconstruction < 0.7 * train(x, BINARY, 4, Options(epochs=1), 1).curve[0].reconstruction


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(5, 40), batch=st.integers(1, 60), hidden=st.integers(1, 9))
def test_any_size_trains_and_equal_seeds_give_equal_bits(seed, n, batch, hidden):
    x = patterns(n, seed=2)
    o = Options(epochs=2, batch=batch, rate=0.01)
    one, two = (train(x, BINARY, hidden, o, seed) for _ in range(2))
    assert torch.equal(one.machine.W, two.machine.W)
    assert one.curve == two.curve
    assert one.machine.W.shape == (hidden, 9)
    assert not torch.equal(one.machine.W, train(x, BINARY, hidden, o, seed + 1).machine.W)


def test_neither_threads_nor_the_global_random_state_matter():
    before, found = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            state = torch.get_rng_state()
            found.append(train(patterns(units=64), (Block("binary", 64),), 60, Options(epochs=2), 0).machine.W)
            assert torch.equal(torch.get_rng_state(), state)
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*found)


def test_the_rows_are_only_read():
    x = patterns()
    x.setflags(write=False)
    kept = x.copy()
    train(x, BINARY, 3, Options(epochs=1), 0)
    np.testing.assert_array_equal(x, kept)


def spoiled(place, value):
    x = mixed()
    x[place] = value
    return x


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (spoiled((3, 1), np.nan), "1 values are not finite numbers, the first in row 4, column 2"),
        (spoiled((3, 8), np.inf), "not finite numbers, the first in row 4, column 9"),
        (spoiled((5, 2), 1.5), r"binary units need values in 0 to 1, but 1 lie outside, the first, 1.5, in row 6"),
        (spoiled((5, 2), -0.1), "in row 6, column 3"),
        (spoiled((7, slice(4, 7)), 0), "softmax units 5 to 7 exactly one is 1 .* the first being row 8"),
        (spoiled((7, slice(4, 7)), (0.5, 0.5, 0)), "exactly one"),
        (spoiled((slice(None), 8), 2.0), "1 Gaussian units are constant, the first in column 9; they cannot be"),
        (mixed()[:, :8], "rows of 9 values"),
        (mixed()[0], "rows of 9 values"),
        (mixed()[:1], "two rows or more to learn from, not 1"),
        (mixed()[:0], "two rows or more"),
    ],
)
def test_rows_that_cannot_be_learned_from_are_refused(x, message):
    with pytest.raises(TrainingError, match=message):
        train(x, EVERY, 3, Options(epochs=1), 0)


def test_a_constant_binary_unit_is_learned_and_rows_that_are_all_the_same_are_refused():
    x = patterns()
    x[:, 2] = 1
    machine = train(x, BINARY, 3, Options(epochs=3), 0).machine
    assert float(machine.visible(torch.zeros(1, 3))[0, 2]) > 0.9
    with pytest.raises(TrainingError, match="all 200 rows are the same"):
        train(np.tile(x[:1], (200, 1)), BINARY, 3, Options(epochs=3), 0)


def test_masks_that_make_no_sense_are_refused():
    x, mask = mixed(), np.ones_like(mixed())
    for bad, message in (
        (mask[:, :8], "0 or 1 for each"),
        (0.5 * mask, "0 or 1 for each"),
        (np.where(np.arange(9) == 5, 0, mask), "present or missing together, but in row 1"),
    ):
        with pytest.raises(TrainingError, match=message):
            train(x, EVERY, 3, Options(epochs=1), 0, present=bad.astype(np.float32))


def test_rows_held_out_are_looked_at_too():
    for held_out, message in ((np.full((4, 9), 2, np.float32), "0 to 1"), (np.zeros((0, 9), np.float32), "of 9")):
        with pytest.raises(TrainingError, match=message):
            train(patterns(), BINARY, 3, Options(epochs=1), 0, held_out=held_out)


def test_a_machine_of_another_shape_cannot_be_gone_on_from():
    start = train(patterns(), BINARY, 3, Options(epochs=1), 0).machine
    with pytest.raises(TrainingError, match=r"has 3 hidden units on .* not 4"):
        train(patterns(), BINARY, 4, Options(epochs=1), 0, start=start)


def test_divergence_names_the_epoch_and_the_rate():
    x = 30 * mixed(200)[:, 7:]
    with pytest.raises(TrainingError, match=r"diverged in epoch \d+ at learning rate 0\.5.*use a smaller rate"):
        train(x, (Block("gaussian", 2),), 20, Options(rate=0.5), 0)


def test_more_hidden_units_than_memory_are_refused_before_anything_is_allocated():
    with pytest.raises(TrainingError, match=r"1000000000000 hidden units on 9 visible ones.* GiB.*fewer hidden"):
        train(patterns(), BINARY, 10**12, Options(epochs=1), 0)
    with pytest.raises(TrainingError, match="one hidden unit or more, not 0"):
        train(patterns(), BINARY, 0, Options(epochs=1), 0)


def test_the_smallest_limit_of_memory_counts(tmp_path, monkeypatch):
    free = memory.available(CPU)
    assert free is None or free > 0
    monkeypatch.setattr(memory, "CGROUP", tmp_path)
    (tmp_path / "memory.max").write_text("max\n")
    (tmp_path / "memory.current").write_text("900000\n")
    unlimited = memory.available(CPU)
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.stat").write_text("anon 5\ninactive_file 50000\n")
    assert memory.available(CPU) == 150_000
    assert unlimited is None or unlimited > 150_000
    with pytest.raises(TrainingError, match=r"100 units need 0.0 GiB, but 0.0 GiB"):
        memory.require(150_001, CPU, "100 units")
    memory.require(150_000, CPU, "100 units")


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": 0}, {"batch": 0}, {"steps": 0}, {"particles": 0}, {"rate": 0.0}, {"rate": float("nan")},
     {"rate_left": 1.1}, {"momentum": 1.0}, {"weight_cost": -1.0}, {"sparsity": -1.0}, {"rho": 0.0}],
)  # fmt: skip
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Options(**wrong)


def test_pictures_are_written_while_training(tmp_path):
    cv2 = pytest.importorskip("cv2")
    pytest.importorskip("matplotlib")
    watch = watching.watcher(tmp_path, every=2)
    train(patterns(units=16), (Block("binary", 16),), 10, Options(epochs=3, batch=50), 0, watch=watch,
          held_out=patterns(units=16, seed=1))  # fmt: skip
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["curve.png", "epoch_001_fantasies.png", "epoch_001_filters.png", "epoch_002_fantasies.png",
                     "epoch_002_filters.png"]  # fmt: skip
    step = 4 * watching.SCALE + watching.GAP
    filters = cv2.imread(str(tmp_path / "epoch_002_filters.png"), cv2.IMREAD_GRAYSCALE)
    assert filters.shape == (3 * step - watching.GAP, 4 * step - watching.GAP)
    assert filters.min() < 10  # each filter reaches black or white
    with pytest.raises(OutputError, match="does not exist"):
        train(patterns(), BINARY, 3, Options(epochs=1), 0, watch=watching.watcher(tmp_path / "none"))


def test_units_that_form_no_square_get_a_curve_alone(tmp_path):
    pytest.importorskip("matplotlib")
    trained = train(patterns(units=7), (Block("binary", 7),), 3, Options(epochs=1), 0)
    written = watching.pictures(trained.machine, patterns(5, units=7), trained.curve, tmp_path)
    assert [path.name for path in written] == ["curve.png"]


def test_means_are_over_the_rows_in_which_a_unit_is_present():
    x, present = torch.tensor([[1.0, 4.0, 0], [3.0, 0.0, 0]]), torch.tensor([[1.0, 1.0, 0], [1.0, 0.0, 0]])
    assert rows.mean(x, present).tolist() == [2.0, 4.0, 0.0]
    assert rows.mean(x, None).tolist() == [2.0, 2.0, 0.0]

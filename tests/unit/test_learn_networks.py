"""Networks with two heads: targets, views, calibration, training, and the way to a model file and back."""

import dataclasses
import json
import math

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mien import modelfile
from mien.data import parts
from mien.data.dataset import Dataset, Item, Votes
from mien.errors import DataError, ModelError, RecipeError, TrainingError, UsageError
from mien.expression import ExpressionModel
from mien.faces import patches
from mien.faces.shape import Placement, mean_shape
from mien.labels import LabelSet
from mien.learn import export, fit, loop, tracing
from mien.learn import recipe as recipes
from mien.learn.networks import calibration, pretraining, targets, train, views
from mien.learn.networks import start as starts
from mien.learn.networks.backbone import Network
from mien.learn.networks.backbone import Options as Backbone
from mien.learn.networks.recipe import NetworkRecipe
from mien.learn.photometry import Options as Light

LABELS = LabelSet(("anger", "happiness", "neutral"))
UNITS = ("AU04", "AU12", "AU25")
SIZE = 16
QUIET = Light(**{f.name: 0.0 for f in dataclasses.fields(Light) if f.name.endswith("_chance")})
STILL = views.Options(shift=0, scale=0, rotation=0, plain=0, mirror=False, cover_chance=0)
RECIPE = NetworkRecipe(
    name="small",
    seed=1,
    text="the text",
    patches=patches.Options(size=SIZE, interpolation="bilinear", scaling="full-range"),
    backbone=Backbone(stem=4, channels=(8, 12), blocks=(1, 1), dropout=0.0),
    targets=targets.Options(positives=3),
    views=dataclasses.replace(STILL, shift=0.02),
    light=QUIET,
    training=loop.Options(steps=80, batch=24, rate=5e-3, warmup=5, average=0.9),
    calibration=calibration.Options(share=0.2, prior=0.5),
)


def face(kind, person, size=24):
    """Brighter above, below or in the middle; AU12 is a bright left edge."""
    random = np.random.default_rng([kind, person])
    picture = random.integers(60, 90, (size, size))
    band = size // 3
    picture[kind * band : (kind + 1) * band] += 100
    if person % 2:
        picture[:, : size // 4] = 250
    return picture.astype(np.uint8)


def item(kind, person, **changes):
    picture = face(kind, person)
    told = {
        "name": f"p{person:02d}_{kind}",
        "subject": f"p{person:02d}",
        "sequence": f"p{person:02d}_{kind}",
        "place": 0,
        "expression": LABELS.expressions[kind],
        "action_units": (int(kind == 0), person % 2, int(kind == 1)),
        "face": lambda: picture,
    }
    return Item(**{**told, **changes})


def small(people=10, **changes):
    items = tuple(item(kind, person, **changes) for person in range(people) for kind in range(3))
    return Dataset("folder", items, LABELS, UNITS, terms="free")


@pytest.fixture(scope="module")
def trained():
    return train.train(RECIPE, small())


@pytest.fixture(scope="module")
def written(trained, tmp_path_factory):
    target = tmp_path_factory.mktemp("networks") / "small.onnx"
    export.export(trained, small(), target)
    return target


def bits(made):
    return b"".join(w.tobytes() for w in loop.weights(made.module).values())


# --- targets ------------------------------------------------------------------------------------------------------


def soft(of, options):
    return targets.targets([of], small(), (), options).expressions[0]


def test_votes_are_shares_and_doubt_is_spread_evenly():
    voted = item(0, 0, votes=Votes((6, 2, 0), 4, None))
    found = soft(voted, targets.Options(former=0.3, unsure=0.75))
    assert found == pytest.approx(np.array([6 + 1, 2 + 1, 0 + 1]) / 11)


def test_the_former_label_counts_with_its_weight_and_an_unknown_one_does_not():
    options = targets.Options(former=0.25, unsure=0)
    assert soft(item(0, 0, votes=Votes((8, 2, 0), 0, "neutral")), options) == pytest.approx([0.6, 0.15, 0.25])
    assert soft(item(0, 0, votes=Votes((8, 2, 0), 0, "fear")), options) == pytest.approx([0.8, 0.2, 0])


def test_a_label_alone_is_smoothed_and_a_face_without_any_teaches_no_expression():
    assert soft(item(2, 0), targets.Options(smooth=0.3)) == pytest.approx([0.1, 0.1, 0.8])
    none = targets.targets([item(2, 0, expression=None)], small(), UNITS, targets.Options())
    assert none.expressions[0].tolist() == [0, 0, 0]
    assert (none.shown[0], none.labels[0], none.coded[0]) == (False, -1, True)


def test_units_are_those_with_examples_and_named_ones_must_have_some():
    data = small()
    assert targets.units(data.items, data, targets.Options(positives=10)) == UNITS
    assert targets.units(data.items, data, targets.Options(positives=11)) == ("AU12",)
    assert targets.units(data.items, data, targets.Options(action_units=("AU25", "AU04"))) == ("AU04", "AU25")
    for absent in ("AU01", "AU04"):
        codes = (0, 1, 0) if absent == "AU04" else (1, 1, 0)
        items = [dataclasses.replace(i, action_units=codes) for i in data.items[:4]]
        with pytest.raises(TrainingError, match=f"{absent}; leave it out"):
            targets.units(items, data, targets.Options(action_units=(absent,)))


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1)), min_size=2, max_size=40),
    st.floats(0, 1),
    st.floats(0, 1),
)
@settings(max_examples=40, deadline=None)
def test_chances_sum_to_one_and_balance_what_they_are_asked_to(faces, balance, even):
    kinds, sources = (np.array(column) for column in zip(*faces, strict=True))
    one_hot = np.eye(3, dtype=np.float32)[kinds]
    t = targets.Targets(one_hot, np.ones(len(kinds), bool), kinds, np.zeros((len(kinds), 0)), kinds < 0)
    found = targets.chances(t, sources, targets.Options(balance=balance, even=even))
    assert found.sum() == pytest.approx(1)
    assert (found > 0).all()
    whole = targets.chances(t, sources, targets.Options(balance=1, even=1))
    share = [whole[sources == source].sum() for source in np.unique(sources)]
    assert share == pytest.approx([1 / len(share)] * len(share))
    first = sources == sources[0]
    inside = [whole[first & (kinds == kind)].sum() for kind in np.unique(kinds[first])]
    assert inside == pytest.approx([inside[0]] * len(inside))


# --- views --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alignment", ["box", "points"])
@pytest.mark.parametrize("size", [24, 40])
def test_an_unaltered_view_is_the_patch_that_the_model_is_given_in_use(alignment, size):
    options = patches.Options(size=SIZE, margin=0.9, scaling="full-range", alignment=alignment)
    picture = face(1, 3, size)
    points = Placement(size * 0.52, size * 0.47, size * 0.8, 7.0).points(mean_shape())
    one = item(1, 3, face=lambda: picture, landmarks=tuple(map(tuple, points)))
    faces = views.Faces.of([one], options)
    seen = faces.draw(np.array([0]), np.random.default_rng(0), STILL)[0]
    if alignment == "points":
        assert seen == pytest.approx(patches.cut(picture, None, options, points), abs=1e-6)
    plain = faces.draw(np.array([0]), np.random.default_rng(0), dataclasses.replace(STILL, plain=1))[0]
    upright = Placement((size - 1) / 2, (size - 1) / 2, size).points(mean_shape())
    aligned = dataclasses.replace(options, alignment="points")
    assert plain == pytest.approx(patches.cut(picture, None, aligned, upright), abs=1e-5)


def test_views_are_mirrored_moved_and_covered():
    faces = views.Faces.of(small().items, RECIPE.patches)
    index = np.zeros(200, np.intp)
    plain = faces.draw(index[:1], np.random.default_rng(0), STILL)[0]
    mirrored = faces.draw(index, np.random.default_rng(0), dataclasses.replace(STILL, mirror=True))
    turned = np.array([np.array_equal(view, plain[:, ::-1]) for view in mirrored])
    assert np.array_equal(mirrored[~turned][0], plain)
    assert 60 < turned.sum() < 140
    moved = faces.draw(index, np.random.default_rng(0), dataclasses.replace(STILL, shift=0.1, rotation=10))
    assert len(np.unique(moved.reshape(200, -1), axis=0)) == 200
    covered = np.repeat(plain[None], 200, axis=0)
    faces.cover(covered, np.random.default_rng(0), dataclasses.replace(STILL, cover_chance=0.4, cover=(0.25, 0.5)))
    area = (covered != plain).reshape(200, -1).sum(axis=1)
    assert 50 < (area > 0).sum() < 110
    assert area.max() <= (SIZE / 2) ** 2
    assert covered.min() >= 0
    assert covered.max() <= 1


# --- the network --------------------------------------------------------------------------------------------------


def network(units=3, seed=0):
    torch.manual_seed(seed)
    return Network(RECIPE.backbone, 3, units).eval()


def test_outputs_have_their_shapes_and_light_is_no_news():
    made, some = network(), torch.rand(5, SIZE, SIZE) * 0.5 + 0.25
    expressions, units, features = made(some)
    assert (expressions.shape, units.shape, features.shape) == ((5, 3), (5, 3), (5, 12))
    features = features.detach()
    dimmer = made(some * 0.5 + 0.1)[2].detach()
    assert float((dimmer - features).norm() / features.norm()) < 0.2
    assert network(units=0)(some)[1].shape == (5, 0)


@pytest.mark.parametrize(
    "wrong", [{"stem": 0}, {"channels": ()}, {"blocks": (1,)}, {"blocks": (1, 0, 1)}, {"dropout": 1.0}]
)
def test_an_impossible_backbone_is_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        Backbone(**wrong)


# --- calibration --------------------------------------------------------------------------------------------------


def labelled(truth, codes=None):
    n = len(truth)
    units = np.zeros((n, 0), np.float32) if codes is None else codes.astype(np.float32)
    return targets.Targets(np.zeros((n, 3), np.float32), truth >= 0, truth, units, np.full(n, codes is not None))


def drawn(random, logits):
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    cumulative = (odds / odds.sum(axis=1, keepdims=True)).cumsum(axis=1)
    return (random.random((len(logits), 1)) > cumulative).sum(axis=1)


def test_temperature_slope_and_bias_are_found_again():
    random = np.random.default_rng(0)
    logits = random.normal(0, 2, (6000, 3))
    units = random.normal(0, 2, (6000, 2))
    codes = random.random((6000, 2)) < 1 / (1 + np.exp(-units))
    made = calibration.fit(
        (2.5 * logits).astype(np.float32),
        (2 * units + [1, -0.5]).astype(np.float32),
        labelled(drawn(random, logits), codes),
        np.zeros(3),
        0.5,
    )
    assert made.temperature == pytest.approx(2.5, rel=0.06)
    assert made.slope == pytest.approx(0.5, rel=0.1)
    assert made.bias == pytest.approx([-0.5, 0.25], abs=0.12)
    assert made.figures["nll_after"] < made.figures["nll_before"]
    assert made.figures["units_nll_after"] < made.figures["units_nll_before"]


def test_the_prior_is_found_in_the_logits_own_scale_and_put_back_in_part():
    random = np.random.default_rng(1)
    natural = np.log([0.7, 0.25, 0.05])
    evidence = random.normal(0, 1.5, (6000, 3))
    truth = drawn(random, evidence + natural)
    seen = (2 * evidence).astype(np.float32)  # as training left them: without the prior, and twice as large
    whole, half, none = (
        calibration.fit(seen, seen[:, :0], labelled(truth), natural, share) for share in (1, 0.5, 0)
    )
    assert whole.prior == pytest.approx(2 * natural, rel=0.1)
    assert whole.temperature == pytest.approx(2, rel=0.06)
    assert half.prior == pytest.approx(whole.prior / 2)
    assert none.prior.tolist() == [0, 0, 0]
    assert whole.figures["nll_after"] < half.figures["nll_after"] < none.figures["nll_after"]


def test_a_prior_is_added_before_the_temperature_and_none_changes_nothing_else():
    prior = np.array([1.0, 0.0, -2.0])
    module = calibration.Calibrated(network(), calibration.Calibration(2.0, prior, 0.5, np.ones(3), {})).eval()
    some = torch.rand(4, SIZE, SIZE)
    expressions, units, _ = module.network(some)
    shown, present, _ = module(some)
    assert torch.allclose(shown, torch.softmax((expressions + torch.tensor(prior).float()) / 2, 1))
    assert torch.allclose(present, torch.sigmoid(units * 0.5 + 1))
    plain = calibration.none(prior, 2)
    assert (plain.temperature, plain.slope, plain.bias.tolist(), plain.figures) == (1.0, 1.0, [0, 0], {})


def test_calibration_without_a_labelled_face_is_refused():
    with pytest.raises(TrainingError, match="larger share"):
        calibration.fit(
            np.zeros((2, 3), np.float32), np.zeros((2, 0), np.float32), labelled(np.array([-1, -1])), np.zeros(3), 1
        )


# --- training -----------------------------------------------------------------------------------------------------


def test_it_learns_expressions_and_units_of_people_it_never_saw(trained):
    others = [item(kind, person) for person in range(20, 32) for kind in range(3)]
    seen = np.stack([patches.cut(i.face(), None, RECIPE.patches) for i in others])
    truth = np.array([LABELS.expressions.index(i.expression) for i in others])
    codes = np.array([i.action_units for i in others])
    assert (trained.predict(seen).argmax(axis=1) == truth).mean() > 0.95
    assert ((trained.action_units(seen) > 0.5) == codes).mean() > 0.9
    assert trained.predict(seen).sum(axis=1) == pytest.approx(1)
    assert (trained.items, trained.subjects) == (30, 10)
    assert trained.labels == LabelSet(LABELS.expressions, UNITS)


def test_equal_seeds_give_equal_bits_and_others_do_not(trained):
    assert bits(train.train(RECIPE, small())) == bits(trained)
    assert bits(train.train(RECIPE.with_seed(2), small())) != bits(trained)


def test_people_kept_out_for_calibration_are_not_learned_from(trained):
    kept = {i.subject for i in train._divided(list(small().items), RECIPE)[1]}
    assert len(kept) == 2
    altered = [
        dataclasses.replace(i, face=lambda: np.zeros((24, 24), np.uint8)) if i.subject in kept else i
        for i in small().items
    ]
    other = train.train(RECIPE, dataclasses.replace(small(), items=tuple(altered)))
    same = loop.weights(other.module.network)
    assert all(np.array_equal(w, same[name]) for name, w in loop.weights(trained.module.network).items())
    assert other.module.temperature != trained.module.temperature


def test_a_run_goes_on_from_its_checkpoint_to_the_same_bits(trained, tmp_path, monkeypatch):
    checkpoint = tmp_path / "run.npz"
    calls = []

    def stopped(stage, done, of):
        calls.append(stage)
        if stage == "training" and done == 60:
            raise KeyboardInterrupt

    saved = loop.train
    monkeypatch.setattr(loop, "train", lambda *given, **named: saved(*given, **named, every=20))
    with pytest.raises(KeyboardInterrupt):
        train.train(RECIPE, small(), stopped, checkpoint=checkpoint)
    assert checkpoint.exists()
    steps = []
    again = train.train(RECIPE, small(), lambda _, done, __: steps.append(done), checkpoint=checkpoint)
    assert steps[0] == 60
    assert bits(again) == bits(trained)


def test_a_label_that_nobody_shows_is_named():
    items = tuple(i for i in small().items if i.expression != "happiness")
    with pytest.raises(TrainingError, match="no training face shows happiness"):
        train.train(RECIPE, dataclasses.replace(small(), items=items))


def test_too_few_people_for_calibration_are_named():
    with pytest.raises(TrainingError, match="there are 2 in all"):
        train.train(RECIPE, small(people=2))


def test_divergence_names_step_and_rate():
    wild = dataclasses.replace(RECIPE, training=dataclasses.replace(RECIPE.training, rate=1e18))
    with pytest.raises(TrainingError, match=r"at step \d+ of 80 with rate"):
        train.train(wild, small())


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_a_device_that_is_not_there_is_refused():
    with pytest.raises(UsageError, match="cuda"):
        train.train(RECIPE, small(), device="cuda")
    with pytest.raises(UsageError, match="tpu"):
        train.train(RECIPE, small(), device="tpu")


def test_joined_data_sets_are_drawn_by_their_share():
    items = [
        item(k, p, name=f"{s}/{p}_{k}", subject=f"{s}/{p}")
        for s, n in (("a", 9), ("b", 3))
        for p in range(n)
        for k in range(3)
    ]
    joined = Dataset("a+b", tuple(items), LABELS, UNITS)
    sources = train._sources(items, joined)
    assert np.bincount(sources).tolist() == [27, 9]
    learned, kept = train._divided(items, RECIPE)
    assert {i.subject.partition("/")[0] for i in kept} == {"a", "b"}
    assert not {i.subject for i in kept} & {i.subject for i in learned}


# --- pretraining --------------------------------------------------------------------------------------------------


def test_without_labels_it_learns_to_fill_in_what_is_covered():
    faces = torch.from_numpy(np.stack([patches.cut(i.face(), None, RECIPE.patches) for i in small().items]))

    def some(number, batch):
        return faces[torch.from_numpy(np.random.default_rng(number).integers(0, len(faces), batch))]

    losses = []
    for steps in (1, 150):
        options = pretraining.Options(steps=steps, batch=16, rate=5e-3)
        losses.append(pretraining.pretrain(network(0).backbone, some, 1, options, lambda *_: None))
    assert losses[1] < 0.6 * losses[0]  # 1 is what the mean grey would give
    assert losses[1] < 0.8


def test_pretraining_is_where_the_network_begins():
    fewer = dataclasses.replace(RECIPE, training=dataclasses.replace(RECIPE.training, steps=1))
    before = dataclasses.replace(fewer, pretraining=pretraining.Options(steps=3, batch=8))
    assert bits(train.train(before, small())) != bits(train.train(fewer, small()))
    assert bits(train.train(before, small())) == bits(train.train(before, small()))


# --- model files --------------------------------------------------------------------------------------------------


def test_the_file_says_what_the_network_says(trained, written):
    model = ExpressionModel(modelfile.read(written))
    crops = [item(kind, 40).face() for kind in range(3)]
    seen = np.stack([patches.cut(crop, None, RECIPE.patches) for crop in crops])
    assert model.predict(crops) == pytest.approx(trained.predict(seen), abs=2e-3)  # weights have 16 bits
    assert model.predict_action_units(crops) == pytest.approx(trained.action_units(seen), abs=5e-3)
    assert model.meta.labels == LabelSet(LABELS.expressions, UNITS)
    assert model.meta.provenance.recipe == "the text"
    assert model.meta.notes["trained_on"] == [{"data": "folder", "fingerprint": small().fingerprint()}]
    assert len(model.meta.notes["neutral_action_units"]) == 3


def test_a_network_without_units_has_no_such_output(tmp_path):
    bare = dataclasses.replace(small(action_units=None), action_units=())
    made = train.train(dataclasses.replace(RECIPE, training=dataclasses.replace(RECIPE.training, steps=5)), bare)
    export.export(made, bare, tmp_path / "bare.onnx")
    model = ExpressionModel(modelfile.read(tmp_path / "bare.onnx"))
    assert model.action_units == ()
    assert model.predict([face(0, 0)]).shape == (1, 3)


def test_what_starts_from_a_file_begins_with_its_answers(trained, written):
    start = dataclasses.replace(RECIPE, start=str(written))
    begun, told = starts.begun(start, LabelSet(LABELS.expressions, ("AU12", "AU25")))
    some = torch.rand(4, SIZE, SIZE)
    plain = tracing.rounded(tracing.folded(trained.module.network))
    expressions, units, features = plain(some)
    found = begun.eval()(some)
    assert torch.allclose(found[0], expressions, atol=1e-4)
    assert torch.allclose(found[1], units[:, 1:], atol=1e-4)  # AU04 is not asked for
    assert torch.allclose(found[2], features, atol=1e-4)
    assert told["started_from"]["name"] == "small"


def test_a_blend_lies_between_the_start_and_what_was_learned(written):
    start = dataclasses.replace(RECIPE, start=str(written), slow=0.5)
    labels = LabelSet(LABELS.expressions, UNITS)
    before = loop.weights(starts.begun(start, labels)[0])
    learned, half = (
        loop.weights(train.train(dataclasses.replace(start, blend=blend), small()).module.network)
        for blend in (1.0, 0.5)
    )
    assert any(not np.array_equal(before[name], learned[name]) for name in before)
    for name, weight in half.items():
        assert weight == pytest.approx((before[name] + learned[name]) / 2, abs=1e-6)
    fewer = dataclasses.replace(start, blend=0.5, targets=targets.Options(action_units=("AU12",)))
    new, old = starts.begun(fewer, LabelSet(LABELS.expressions, ("AU12",)))[0], train.train(fewer, small())
    assert loop.weights(new)["units.weight"] != pytest.approx(loop.weights(old.module.network)["units.weight"])


def test_slow_parameters_take_smaller_steps(written):
    start = dataclasses.replace(RECIPE, start=str(written), training=dataclasses.replace(RECIPE.training, steps=3))
    before = loop.weights(starts.begun(start, LabelSet(LABELS.expressions, UNITS))[0])

    before = loop.weights(starts.begun(start, LabelSet(LABELS.expressions, UNITS))[0])

    def moved(slow):
        after = loop.weights(train.train(dataclasses.replace(start, slow=slow), small()).module.network)
        return {
            head: max(np.abs(after[n] - before[n]).max() for n in after if n.startswith(head))
            for head in ("backbone", "units")
        }

    fast, slow = moved(1.0), moved(0.01)
    assert slow["backbone"] < 0.05 * fast["backbone"]
    assert slow["units"] > 0.3 * fast["units"]


def test_heads_alone_leave_the_backbone_and_other_labels_get_a_new_head(written):
    heads = RECIPE.starting_from(str(written), "heads")
    assert json.dumps(str(written)) in heads.text
    assert recipes.parse(heads.text, "x").start == str(written)
    before, _ = starts.begun(heads, LabelSet(LABELS.expressions, UNITS))
    after = train.train(heads, small()).module.network
    changed = [n for n, w in loop.weights(after).items() if not np.array_equal(w, loop.weights(before)[n])]
    assert changed
    assert all(name.startswith(("expressions", "units")) for name in changed)
    other = LabelSet(("no", "yes"))
    words = {"anger": "no", "happiness": "yes", "neutral": "no"}
    items = tuple(dataclasses.replace(i, expression=words[i.expression]) for i in small().items)
    found = train.train(heads, dataclasses.replace(small(), items=items, labels=other))
    assert found.labels.expressions == ("no", "yes")


def test_a_start_that_does_not_fit_is_refused_by_name(written):
    labels = LabelSet(LABELS.expressions)
    with pytest.raises(ModelError, match="was not made by a network recipe"):
        starts.begun(dataclasses.replace(RECIPE, start="paper"), labels)
    other = dataclasses.replace(RECIPE, start=str(written), backbone=dataclasses.replace(RECIPE.backbone, stem=5))
    with pytest.raises(TrainingError, match=r"\[backbone\] is"):
        starts.begun(other, labels)
    other = dataclasses.replace(RECIPE, start=str(written), patches=dataclasses.replace(RECIPE.patches, margin=1.2))
    with pytest.raises(TrainingError, match=r"\[patches\] are"):
        starts.begun(other, labels)


# --- action units that the data cannot teach ----------------------------------------------------------------------

UNCODED = dataclasses.replace(small(action_units=None), action_units=())


def on(start, tune, **changes):
    """A few steps on from the file ``start``, on faces without codes."""
    brief = dataclasses.replace(RECIPE.training, steps=6, warmup=0)
    made = dataclasses.replace(RECIPE, start=str(start), tune=tune, training=brief, **changes)
    return train.train(made, UNCODED)


def seen(of):
    """Patches of faces that nobody was trained on."""
    return np.stack([patches.cut(item(kind, 40 + of).face(), None, RECIPE.patches) for kind in range(3)])


@pytest.mark.parametrize("named", [(), UNITS])
def test_faces_without_codes_leave_the_units_of_the_start_as_they_are(written, tmp_path, named):
    made = on(written, "heads", targets=targets.Options(action_units=named))
    assert made.labels == LabelSet(LABELS.expressions, UNITS)
    export.export(made, UNCODED, tmp_path / "mine.onnx")
    before, after = (ExpressionModel(modelfile.read(path)) for path in (written, tmp_path / "mine.onnx"))
    some = np.concatenate([seen(0), seen(1)])
    old, new = before.score_patches(some), after.score_patches(some)
    assert np.ptp(old.action_units, axis=0).min() > 0.1  # they say something
    assert new.action_units == pytest.approx(old.action_units, abs=1e-6)
    begun, _ = starts.begun(made.recipe, made.labels)
    assert torch.equal(made.module.network.units.weight, begun.units.weight)
    assert not torch.equal(
        made.module.network.expressions.weight, begun.expressions.weight
    )  # the other head learns
    assert after.neutral_action_units.tolist() == before.neutral_action_units.tolist()
    assert after.meta.notes["figures"]["kept_action_units"] == list(UNITS)


def test_a_kept_unit_head_is_read_with_its_calibration(trained, written):
    kept = starts.kept(dataclasses.replace(RECIPE, start=str(written)), UNCODED)
    assert (kept.names, kept.slope) == (UNITS, pytest.approx(float(trained.module.slope)))
    assert kept.bias == pytest.approx(trained.module.bias.numpy(), abs=1e-7)
    assert np.abs(kept.bias).min() > 1e-3  # a bias that was fitted
    fewer = dataclasses.replace(RECIPE, start=str(written), targets=targets.Options(action_units=("AU25",)))
    assert starts.kept(fewer, UNCODED).names == ("AU25",)
    assert starts.kept(fewer, UNCODED).bias == kept.bias[2:]


def test_under_kept_units_the_backbone_may_move(trained, written):
    made = on(written, "all")
    assert made.labels.action_units == UNITS
    rounded, unit_head = tracing.rounded(tracing.folded(trained.module.network)), made.module.network.units
    assert torch.equal(unit_head.weight, rounded.units.weight)
    assert torch.equal(unit_head.bias, rounded.units.bias)
    assert float(made.module.slope) == float(trained.module.slope)
    assert np.abs(made.action_units(seen(0)) - trained.action_units(seen(0))).max() > 1e-4
    assert len(made.figures()["neutral_action_units"]) == 3


def test_calibration_of_a_start_without_any_is_read_too(tmp_path):
    plain = dataclasses.replace(
        RECIPE,
        training=dataclasses.replace(RECIPE.training, steps=3),
        calibration=calibration.Options(share=0, prior=0.5),
    )
    export.export(train.train(plain, small()), small(), tmp_path / "plain.onnx")  # temperature and slope are both 1
    kept = starts.kept(dataclasses.replace(plain, start=str(tmp_path / "plain.onnx")), UNCODED)
    assert (kept.slope, kept.bias.tolist()) == (1.0, [0.0, 0.0, 0.0])


def test_units_are_learned_where_there_are_codes_or_no_start_and_missing_ones_are_named(written):
    start = dataclasses.replace(RECIPE, start=str(written))
    assert starts.kept(start, small()) is None
    assert starts.kept(RECIPE, UNCODED) is None
    assert starts.kept(dataclasses.replace(RECIPE, start="wild"), UNCODED) is None  # has no units
    with pytest.raises(TrainingError, match="AU09; leave it out"):
        on(written, "heads", targets=targets.Options(action_units=("AU04", "AU09")))


# --- recipes ------------------------------------------------------------------------------------------------------


def test_a_recipe_with_a_backbone_is_a_networks_and_survives_being_spelled_out():
    for name in ("wild", "default"):
        found = recipes.read(name)
        assert isinstance(found, NetworkRecipe)
        again = recipes.parse(found.spelled_out(), "again")
        assert dataclasses.replace(again, text=found.text) == found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('name = "x"\nseed = 1\n[backbone]\nstems = 3', "stems"),
        ('name = "x"\n[backbone]', "seed"),
        ('name = "a/b"\nseed = 1\n[backbone]', "without dots"),
        ('name = "x"\nseed = -1\n[backbone]', "seed must be"),
        ('name = "x"\nseed = 1\ntune = "heads"\n[backbone]', "--from"),
        ('name = "x"\nseed = 1\nstart = "wild"\n[backbone]\n[pretraining]\nsteps = 3', "leave"),
        ('name = "x"\nseed = 1\n[backbone]\n[targets]\naction_units = ["AU99"]', "AU99"),
        ('name = "x"\nseed = 1\n[backbone]\n[views]\ncover = [0.5, 0.2]', "smaller first"),
        ('name = "x"\nseed = 1\nblend = 0.0\n[backbone]', "blend"),
        ('name = "x"\nseed = 1\n[backbone]\n[losses]\nprior = 2.0', "prior"),
        ('name = "x"\nseed = 1\n[backbone]\n[calibration]\nshare = 0.9', "share"),
        ('name = "x"\nseed = 1\n[backbone]\n[features]\nname = "pca"', "features"),
        ('name = "x"\nseed = 1\ntext = "y"\n[backbone]', "text"),
    ],
)
def test_a_wrong_recipe_is_refused_by_its_key(text, told):
    with pytest.raises(RecipeError, match=told):
        recipes.parse(text, "here")


def test_only_networks_have_checkpoints_and_devices(tmp_path):
    with pytest.raises(UsageError, match="checkpoint"):
        fit.train(recipes.read("paper"), small(), checkpoint=tmp_path / "x.npz")
    assert math.isclose(RECIPE.training.rate_at(5), 5e-3, rel_tol=0.2)


def test_what_was_set_apart_is_not_learned_from():
    divided = dataclasses.replace(
        small(), items=(*small().items, item(0, 11, part="test"), item(1, 11, part="train"))
    )
    for recipe in (RECIPE, recipes.read("paper")):
        with pytest.raises(DataError, match=r"1 of 32 faces .* p11_0, of the part test; .*parts\.for_training"):
            fit.train(recipe, divided)
    with pytest.raises(UsageError, match="tpu"):  # its part for training goes on to the next question
        fit.train(RECIPE, parts.for_training(divided), device="tpu")

"""Graphs run by ONNX Runtime: mien's, foreign ones and broken ones."""

import dataclasses
import threading

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper  # noqa: E402

from mien import modelfile  # noqa: E402
from mien.errors import ModelError  # noqa: E402
from mien.labels import LabelSet  # noqa: E402
from mien.models.onnx import OnnxModel  # noqa: E402

FLOAT = TensorProto.FLOAT


def patches(n, size=24, seed=1):
    return np.random.default_rng(seed).random((n, size, size), np.float32)


def graph(*nodes, inputs=None, outputs=None, weights=()):
    """A model of ``nodes``; by default with mien's input and output for three labels."""
    made = helper.make_graph(
        list(nodes),
        "g",
        inputs or [helper.make_tensor_value_info("patches", FLOAT, ["n", 24, 24])],
        outputs or [helper.make_tensor_value_info("probabilities", FLOAT, ["n", 3])],
        list(weights),
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model.SerializeToString()


def flat(*more, outputs=("probabilities",)):
    """Three numbers per patch, its first pixels, as ``three``; then ``more`` nodes."""
    cuts = [onnx.numpy_helper.from_array(np.array([v], np.int64), n) for n, v in (("a", 0), ("b", 3), ("axis", 1))]
    nodes = [
        helper.make_node("Flatten", ["patches"], ["pixels"], axis=1),
        helper.make_node("Slice", ["pixels", "a", "b", "axis"], ["three"]),
        *more,
    ]
    named = [helper.make_tensor_value_info(name, FLOAT, ["n", 3]) for name in outputs]
    return graph(*nodes, weights=cuts, outputs=named)


def open_ended(*more, outputs=()):
    """A graph that fixes no length: all pixels of a patch as ``pixels``; then ``more`` nodes."""
    flatten = helper.make_node("Flatten", ["patches"], ["pixels"], axis=1)
    named = [helper.make_tensor_value_info(name, FLOAT, ["n", name]) for name in outputs]
    inputs = [helper.make_tensor_value_info("patches", FLOAT, ["n", "height", "width"])]
    return graph(flatten, *more, inputs=inputs, outputs=named)


@pytest.fixture
def model(tiny_meta, tmp_path):
    """``model(content)``: an OnnxModel of these bytes with the tiny model's meaning."""

    def make(content, **changes):
        return OnnxModel(modelfile.ModelFile(tmp_path / "m.onnx", content, "", tiny_meta(**changes)))

    return make


@pytest.fixture
def tiny(tiny_model):
    return OnnxModel(modelfile.read(tiny_model))


def test_rows_sum_to_one(tiny):
    scores = tiny.run(patches(50)).expressions
    assert scores.shape == (50, 3)
    assert scores.dtype == np.float64
    assert (scores >= 0).all()
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=0, atol=1e-15)
    assert scores.std(axis=0).min() > 0
    assert tiny.labels == ("anger", "happiness", "neutral")
    assert tiny.meta.name == "tiny"


def test_it_computes_what_the_graph_says(tiny, tiny_graph):
    weights = onnx.numpy_helper.to_array(onnx.load_from_string(tiny_graph()).graph.initializer[0])
    scores = patches(5).reshape(5, -1).astype(np.float64) @ weights
    expected = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(tiny.run(patches(5)).expressions, expected, atol=1e-5)


def test_one_patch_alone_gives_what_it_gives_among_others(tiny):
    np.testing.assert_allclose(
        tiny.run(patches(9)).expressions[4:5], tiny.run(patches(9)[4:5]).expressions, atol=1e-6
    )


def test_no_patches(tiny):
    assert tiny.run(patches(0)).expressions.shape == (0, 3)
    assert tiny.run(np.zeros((0, 24, 24), np.float32)).expressions.dtype == np.float64


@pytest.mark.parametrize(
    "wrong", [patches(2, 20), patches(2)[0], patches(2)[:, None], patches(2).astype(np.float64)]
)
def test_patches_that_do_not_fit(tiny, wrong):
    with pytest.raises(ModelError, match=r"tiny.onnx: the model failed: ") as caught:
        tiny.run(wrong)
    assert "\n" not in str(caught.value)


def test_label_count_mismatch(model, tiny_graph):
    with pytest.raises(ModelError, match=r"m\.onnx: .*names 3 labels, but the graph's .* is \(n, 4\)"):
        model(tiny_graph(labels=4))


def test_label_count_mismatch_that_only_a_run_shows(model):
    made = model(open_ended(helper.make_node("Softmax", ["pixels"], ["probabilities"]), outputs=["probabilities"]))
    with pytest.raises(ModelError, match=r"gave \(2, 576\) numbers for 2 faces and 3 labels"):
        made.run(patches(2))


def test_numbers_that_are_not_finite(model):
    made = model(flat(helper.make_node("Log", ["three"], ["probabilities"])))
    assert made.run(patches(2) + 1).expressions.shape == (2, 3)
    for pixels in (patches(2) * 0, patches(2) * 0 - 1):  # -inf, NaN
        with pytest.raises(ModelError, match="not finite; the file is damaged or foreign"):
            made.run(pixels)


@pytest.mark.parametrize("offset", [0, -1])
def test_numbers_that_are_no_probabilities(model, offset):
    made = model(flat(helper.make_node("Identity", ["three"], ["probabilities"])))
    with pytest.raises(ModelError, match="no probabilities; the file is foreign"):
        made.run(patches(2) * 0 + offset)


def test_a_negative_number_among_positive_ones(model):
    made = model(flat(helper.make_node("Identity", ["three"], ["probabilities"])))
    pixels = np.ones((2, 24, 24), np.float32)
    pixels[1, 0, 0] = -0.5
    with pytest.raises(ModelError, match="no probabilities"):
        made.run(pixels)


def test_scores_that_do_not_sum_to_one_are_brought_to_it(model):
    made = model(flat(helper.make_node("Identity", ["three"], ["probabilities"])))
    pixels = patches(2)
    np.testing.assert_allclose(
        made.run(pixels).expressions, pixels[:, 0, :3] / pixels[:, 0, :3].sum(axis=1, keepdims=True), atol=1e-7
    )


@pytest.mark.parametrize(("given", "taken"), [("images", "probabilities"), ("patches", "output")])
def test_wrong_names(model, given, taken):
    content = graph(
        helper.make_node("ReduceMean", [given], [taken], axes=[2], keepdims=0),
        inputs=[helper.make_tensor_value_info(given, FLOAT, ["n", 24, 24])],
        outputs=[helper.make_tensor_value_info(taken, FLOAT, ["n", 24])],
    )
    with pytest.raises(ModelError, match=f"expects an input 'patches' and an output .* has {given} and {taken}"):
        model(content)


def test_wrong_rank_of_the_answer(model):
    content = graph(
        helper.make_node("ReduceMean", ["patches"], ["probabilities"], axes=[1, 2], keepdims=0),
        outputs=[helper.make_tensor_value_info("probabilities", FLOAT, ["n"])],
    )
    with pytest.raises(ModelError, match=r"names 3 labels, but the graph's output 'probabilities' is \(n\)"):
        model(content)


def test_an_answer_that_is_no_array(model):
    content = graph(
        helper.make_node("SequenceConstruct", ["patches", "halves"], ["probabilities"]),
        outputs=[helper.make_tensor_sequence_value_info("probabilities", FLOAT, None)],
        weights=[onnx.numpy_helper.from_array(np.zeros((2, 3), np.float32), "halves")],
    )
    with pytest.raises(ModelError):
        model(content).run(patches(2))


def test_an_answer_in_words(model):
    words = np.array([["anger", "fear", "x"]], dtype=object)
    content = graph(
        helper.make_node("Identity", ["words"], ["probabilities"]),
        outputs=[helper.make_tensor_value_info("probabilities", TensorProto.STRING, [1, 3])],
        weights=[onnx.helper.make_tensor("words", TensorProto.STRING, [1, 3], [w.encode() for w in words[0]])],
    )
    with pytest.raises(ModelError):
        model(content).run(patches(1))


def test_a_graph_with_a_second_input(model):
    content = graph(
        helper.make_node("Mul", ["patches", "more"], ["probabilities"]),
        inputs=[helper.make_tensor_value_info(n, FLOAT, ["n", 24, 24]) for n in ("patches", "more")],
        outputs=[helper.make_tensor_value_info("probabilities", FLOAT, ["n", 24, 24])],
    )
    with pytest.raises(ModelError, match=r"expects an input 'patches' and an output .* has more, patches and"):
        model(content)


@pytest.mark.parametrize("content", [b"", b"text", b"\x08\x08\x3a\x00", bytes(100)])
def test_what_onnx_runtime_refuses(model, content):
    with pytest.raises(ModelError, match="ONNX Runtime cannot load it") as caught:
        model(content)
    assert "\n" not in str(caught.value)


def test_an_operator_that_does_not_exist(model):
    with pytest.raises(ModelError, match="ONNX Runtime cannot load it"):
        model(graph(helper.make_node("Softmacks", ["patches"], ["probabilities"])))


def test_the_order_of_labels_is_the_file_s(model, tiny_graph, tiny):
    names = dataclasses.replace(tiny.meta.labels, expressions=("x", "y", "z"))
    made = model(tiny_graph(), labels=names)
    assert made.labels == ("x", "y", "z")
    np.testing.assert_array_equal(made.run(patches(3)).expressions, tiny.run(patches(3)).expressions)


def test_shared_by_threads(tiny):
    expected = [tiny.run(patches(3, seed=seed)).expressions for seed in range(4)]
    wrong = []

    def work(seed):
        for _ in range(50):
            if not np.array_equal(tiny.run(patches(3, seed=seed)).expressions, expected[seed]):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


LABELS, UNITS = ("anger", "happiness", "neutral"), ("AU06", "AU12")
WITH_UNITS = LabelSet(LABELS, UNITS)


class TestActionUnits:
    def test_both_heads_in_one_run(self, model, tiny_graph, tiny, monkeypatch):
        made = model(tiny_graph(units=2), labels=WITH_UNITS)
        assert made.action_units == UNITS
        calls = []
        inner = made._graph.run
        monkeypatch.setattr(made._graph, "run", lambda *given: calls.append(1) or inner(*given))
        scores = made.run(patches(8))
        assert calls == [1]
        assert (scores.action_units.shape, scores.action_units.dtype) == ((8, 2), np.float64)
        assert 0 < scores.action_units.min() < scores.action_units.max() < 1
        np.testing.assert_array_equal(scores.expressions, tiny.run(patches(8)).expressions)

    def test_many_faces_are_a_run_for_every_64(self, model, tiny_graph, monkeypatch):
        made = model(tiny_graph(units=2), labels=WITH_UNITS)
        many = patches(150)
        alone = [made.run(many[k : k + 1]) for k in range(150)]
        sizes = []
        inner = made._graph.run
        monkeypatch.setattr(
            made._graph, "run", lambda names, fed: sizes.append(len(fed["patches"])) or inner(names, fed)
        )
        together = made.run(many)
        assert sizes == [64, 64, 22]
        for name in ("expressions", "action_units"):
            single = np.concatenate([getattr(scores, name) for scores in alone])
            np.testing.assert_allclose(getattr(together, name), single, rtol=0, atol=1e-6)

    def test_it_computes_what_the_graph_says(self, model, tiny_graph):
        weights = {
            w.name: onnx.numpy_helper.to_array(w)
            for w in onnx.load_from_string(tiny_graph(units=2)).graph.initializer
        }
        odds = patches(5).reshape(5, -1).astype(np.float64) @ weights["U"]
        found = model(tiny_graph(units=2), labels=WITH_UNITS).run(patches(5)).action_units
        np.testing.assert_allclose(found, 1 / (1 + np.exp(-odds)), atol=1e-5)

    def test_a_model_without_any(self, tiny):
        assert tiny.action_units == ()
        assert tiny.run(patches(4)).action_units.shape == (4, 0)
        assert tiny.run(patches(0)).action_units.shape == (0, 0)

    def test_no_patches(self, model, tiny_graph):
        scores = model(tiny_graph(units=2), labels=WITH_UNITS).run(patches(0))
        assert (scores.expressions.shape, scores.action_units.shape) == ((0, 3), (0, 2))

    def test_repeated_runs_and_batch_mates(self, model, tiny_graph):
        made = model(tiny_graph(units=2), labels=WITH_UNITS)
        whole, again, alone = made.run(patches(9)), made.run(patches(9)), made.run(patches(9)[4:5])
        for one, other, single in (
            (whole.expressions, again.expressions, alone.expressions),
            (whole.action_units, again.action_units, alone.action_units),
        ):
            assert one.tobytes() == other.tobytes()
            np.testing.assert_allclose(one[4:5], single, rtol=0, atol=1e-6)

    @pytest.mark.parametrize(
        ("units", "named", "words"),
        [
            (0, UNITS, "names 2 action units, but the graph has no output 'action_units'"),
            (2, (), "names no action units, but the graph has an output 'action_units'"),
            (3, UNITS, r"names 2 action units, but the graph's output 'action_units' is \(n, 3\)"),
        ],
    )
    def test_a_file_that_contradicts_itself(self, model, tiny_graph, units, named, words):
        with pytest.raises(ModelError, match=rf"m\.onnx: contradicts itself: its description {words}"):
            model(tiny_graph(units=units), labels=LabelSet(LABELS, named))

    def test_a_contradiction_that_only_a_run_shows(self, model):
        made = model(
            open_ended(
                helper.make_node("Softmax", ["pixels"], ["probabilities"]),
                helper.make_node("Sigmoid", ["pixels"], ["action_units"]),
                outputs=["probabilities", "action_units"],
            ),
            labels=LabelSet(tuple(map(str, range(576))), UNITS),
        )
        with pytest.raises(ModelError, match=r"m\.onnx: gave \(2, 576\) numbers for 2 faces and 2 action units"):
            made.run(patches(2))

    @pytest.mark.parametrize(
        ("gain", "words"), [(-1.0, "which are no probabilities"), (2.0, "from .* to "), (np.nan, "not finite")]
    )
    def test_numbers_that_are_no_probabilities(self, model, gain, words):
        content = flat(
            helper.make_node("Softmax", ["three"], ["probabilities"]),
            helper.make_node("Constant", [], ["gain"], value_float=gain),
            helper.make_node("Mul", ["three", "gain"], ["action_units"]),
            outputs=("probabilities", "action_units"),
        )
        made = model(content, labels=LabelSet(LABELS, ("AU06", "AU12", "AU25")))
        with pytest.raises(ModelError, match=rf"m\.onnx: .*{words}"):
            made.run(patches(9))


@pytest.mark.parametrize(
    ("shape", "kind", "words"),
    [
        (["n", 32, 32], FLOAT, r"cuts patches \(n, 24, 24\), but the graph wants \(n, 32, 32\)"),
        (["n", 24, 12], FLOAT, r"wants \(n, 24, 12\)"),
        (["n", 1, 24, 24], FLOAT, r"wants \(n, 1, 24, 24\)"),
        ([1, 24, 24], FLOAT, r"wants \(1, 24, 24\)"),
        (["n", 24, 24], TensorProto.DOUBLE, r"is for float32 patches, but the graph wants tensor\(double\)"),
    ],
)
def test_an_input_that_the_patches_cannot_fit(model, shape, kind, words):
    content = graph(
        helper.make_node("Flatten", ["patches"], ["probabilities"], axis=1),
        inputs=[helper.make_tensor_value_info("patches", kind, shape)],
        outputs=[helper.make_tensor_value_info("probabilities", kind, None)],
    )
    with pytest.raises(ModelError, match=rf"m\.onnx: contradicts itself: .*{words}"):
        model(content)


def test_preprocessing_without_a_size(model, tiny_graph):
    with pytest.raises(ModelError, match="does not name the size of its patches"):
        model(tiny_graph(), preprocessing={"margin": 1.0})

"""Graphs run by ONNX Runtime: mien's, foreign ones and broken ones."""

import dataclasses
import threading

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper  # noqa: E402

from mien import modelfile  # noqa: E402
from mien.errors import ModelError  # noqa: E402
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


def flat(*more):
    """Three numbers per patch, its first pixels, as ``three``; then ``more`` nodes."""
    cuts = [onnx.numpy_helper.from_array(np.array([v], np.int64), n) for n, v in (("a", 0), ("b", 3), ("axis", 1))]
    nodes = [
        helper.make_node("Flatten", ["patches"], ["pixels"], axis=1),
        helper.make_node("Slice", ["pixels", "a", "b", "axis"], ["three"]),
        *more,
    ]
    return graph(*nodes, weights=cuts)


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
    scores = tiny.run(patches(50))
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
    np.testing.assert_allclose(tiny.run(patches(5)), expected, atol=1e-5)


def test_one_patch_alone_gives_what_it_gives_among_others(tiny):
    np.testing.assert_allclose(tiny.run(patches(9))[4:5], tiny.run(patches(9)[4:5]), atol=1e-6)


def test_no_patches(tiny):
    assert tiny.run(patches(0)).shape == (0, 3)
    assert tiny.run(np.zeros((0, 24, 24), np.float32)).dtype == np.float64


@pytest.mark.parametrize(
    "wrong", [patches(2, 20), patches(2)[0], patches(2)[:, None], patches(2).astype(np.float64)]
)
def test_patches_that_do_not_fit(tiny, wrong):
    with pytest.raises(ModelError, match=r"tiny.onnx: the model failed: ") as caught:
        tiny.run(wrong)
    assert "\n" not in str(caught.value)


def test_label_count_mismatch(model, tiny_graph):
    made = model(tiny_graph(labels=4))
    with pytest.raises(ModelError, match=r"gave \(2, 4\) numbers for 2 faces and 3 labels"):
        made.run(patches(2))


def test_numbers_that_are_not_finite(model):
    made = model(flat(helper.make_node("Log", ["three"], ["probabilities"])))
    assert made.run(patches(2) + 1).shape == (2, 3)
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
        made.run(pixels), pixels[:, 0, :3] / pixels[:, 0, :3].sum(axis=1, keepdims=True), atol=1e-7
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
    with pytest.raises(ModelError, match=r"gave \(2,\) numbers for 2 faces"):
        model(content).run(patches(2))


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
    with pytest.raises(ModelError, match="the model failed"):
        model(content).run(patches(1))


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
    np.testing.assert_array_equal(made.run(patches(3)), tiny.run(patches(3)))


def test_shared_by_threads(tiny):
    expected = [tiny.run(patches(3, seed=seed)) for seed in range(4)]
    wrong = []

    def work(seed):
        for _ in range(50):
            if not np.array_equal(tiny.run(patches(3, seed=seed)), expected[seed]):
                wrong.append(seed)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []

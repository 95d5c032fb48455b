"""The training loop: it learns, goes on to the same bits, stops at nonsense; and the export of what it gives."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from torch import nn

from mien.errors import TrainingError
from mien.learn import loop, tracing
from mien.learn.faces import calibration
from mien.learn.threads import one_thread


@pytest.fixture(autouse=True)
def _one_thread():
    """Small tensors: more threads only wait for each other."""
    with one_thread():
        yield


OPTIONS = loop.Options(steps=60, batch=32, rate=0.02, weight_decay=0.01, warmup=5, average=0.9)


def _network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, stride=2, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(72, 32, bias=False),
        nn.BatchNorm1d(32),
        nn.Linear(32, 1),
    )


def _step(network, fails_at=None):
    def step(number):
        if number == fails_at:
            raise KeyboardInterrupt
        x = torch.randn(32, 1, 8, 8, generator=loop.generator(7, number, "cpu"))
        return (network(x)[:, 0] - x.mean(dim=(1, 2, 3)) * 8).square().mean()

    return step


def _quiet(line):
    pass


def test_it_learns_and_reports_and_gives_the_average():
    network, lines = _network(), []
    trained = loop.train(network, _step(network), OPTIONS, None, lines.append)
    assert not trained.training
    assert _step(trained)(999) < 0.5 * _step(_network())(999)
    assert "step 60/60" in lines[-1]
    assert not torch.equal(trained[0].weight, network[0].weight)


def test_a_run_that_was_broken_off_ends_with_the_same_bits(tmp_path):
    whole = _network()
    expected = loop.weights(loop.train(whole, _step(whole), OPTIONS, None, _quiet))
    broken, path = _network(), tmp_path / "state.npz"
    with pytest.raises(KeyboardInterrupt):
        loop.train(broken, _step(broken, fails_at=37), OPTIONS, path, _quiet, every=10)
    again = _network()
    found = loop.weights(loop.train(again, _step(again), OPTIONS, path, _quiet, every=10))
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)
    # It is done: nothing more is trained.
    done = loop.train(_network(), lambda number: pytest.fail(str(number)), OPTIONS, path, _quiet)
    np.testing.assert_array_equal(loop.weights(done)["6.weight"], expected["6.weight"])


def test_another_runs_checkpoint_is_refused(tmp_path):
    network, path = _network(), tmp_path / "state.npz"
    loop.train(network, _step(network), replace(OPTIONS, steps=2), path, _quiet)
    with pytest.raises(TrainingError, match="other options"):
        loop.train(network, _step(network), OPTIONS, path, _quiet)
    path.write_bytes(b"nothing")
    with pytest.raises(TrainingError, match="cannot read"):
        loop.train(network, _step(network), OPTIONS, path, _quiet)


def test_a_loss_that_is_no_number_stops_with_step_and_rate(tmp_path):
    network, path = _network(), tmp_path / "state.npz"
    step = _step(network)
    with pytest.raises(TrainingError, match=r"step 23 of 60 with rate 0\.0"):
        loop.train(network, lambda n: step(n) * (float("nan") if n == 23 else 1), OPTIONS, path, _quiet)
    assert not path.exists()


def test_the_rate_rises_and_falls():
    rates = [OPTIONS.rate_at(step) for step in range(60)]
    assert np.argmax(rates) == 5
    assert rates[5] == pytest.approx(0.02)
    assert rates[0] < 0.004
    assert rates[-1] < 0.0003


def test_biases_and_normalisation_are_not_decayed():
    decayed, free = loop._groups(_network(), OPTIONS, lambda _: 1.0)
    assert (len(decayed["params"]), len(free["params"])) == (3, 5)
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.01, 0.0)


def test_each_parameter_learns_at_its_own_rate():
    groups = loop._groups(_network(), OPTIONS, lambda name: 0.5 if name.endswith("bias") else 1.0)
    slow = [p for group in groups if group["factor"] == 0.5 for p in group["params"]]
    biases = [p for name, p in _network().named_parameters() if name.endswith("bias")]
    assert [p.shape for p in slow] == [p.shape for p in biases]
    assert sum(len(group["params"]) for group in groups) == 8


def test_folded_and_rounded_weights_give_the_same_in_onnx_runtime():
    network = _network()
    for number in range(3):
        _step(network)(number)  # moves the running means
    network.eval()
    examples = {"x": torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(1))}
    content, difference = tracing.graph(Path("net.onnx"), network, examples, ("y",), {"x": {0: "n"}, "y": {0: "n"}})
    assert difference < 1e-5
    assert b"BatchNormalization" not in content
    assert b".short" in content  # the linear layer's 2304 weights
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    x = np.random.default_rng(0).normal(size=(7, 1, 8, 8)).astype(np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(session.run(None, {"x": x})[0], expected, atol=3e-3)  # 16 bits
    assert isinstance(network[1], nn.BatchNorm2d)  # the module given is left alone
    assert tracing.graph(Path("net.onnx"), network, examples, ("y",), {"x": {0: "n"}, "y": {0: "n"}})[0] == content


def test_a_module_that_onnx_runtime_computes_otherwise_is_refused(monkeypatch):
    monkeypatch.setattr(tracing, "TOLERANCE", -1.0)
    with pytest.raises(TrainingError, match=r"net\.onnx: not written"):
        tracing.graph(Path("net.onnx"), _network(), {"x": torch.rand(2, 1, 8, 8)}, ("y",), {})


def test_the_logistic_curve_is_found_again():
    random = np.random.default_rng(0)
    scores = random.normal(2, 3, 20000)
    truth = random.uniform(size=20000) < 1 / (1 + np.exp(-(1.5 * scores - 4)))
    bias, slope = calibration.logistic(scores, truth)
    assert (bias, slope) == (pytest.approx(-4, abs=0.25), pytest.approx(1.5, abs=0.1))
    rare = np.concatenate([scores[truth], scores[~truth][:500]])
    kinds = np.arange(len(rare)) < truth.sum()
    assert calibration.logistic(rare, kinds)[0] > calibration.logistic(rare, kinds, balanced=True)[0]
    with pytest.raises(TrainingError, match="both kinds"):
        calibration.logistic(scores, truth | True)


def test_area_and_equal_error():
    scores, truth = np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True])
    assert calibration.area(scores, truth) == 0.75
    assert calibration.area(np.ones(4), truth) == 0.5
    assert calibration.equal_error(np.array([0.0, 0.1, 0.9, 1.0]), truth) == 0
    assert calibration.equal_error(scores, truth) == 0.5

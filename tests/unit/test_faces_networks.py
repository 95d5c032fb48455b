"""Files of face networks, and networks ready to run."""

import dataclasses
import json

import numpy as np
import pytest

from mien import modelfile
from mien.errors import ModelError, UnknownPartError
from mien.faces.networks import OUTPUTS, Network, load

JOBS = ("detector", "landmarks", "signature")


def test_round_trip(tmp_path, stand_in_graph, stand_in_meta):
    meta = stand_in_meta("detector", settings={"threshold": 0.5, "sizes": [24, 400]}, notes={"a": {"b": None}})
    one, other = tmp_path / "a.onnx", tmp_path / "b.onnx"
    for path in (one, other):
        modelfile.write_network(path, stand_in_graph("detector"), meta)
    read = modelfile.read_network(one)
    assert read.meta == meta
    assert read.content == one.read_bytes() == other.read_bytes()
    assert read.content.startswith(stand_in_graph("detector"))


def test_a_network_is_no_expression_model_and_the_other_way_round(tmp_path, stand_in, tiny_model):
    with pytest.raises(ModelError, match="the face network 'stand-in detector', not an expression model"):
        modelfile.read(stand_in("detector").path)
    with pytest.raises(ModelError, match="the expression model 'tiny', not a face network"):
        modelfile.read_network(tiny_model)


def test_an_unknown_job_is_refused(tmp_path, stand_in_graph, stand_in_meta):
    modelfile.write_network(tmp_path / "a.onnx", stand_in_graph("detector"), stand_in_meta("recogniser"))
    with pytest.raises(ModelError, match="damaged: its description cannot be read"):
        modelfile.read_network(tmp_path / "a.onnx")


def test_settings_cannot_be_exchanged_unnoticed(tmp_path, stand_in):
    path = tmp_path / "a.onnx"
    path.write_bytes(stand_in("signature").content.replace(b'"slope": 4.0', b'"slope": 9.0'))
    with pytest.raises(ModelError, match="do not match their checksum"):
        modelfile.read_network(path)


def test_foreign_and_broken_files(tmp_path, stand_in_graph):
    path = tmp_path / "a.onnx"
    path.write_bytes(stand_in_graph("detector"))
    with pytest.raises(ModelError, match="not one of mien's: it does not say what it is for"):
        modelfile.read_network(path)
    path.write_bytes(b"no model")
    with pytest.raises(ModelError, match="not an ONNX model"):
        modelfile.read_network(path)
    with pytest.raises(ModelError, match="no such face network file"):
        modelfile.read_network(tmp_path / "none.onnx")


@pytest.fixture
def shelf(tmp_path, monkeypatch, stand_in):
    (tmp_path / "faces").mkdir()
    for job in ("detector", "landmarks"):
        (tmp_path / "faces" / f"{job}.onnx").write_bytes(stand_in(job).content)
    monkeypatch.setattr(modelfile, "SHIPPED", tmp_path)


def test_shipped_networks_by_job(shelf):
    assert modelfile.shipped_networks() == ("detector", "landmarks")
    assert modelfile.shipped() == ()  # networks are no expression models
    assert load("detector").meta.job == "detector"
    with pytest.raises(UnknownPartError, match=r"no face network is called 'signature'.*detector, landmarks"):
        load("signature")


def test_a_network_for_another_job_is_refused(stand_in):
    with pytest.raises(ModelError, match="a face network for 'landmarks', where one for 'detector' is needed"):
        load("detector", stand_in("landmarks").path)


def changed(file, **changes):
    return dataclasses.replace(file, meta=dataclasses.replace(file.meta, **changes))


def test_a_graph_that_does_not_fit_its_job(stand_in):
    with pytest.raises(ModelError, match="expects an input 'faces' and outputs signature, has picture and cells"):
        Network(changed(stand_in("detector"), job="signature"), "signature")
    with pytest.raises(ModelError, match="ONNX Runtime cannot load it") as caught:
        Network(dataclasses.replace(stand_in("detector"), content=b"\x08\x08\x3a\x00"), "detector")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("threads", [1, 2])
def test_any_number_of_faces_in_one_run(stand_in, threads):
    network = Network(stand_in("landmarks"), "landmarks", threads)
    pixels = np.random.default_rng(0).random((5, 1, 96, 96), np.float32)
    together = network.run(pixels, (5, 68, 2), (5, 68), (5,))
    for i in range(5):
        alone = network.run(pixels[i : i + 1], (1, 68, 2), (1, 68), (1,))
        for one, many in zip(alone, together, strict=True):
            np.testing.assert_allclose(one[0], many[i], rtol=1e-5)
    assert len(together) == len(OUTPUTS["landmarks"])


def test_wrong_shapes_and_numbers_are_told(stand_in):
    network = Network(stand_in("detector"), "detector")
    with pytest.raises(ModelError, match="gave cells of shape"):
        network.run(np.zeros((1, 1, 64, 64), np.float32), (1, 8, 9, 9))
    with pytest.raises(ModelError, match="not finite"):
        network.run(np.full((1, 1, 64, 64), np.nan, np.float32), (1, 8, 8, 8))
    with pytest.raises(ModelError, match="the model failed") as caught:
        network.run(np.zeros((1, 2, 64, 64), np.float32), (1, 8, 8, 8))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", [None, "4", True, float("inf"), [4]])
def test_settings_that_are_no_numbers(stand_in, value):
    network = Network(changed(stand_in("signature"), settings={"same_person": {"slope": value}}), "signature")
    with pytest.raises(ModelError, match=r"no number 'same_person\.slope'"):
        network.number("same_person", "slope")
    with pytest.raises(ModelError, match=r"no number 'same_person\.slope\.more'"):
        network.number("same_person", "slope", "more")


@pytest.mark.parametrize("job", modelfile.shipped_networks())
def test_what_ships_runs_and_is_sealed(job):
    network = load(job)
    assert network.meta.job == job
    assert network.meta.provenance.data
    json.dumps(network.meta.settings)
    assert len(modelfile.read_network(job).content) < 5 * 2**20

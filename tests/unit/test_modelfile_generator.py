"""Files of generators: what is written is read, and neither model nor network passes for one."""

import dataclasses

import pytest

from mien import modelfile
from mien.errors import ModelError, UnknownPartError
from mien.labels import LabelSet
from mien.modelfile import GeneratorMeta


@pytest.fixture
def told(tiny_meta):
    labels = LabelSet(("anger", "neutral"), ("AU06", "AU12"))
    return GeneratorMeta("tiny", labels, 3, 2, 24, {"size": 24}, tiny_meta().provenance, {"figures": {"a": 0.5}})


@pytest.fixture
def written(tmp_path, tiny_graph, told):
    path = tmp_path / "tiny.onnx"
    modelfile.write_generator(path, tiny_graph(), told)
    return path


def test_round_trip(written, told, tmp_path, tiny_graph):
    read = modelfile.read_generator(written)
    assert read.meta == told
    assert read.content.startswith(tiny_graph())
    modelfile.write_generator(tmp_path / "again.onnx", tiny_graph(), read.meta)
    assert (tmp_path / "again.onnx").read_bytes() == read.content


def test_every_flipped_byte_of_the_weights_is_noticed(written):
    whole = written.read_bytes()
    for at in range(40, len(whole) - 600, 97):
        written.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(ModelError):
            modelfile.read_generator(written)


def test_the_three_kinds_do_not_pass_for_each_other(written, tiny_model):
    with pytest.raises(
        ModelError, match="the generator 'tiny', not an expression model; 'mien models' lists those"
    ):
        modelfile.read(written)
    with pytest.raises(ModelError, match="the generator 'tiny', not a face network"):
        modelfile.read_network(written)
    with pytest.raises(ModelError, match="the expression model 'tiny', not a generator; shipped: "):
        modelfile.read_generator(tiny_model)
    with pytest.raises(ModelError, match="the face network 'signature', not a generator"):
        modelfile.read_generator(modelfile.SHIPPED / "faces" / "signature.onnx")


def test_unknown_names_are_told_with_the_shipped_ones():
    with pytest.raises(UnknownPartError, match="no generator is called 'composite'; did you mean composites"):
        modelfile.read_generator("composite")
    with pytest.raises(ModelError, match="no such generator file"):
        modelfile.read_generator("nowhere/x.onnx")


@pytest.mark.parametrize("wrong", [{"people": 0}, {"features": 0}, {"size": 2}])
def test_impossible_counts_are_refused(told, wrong):
    with pytest.raises(ValueError, match="no generator has"):
        dataclasses.replace(told, **wrong)


def test_a_sealed_file_with_impossible_counts_is_damaged(tmp_path, tiny_graph, told, monkeypatch):
    monkeypatch.setattr(GeneratorMeta, "__post_init__", lambda self: None)
    path = tmp_path / "odd.onnx"
    modelfile.write_generator(path, tiny_graph(), dataclasses.replace(told, people=-1))
    monkeypatch.undo()
    with pytest.raises(ModelError, match="damaged: its description cannot be read"):
        modelfile.read_generator(path)

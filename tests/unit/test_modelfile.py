"""Model files: what is written is read, and nothing else is."""

import dataclasses
import hashlib
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien import modelfile, onnxfile
from mien.errors import ModelError, OutputError, UnknownPartError
from mien.labels import LabelSet

MESSAGE_FIELD, METADATA_FIELD = 2, 14


def varint(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number, data):
    """One length-delimited protocol-buffer field, written independently of ``modelfile``."""
    return varint(number << 3 | MESSAGE_FIELD) + varint(len(data)) + data


def described(graph, text, key=b"mien"):
    """``graph`` with a description of our own making."""
    return graph + field(METADATA_FIELD, field(1, key) + field(2, text.encode()))


def sealed(graph, told):
    """As ``described``, with the right checksum: an attacker can compute it too."""
    whole = hashlib.sha256(graph + json.dumps(told, sort_keys=True).encode()).hexdigest()
    return described(graph, json.dumps({**told, "sha256": whole}))


@pytest.fixture
def told(tiny_meta):
    return {"format": 1, **json.loads(json.dumps(dataclasses.asdict(tiny_meta())))}


def refused(path, content):
    path.write_bytes(content)
    with pytest.raises(ModelError) as caught:
        modelfile.read(path)
    line = str(caught.value)
    assert line.startswith(f"{path}: ")
    assert "\n" not in line
    return line


def test_round_trip(tmp_path, tiny_graph, tiny_meta):
    one, other = tmp_path / "a.onnx", tmp_path / "b.onnx"
    modelfile.write(one, tiny_graph(), tiny_meta())
    modelfile.write(other, tiny_graph(), tiny_meta())
    read = modelfile.read(one)
    assert read.meta == tiny_meta()
    assert read.path == one
    assert read.content == one.read_bytes() == other.read_bytes()
    assert read.sha256 == hashlib.sha256(read.content).hexdigest()
    assert read.content.startswith(tiny_graph())


def test_reading_and_writing_again_gives_the_same_bytes(tmp_path, tiny_graph, tiny_meta):
    notes = {"10": [1, 2.5, None], "9": {"b": True, "a": "ü\x7f𝄞"}, "inf": float("inf")}
    modelfile.write(tmp_path / "a.onnx", tiny_graph(), tiny_meta(notes=notes))
    meta = modelfile.read(tmp_path / "a.onnx").meta
    modelfile.write(tmp_path / "b.onnx", tiny_graph(), meta)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()
    assert meta.notes == notes


def test_notes_may_have_numbers_for_keys_and_tuples(tmp_path, tiny_graph, tiny_meta):
    modelfile.write(tmp_path / "a.onnx", tiny_graph(), tiny_meta(notes={10: (1, 2), 9: 1}))
    assert modelfile.read(tmp_path / "a.onnx").meta.notes == {"10": [1, 2], "9": 1}


def test_it_is_an_onnx_model_that_others_can_read(tmp_path, tiny_graph, tiny_meta):
    onnx = pytest.importorskip("onnx")
    path = tmp_path / "a.onnx"
    modelfile.write(path, tiny_graph(), tiny_meta())
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    (entry,) = model.metadata_props
    assert entry.key == "mien"
    assert json.loads(entry.value)["labels"] == {"expressions": ["anger", "happiness", "neutral"]}


def test_metadata_of_others_is_kept(tmp_path, tiny_graph, tiny_meta):
    graph = described(tiny_graph(), "their words", b"other")
    modelfile.write(tmp_path / "a.onnx", graph, tiny_meta())
    assert b"their words" in modelfile.read(tmp_path / "a.onnx").content


def test_a_graph_is_described_once(tmp_path, tiny_model, tiny_meta):
    with pytest.raises(ModelError, match="carries a mien description already"):
        modelfile.write(tmp_path / "a.onnx", tiny_model.read_bytes(), tiny_meta())
    with pytest.raises(ModelError, match="not an ONNX model"):
        modelfile.write(tmp_path / "a.onnx", b"graph", tiny_meta())
    with pytest.raises(OutputError, match="does not exist"):
        modelfile.write(tmp_path / "none" / "a.onnx", b"\x08\x08\x3a\x00", tiny_meta())
    assert list(tmp_path.iterdir()) == []


def test_cut_short_anywhere(tmp_path, tiny_model):
    whole = tiny_model.read_bytes()
    for length in [*range(0, len(whole), 50), len(whole) - 1]:
        refused(tmp_path / "cut.onnx", whole[:length])


@given(st.data())
@settings(max_examples=300)
def test_one_flipped_bit_is_noticed_or_harmless(tmp_path_factory, tiny_model, data):
    whole = bytearray(tiny_model.read_bytes())
    start = bytes(whole).index(b"mien", 100) - 20  # half of the flips into the description
    at = data.draw(st.integers(0, len(whole) - 1) | st.integers(start, len(whole) - 1))
    whole[at] ^= 1 << data.draw(st.integers(0, 7))
    path = tmp_path_factory.getbasetemp() / "flipped.onnx"
    path.write_bytes(whole)
    try:
        read = modelfile.read(path)
    except ModelError:
        return
    # Told apart by nothing but the JSON's spelling.
    assert read.meta == modelfile.read(tiny_model).meta


@given(st.binary(max_size=300))
def test_noise_is_refused(tmp_path_factory, noise):
    refused(tmp_path_factory.getbasetemp() / "noise.onnx", noise)


ATTACKS = {
    "empty": b"",
    "text": b"This is a text file that somebody called a model.\n" * 20,
    "html": b"<!DOCTYPE html><html><body>404</body></html>",
    "zip": b"PK\x03\x04" + bytes(200),
    "zeros": bytes(1000),
    "pickle": b"\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00\x8c\x08builtins\x94\x8c\x05print\x94\x93\x94.",
    "endless number": b"\x08" + b"\xff" * 1000,
    "a field longer than the file": b"\x08\x08\x3a" + varint(2**62) + b"x",
    "a negative length": b"\x08\x08\x3a" + b"\xff" * 9 + b"\x01",
    "groups": b"\x08\x08\x3b\x3c",
    "field number 0": b"\x08\x08\x3a\x00\x02\x00",
    "no graph": b"\x08\x08",
    "no version": b"\x3a\x00",
}


@pytest.mark.parametrize("name", ATTACKS)
def test_files_that_are_no_models(tmp_path, name):
    assert "not an ONNX model, or cut short; get the file again" in refused(tmp_path / "a.onnx", ATTACKS[name])


def test_an_onnx_model_of_somebody_else(tmp_path, tiny_graph):
    expected = "an ONNX file, but not one of mien's: it holds no labels; make one with 'mien train'"
    assert expected in refused(tmp_path / "a.onnx", tiny_graph())
    assert expected in refused(tmp_path / "a.onnx", described(tiny_graph(), "x", b"miem"))


def test_a_later_format(tmp_path, tiny_graph, told):
    for number in (2, "1", None, [1], "1\n2"):
        line = refused(tmp_path / "a.onnx", sealed(tiny_graph(), {**told, "format": number}))
        assert f"model format {number!r}; this mien reads format 1: update mien" in line


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "null", '"mien"', "[" * 100_000, '{"format": 1}', '{"format": 1' + "1" * 5000 + "}"],
    ids=lambda text: text[:20],
)
def test_descriptions_that_are_none(tmp_path, tiny_graph, text):
    refused(tmp_path / "a.onnx", described(tiny_graph(), text))


def test_a_description_that_is_not_text(tmp_path, tiny_graph):
    entry = field(1, b"mien") + field(2, b"\xff\xfe")
    assert "cut short" in refused(tmp_path / "a.onnx", tiny_graph() + field(METADATA_FIELD, entry))
    assert "cut short" in refused(tmp_path / "a.onnx", tiny_graph() + field(METADATA_FIELD, field(1, b"mien")))


def test_the_reference_for_these_attacks_is_read(tmp_path, tiny_graph, told, tiny_meta):
    (tmp_path / "a.onnx").write_bytes(sealed(tiny_graph(), told))
    assert modelfile.read(tmp_path / "a.onnx").meta == tiny_meta()


def test_a_second_description(tmp_path, tiny_graph, told, tiny_model):
    twice = described(tiny_model.read_bytes(), json.dumps(told))
    assert "described twice" in refused(tmp_path / "a.onnx", twice)


@pytest.mark.parametrize("key", ["name", "labels", "preprocessing", "provenance"])
def test_a_missing_key(tmp_path, tiny_graph, told, key):
    del told[key]
    line = refused(tmp_path / "a.onnx", sealed(tiny_graph(), told))
    assert "damaged: its description cannot be read" in line


def test_a_missing_checksum_or_a_wrong_one(tmp_path, tiny_graph, told):
    assert "description cannot be read" in refused(tmp_path / "a.onnx", described(tiny_graph(), json.dumps(told)))
    for wrong in ("0" * 64, None, 3):
        text = json.dumps({**told, "sha256": wrong})
        assert "do not match their checksum" in refused(tmp_path / "a.onnx", described(tiny_graph(), text))


@pytest.mark.parametrize(
    "change",
    [
        {"name": 3},
        {"labels": ["anger", "fear"]},
        {"labels": {"expressions": "anger"}},
        {"labels": {"expressions": ["anger"]}},
        {"labels": {"expressions": ["anger", "anger"]}},
        {"labels": {"expressions": ["anger", 3]}},
        {"labels": {}},
        {"preprocessing": []},
        {"provenance": {}},
        {"provenance": None},
        {"notes": "words"},
        {"more": 1},
    ],
    ids=str,
)
def test_wrong_types(tmp_path, tiny_graph, told, change):
    line = refused(tmp_path / "a.onnx", sealed(tiny_graph(), {**told, **change}))
    assert "damaged: its description cannot be read" in line


@pytest.mark.parametrize(
    "change", [{"items": "3"}, {"synthetic": 1}, {"seed": 1.5}, {"data": None}, {"more": 1}], ids=str
)
def test_wrong_types_in_the_provenance(tmp_path, tiny_graph, told, change):
    told["provenance"].update(change)
    assert "description cannot be read" in refused(tmp_path / "a.onnx", sealed(tiny_graph(), told))


def test_labels_cannot_be_exchanged_unnoticed(tmp_path, tiny_model):
    whole = tiny_model.read_bytes()
    changed = whole.replace(b'"anger"', b'"angst"')
    assert changed != whole
    assert "do not match their checksum" in refused(tmp_path / "a.onnx", changed)


def test_weights_cannot_be_exchanged_unnoticed(tmp_path, tiny_model, tiny_graph):
    whole = tiny_model.read_bytes()
    other = tiny_graph(seed=1)
    changed = other + whole[len(tiny_graph()) :]
    assert "do not match their checksum" in refused(tmp_path / "a.onnx", changed)


def test_a_huge_file_is_not_read(tmp_path, monkeypatch):
    path = tmp_path / "huge.onnx"
    with path.open("wb") as stream:
        stream.truncate(modelfile.LARGEST + 1)  # sparse: takes no room
    monkeypatch.setattr(modelfile.Path, "read_bytes", None)
    with pytest.raises(ModelError, match="larger than 512 MiB"):
        modelfile.read(path)


def test_a_file_that_cannot_be_read(tiny_model, monkeypatch):
    def fail(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(modelfile.Path, "read_bytes", fail)
    with pytest.raises(ModelError, match="cannot read the model: Permission denied"):
        modelfile.read(tiny_model)


@pytest.fixture
def shelf(tmp_path, monkeypatch, tiny_model):
    """Two shipped models, ``paper`` and ``small``."""
    folder = tmp_path / "weights"
    folder.mkdir()
    for name in ("small", "paper"):
        (folder / f"{name}.onnx").write_bytes(tiny_model.read_bytes())
    (folder / ".small.1234.part.onnx").write_bytes(b"")
    (folder / "README.md").write_text("")
    monkeypatch.setattr(modelfile, "SHIPPED", folder)
    monkeypatch.setattr(modelfile, "DEFAULT", "paper")
    return folder


def test_shipped_models_by_name(shelf):
    assert modelfile.shipped() == ("paper", "small")
    assert modelfile.locate("small") == shelf / "small.onnx"
    assert modelfile.locate("default") == shelf / "paper.onnx"
    assert modelfile.read("default").meta.name == "tiny"


@pytest.mark.parametrize("name", ["smal", "", "x" * 300, "readme"])
def test_unknown_names_are_answered_with_those_there_are(shelf, name):
    with pytest.raises(UnknownPartError, match=r"no model is called .*there are: paper, small"):
        modelfile.locate(name)


def test_the_nearest_name(shelf):
    with pytest.raises(UnknownPartError, match="did you mean small"):
        modelfile.read("smal")


@pytest.mark.parametrize("name", ["none.onnx", "some/model", "x" * 300 + ".onnx", "."])
def test_paths_where_no_file_is(shelf, tmp_path, name):
    with pytest.raises(ModelError, match="no such model file; 'mien models' lists the shipped ones"):
        modelfile.locate(str(tmp_path / name))


def test_a_path_may_be_relative(shelf, tmp_path, monkeypatch, tiny_model):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "paper.onnx").write_bytes(tiny_model.read_bytes())
    assert modelfile.locate("paper.onnx").resolve() == tmp_path / "paper.onnx"
    assert modelfile.locate("paper") == shelf / "paper.onnx"


words = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=10,
)


@given(words, st.lists(words, min_size=2, max_size=9, unique=True), st.dictionaries(words, json_values, max_size=4))
def test_any_description_comes_back(tmp_path_factory, tiny_graph, tiny_meta, name, labels, notes):
    path = tmp_path_factory.getbasetemp() / "any.onnx"
    made = dataclasses.replace(tiny_meta().provenance, recipe=name, terms=name)
    meta = tiny_meta(name=name, labels=LabelSet(tuple(labels)), notes=notes, provenance=made)
    modelfile.write(path, tiny_graph(size=4), meta)
    assert modelfile.read(path).meta == meta


def test_numbers_of_numpy_are_no_json(tmp_path, tiny_graph, tiny_meta):
    with pytest.raises(TypeError):
        modelfile.write(tmp_path / "a.onnx", tiny_graph(), tiny_meta(notes={"x": np.float32(1)}))
    assert list(tmp_path.iterdir()) == []


# --- action units -------------------------------------------------------------------------------------------------


def stored(path):
    _, text = onnxfile.split(path.read_bytes(), path)
    return json.loads(text)


def test_action_units_come_back(tmp_path, tiny_graph, tiny_meta):
    labels = LabelSet(("anger", "happiness", "neutral"), ("AU12", "AU06"))
    modelfile.write(tmp_path / "m.onnx", tiny_graph(units=2), tiny_meta(labels=labels))
    assert modelfile.read(tmp_path / "m.onnx").meta.labels == labels
    assert stored(tmp_path / "m.onnx")["labels"]["action_units"] == ["AU12", "AU06"]


def test_a_file_from_before_action_units_is_written_and_read_as_it_was(tmp_path, tiny_graph, tiny_meta):
    modelfile.write(tmp_path / "m.onnx", tiny_graph(), tiny_meta())
    assert list(stored(tmp_path / "m.onnx")["labels"]) == ["expressions"]
    assert modelfile.read(tmp_path / "m.onnx").meta.labels.action_units == ()


@pytest.mark.parametrize("units", [["AU12", "AU12"], ["AU99"], ["AU12", 6], "AU12"])
def test_action_units_that_mean_nothing(tmp_path, tiny_graph, tiny_meta, units):
    told = dataclasses.asdict(tiny_meta())
    told["labels"]["action_units"] = units
    modelfile._write(tmp_path / "m.onnx", tiny_graph(), told)  # sealed as if it were sound
    with pytest.raises(ModelError, match=r"m\.onnx: damaged: its description cannot be read"):
        modelfile.read(tmp_path / "m.onnx")

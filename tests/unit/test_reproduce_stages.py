"""Kept results: what was computed from the same inputs is read, whatever else is made again."""

import zipfile
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as drawn

import mien
from mien.errors import OutputError
from mien.reproduce.stages import Stages, digest


@dataclass(frozen=True)
class Options:
    units: int = 3


@dataclass(frozen=True)
class Others:
    units: int = 3


class Maker:
    """Gives the same arrays at every call and counts the calls."""

    def __init__(self):
        self.calls = 0

    def __call__(self, checkpoint):
        self.calls += 1
        return {"a": np.arange(6, dtype=np.float32).reshape(2, 3), "words": np.array("ü"), "one": np.array(0.1)}


BASE = {"x": np.arange(4, dtype=np.float32), "options": Options(), "seed": 3, "names": ["a", "b"], "none": None}


def test_equal_inputs_are_read_bit_for_bit_also_by_another_process(tmp_path):
    make = Maker()
    first = Stages(tmp_path).get("stage", BASE, make)
    copied = {**BASE, "x": BASE["x"].copy(), "options": Options(3)}
    again = Stages(tmp_path).get("stage", dict(reversed(copied.items())), make)
    assert make.calls == 1
    assert list(again) == list(first)
    for name, value in first.items():
        assert (again[name].dtype, again[name].shape) == (value.dtype, value.shape)
        assert again[name].tobytes() == value.tobytes()
    assert str(again["words"]) == "ü"


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 4},
        {"seed": 3.0},
        {"seed": True},
        {"names": ["b", "a"]},
        {"names": ["ab"]},
        {"none": False},
        {"options": Options(4)},
        {"options": Others()},
        {"x": np.array([0, 1, 2, 4], np.float32)},
        {"x": np.arange(4, dtype=np.float64)},
        {"x": np.arange(4, dtype=np.float32).reshape(2, 2)},
        {"x": [0.0, 1.0, 2.0, 3.0]},
        {"further": 1},
    ],
)
def test_any_other_input_is_computed(tmp_path, change):
    make = Maker()
    Stages(tmp_path).get("stage", BASE, make)
    Stages(tmp_path).get("stage", {**BASE, **change}, make)
    assert make.calls == 2


def test_another_name_and_another_version_are_computed(tmp_path, monkeypatch):
    make = Maker()
    kept = Stages(tmp_path)
    kept.get("stage", BASE, make)
    kept.get("stages", BASE, make)
    monkeypatch.setattr(mien, "__version__", "999")
    kept.get("stage", BASE, make)
    assert make.calls == 3
    assert len(list(tmp_path.glob("*.npz"))) == 3


@pytest.fixture
def kept_file(tmp_path):
    Stages(tmp_path).get("stage", BASE, Maker())
    (file,) = tmp_path.iterdir()
    return file


@pytest.mark.parametrize("harm", [b"", b"junk", b"PK\x03\x04", None], ids=["empty", "junk", "head only", "cut"])
def test_a_damaged_file_is_made_again(kept_file, harm):
    whole = kept_file.read_bytes()
    kept_file.write_bytes(whole[: len(whole) // 2] if harm is None else harm)
    make = Maker()
    found = Stages(kept_file.parent).get("stage", BASE, make)
    assert make.calls == 1
    assert (found["a"] == np.arange(6).reshape(2, 3)).all()
    assert kept_file.read_bytes() == whole


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(data=st.data())
def test_wherever_a_byte_of_an_array_or_its_header_is_wrong_nothing_wrong_is_taken(kept_file, data):
    whole = kept_file.read_bytes()
    with zipfile.ZipFile(kept_file) as archive:
        entry = archive.getinfo("a.npy")
    end = entry.header_offset + 30 + len("a.npy") + entry.file_size
    place = data.draw(st.integers(entry.header_offset, end - 1))
    harmed = bytearray(whole)
    harmed[place] ^= data.draw(st.integers(1, 255))
    try:
        kept_file.write_bytes(harmed)
        found = Stages(kept_file.parent).get("stage", BASE, Maker())
        assert found["a"].tobytes() == np.arange(6, dtype=np.float32).tobytes()
    finally:
        kept_file.write_bytes(whole)


class Planted:
    """Leaves a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_nothing_is_ever_unpickled(kept_file, tmp_path_factory):
    mark = tmp_path_factory.mktemp("mark") / "mark"
    np.savez(kept_file, a=np.array([Planted(mark)], dtype=object))
    make = Maker()
    found = Stages(kept_file.parent).get("stage", BASE, make)
    assert make.calls == 1
    assert found["a"].dtype == np.float32
    assert not mark.exists()


def test_the_checkpoint_goes_with_success_and_stays_with_failure(tmp_path):
    seen = []

    def fails(checkpoint):
        checkpoint.write_bytes(b"half")
        raise KeyboardInterrupt

    def goes_on(checkpoint):
        seen.append(checkpoint.read_bytes())
        return {"a": np.zeros(1)}

    kept = Stages(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        kept.get("stage", BASE, fails)
    (left,) = tmp_path.iterdir()
    assert left.name.endswith(".checkpoint.npz")
    kept.get("stage", {**BASE, "seed": 9}, lambda checkpoint: {"a": np.zeros(int(checkpoint.exists()))})
    assert left.exists()  # another stage's is let be
    kept.get("stage", BASE, goes_on)
    assert seen == [b"half"]
    assert not left.exists()


def test_a_failed_stage_keeps_no_result(tmp_path):
    def fails(checkpoint):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        Stages(tmp_path).get("stage", BASE, fails)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_went_away_is_an_output_error(tmp_path):
    with pytest.raises(OutputError, match="does not exist"):
        Stages(tmp_path / "gone").get("stage", BASE, Maker())


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", 1j, np.float32(1), np.array([object()])])
def test_what_has_no_fixed_text_is_refused(value):
    with pytest.raises(TypeError, match="a stage cannot depend on"):
        digest({"nested": [value]})


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def typed(value):
    """Equal only where type and value are equal all the way down (to Python, 1, 1.0 and True are one)."""
    if isinstance(value, dict):
        return {name: typed(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [typed(inner) for inner in value]
    return repr(value)


@given(PLAIN, PLAIN)
def test_digests_are_equal_where_values_are(one, other):
    assert (digest(one) == digest(other)) == (typed(one) == typed(other))


ARRAYS = drawn.arrays(
    st.sampled_from([np.float32, np.float64, np.int64, np.bool_]), drawn.array_shapes(max_dims=2, max_side=3)
)


@given(ARRAYS, ARRAYS)
def test_digests_of_arrays_are_equal_where_type_shape_and_bytes_are(one, other):
    same = (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    assert (digest(one) == digest(other)) == same
    assert digest(np.asfortranarray(one)) == digest(one)

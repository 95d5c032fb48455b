"""The model file: one ``.onnx`` that carries the meaning of its outputs.

An ONNX file is a protocol-buffer ``ModelProto``; its field 14 holds free text by text. mien keeps one such
entry, ``mien``, with a JSON object: labels, preprocessing, recipe, data fingerprint, seed, and the SHA-256 of
everything else in the file, the object's other members included. Protocol buffers may be concatenated, so the
entry is appended to the exporter's bytes and found again by walking the top-level fields: neither step needs
the onnx package.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mien import atomic, recipe
from mien.errors import ModelError, RecipeError, UnknownPartError
from mien.labels import LabelSet
from mien.plugins import unknown

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMAT = 1
SHIPPED = Path(__file__).parent / "weights"
DEFAULT = "paper"  # what the name "default" stands for; tables and cards record the model's own name and hash
LARGEST = 512 * 2**20  # bytes; a file beyond this is not one of ours, and reading it could exhaust memory

_METADATA_FIELD = 14  # ModelProto.metadata_props, onnx.proto
_KEY = b"mien"


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a model comes from.

    Attributes:
        recipe: the training recipe, TOML text.
        data: the data sets as named on the command line, without their paths, such as ``ckplus``.
        fingerprint: SHA-256 over the training items and labels, hex.
        items, subjects: how many pictures and people it was trained on.
        synthetic: trained on generated faces only.
        seed: of all random numbers.
        mien_version: version that trained it.
        terms: what the data's terms allow, in words.
    """

    recipe: str
    data: str
    fingerprint: str
    items: int
    subjects: int
    synthetic: bool
    seed: int
    mien_version: str
    terms: str = ""


@dataclass(frozen=True, slots=True)
class ModelMeta:
    """All that a model file says of itself.

    Attributes:
        name: short name, such as ``paper``.
        labels: meaning of the outputs.
        preprocessing: options of ``mien.faces.patches`` under which it was trained.
        provenance: where it comes from.
        notes: anything else, JSON values.
    """

    name: str
    labels: LabelSet
    preprocessing: dict[str, Any]
    provenance: Provenance
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model file in memory: its bytes, their SHA-256 (hex) and its meaning."""

    path: Path
    content: bytes
    sha256: str
    meta: ModelMeta


def shipped() -> tuple[str, ...]:
    """Names of the models that ship with mien, sorted."""
    return tuple(sorted(p.stem for p in SHIPPED.glob("[!.]*.onnx")))


def locate(model: str | Path) -> Path:
    """The file behind a model's name or path.

    Raises:
        UnknownPartError: neither a file nor a shipped model; the message lists those there are.
        ModelError: it looks like a path, but no file is there.
    """
    path = Path(DEFAULT if str(model) == "default" else model)
    if path.suffix == ".onnx" or path.parent != Path():
        with contextlib.suppress(OSError):  # a name too long for the file system is no file either
            if path.is_file():
                return path
        raise ModelError(f"{model}: no such model file; 'mien models' lists the shipped ones")
    if str(path) in shipped():
        return SHIPPED / f"{path}.onnx"
    raise UnknownPartError(unknown("model", str(model), shipped()))


def read(model: str | Path) -> ModelFile:
    """Read and check a model file.

    Raises:
        UnknownPartError, ModelError: unknown, unreadable, damaged, or not one of mien's; the line says which.
    """
    path = locate(model)
    try:
        if path.stat().st_size > LARGEST:
            raise ModelError(f"{path}: larger than {LARGEST >> 20} MiB: not one of mien's models")
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot read the model: {error.strerror}") from None
    graph, text = _split(content, path)
    if text is None:
        raise ModelError(
            f"{path}: an ONNX file, but not one of mien's: it holds no labels; make one with 'mien train'"
        )
    try:
        stored = json.loads(text)
        if stored["format"] != FORMAT:
            raise ModelError(
                f"{path}: model format {stored['format']!r}; this mien reads format {FORMAT}: update mien"
            )
        told = {key: value for key, value in stored.items() if key not in ("format", "sha256")}
        meta = recipe.options(ModelMeta, told, str(path))
        intact = stored["sha256"] == _seal(graph, stored)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, RecipeError):
        raise ModelError(f"{path}: damaged: its description cannot be read; get the file again") from None
    if not intact:
        raise ModelError(f"{path}: damaged: its contents do not match their checksum; get the file again")
    return ModelFile(path, content, hashlib.sha256(content).hexdigest(), meta)


def write(path: Path, graph: bytes, meta: ModelMeta) -> None:
    """Write ``graph`` (a serialised ONNX model) with its meaning to ``path``, whole or not at all.

    Equal inputs give equal bytes.

    Raises:
        ModelError: ``graph`` is not ONNX or carries a description already.
        OutputError: the file cannot be written.
    """
    body, present = _split(graph, path)
    if present is not None:
        raise ModelError(f"{path}: the graph carries a mien description already")
    stored = {"format": FORMAT, **json.loads(json.dumps(asdict(meta)))}
    stored["sha256"] = _seal(body, stored)
    entry = _text(1, _KEY) + _text(2, json.dumps(stored, sort_keys=True, ensure_ascii=False).encode())
    atomic.write_bytes(path, body + _text(_METADATA_FIELD, entry))


def _seal(graph: bytes, stored: dict[str, Any]) -> str:
    """SHA-256 (hex) of the graph and of its description, but for the hash itself."""
    described = {key: value for key, value in stored.items() if key != "sha256"}
    return hashlib.sha256(graph + json.dumps(described, sort_keys=True).encode()).hexdigest()


def _split(content: bytes, path: Path) -> tuple[bytes, str | None]:
    """The file without mien's entry, and that entry's text, or None where it has none."""
    kept: list[bytes] = []
    found: str | None = None
    seen: set[int] = set()
    try:
        for number, wire, start, value, end in _fields(content):
            seen.add(number)
            if number == _METADATA_FIELD and wire == 2:
                inner = content[value:end]
                entry = {n: inner[v:e] for n, w, _, v, e in _fields(inner) if w == 2}
                if entry.get(1) == _KEY:
                    if found is not None:
                        raise ModelError(f"{path}: damaged: described twice; get the file again")
                    found = entry[2].decode()
                    continue
            kept.append(content[start:end])
    except (IndexError, ValueError, KeyError):
        raise ModelError(f"{path}: not an ONNX model, or cut short; get the file again") from None
    if not {1, 7} <= seen:  # ir_version and graph: no ONNX model is without them
        raise ModelError(f"{path}: not an ONNX model, or cut short; get the file again")
    return b"".join(kept), found


def _fields(data: bytes) -> Iterator[tuple[int, int, int, int, int]]:
    """Top-level protocol-buffer fields: number, wire type, start of field, start of value, end."""
    at = 0
    while at < len(data):
        start = at
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            value = at
            _, at = _varint(data, at)
        elif wire == 1:
            value, at = at, at + 8
        elif wire == 2:
            size, value = _varint(data, at)
            at = value + size
        elif wire == 5:
            value, at = at, at + 4
        else:
            raise ValueError(wire)
        if at > len(data) or number == 0:
            raise ValueError(number)
        yield number, wire, start, value, at


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError(shift)


def _text(number: int, data: bytes) -> bytes:
    """One length-delimited protocol-buffer field."""
    out = bytearray([*_as_varint(number << 3 | 2), *_as_varint(len(data))])
    return bytes(out) + data


def _as_varint(value: int) -> list[int]:
    out: list[int] = []
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return [*out, value]

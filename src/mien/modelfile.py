"""The model file: one ``.onnx`` that carries the meaning of its outputs.

mien keeps one entry of text in an ONNX file (see ``onnxfile``), a JSON object: what the file is, its recipe, data
fingerprint, seed, and the SHA-256 of everything else in the file, the object's other members included. There are
three kinds: expression models (``ModelMeta``: labels, preprocessing), the small networks that find and follow
faces (``NetworkMeta``: a job and its settings), and generators (``GeneratorMeta``: labels, invented people).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

from mien import atomic, onnxfile, recipe
from mien.errors import ModelError, RecipeError, UnknownPartError
from mien.labels import LabelSet
from mien.plugins import unknown

T = TypeVar("T")

FORMAT = 1
SHIPPED = Path(__file__).parent / "weights"
FACES = "faces"  # the folder of the face networks beside the expression models
GENERATORS = "generators"  # that of the generators
GENERATOR = "composites"  # the generator that "mien generate" takes
DEFAULT = "default"  # what the name "default" stands for; tables and cards record the model's own name and hash
LARGEST = 512 * 2**20  # bytes; a file beyond this is not one of ours, and reading it could exhaust memory

Job = Literal["detector", "landmarks", "signature"]


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a model or a network comes from.

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


@dataclass(frozen=True, slots=True)
class NetworkMeta:
    """All that the file of a face network says of itself.

    Attributes:
        name: short name, such as ``detector``.
        job: what the network does; its inputs and outputs follow from it (``mien.faces.networks``).
        settings: numbers that belong to the weights, JSON values: calibrations, sizes of inputs.
        provenance: where it comes from.
        notes: anything else, JSON values.
    """

    name: str
    job: Job
    settings: dict[str, Any]
    provenance: Provenance
    notes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NetworkFile:
    """The file of a face network in memory: its bytes, their SHA-256 (hex) and its meaning."""

    path: Path
    content: bytes
    sha256: str
    meta: NetworkMeta


@dataclass(frozen=True, slots=True)
class GeneratorMeta:
    """All that the file of a generator says of itself.

    Attributes:
        name: short name, such as ``composites``.
        labels: expressions and action units that can be asked for, in the order of their units.
        features: units below them in the same layer.
        people: invented people that can be asked for.
        size: pixels along each side of its faces.
        preprocessing: options of ``mien.faces.patches`` under which its training faces were cut.
        provenance: where it comes from.
        notes: anything else, JSON values.
    """

    name: str
    labels: LabelSet
    features: int
    people: int
    size: int
    preprocessing: dict[str, Any]
    provenance: Provenance
    notes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if min(self.features, self.people) < 1 or not 4 <= self.size <= 512:
            raise ValueError(f"no generator has {self.features} features, {self.people} people, size {self.size}")


@dataclass(frozen=True, slots=True)
class GeneratorFile:
    """The file of a generator in memory: its bytes, their SHA-256 (hex) and its meaning."""

    path: Path
    content: bytes
    sha256: str
    meta: GeneratorMeta


def shipped() -> tuple[str, ...]:
    """Names of the expression models that ship with mien, sorted."""
    return _names(SHIPPED)


def shipped_networks() -> tuple[str, ...]:
    """Names of the face networks that ship with mien, sorted; each is called as its job."""
    return _names(SHIPPED / FACES)


def shipped_generators() -> tuple[str, ...]:
    """Names of the generators that ship with mien, sorted."""
    return _names(SHIPPED / GENERATORS)


def locate(model: str | Path) -> Path:
    """The file behind a model's name or path.

    Raises:
        UnknownPartError: neither a file nor a shipped model; the message lists those there are.
        ModelError: it looks like a path, but no file is there.
    """
    name = DEFAULT if str(model) == "default" else model
    return _locate(name, SHIPPED, shipped(), "model", "'mien models' lists the shipped ones")


def read(model: str | Path) -> ModelFile:
    """Read and check the file of an expression model.

    Raises:
        UnknownPartError, ModelError: unknown, unreadable, damaged, or not one of mien's; the line says which.
    """
    path = locate(model)
    content, meta = _read(path, ModelMeta, "it holds no labels; make one with 'mien train'")
    return ModelFile(path, content, hashlib.sha256(content).hexdigest(), meta)


def read_network(network: str | Path) -> NetworkFile:
    """Read and check the file of a face network: the shipped one for a job, or any by its path.

    Raises:
        UnknownPartError, ModelError: as ``read``.
    """
    known = shipped_networks()
    path = _locate(network, SHIPPED / FACES, known, "face network", f"shipped: {', '.join(known) or 'none'}")
    content, meta = _read(path, NetworkMeta, "it does not say what it is for")
    return NetworkFile(path, content, hashlib.sha256(content).hexdigest(), meta)


def read_generator(generator: str | Path = GENERATOR) -> GeneratorFile:
    """Read and check the file of a generator: a shipped one by its name, or any by its path.

    Raises:
        UnknownPartError, ModelError: as ``read``.
    """
    known = shipped_generators()
    path = _locate(generator, SHIPPED / GENERATORS, known, "generator", f"shipped: {', '.join(known) or 'none'}")
    content, meta = _read(path, GeneratorMeta, "it does not say what it generates")
    return GeneratorFile(path, content, hashlib.sha256(content).hexdigest(), meta)


def write(path: Path, graph: bytes, meta: ModelMeta) -> None:
    """Write ``graph`` (a serialised ONNX model) with its meaning to ``path``, whole or not at all.

    Equal inputs give equal bytes.

    Raises:
        ModelError: ``graph`` is not ONNX or carries a description already.
        OutputError: the file cannot be written.
    """
    told = asdict(meta)
    if not meta.labels.action_units:
        del told["labels"]["action_units"]  # as in files from before action units, which an older mien reads, too
    _write(path, graph, told)


def write_network(path: Path, graph: bytes, meta: NetworkMeta) -> None:
    """Write a face network; as ``write``."""
    _write(path, graph, asdict(meta))


def write_generator(path: Path, graph: bytes, meta: GeneratorMeta) -> None:
    """Write a generator; as ``write``."""
    _write(path, graph, asdict(meta))


def _names(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(p.stem for p in folder.glob("[!.]*.onnx")))


def _locate(name: str | Path, folder: Path, known: tuple[str, ...], what: str, hint: str) -> Path:
    """The file at the path ``name``, or the shipped one of that name."""
    path = Path(name)
    if path.suffix == ".onnx" or path.parent != Path():
        with contextlib.suppress(OSError):  # a name too long for the file system is no file either
            if path.is_file():
                return path
        raise ModelError(f"{name}: no such {what} file; {hint}")
    if str(path) in known:
        return folder / f"{path}.onnx"
    raise UnknownPartError(unknown(what, str(name), known))


def _read(path: Path, kind: type[T], lacking: str) -> tuple[bytes, T]:
    """The checked bytes of a file and its meaning; ``lacking`` tells what a foreign file is without."""
    try:
        if path.stat().st_size > LARGEST:
            raise ModelError(f"{path}: larger than {LARGEST >> 20} MiB: not one of mien's models")
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: cannot read the model: {error.strerror}") from None
    graph, text = onnxfile.split(content, path)
    if text is None:
        raise ModelError(f"{path}: an ONNX file, but not one of mien's: {lacking}")
    try:
        stored = json.loads(text)
        if stored["format"] != FORMAT:
            raise ModelError(
                f"{path}: model format {stored['format']!r}; this mien reads format {FORMAT}: update mien"
            )
        _refuse_other_kind(path, kind, stored)
        told = {key: value for key, value in stored.items() if key not in ("format", "sha256")}
        meta = recipe.options(kind, told, str(path))
        intact = stored["sha256"] == _seal(graph, stored)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, RecipeError):
        raise ModelError(f"{path}: damaged: its description cannot be read; get the file again") from None
    if not intact:
        raise ModelError(f"{path}: damaged: its contents do not match their checksum; get the file again")
    return content, meta


def _refuse_other_kind(path: Path, kind: type[Any], stored: dict[str, Any]) -> None:
    """A face network is no expression model, nor is a generator, nor the other way round."""
    found = _kind(stored)
    if found is kind or found is None:
        return
    names = {
        ModelMeta: ("expression model", "'mien models' lists those"),
        NetworkMeta: ("face network", f"shipped: {', '.join(shipped_networks()) or 'none'}"),
        GeneratorMeta: ("generator", f"shipped: {', '.join(shipped_generators()) or 'none'}"),
    }
    wanted, hint = names[kind]
    a = "an" if wanted.startswith("e") else "a"
    raise ModelError(f"{path}: the {names[found][0]} {stored['name']!r}, not {a} {wanted}; {hint}")


def _kind(stored: dict[str, Any]) -> type[Any] | None:
    """What a description is of, by what only that kind has; ``None`` where it is of nothing known."""
    told = {"job": NetworkMeta, "people": GeneratorMeta}
    found = [kind for key, kind in told.items() if key in stored]
    if not found and "labels" in stored:
        return ModelMeta
    return found[0] if len(found) == 1 and ("labels" in stored) == (found[0] is GeneratorMeta) else None


def _write(path: Path, graph: bytes, told: dict[str, Any]) -> None:
    body, present = onnxfile.split(graph, path)
    if present is not None:
        raise ModelError(f"{path}: the graph carries a mien description already")
    stored = {"format": FORMAT, **json.loads(json.dumps(told))}
    stored["sha256"] = _seal(body, stored)
    atomic.write_bytes(path, onnxfile.joined(body, json.dumps(stored, sort_keys=True, ensure_ascii=False)))


def _seal(graph: bytes, stored: dict[str, Any]) -> str:
    """SHA-256 (hex) of the graph and of its description, but for the hash itself."""
    described = {key: value for key, value in stored.items() if key != "sha256"}
    return hashlib.sha256(graph + json.dumps(described, sort_keys=True).encode()).hexdigest()

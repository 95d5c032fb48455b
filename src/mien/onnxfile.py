"""One entry of free text in an ONNX file, found and appended without the onnx package.

An ONNX file is a protocol-buffer ``ModelProto``; its field 14 holds free text by text. Protocol buffers may be
concatenated, so an entry is appended to the exporter's bytes and found again by walking the top-level fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_METADATA_FIELD = 14  # ModelProto.metadata_props, onnx.proto
_KEY = b"mien"


def split(content: bytes, path: Path) -> tuple[bytes, str | None]:
    """The file without mien's entry, and that entry's text, or None where it has none.

    Raises:
        ModelError: not ONNX, cut short, or with two entries of mien's; the line names ``path``.
    """
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


def joined(graph: bytes, text: str) -> bytes:
    """``graph``, which has no entry of mien's yet, with ``text`` as that entry."""
    return graph + _text(_METADATA_FIELD, _text(1, _KEY) + _text(2, text.encode()))


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

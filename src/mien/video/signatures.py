"""What a file is by its first bytes, whatever it is called."""

from __future__ import annotations

import re

HEAD_BYTES = 4096
"""As many bytes from the start of a file as these functions want to see."""

_IMAGES = (
    b"\xff\xd8\xff",  # JPEG
    b"\x89PNG\r\n\x1a\n",
    b"BM",
    b"II*\x00",  # TIFF, least significant byte first
    b"MM\x00*",
)
_PNM = re.compile(rb"P[1-6]\s")
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif")


def is_image(head: bytes) -> bool:
    """Whether ``head`` begins a still picture: JPEG, PNG, BMP, TIFF, WebP or PNM.

    A bare MJPEG stream begins like a JPEG; only its name can tell the two apart.
    """
    if is_animated(head):
        return False
    return head.startswith(_IMAGES) or _is_webp(head) or _PNM.match(head) is not None


def is_animated(head: bytes) -> bool:
    """Whether ``head`` begins an animated PNG or WebP."""
    if head.startswith(b"\x89PNG"):
        return b"acTL" in head.partition(b"IDAT")[0]
    return _is_webp(head) and head[12:16] == b"VP8X" and b"ANIM" in head[16:64]


def is_heif(head: bytes) -> bool:
    """Whether ``head`` begins a HEIC or AVIF picture, which phones write and mien cannot read whole."""
    return head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS


def _is_webp(head: bytes) -> bool:
    return head.startswith(b"RIFF") and head[8:12] == b"WEBP"

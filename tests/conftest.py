"""Clips that tests make for themselves: any container, codec, pixel format and clock, a few frames small."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

# How long an example takes is the machine's affair: a busy one fails no test.
settings.register_profile("mien", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("mien")

SIZE = (64, 48)


def picture(place: int, width: int, height: int) -> np.ndarray:
    """RGB; a grey ramp with a white block in the top left quarter and a black one beside it, shifted per frame."""
    ramp = np.linspace(60, 150, width, dtype=np.uint8)
    grey = np.broadcast_to(ramp, (height, width)).copy()
    grey += np.uint8(place * 5 % 60)
    grey[: height // 3, : width // 3] = 250
    grey[: height // 3, width - width // 3 :] = 5
    return np.repeat(grey[:, :, None], 3, axis=2)


@dataclass(frozen=True)
class Clips:
    """Writes video files into one folder."""

    folder: Path

    def make(
        self,
        name: str,
        *,
        codec: str = "libx264",
        pixels: str = "yuv420p",
        count: int = 12,
        size: tuple[int, int] = SIZE,
        pts: Sequence[int] | None = None,
        base: Fraction = Fraction(1, 1000),
        rate: int = 25,
        bframes: int = 0,
        gop: int = 6,
        rotation: int = 0,
        mirror: bool = False,
        full_range: bool = False,
        container: dict[str, str] | None = None,
        options: dict[str, str] | None = None,
        draw: Callable[[int, int, int], np.ndarray] = picture,
    ) -> Path:
        """Encode ``count`` pictures with timestamps ``pts`` (``base`` units; evenly spaced if not given)."""
        width, height = size
        stamps = list(pts) if pts is not None else [round(i / rate / base) for i in range(count)]
        path = self.folder / name
        with av.open(str(path), "w", options=container or {}) as out:
            stream = out.add_stream(codec, rate=rate, options=options or {})
            stream.width, stream.height, stream.pix_fmt = width, height, pixels
            stream.time_base = stream.codec_context.time_base = base
            stream.codec_context.max_b_frames = bframes
            stream.codec_context.gop_size = gop
            if full_range:
                stream.codec_context.color_range = 2
            if rotation or mirror:
                stream.set_display_rotation(rotation, hflip=mirror)
            for place, stamp in enumerate(stamps):
                frame = av.VideoFrame.from_ndarray(draw(place, width, height), format="rgb24")
                if full_range:
                    frame = frame.reformat(format=pixels, dst_color_range="JPEG")
                frame.pts, frame.time_base = stamp, base
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        return path

    def sound(self, name: str, seconds: float = 0.2) -> Path:
        """A file with sound only."""
        path = self.folder / name
        with av.open(str(path), "w") as out:
            stream = out.add_stream("aac", rate=16000, layout="mono")
            for start in range(0, int(16000 * seconds), 1024):
                frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
                frame.sample_rate, frame.pts, frame.time_base = 16000, start, Fraction(1, 16000)
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
        return path


@pytest.fixture
def clips(tmp_path: Path) -> Clips:
    """Makes clips in the test's own folder."""
    return Clips(tmp_path)


@pytest.fixture(scope="session")
def make_clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``make_clip(name, **settings)``: as ``Clips.make``, each clip in a folder of its own."""
    return lambda name, **settings: Clips(tmp_path_factory.mktemp("clip")).make(name, **settings)

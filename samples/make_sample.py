"""Makes samples/astronaut.mp4, the clip of the demo: ``python samples/make_sample.py`` (needs the test group).

The face is ``skimage.data.astronaut()``, a NASA photograph in the public domain. A warp turns
the smile into surprise and back; a moving view makes the face leave for 0.8 seconds and return, and then brings in
a second, mirrored one. The frame rate varies on purpose, and there is a sound track (a soft tone).
"""

from __future__ import annotations

from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator
from skimage.data import astronaut

WIDTH, HEIGHT = 640, 480
SECONDS = 10.0
TICKS = 600  # time base: 1/600 second
STEPS = (20, 20, 24, 30, 16)  # ticks from frame to frame, in turn: 20 to 37.5 frames a second
SOUND_RATE = 16000

# Points of the photograph's face (pixels): where they lie as photographed, smiling; at rest; and in surprise.
_POINTS = [
    ((203, 141), (211, 149), (213, 155)),  # corners of the mouth
    ((243, 141), (235, 149), (233, 155)),
    ((223, 143.5), (223, 147.4), (223, 147)),  # upper lip, lower edge
    ((213, 142.5), (217, 147.8), (217, 149)),
    ((233, 142.5), (229, 147.8), (229, 149)),
    ((223, 149.5), (223, 148.2), (223, 165)),  # lower lip, upper edge
    ((213, 148), (217, 148.6), (217, 163)),
    ((233, 148), (229, 148.6), (229, 163)),
    ((223, 139), (223, 142.5), (223, 142)),  # upper lip, upper edge
    ((223, 154), (223, 153.5), (223, 170)),  # lower lip, lower edge
    ((197, 135), (199, 140), (200, 141)),  # folds
    ((249, 135), (247, 140), (246, 141)),
    ((223, 178), (223, 178), (223, 187)),  # chin
    ((202, 171), (202, 171), (203, 177)),
    ((243, 173), (243, 173), (242, 179)),
    ((190, 91), (190, 91), (190, 84)),  # brows
    ((201, 88), (201, 88), (201, 80)),
    ((212, 92), (212, 92), (212, 86)),
    ((238, 93), (238, 93), (238, 87)),
    ((250, 91), (250, 91), (250, 83)),
    ((262, 94), (262, 94), (262, 87)),
    ((204, 96.5), (204, 96.5), (204, 94.5)),  # upper lids
    ((246, 99), (246, 99), (246, 97)),
]
_STILL = [
    *((223, 135), (214, 134), (232, 134), (206, 130), (240, 131), (223, 125)),  # nose
    *((190, 118), (256, 118), (186, 148), (258, 150)),  # cheeks
    *((204, 105), (245, 107), (192, 101), (213, 103), (235, 105), (256, 105)),  # eyes
    *((223, 60), (180, 60), (270, 60), (160, 160), (285, 160), (223, 215)),  # beyond the face
]
_WINDOW = (158, 62, 288, 214)  # left, top, right, bottom of what is warped


def person(smile: float, surprise: float = 0.0) -> NDArray[np.uint8]:
    """The photograph between rest (0, 0), its smile (1, 0) and surprise (0, 1): uint8 (512, 512, 3)."""
    photo = astronaut()
    if smile >= 1:
        return photo
    smiling, rest, surprised = (np.array(points, float) for points in zip(*_POINTS, strict=True))
    wanted = rest + smile * (smiling - rest) + surprise * (surprised - rest)
    still = np.array(_STILL, float)
    # Where each output pixel comes from: known at the points, smooth between them, nothing far away.
    field = RBFInterpolator(
        np.vstack([wanted, still]), np.vstack([smiling - wanted, np.zeros_like(still)]), kernel="thin_plate_spline"
    )
    left, top, right, bottom = _WINDOW
    xs, ys = np.meshgrid(np.arange(left, right), np.arange(top, bottom))
    grid = np.stack([xs.ravel(), ys.ravel()], axis=1).astype(float)
    shift = field(grid).reshape(bottom - top, right - left, 2)
    fade = np.minimum.reduce([xs - left, right - 1 - xs, ys - top, bottom - 1 - ys]) / 12
    shift *= np.clip(fade, 0, 1)[..., None]
    source_x = (xs + shift[..., 0]).astype(np.float32)
    source_y = (ys + shift[..., 1]).astype(np.float32)
    out = photo.copy()
    out[top:bottom, left:right] = cv2.remap(photo, source_x, source_y, cv2.INTER_CUBIC)
    return _painted(out, 1 - smile, surprise)


def _painted(photo: NDArray[np.uint8], relaxed: float, opened: float) -> NDArray[np.uint8]:
    """Smooth the folds beside the mouth and cover the teeth, by lips (``relaxed``) or by the open mouth's dark."""
    ys, xs = np.mgrid[: photo.shape[0], : photo.shape[1]].astype(np.float32)

    def patch(x: float, y: float, wide: float, high: float) -> NDArray[np.float32]:
        return np.exp(-((((xs - x) / wide) ** 2 + ((ys - y) / high) ** 2) ** 2)).astype(np.float32)[..., None]

    picture = photo.astype(np.float32)
    soft = cv2.GaussianBlur(picture, (0, 0), 5)
    for x, y in ((203, 137), (243, 137), (196, 131), (250, 131)):
        picture += relaxed * patch(x, y, 8, 10) * (soft - picture)
    lips, dark = np.array([126, 70, 66], np.float32), np.array([48, 20, 20], np.float32)
    picture += relaxed * (1 - opened) * patch(223, 148.2, 12, 1.6) * 0.8 * (lips - picture)
    if opened > 0:
        height = 1.6 + 7.4 * opened
        picture += min(3 * opened, 1.0) * patch(223, 147.5 + 0.95 * height, 10.5, height) * (dark - picture)
    return np.clip(picture, 0, 255).astype(np.uint8)


@cache
def portrait(smile: float, surprise: float) -> NDArray[np.uint8]:
    """A person at the clip's size: uint8 (480, 400, 3)."""
    return cv2.resize(person(smile, surprise), (480, 480), interpolation=cv2.INTER_AREA)[:, :400]


@cache
def panorama(left: tuple[float, float], right: tuple[float, float]) -> NDArray[np.uint8]:
    """Both people, each with smile and surprise, with room to both sides: uint8 (480, 1700, 3)."""
    pair = np.hstack([portrait(*left), portrait(*right)[:, ::-1]])
    wide = cv2.copyMakeBorder(pair, 0, 0, 600, 300, cv2.BORDER_REFLECT)
    soft = cv2.GaussianBlur(wide, (0, 0), 25)
    soft[:, 600 : 600 + pair.shape[1]] = pair
    return soft


def ease(time: float, start: float, end: float) -> float:
    """0 before ``start``, 1 after ``end``, smooth between."""
    x = min(max((time - start) / (end - start), 0.0), 1.0)
    return x * x * (3 - 2 * x)


def shown(time: float, start: float, end: float) -> tuple[float, float]:
    """Smile and surprise of a face that is surprised from ``start`` to ``end`` and smiles before and after."""
    smile = 1 - ease(time, start - 0.2, start + 0.2) + ease(time, end, end + 0.6)
    surprise = 0.7 * (ease(time, start, start + 0.4) - ease(time, end - 0.2, end + 0.3))
    return round(20 * smile) / 20, round(20 * surprise) / 20


def frame_at(time: float) -> NDArray[np.uint8]:
    """The picture at ``time`` seconds: uint8 (480, 640, 3)."""
    # The first face lies at x = 809 of the panorama; the view follows, leaves it for a moment, shows both.
    away = ease(time, 5.0, 5.8) - ease(time, 5.9, 6.7)
    both = ease(time, 6.8, 7.6)
    left = 496 + 8 * np.sin(2 * np.pi * time / 5) - 490 * away + 185 * both
    shift = np.array([[1, 0, -left], [0, 1, 0]], np.float32)
    return cv2.warpAffine(panorama(shown(time, 1.8, 3.4), shown(time, 8.7, 10.5)), shift, (WIDTH, HEIGHT))


def main() -> None:
    """Write the clip beside this script."""
    path = Path(__file__).with_name("astronaut.mp4")
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=30)
        video.width, video.height, video.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        video.codec_context.time_base = Fraction(1, TICKS)
        video.options = {"crf": "25", "preset": "slow", "threads": "1"}
        sound = container.add_stream("aac", rate=SOUND_RATE, layout="mono")
        sound.bit_rate = 24000
        tick = index = 0
        while tick < SECONDS * TICKS:
            picture = av.VideoFrame.from_ndarray(frame_at(tick / TICKS), format="rgb24")
            picture.pts, picture.time_base = tick, Fraction(1, TICKS)
            container.mux(video.encode(picture))
            tick += STEPS[index % len(STEPS)]
            index += 1
        container.mux(video.encode(None))
        samples = np.arange(int(SECONDS * SOUND_RATE))
        tone = 0.05 * np.sin(2 * np.pi * 220 * samples / SOUND_RATE) * np.sin(np.pi * samples / len(samples))
        for start in range(0, len(tone), 1024):
            piece = av.AudioFrame.from_ndarray(
                tone[None, start : start + 1024].astype(np.float32), format="fltp", layout="mono"
            )
            piece.sample_rate, piece.pts, piece.time_base = SOUND_RATE, start, Fraction(1, SOUND_RATE)
            container.mux(sound.encode(piece))
        container.mux(sound.encode(None))
    print(f"{path}: {index} frames, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()

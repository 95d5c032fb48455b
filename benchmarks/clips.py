"""Clips for the benchmarks, made by code from a photograph in the public domain: 640x480, 30 frames a second."""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "samples"))

import make_sample  # the demo's clip maker: the face with and without its smile

RATE, WIDTH, HEIGHT = 30, 640, 480


def one_minute(path: Path) -> None:
    """One face that drifts and smiles now and then, with a camera's noise: 1800 frames."""
    photos = [
        cv2.resize(make_sample.person(s), (800, 800), interpolation=cv2.INTER_CUBIC) for s in (0, 0.33, 0.66, 1)
    ]
    noise = np.random.default_rng(0).normal(0, 3, (8, HEIGHT, WIDTH, 1)).astype(np.float32)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"crf": "23", "preset": "veryfast"}
        for index in range(60 * RATE):
            time = index / RATE
            photo = photos[min(max(round(2 - 3 * np.cos(2 * np.pi * time / 6)), 0), 3)]
            shift = (-60 + 40 * np.sin(time), -20 + 15 * np.sin(0.7 * time))
            view = cv2.warpAffine(photo, np.array([[1, 0, shift[0]], [0, 1, shift[1]]]), (WIDTH, HEIGHT))
            picture = np.clip(view + noise[index % 8], 0, 255).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))


def repeated(minute: Path, path: Path, times: int) -> None:
    """The same packets ``times`` over, with timestamps that go on."""
    with av.open(str(minute)) as source, av.open(str(path), "w") as container:
        video = source.streams.video[0]
        stream = container.add_stream_from_template(video)
        packets = [p for p in source.demux(video) if p.dts is not None]
        step = round(60 / float(video.time_base))
        assert Fraction(step) * video.time_base == 60
        data = [(bytes(p), p.pts, p.dts, p.is_keyframe) for p in packets]
        for turn in range(times):
            for content, pts, dts, key in data:
                packet = av.Packet(content)
                packet.stream, packet.time_base = stream, video.time_base
                packet.pts, packet.dts, packet.is_keyframe = pts + turn * step, dts + turn * step, key
                container.mux(packet)

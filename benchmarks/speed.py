"""Speed and memory of ``mien analyze``: ``python benchmarks/speed.py [--rounds 5] [--long 20]``.

Needs the project's test group, for the photograph that the clip is made from.

Prints, from one run on one clip (640x480, one face, 1800 frames): frames per second of decoding alone, of the
whole analysis into a Parquet file (plain, with the 68 points in it, and by the recipe ``viola_jones``), and the
ratio of the plain one to decoding, as medians over interleaved rounds; milliseconds per stage; peak memory of a
one-minute and a ``--long``-minute clip, each in a process of its own.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import av
import clips
import numpy as np

import mien
from mien.output.opening import open_table
from mien.pipeline import Count, Pipeline
from mien.video.ahead import Ahead
from mien.video.opening import open_source


def decode_only(path: Path) -> int:
    """PyAV with threads, nothing converted: the limit."""
    with av.open(str(path)) as container:
        container.streams.video[0].thread_type = "AUTO"
        return sum(1 for _ in container.decode(video=0))


def decode_grey(path: Path) -> int:
    """Our source with its thread, pixels as the analysis takes them."""
    with Ahead(open_source(str(path))) as frames:
        return sum(1 for frame in frames if frame.pixels.grey().size)


def analyse(
    path: Path, out: Path, *, model: str = "default", recipe: str | None = None, points: bool = False
) -> int:
    """What ``mien analyze CLIP -o OUT.parquet [--model MODEL] [--recipe RECIPE] [--landmarks]`` does."""
    pipeline = mien.load(model, recipe=recipe)
    sink = open_table(out, pipeline.shown(points=points))
    with Ahead(open_source(str(path))) as frames:
        count = Count(pipeline, str(path))
        for frame, result in pipeline.watch(frames):
            count.add(result)
            sink.write(frame, result)
        record = count.record(frames.decode_errors)
        sink.finish(record)
    return record.frames


class Timed:
    """Stands in for a part and keeps the milliseconds of each call of one method."""

    def __init__(self, part: Any, method: str, times: list[float]) -> None:
        self._part, self._method, self._times = part, method, times

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._part, name)
        if name != self._method:
            return real

        def timed(*args: Any, **kwargs: Any) -> Any:
            start = time.perf_counter()
            try:
                return real(*args, **kwargs)
            finally:
                self._times.append((time.perf_counter() - start) * 1e3)

        return timed


def stages(path: Path) -> dict[str, list[float]]:
    """Milliseconds per frame of each stage of the analysis."""
    pipeline: Pipeline = mien.load()
    times: dict[str, list[float]] = defaultdict(list)
    plain = pipeline.session()
    session = replace(
        plain,
        cuts=Timed(plain.cuts, "push", times["cuts"]),
        finder=Timed(plain.finder, "faces", times["find faces"]),
        tracker=Timed(plain.tracker, "update", times["track"]),
        model=Timed(plain.model, "score", times["patches and model"]),
    )
    with Ahead(open_source(str(path))) as frames:
        start = time.perf_counter()
        for frame in frames:
            arrived = time.perf_counter()
            times["wait for a frame"].append((arrived - start) * 1e3)
            session.push(frame)
            times["all but decoding"].append((time.perf_counter() - arrived) * 1e3)
            start = time.perf_counter()
    return times


def peak_memory(path: Path) -> float:
    """MB (2^20 bytes) at the peak of ``mien analyze`` in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        code = (
            "import sys; from mien.cli import cli;"
            f"cli(['analyze', {str(path)!r}, '-o', {folder + '/t.parquet'!r}], standalone_mode=False);"
            # VmHWM and not ru_maxrss, which begins with what the parent process had
            "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0], file=sys.stderr)"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(done.stderr.split()[-1]) / 1024


def per_second(job: Callable[[], int]) -> float:
    """Frames per second of one run of ``job``."""
    start = time.perf_counter()
    return job() / (time.perf_counter() - start)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds (default 5)")
    parser.add_argument(
        "--long", type=int, default=20, help="minutes of the long clip (default 20; 0 leaves it out)"
    )
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        minute, out = Path(folder, "minute.mp4"), Path(folder, "out.parquet")
        clips.one_minute(minute)
        analyse(minute, out)  # warm up
        jobs: dict[str, Callable[[], int]] = {
            "decode only": lambda: decode_only(minute),
            "decode and grey": lambda: decode_grey(minute),
            "analyse": lambda: analyse(minute, out),
            "with 68 points": lambda: analyse(minute, out, points=True),
            "viola_jones": lambda: analyse(minute, out, model="paper", recipe="viola_jones"),
        }
        rates: dict[str, list[float]] = {name: [] for name in jobs}
        for _ in range(chosen.rounds):
            for name, job in jobs.items():
                rates[name].append(per_second(job))
        print(f"clip: 640x480, one face, {decode_only(minute)} frames; medians of {chosen.rounds} rounds")
        for name, values in rates.items():
            print(f"  {name:16s} {median(values):8.1f} frames/s   (min {min(values):.1f}, max {max(values):.1f})")
        ratio = median(a / d for a, d in zip(rates["analyse"], rates["decode only"], strict=True))
        print(f"  analyse / decode only {ratio:.3f}")
        print("stage, ms a frame         p50     p95     p99    mean")
        for name, values in stages(minute).items():
            p50, p95, p99 = np.percentile(values, [50, 95, 99])
            print(f"  {name:20s} {p50:7.2f} {p95:7.2f} {p99:7.2f} {np.mean(values):7.2f}")
        short = peak_memory(minute)
        print(f"peak memory, 1 minute: {short:.0f} MB")
        if chosen.long:
            long = Path(folder, "long.mp4")
            clips.repeated(minute, long, chosen.long)
            peak = peak_memory(long)
            print(f"peak memory, {chosen.long} minutes: {peak:.0f} MB ({peak - short:+.0f} MB)")


if __name__ == "__main__":
    main()

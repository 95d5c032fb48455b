"""Whether what training needs fits into the memory there is; asked before anything large is allocated."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from mien.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator

CGROUP = Path("/sys/fs/cgroup")
"""Where Linux says what a container may use: (limit, in use) of version 2 and of version 1."""

LIMITS = (
    ("memory.max", "memory.current"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
)
GIB = 1 << 30


def require(needed: int, device: torch.device, what: str) -> None:
    """Refuse what cannot fit.

    Args:
        needed: bytes.
        device: on which they are wanted.
        what: they are for, as in "1000 hidden units on 576 visible ones".

    Raises:
        TrainingError: less than that is available; with both figures.
    """
    there = available(device)
    if there is not None and needed > there:
        raise TrainingError(
            f"boltzmann machine: {what} need {needed / GIB:.1f} GiB, but {there / GIB:.1f} GiB of memory are "
            f"available on {device}; use fewer hidden units or smaller batches"
        )


def available(device: torch.device) -> int | None:
    """Bytes that can still be allocated on ``device``; ``None`` where the system does not say."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return min(_on_host(), default=None)


def _on_host() -> Iterator[int]:
    """Bytes left under each limit of this process that can be read."""
    free = _free()
    if free is not None:
        yield free
    for limit, used in LIMITS:
        allowed, taken = _number(CGROUP / limit), _number(CGROUP / used)
        if allowed is not None and taken is not None:
            yield max(allowed - taken + _reclaimable(CGROUP / limit), 0)
    yield from _address_space()


def _free() -> int | None:
    """What the system could still give: on Linux with the caches that it would drop for it."""
    info = _text(Path("/proc/meminfo"))
    for line in info.splitlines():
        name, _, rest = line.partition(":")
        if name == "MemAvailable":
            return int(rest.split()[0]) * 1024
    try:  # elsewhere: all memory of the machine, which is at least an upper limit
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None


def _reclaimable(limit: Path) -> int:
    """Bytes of cached files that count as in use but are given up when memory is wanted."""
    for line in _text(limit.parent / "memory.stat").splitlines():
        name, _, value = line.partition(" ")
        if name in ("inactive_file", "total_inactive_file"):
            return int(value)
    return 0


def _address_space() -> Iterator[int]:
    """What ``ulimit -v`` leaves."""
    try:
        import resource
    except ModuleNotFoundError:  # Windows
        return
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    pages = _text(Path("/proc/self/statm")).split()
    if limit != resource.RLIM_INFINITY and pages:
        yield max(limit - int(pages[0]) * resource.getpagesize(), 0)


def _number(path: Path) -> int | None:
    """The number in a file; ``None`` without one, as in a limit that says ``max``."""
    text = _text(path).strip()
    return int(text) if text.isdigit() else None


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # not there, or not to be read: this source says nothing
        return ""

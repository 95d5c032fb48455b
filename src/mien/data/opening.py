"""``--data NAME[:ARGUMENT]`` -> a data set."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from mien.errors import UsageError
from mien.plugins import names, part

if TYPE_CHECKING:
    from mien.data.dataset import Dataset


def open_dataset(spec: str) -> Dataset:
    """Open the data set that ``spec`` names.

    Args:
        spec: ``NAME:PATH``, such as ``ckplus:path/to/ckplus``. A reader whose argument is not a path (such as
            ``synthetic`` or ``synthetic:people=20``) has a function ``parse(argument) -> Options`` of its own.

    Raises:
        UsageError: not of that form, or the path is missing.
        UnknownPartError: no reader of that name.
        DataError: the data set is missing, incomplete or contradicts itself.
    """
    name, _, argument = spec.partition(":")
    name, argument = name.strip(), argument.strip()
    if not name:
        known = ", ".join(names("data.readers"))
        raise UsageError(f"--data {spec!r}: expected NAME:PATH, such as ckplus:PATH; names: {known}")
    reader = part("data.readers", name)
    if hasattr(reader, "parse"):
        options = reader.parse(argument)
    elif argument:
        options = reader.Options(path=argument)
    else:
        raise UsageError(f"--data {spec!r}: {name} needs to know where the data lie: {name}:PATH")
    return cast("Dataset", reader.build(options))

"""The error tree. Every failure a user can cause or meet is one of these, with one clear line.

::

    MienError                    exit code 1
    ├── InputError               a source cannot be read: missing, empty, not a video, damaged, NaN pixels
    ├── OutputError              a result cannot be written: no folder, no permission, disk full
    ├── ModelError               a model file is unknown, damaged or foreign
    ├── DataError                a data set is not where or what it was said to be
    ├── TrainingError            training stopped: diverged, too little data, parity failed
    └── UsageError               exit code 2: the call itself is wrong
        ├── RecipeError          an unknown key or a wrong type in a recipe
        ├── UnknownPartError     no part, recipe or model of that name
        └── MissingExtraError    the command needs an optional dependency

Foreign errors (PyAV, OpenCV, ONNX Runtime, the operating system) are mapped to these at the border where
they occur, never further up.
"""

from __future__ import annotations


class MienError(Exception):
    """Base of all errors that mien raises on purpose; its message is one line fit to show a person."""

    exit_code = 1


class InputError(MienError):
    """A source cannot be read."""


class OutputError(MienError):
    """A result cannot be written."""


class ModelError(MienError):
    """A model file is unknown, damaged or not one of mien's."""


class DataError(MienError):
    """A data set is missing, incomplete or contradicts itself."""


class TrainingError(MienError):
    """Training cannot go on or must not be trusted."""


class UsageError(MienError):
    """The call itself is wrong: a flag, a name, a value."""

    exit_code = 2


class RecipeError(UsageError):
    """A recipe holds an unknown key, a wrong type or an impossible value."""


class UnknownPartError(UsageError):
    """No part, recipe or model has that name."""


class MissingExtraError(UsageError):
    """The call needs an optional dependency that is not installed."""

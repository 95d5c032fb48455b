"""What a generated face must show: an expression, action units that are there, action units that are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mien.errors import UnknownPartError, UsageError
from mien.labels import COMBINATIONS, NEUTRAL, canonical
from mien.plugins import unknown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mien.labels import Combination, LabelSet


@dataclass(frozen=True, slots=True)
class Clamp:
    """What is held while a face is drawn; action units that are not named are drawn with it.

    Attributes:
        label: an expression, or ``None`` where the action units say it all.
        present: action units that the face shows.
        absent: action units that it does not show.
    """

    label: str | None = None
    present: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


def asked(label: str | None, units: Sequence[str], labels: LabelSet) -> Clamp:
    """The clamp for an expression and action units in a person's words.

    Args:
        label: an expression, its synonyms included (``happy``), or ``None``.
        units: ``AU12`` for present, ``-AU12`` for absent.
        labels: what can be asked for.

    Returns:
        The clamp. A neutral face has all action units absent, as in training.

    Raises:
        UnknownPartError: no such expression or unit; the line names those there are.
        UsageError: nothing is asked for, or what is asked for contradicts itself.
    """
    if label is None and not units:
        raise UsageError("nothing to show: give a label, action units, or both")
    if label is not None:
        label = canonical(label)
        if label not in labels.expressions:
            raise UnknownPartError(unknown("label", label, labels.expressions))
    present: list[str] = []
    absent: list[str] = []
    for word in units:
        name = _spelled(word.removeprefix("-").strip())
        if name not in labels.action_units:
            raise UnknownPartError(unknown("action unit", name, labels.action_units))
        (absent if word.startswith("-") else present).append(name)
    _agree(label, present, absent)
    if label == NEUTRAL:
        absent = list(labels.action_units)
    return Clamp(label, tuple(dict.fromkeys(present)), tuple(dict.fromkeys(absent)))


def _agree(label: str | None, present: Sequence[str], absent: Sequence[str]) -> None:
    """Refuse what no face can show.

    Raises:
        UsageError: a unit both there and not, a neutral face with a unit, or a label none of whose combinations of
            units (``labels.COMBINATIONS``) is left.
    """
    both = sorted(set(present) & set(absent))
    if both:
        raise UsageError(f"{', '.join(both)} cannot be present and absent at once; ask for one of the two")
    if label == NEUTRAL and present:
        raise UsageError(
            f"a neutral face shows no action unit, so not {', '.join(present)}; leave one of the two out"
        )
    combinations = COMBINATIONS.get(label or "", ())
    if combinations and all(
        set(wanted.present) & set(absent) or set(wanted.absent) & set(present) for wanted in combinations
    ):
        shortest = [wanted for wanted in combinations if not any(_within(other, wanted) for other in combinations)]
        rules = " or ".join(_words(wanted.present, wanted.absent) for wanted in shortest)
        asked = _words(present, absent)
        raise UsageError(f"{label} is shown by {rules}, which {asked} rules out; leave one of the two out")


def _within(other: Combination, wanted: Combination) -> bool:
    """Whether a combination is part of another, which thereby needs no mention."""
    return set(other.present) < set(wanted.present) and set(other.absent) <= set(wanted.absent)


def _spelled(word: str) -> str:
    """``au6`` as ``AU06``; other words in capitals."""
    number = word[2:]
    if word[:2].upper() == "AU" and number.isascii() and number.isdigit():
        return f"AU{int(number):02}"
    return word.upper()


def _words(present: Sequence[str], absent: Sequence[str]) -> str:
    return "+".join(present) + "".join(
        f"{'' if k == 0 and not present else ' '}without {u}" for k, u in enumerate(absent)
    )

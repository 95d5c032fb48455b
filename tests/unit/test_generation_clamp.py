"""What may be asked of a generator, and what contradicts itself."""

import pytest

from mien.errors import UnknownPartError, UsageError
from mien.generation.clamp import Clamp, asked
from mien.labels import ACTION_UNITS, EXPRESSIONS, LabelSet

LABELS = LabelSet(EXPRESSIONS, tuple(ACTION_UNITS))


@pytest.mark.parametrize(
    ("label", "units", "expected"),
    [
        ("happiness", [], Clamp("happiness")),
        ("Happy", [], Clamp("happiness")),
        (None, ["AU6", "au12"], Clamp(None, ("AU06", "AU12"))),
        (None, ["AU12", "-AU25", "AU12"], Clamp(None, ("AU12",), ("AU25",))),
        ("surprise", ["AU25", "-AU04"], Clamp("surprise", ("AU25",), ("AU04",))),
        ("anger", ["-AU23"], Clamp("anger", (), ("AU23",))),  # AU04+05+07+24 is anger, too
        ("neutral", [], Clamp("neutral", (), tuple(ACTION_UNITS))),
        ("neutral", ["-AU12"], Clamp("neutral", (), tuple(ACTION_UNITS))),
    ],
)
def test_what_is_asked_for_is_held(label, units, expected):
    assert asked(label, units, LABELS) == expected


@pytest.mark.parametrize(
    ("label", "units", "said"),
    [
        (None, [], "nothing to show: give a label, action units, or both"),
        (None, ["AU12", "-AU12"], "AU12 cannot be present and absent at once"),
        ("neutral", ["AU12"], "a neutral face shows no action unit, so not AU12"),
        ("happiness", ["-AU12"], "happiness is shown by AU12, which without AU12 rules out"),
        ("surprise", ["AU04"], "surprise is shown by AU01+AU02 without AU04 or "),
        ("sadness", ["-AU11", "-AU15"], "which without AU11 without AU15 rules out"),
        ("disgust", ["-AU09", "-AU10"], "disgust is shown by AU09 or AU10, which "),
    ],
)
def test_contradictions_are_refused(label, units, said):
    with pytest.raises(UsageError) as caught:
        asked(label, units, LABELS)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("label", "units", "said"),
    [
        ("hapiness", [], "no label is called 'hapiness'; did you mean happiness? there are: anger, "),
        (None, ["AU3"], "no action unit is called 'AU03'; did you mean AU"),
        (None, ["-AU99"], "no action unit is called 'AU99'"),
    ],
)
def test_unknown_words_are_told_with_the_known_ones(label, units, said):
    with pytest.raises(UnknownPartError) as caught:
        asked(label, units, LABELS)
    assert said in str(caught.value)

"""The summary of a run, against a slow twin that keeps every frame."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.temporal import summary
from mien.temporal.summary import Summary
from mien.types import Box, FrameResult, Observation

LABELS = ("anger", "happiness", "neutral")


def face(number, scores, state="confirmed", certainty=1.0):
    scores = np.asarray(scores, np.float64)
    best = LABELS[int(np.argmax(scores))]
    return Observation(number, Box(0, 0, 9, 9), 0.9, state, best, scores / scores.sum(), certainty)


def told(results):
    made = Summary(LABELS)
    for result in results:
        made.add(result)
    return made.finish()


def slow(results):
    """The same figures from lists of everything."""
    times = [r.time for r in results]
    timed = bool(results) and times[0] is not None
    steps = [b - a for a, b in itertools.pairwise(times)] if timed else [0.0] * len(results)
    lasting = [*steps, steps[-1] if steps else 0.0][: len(results)]
    people = sorted({f.face for r in results for f in r.faces})
    out = {
        "frames": len(results),
        "seconds": sum(lasting) if timed else None,
        "frames_without_face": sum(not r.faces for r in results),
        "seconds_without_face": sum(s for r, s in zip(results, lasting, strict=True) if not r.faces)
        if timed
        else None,
        "shots": max((r.shot for r in results), default=0),
        "uncertain": [
            {"face": f.face, "frame": r.frame, "time": r.time, "certainty": f.certainty}
            for r in results
            for f in r.faces
            if f.state == "found" and f.certainty < 0.8
        ],
        "faces": [],
    }
    for number in people:
        seen = [(r, f, s) for r, s in zip(results, lasting, strict=True) for f in r.faces if f.face == number]
        spans = []
        for result, observed, _ in seen:
            here = result.time if timed else result.frame
            if observed.state == "found" or not spans:
                spans.append([here, here])
            spans[-1][1] = here
        expressions = {}
        for i, label in enumerate(LABELS):
            mine = [(r, f, s) for r, f, s in seen if f.expression == label]
            best = max(seen, key=lambda item: item[1].probabilities[i])
            expressions[label] = {
                "frames": len(mine),
                "seconds": sum(s for *_, s in mine) if timed else None,
                "share": len(mine) / len(seen),
                "mean": float(np.mean([f.probabilities[i] for _, f, _ in seen])),
                "peak": {
                    "probability": float(best[1].probabilities[i]),
                    "time": best[0].time,
                    "frame": best[0].frame,
                },
            }
        out["faces"].append(
            {
                "face": number,
                "frames": len(seen),
                "seconds": sum(s for *_, s in seen) if timed else None,
                "first": seen[0][0].time,
                "last": seen[-1][0].time,
                "first_frame": seen[0][0].frame,
                "last_frame": seen[-1][0].frame,
                "appearances": spans,
                "withheld": {"frames": 0, "seconds": 0.0 if timed else None},
                "expressions": expressions,
            }
        )
    return out


def alike(one, other):
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        for key in one:
            alike(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for a, b in zip(one, other, strict=True):
            alike(a, b)
    elif isinstance(one, float):
        assert one == pytest.approx(other, abs=2e-6)
    else:
        assert one == other


people = st.dictionaries(
    st.integers(1, 4),
    st.tuples(
        st.lists(st.integers(1, 50), min_size=3, max_size=3),
        st.sampled_from(["tentative", "confirmed", "found"]),
        st.floats(0, 1),
    ),
    max_size=3,
)


@given(st.lists(st.tuples(st.floats(0, 2), people), max_size=25), st.booleans(), st.integers(1, 7))
def test_it_is_its_slow_twin(frames, timed, every):
    times = np.cumsum([step for step, _ in frames]) if timed else [None] * len(frames)
    results = [
        FrameResult(
            place * every,
            None if now is None else float(now),
            tuple(face(number, *shown) for number, shown in sorted(seen.items())),
            shot=1 + place // 4,
        )
        for place, (now, (_, seen)) in enumerate(zip(times, frames, strict=True))
    ]
    found = told(results)
    for person in found["faces"]:
        sums = person["expressions"]
        unit = "seconds" if timed and any(s["seconds"] for s in sums.values()) else "frames"
        most = max(sums.values(), key=lambda s: s[unit])[unit]
        assert sums[person.pop("dominant")][unit] == pytest.approx(most, abs=2e-6)
    alike(found, slow(results))
    assert json.loads(json.dumps(found)) == found


@given(st.lists(st.floats(0.001, 3), min_size=1, max_size=40), st.integers(0, 2**40 - 1))
def test_durations_add_up_to_the_clip_s_length_at_any_frame_rate(steps, where):
    times = np.concatenate([[0], np.cumsum(steps)])
    results = [
        FrameResult(i, float(t), (face(1, [1, 2, 3]),) if where >> i & 1 else ()) for i, t in enumerate(times)
    ]
    found = told(results)
    whole = times[-1] + steps[-1]  # the last frame counts as long as the one before it
    assert found["seconds"] == pytest.approx(whole, abs=1e-5)
    seen = sum(person["seconds"] for person in found["faces"])
    assert seen + found["seconds_without_face"] == pytest.approx(whole, abs=1e-5)
    for person in found["faces"]:
        parts = person["expressions"].values()
        assert sum(part["seconds"] for part in parts) == pytest.approx(person["seconds"], abs=1e-5)
        assert sum(part["share"] for part in parts) == pytest.approx(1, abs=1e-5)
        assert sum(part["mean"] for part in parts) == pytest.approx(1, abs=1e-5)


def test_a_slow_stretch_weighs_as_long_as_it_lasts():
    """Ten happy frames in a tenth of a second, two neutral ones over a second."""
    results = [FrameResult(i, i / 100, (face(1, [0, 1, 0]),)) for i in range(10)]
    results += [FrameResult(10, 0.1, (face(1, [0, 0, 1]),)), FrameResult(11, 0.6, (face(1, [0, 0, 1]),))]
    (person,) = told(results)["faces"]
    assert person["dominant"] == "neutral"
    assert person["expressions"]["happiness"]["frames"] == 10
    assert person["expressions"]["happiness"]["seconds"] == pytest.approx(0.1)
    assert person["expressions"]["neutral"]["seconds"] == pytest.approx(1.0)


def test_appearances():
    states = {0: "tentative", 1: "confirmed", 4: "found", 5: "confirmed", 6: "confirmed", 9: "found"}
    results = [FrameResult(i, i / 10, (face(1, [1, 0, 0], states[i]),) if i in states else ()) for i in range(12)]
    (person,) = told(results)["faces"]
    assert person["appearances"] == [[0.0, 0.1], [0.4, 0.6], [0.9, 0.9]]
    assert (person["first"], person["last"]) == (0.0, 0.9)
    assert (person["first_frame"], person["last_frame"]) == (0, 9)


def test_a_return_that_may_be_somebody_else_is_told():
    """Sure returns, and doubts about a face that was never away, are not."""
    shown = [("tentative", 0.1), ("confirmed", 0.2), ("found", 0.79), ("found", 0.8), ("confirmed", 0.5)]
    results = [FrameResult(i, i / 2, (face(3, [1, 0, 0], *seen),)) for i, seen in enumerate(shown)]
    assert told(results)["uncertain"] == [{"face": 3, "frame": 2, "time": 1.0, "certainty": 0.79}]


def test_doubts_without_end_are_not_all_kept():
    results = [FrameResult(i, i / 25, (face(1, [1, 0, 0], "found", 0.5),)) for i in range(1200)]
    listed = told(results)["uncertain"]
    assert len(listed) == summary.MOST_UNCERTAIN == 1000
    assert listed[-1]["frame"] == 999


def test_the_first_of_equal_peaks_counts():
    results = [FrameResult(i, float(i), (face(1, [3, p, 1]),)) for i, p in enumerate([1, 7, 7, 2])]
    peak = told(results)["faces"][0]["expressions"]["happiness"]["peak"]
    assert (peak["time"], peak["frame"]) == (1.0, 1)
    assert peak["probability"] == pytest.approx(7 / 11, abs=1e-6)


def test_no_clock():
    found = told([FrameResult(i, None, (face(1, [1, 2, 0], "confirmed" if i else "tentative"),)) for i in range(3)])
    assert found["seconds"] is None
    assert found["seconds_without_face"] is None
    (person,) = found["faces"]
    assert person["appearances"] == [[0, 2]]
    assert person["seconds"] is None
    assert person["dominant"] == "happiness"
    assert person["expressions"]["happiness"]["seconds"] is None


def test_no_face():
    found = told([FrameResult(i, i / 4, ()) for i in range(8)])
    assert found == {
        "frames": 8,
        "seconds": 2.0,
        "frames_without_face": 8,
        "seconds_without_face": 2.0,
        "shots": 1,
        "uncertain": [],
        "faces": [],
    }


def test_no_frame_and_one_frame():
    assert told([])["frames"] == 0
    assert told([])["seconds"] is None
    found = told([FrameResult(0, 0.0, (face(1, [1, 5, 1], "tentative"),))])
    assert found["seconds"] == 0
    assert found["faces"][0]["dominant"] == "happiness"


def test_a_face_that_flickers_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(summary, "MOST_SPANS", 5)
    results = [FrameResult(i, float(i), (face(1, [1, 0, 0], "found"),)) for i in range(100)]
    (person,) = told(results)["faces"]
    assert len(person["appearances"]) == 5
    assert person["appearances"][-1] == [4.0, 99.0]
    assert person["frames"] == 100


UNITS = ("AU06", "AU12")


def moving(units, expression="happiness"):
    return Observation(
        1, Box(0, 0, 9, 9), 0.9, "confirmed", expression, np.array([0.1, 0.8, 0.1]), action_units=np.array(units),
        withheld="" if expression else "size",
    )  # fmt: skip


def test_action_units():
    made = Summary(LABELS, UNITS)
    for place, units in enumerate([(0.2, 0.5), (0.1, 0.9), (0.49, 0.2), (0.3, 0.7)]):
        made.add(FrameResult(place, place / 2, (moving(units),)))
    (person,) = made.finish()["faces"]
    assert list(person["action_units"]) == list(UNITS)
    smile = person["action_units"]["AU12"]
    assert smile == {
        "frames": 3,
        "seconds": 1.5,
        "share": 0.75,
        "mean": 0.575,
        "peak": {"probability": 0.9, "time": 0.5, "frame": 1},
    }
    cheeks = person["action_units"]["AU06"]
    assert (cheeks["frames"], cheeks["share"], cheeks["peak"]["frame"]) == (0, 0.0, 2)
    assert person["expressions"]["happiness"]["frames"] == 4


def test_a_model_without_action_units_tells_none():
    (person,) = told([FrameResult(0, 0.0, (face(1, [1, 2, 3]),))])["faces"]
    assert "action_units" not in person


def test_action_units_that_are_missing_are_a_mistake():
    with pytest.raises(ValueError, match="face 1: no probability for each of 2 action units"):
        Summary(LABELS, UNITS).add(FrameResult(0, 0.0, (face(1, [1, 2, 3]),)))


def test_withheld_expressions_count_for_no_label():
    results = [FrameResult(i, i / 4, (moving((0, 0), "" if i < 3 else "anger"),)) for i in range(4)]
    (person,) = told(results)["faces"]
    assert person["withheld"] == {"frames": 3, "seconds": 0.75}
    assert (person["frames"], person["seconds"]) == (4, 1.0)
    assert [sums["frames"] for sums in person["expressions"].values()] == [1, 0, 0]
    assert person["expressions"]["anger"]["share"] == 0.25
    assert person["dominant"] == "anger"


@pytest.mark.parametrize("timed", [True, False])
def test_a_face_of_which_nothing_was_said(timed):
    (person,) = told([FrameResult(i, i / 4 if timed else None, (moving((0, 0), ""),)) for i in range(3)])["faces"]
    assert person["dominant"] is None
    assert person["withheld"]["frames"] == 3
    assert person["expressions"]["happiness"]["peak"]["probability"] == 0.8

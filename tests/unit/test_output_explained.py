"""The picture behind --explain: which moments, what is drawn, in bounded memory, whole or not at all."""

from __future__ import annotations

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from mien.errors import ModelError, OutputError, UsageError
from mien.labels import EXPRESSIONS, LabelSet
from mien.output import explained, heat, sheet
from mien.output.moments import STRETCHES, Moment, Moments
from mien.types import Box, Frame, FrameResult, Observation, RunRecord

UNITS = ("AU01", "AU12")
LABELS, TWO_HEADS = LabelSet(EXPRESSIONS), LabelSet(EXPRESSIONS, UNITS)
RECORD = RunRecord("0.1.0", "clip.mp4", "tiny", "00", "", EXPRESSIONS)


def seen(face=1, expression="happiness", share=0.9, units=None, **more) -> Observation:
    shares = np.full(8, (1 - share) / 7)
    shares[EXPRESSIONS.index(expression)] = share
    box, known = Box(0, 0, 9, 9), None if units is None else np.array(units, float)
    shown = "" if "withheld" in more else expression
    return Observation(face, box, 0.9, "confirmed", shown, shares, action_units=known, **more)


def evidence(name, map_=None, regions=None):
    return SimpleNamespace(
        name=name,
        probability=0.9,
        covered=0.4,
        map=np.zeros((24, 24)) if map_ is None else map_,
        regions={"mouth": 0.61, "cheeks": 0.22, "eyes": 0.01} if regions is None else regions,
    )


class Explainer:
    """Cuts grey squares and explains with an orange mouth; counts what it is asked."""

    def __init__(self, fails: bool = False):
        self.cuts, self.explained, self.fails = 0, [], fails

    def patch(self, frame, face):
        self.cuts += 1
        return np.zeros((24, 24), np.float32)

    def picture(self, frame, face, grown, pixels):
        return np.full((pixels, pixels, 3), 128, np.uint8)

    def explain(self, patch, face):
        if self.fails:
            raise ModelError("m.onnx: fails")
        self.explained.append(face)
        mouth = np.zeros((24, 24))
        mouth[16:20, 8:16] = 2.0
        units = () if face.action_units is None else [evidence(u, mouth) for u in UNITS]
        return SimpleNamespace(
            expression=evidence("happiness", mouth), units=units, probabilities=face.probabilities
        )


def run(path, frames, labels=LABELS, timed=True, explainer=None):
    asked = explainer or Explainer()
    sink = explained.build(explained.Options(path, labels, asked, "clip.mp4"))
    for index, faces in enumerate(frames):
        time = index / 25 if timed else None
        result = None if faces is None else FrameResult(index, time, tuple(faces))
        sink.write(Frame(index, time, None), result)  # type: ignore[arg-type]
    sink.finish(RECORD)
    return asked


def read(path):
    return cv2.imread(str(path))[:, :, ::-1]


def test_every_expression_that_a_face_showed_is_explained_in_order_of_time(tmp_path):
    shown = ["neutral"] * 50 + ["surprise"] * 50 + ["neutral"] * 50 + ["happiness"] * 50
    asked = run(tmp_path / "o.png", [[seen(expression=e)] for e in shown])
    assert [face.expression for face in asked.explained] == ["surprise", "happiness"]
    assert read(tmp_path / "o.png").shape[1] > 1000
    assert [entry.name for entry in tmp_path.iterdir()] == ["o.png"]


def test_a_short_weak_expression_is_not_lost_among_strong_ones(tmp_path):
    shown = ["happiness"] * 1000 + ["surprise"] * 30 + ["happiness"] * 3000
    asked = run(tmp_path / "o.png", [[seen(expression=e, share=0.99 if e == "happiness" else 0.6)] for e in shown])
    assert sorted(face.expression for face in asked.explained) == ["happiness", "happiness", "surprise"]


def test_a_still_is_that_one_moment(tmp_path):
    asked = run(tmp_path / "o.png", [[seen(expression="neutral")]], timed=False)
    assert len(asked.explained) == 1


def test_a_long_smile_is_not_explained_over_and_over(tmp_path):
    asked = run(tmp_path / "o.png", [[seen(share=0.9)] for _ in range(5000)])
    assert len(asked.explained) == 2
    assert asked.cuts < 200  # not every frame is cut out


def test_the_strongest_action_unit_has_a_moment_of_its_own(tmp_path):
    frames = [[seen(share=0.95, units=(0.1, 0.2))] for _ in range(100)]
    frames += [[seen(expression="neutral", units=(0.97 if k == 50 else 0.3, 0.1))] for k in range(100)]
    asked = run(tmp_path / "o.png", frames, TWO_HEADS)
    assert max(face.action_units[0] for face in asked.explained) == 0.97
    assert {face.expression for face in asked.explained} == {"happiness", "neutral"}


def test_where_the_expression_is_withheld_another_moment_is_taken(tmp_path):
    frames = [[seen(share=0.99, withheld="too small")] for _ in range(50)] + [[seen(share=0.55)] for _ in range(50)]
    asked = run(tmp_path / "o.png", frames)
    assert [face.expression for face in asked.explained] == ["happiness"]
    only = run(tmp_path / "o.png", frames[:50])
    assert [face.withheld for face in only.explained] == ["too small"]


def test_no_more_faces_and_moments_than_can_be_looked_at(tmp_path):
    frames = [[seen(face, EXPRESSIONS[index // 40 % 8]) for face in range(1, 12)] for index in range(400)]
    asked = run(tmp_path / "o.png", frames)
    counts = np.bincount([face.face for face in asked.explained])
    assert (counts > 0).sum() == explained.FACES
    assert counts.max() == explained.MOMENTS


def test_memory_is_bounded_in_time_and_faces(tmp_path):
    sink = explained.build(explained.Options(tmp_path / "o.png", TWO_HEADS, Explainer()))
    for index in range(3000):
        face = seen(1 + index // 10, share=0.5 + index % 7 / 20, units=(index % 11 / 10, 0))
        sink.write(Frame(index, index / 5, None), FrameResult(index, index / 5, (face,)))
    assert len(sink._faces) <= 16
    sink.abandon()
    moments = Moments()
    for index in range(5000):
        cut = Moment(index / 5, True, seen(), np.zeros((2, 2), np.float32), np.zeros((2, 2, 3), np.uint8))
        moments.add(index / 5, EXPRESSIONS, seen(share=0.4 + index % 13 / 30), lambda cut=cut: cut)
    assert all(len(peaks._kept) <= STRETCHES for peaks in moments._expressions.values())
    assert list(tmp_path.iterdir()) == []


def test_heat_is_orange_for_and_blue_against():
    grey = np.full((100, 100, 3), 128, np.uint8)
    map_ = np.zeros((24, 24))
    map_[4:8, 4:8], map_[16:20, 16:20] = 3, -3
    over = heat.laid_over(grey, map_, (10, 90)).astype(int)
    assert over[30, 30, 0] - over[30, 30, 2] > 80
    assert over[70, 70, 2] - over[70, 70, 0] > 80
    assert (over[:9] == over[0, 0, 0]).all()  # outside the patch there is no heat
    faint = heat.laid_over(grey, map_ / 300, (10, 90)).astype(int)
    assert np.ptp(faint, axis=2).max() < 12  # hardly anything looks like hardly anything


def test_regions_in_words():
    assert sheet.named({"mouth": 0.61, "cheeks": 0.22, "eyes": 0.17}) == "mouth 61 %, cheeks 22 %, eyes 17 %"
    assert sheet.named({"mouth": 0.97, "eyes": 0.03}) == "mouth 97 %"
    assert sheet.named({}) == ""


def test_the_heat_and_the_bars_are_in_the_picture(tmp_path):
    run(tmp_path / "o.png", [[seen(units=(0.9, 0.8), evidence="happiness .90 = AU06 AU12")]], TWO_HEADS)
    picture = read(tmp_path / "o.png").astype(int)
    orange = (picture[:, :, 0] - picture[:, :, 2] > 90).sum(axis=0)
    assert orange[:700].sum() > 2000  # the face's heat
    assert orange[900:].sum() > 1000  # the units' heat
    plain = run(tmp_path / "p.png", [[seen()]], LABELS)
    assert plain.explained
    assert read(tmp_path / "p.png").shape[1] < picture.shape[1]  # no room for units that the model has not


def test_no_face_is_a_picture_that_says_so(tmp_path):
    run(tmp_path / "o.png", [[], None, []])
    assert (read(tmp_path / "o.png") < 128).any()


@pytest.mark.parametrize(
    "labels", [LabelSet(tuple(f"label {k}" for k in range(40))), LabelSet(("anger", "b" * 300))]
)
def test_other_vocabularies(tmp_path, labels):
    shares = np.full(len(labels.expressions), 1 / len(labels.expressions))
    face = Observation(1, Box(0, 0, 9, 9), 0.9, "confirmed", labels.expressions[0], shares)
    run(tmp_path / "o.png", [[face]], labels)
    assert (tmp_path / "o.png").exists()


def test_another_suffix_is_wrong_usage(tmp_path):
    with pytest.raises(UsageError, match=r"must end in \.png"):
        explained.build(explained.Options(tmp_path / "o.jpg", LABELS, Explainer()))


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(OutputError, match="does not exist"):
        explained.build(explained.Options(tmp_path / "no" / "o.png", LABELS, Explainer()))


def test_a_model_that_fails_leaves_what_stood_there_before(tmp_path):
    (tmp_path / "o.png").write_bytes(b"older")
    with pytest.raises(ModelError):
        run(tmp_path / "o.png", [[seen()]], explainer=Explainer(fails=True))
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("o.png", b"older")]

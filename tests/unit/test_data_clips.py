"""The reader of clips: evenly spaced moments, one decoding per clip, faces that move."""

import os
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.data import clip as clip_module
from mien.data.clip import nearest
from mien.data.opening import open_dataset
from mien.data.readable import readable
from mien.data.readers import clips as reader
from mien.data.readers import synthetic
from mien.errors import DataError

FACE = synthetic.build(synthetic.Options(people=1)).items[0].face()


def scene(place: int, width: int, height: int) -> np.ndarray:
    """The face before a wall that is brighter from frame to frame, two pixels further right each time."""
    picture = np.full((height, width), 60 + 5 * place, np.uint8)
    left = 10 + 2 * place
    picture[40 : 40 + 128, left : left + 128] = FACE
    return np.repeat(picture[:, :, None], 3, axis=2)


def wall(place: int, width: int, height: int) -> np.ndarray:
    return np.full((height, width, 3), 80, np.uint8)


@pytest.fixture
def filmed(tmp_path, make_clip) -> Path:
    """Two classes of one clip each, eleven frames."""
    for name in ("happiness/anna_01.mp4", "sad/ben_01.mkv"):
        (tmp_path / name).parent.mkdir()
        made = make_clip(Path(name).name, count=11, size=(192, 208), draw=scene, options={"crf": "10"})
        made.rename(tmp_path / name)
    return tmp_path


def load(path: Path, frames: int = 5):
    return reader.build(reader.Options(str(path), frames))


def test_a_clip_is_a_sequence_of_moments(filmed):
    dataset = open_dataset(f"clips:{filmed}")
    assert dataset.name == "clips"
    assert dataset.labels.expressions == ("happiness", "sadness")
    assert [(i.name, i.subject, i.sequence, i.place, i.expression) for i in dataset.items[:2]] == [
        ("happiness/anna_01.mp4#000", "anna", "happiness/anna_01.mp4", 0, "happiness"),
        ("happiness/anna_01.mp4#001", "anna", "happiness/anna_01.mp4", 1, "happiness"),
    ]
    assert len(dataset.items) == 10


def test_moments_run_from_the_first_frame_to_the_last_and_follow_the_face(filmed, monkeypatch):
    looked = []
    cut = clip_module.crop
    monkeypatch.setattr(
        clip_module, "crop", lambda grey, where: (looked.append((grey, where)), cut(grey, where))[1]
    )
    faces = [item.face() for item in load(filmed, 3).items[:3]]
    assert all(face.shape[0] == face.shape[1] > 80 for face in faces)
    # wall's brightness tells the frame
    places = [(float(grey[:20].mean()) - 60) / 5 for grey, _ in looked]
    assert places == pytest.approx([0, 5, 10], abs=0.4)
    xs = [where.x for _, where in looked]
    assert np.diff(xs) == pytest.approx([10, 10], abs=4)


def test_a_clip_is_opened_once_however_many_moments_are_read(filmed, monkeypatch):
    opened = []
    plain = clip_module.VideoFile
    monkeypatch.setattr(clip_module, "VideoFile", lambda path: (opened.append(path.name), plain(path))[1])
    for item in load(filmed).items:
        item.face()
    # once for the times and once for the pictures
    assert opened == ["anna_01.mp4"] * 2 + ["ben_01.mkv"] * 2


def test_what_the_caller_does_to_a_face_is_forgotten(filmed):
    item = load(filmed).items[0]
    first = item.face()
    kept = first.copy()
    first[:] = 0
    assert (item.face() == kept).all()


def test_time_counts_not_the_number_of_frames(tmp_path, make_clip):
    (tmp_path / "fear").mkdir()
    (tmp_path / "anger").mkdir()
    stamps = [0, 10, 20, 30, 40, 500, 1000]
    made = make_clip("a_1.mkv", count=7, pts=stamps, base=Fraction(1, 1000), size=(192, 208), draw=scene)
    made.rename(tmp_path / "fear" / "a_1.mkv")
    (tmp_path / "anger" / "b_1.mkv").write_bytes((tmp_path / "fear" / "a_1.mkv").read_bytes())
    walls = [item.face() for item in load(tmp_path, 3).items[:3]]
    again = [item.face() for item in load(tmp_path, 2).items[:2]]
    assert (walls[0] == again[0]).all()
    assert (walls[2] == again[1]).all()
    assert nearest([s / 1000 for s in stamps], 3) == [0, 5, 6]


def test_clips_that_cannot_be_used_say_why(filmed, make_clip):
    make_clip("cem_1.mp4", count=11, size=(192, 208), draw=wall).rename(filmed / "sad" / "cem_1.mp4")
    make_clip("dov_1.mp4", count=4, size=(192, 208), draw=scene).rename(filmed / "sad" / "dov_1.mp4")
    (filmed / "sad" / "eva_1.mp4").write_bytes(b"junk" * 99)
    (filmed / "sad" / "fay_1.mp4").write_bytes(b"")
    with pytest.raises(DataError, match="20 of 30 faces cannot be read"):
        readable(load(filmed))
    said = {}
    for item in load(filmed).items:
        try:
            item.face()
        except DataError as error:
            said.setdefault(item.subject, str(error))
    assert set(said) == {"cem", "dov", "eva", "fay"}
    assert "cem_1.mp4: no face found in it" in said["cem"]
    assert "dov_1.mp4: has 4 frame(s), 5 are needed" in said["dov"]
    assert "eva_1.mp4" in said["eva"]
    assert "fay_1.mp4: the file is empty" in said["fay"]


def test_moments_without_the_face_are_skipped_alone(tmp_path, make_clip):
    def comes_late(place, width, height):
        return scene(place, width, height) if place > 1 else wall(place, width, height)

    for label, who in (("fear", "ann"), ("anger", "ben")):
        (tmp_path / label).mkdir()
        made = make_clip(f"{who}_1.mp4", count=11, size=(192, 208), draw=comes_late if who == "ann" else scene)
        made.rename(tmp_path / label / f"{who}_1.mp4")
    kept, skips = readable(load(tmp_path, 6))
    assert [skip.name for skip in skips] == ["fear/ann_1.mp4#000"]
    assert "at moment 1 of 6" in skips[0].reason
    assert len(kept.items) == 11


def test_a_folder_without_clips_and_wrong_options_are_refused(tmp_path):
    (tmp_path / "fear").mkdir()
    (tmp_path / "anger").mkdir()
    with pytest.raises(DataError, match="anger: holds no clip"):
        load(tmp_path)
    with pytest.raises(DataError, match="no such folder; give one that holds a folder of clips per class"):
        load(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="frames must be 2 to 999"):
        reader.Options("x", 1)


TIMES = st.lists(st.floats(0, 1e4), min_size=2, max_size=60).map(sorted)


@given(times=TIMES, moments=st.integers(2, 12))
def test_the_nearest_frames_ascend_from_the_first_to_the_last(times, moments):
    places = nearest(times, moments)
    assert len(places) == moments
    assert times[places[0]] == times[0]
    assert times[places[-1]] == times[-1]
    assert [times[i] for i in places] == sorted(times[i] for i in places)
    step = (times[-1] - times[0]) / (moments - 1)
    for k, place in enumerate(places):
        wanted = times[0] + k * step
        assert abs(times[place] - wanted) <= min(abs(t - wanted) for t in times) + 1e-6


@pytest.mark.data
def test_a_real_clip_shows_one_man_throughout(tmp_path):
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    real = Path(os.environ.get("MIEN_DATA", beside)) / "video" / "single_face.mp4"
    if not real.is_file():
        pytest.skip(f"no {real}; set MIEN_DATA to the folder that holds video")
    for label in ("happiness", "neutral"):
        (tmp_path / label).mkdir()
        (tmp_path / label / "man_1.mp4").symlink_to(real)
    kept, skips = readable(load(tmp_path))
    assert not skips
    sides = [item.face().shape[0] for item in kept.items]
    assert max(sides) < 1.2 * min(sides)
    assert cv2.norm(kept.items[0].face(), kept.items[5].face()) == 0

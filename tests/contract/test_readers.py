"""What every reader of a data set keeps to. A new reader needs one line in ``MAKE``."""

from dataclasses import fields, replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien import plugins
from mien.labels import ACTION_UNITS, EXPRESSIONS

ROOM = "data.readers"


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 256, (32, 32), np.uint8))


def make_ckplus(root: Path) -> dict:
    zeros = ",".join("0" * len(ACTION_UNITS))
    lines = [",".join(("subject", "sequence", "emotion", *ACTION_UNITS))]
    for k, (subject, emotion) in enumerate((("S005", "anger"), ("S010", "surprise"), ("S011", "fear"))):
        picture(root / "ckplus128" / "neutral" / f"{subject}_001_00000001.png", k)
        picture(root / "ckplus128" / emotion / f"{subject}_001_00000012.png", 10 + k)
        lines.append(f"{subject},{subject}_001,{emotion},{zeros}")
    (root / "ckplus_au.csv").write_text("\n".join(lines))
    return {"path": str(root)}


def make_folder(root: Path) -> dict:
    for k, name in enumerate(("happy/zoe_1_01.png", "happy/zoe_1_02.png", "sad/anna_1.jpg", "sad/zoe_2.png")):
        picture(root / name, k)
    return {"path": str(root)}


def photograph(seed: int) -> np.ndarray:
    """A drawn person before a plain wall, in which a face can be found."""
    reader = plugins.part(ROOM, "synthetic")
    face = reader.build(reader.Options(people=1, seed=seed)).items[0].face()
    return cv2.copyMakeBorder(face, 40, 40, 40, 40, cv2.BORDER_REPLICATE)


def make_jaffe(root: Path) -> dict:
    for k, name in enumerate(("KA.AN1.39", "KA.HA1.29", "KL.SU2.162", "NA.NE1.199")):
        assert cv2.imwrite(str(root / f"{name}.tiff"), photograph(k))
    return {"path": str(root)}


def make_tfeid(root: Path) -> dict:
    for k, name in enumerate(("anger/f01_h.png", "high/happy/f01_2.jpg", "m02_su_s_000.bmp", "m02_ne_000.png")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(root / name), photograph(k))
    return {"path": str(root)}


def make_clips(root: Path) -> dict:
    for k, name in enumerate(("happy/anna_01.avi", "sad/ben_01.mkv")):
        (root / name).parent.mkdir(parents=True)
        picture = photograph(k)
        size = (picture.shape[1], picture.shape[0])
        writer = cv2.VideoWriter(str(root / name), cv2.VideoWriter_fourcc(*"MJPG"), 25, size)
        for frame in range(6):
            writer.write(cv2.cvtColor(np.roll(picture, frame, 1), cv2.COLOR_GRAY2BGR))
        writer.release()
    return {"path": str(root), "frames": 3}


def make_ferplus(root: Path) -> dict:
    words = (*EXPRESSIONS, "unknown", "NF")
    lines = [",".join(("Usage", "Image name", *words, "fer2013_label"))]
    for k, (usage, folder) in enumerate([("Training", "FER2013Train")] * 3 + [("PublicTest", "FER2013Valid")] * 2):
        picture(root / folder / f"fer{k:07d}.png", k)
        votes = [10 if word == words[k] else 0 for word in words]
        lines.append(",".join((usage, f"fer{k:07d}.png", *map(str, votes), "angry")))
    (root / "fer2013new.csv").write_text("\n".join(lines))
    return {"path": str(root)}


def make_synthetic(root: Path) -> dict:
    return {"people": 3}


def make_table(root: Path) -> dict:
    picture(root / "shots" / "group.png", 9)
    lines = ["file,subject,expression,sequence,place,AU06,AU12,x,y,width,height"]
    for k, who in enumerate(("anna", "anna", "ben")):
        picture(root / "shots" / f"{k}.png", k)
        lines.append(f"shots/{k}.png,{who},{('happy', '', 'neutral')[k]},first,{5 * k},0,{k % 2},,,,")
    lines += ["shots/group.png,anna,happy,,,,,2,3,20,24", "shots/group.png,ben,sad,,,,,-4,3,12,12"]
    (root / "faces.csv").write_text("\n".join(lines))
    return {"path": str(root / "faces.csv")}


MAKE = {
    "ckplus": make_ckplus,
    "clips": make_clips,
    "ferplus": make_ferplus,
    "folder": make_folder,
    "jaffe": make_jaffe,
    "synthetic": make_synthetic,
    "table": make_table,
    "tfeid": make_tfeid,
}
"""By reader: lays a tiny data set under a folder and gives the options that open it."""


@pytest.fixture(params=plugins.names(ROOM))
def opened(request, tmp_path):
    """A function that opens the reader's tiny data set, anew at every call."""
    assert request.param in MAKE, f"give {request.param} a tiny data set in MAKE"
    options = MAKE[request.param](tmp_path)
    part = plugins.part(ROOM, request.param)
    return lambda: part.build(part.Options(**options))


def test_every_part_has_options_that_cannot_change():
    for name in plugins.names(ROOM):
        options = plugins.part(ROOM, name).Options
        assert options.__dataclass_params__.frozen
        assert all(field.type in ("str", str) for field in fields(options) if field.name == "path")


def test_items_are_sorted_and_named_apart(opened):
    names = [item.name for item in opened().items]
    assert len(names) >= 4
    assert names == sorted(set(names))


def test_everybody_is_somebody(opened):
    dataset = opened()
    assert all(item.subject and item.sequence for item in dataset.items)
    assert len(dataset.subjects) >= 2
    of = {}
    assert all(of.setdefault(item.sequence, item.subject) == item.subject for item in dataset.items)


def test_places_count_from_zero_and_are_different_within_a_sequence(opened):
    spots = [(item.sequence, item.place) for item in opened().items]
    assert len(set(spots)) == len(spots)
    assert all(place >= 0 for _, place in spots)


def test_faces_are_grey_bytes_and_the_same_at_every_reading(opened):
    for item in opened().items:
        face = item.face()
        assert face.dtype == np.uint8
        assert face.ndim == 2
        assert min(face.shape) > 1
        assert (item.face() == face).all()


def test_labels_and_action_units_are_those_announced(opened):
    dataset = opened()
    assert {item.expression for item in dataset.items} - {None} <= set(dataset.labels.expressions)
    assert any(item.expression is not None for item in dataset.items)
    assert set(dataset.action_units) <= set(ACTION_UNITS)
    for item in dataset.items:
        if item.action_units is not None:
            assert len(item.action_units) == len(dataset.action_units)
            assert set(item.action_units) <= {0, 1}


def test_intensities_agree_with_action_units(opened):
    for item in opened().items:
        if item.intensities is not None:
            assert item.action_units == tuple(int(grade != 0) for grade in item.intensities)
            assert all(grade is None or 0 <= grade <= 5 for grade in item.intensities)


def test_landmarks_are_68_or_none(opened):
    assert all(item.landmarks is None or np.shape(item.landmarks) == (68, 2) for item in opened().items)


def test_terms_are_told(opened):
    assert opened().terms.strip()


def test_the_fingerprint_is_stable_and_sees_a_pixel_and_a_label(opened):
    dataset = opened()
    fingerprint = dataset.fingerprint()
    assert opened().fingerprint() == fingerprint
    first, *others = dataset.items
    changed = first.face().copy()
    changed[0, 0] ^= 1
    label = next(e for e in dataset.labels.expressions if e != first.expression)
    for other in (replace(first, face=lambda: changed), replace(first, expression=label)):
        assert replace(dataset, items=(other, *others)).fingerprint() != fingerprint

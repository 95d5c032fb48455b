"""``--data`` of ``mien reproduce``: which pictures serve which experiment, and what is wrong with a call."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.data.readers import synthetic
from mien.errors import DataError, MienError, UnknownPartError, UsageError
from mien.labels import ACTION_UNITS
from mien.reproduce import corpus, sources

PEOPLE = 6


@pytest.fixture(autouse=True)
def _few_drawings(monkeypatch):
    monkeypatch.setattr(sources, "DRAWN_FACES", synthetic.Options(people=2, frames=1))
    monkeypatch.setattr(sources, "DRAWN_PICTURES", 1)


def put(path: Path, picture: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)
    return path


def grey(seed: int, side: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side), np.uint8)


def photographs(folder: Path, count: int = 2) -> Path:
    for k in range(count):
        put(folder / f"photograph{k}.png", grey(k, 80))
    return folder


@pytest.fixture
def crops(tmp_path) -> Path:
    """CK+ as crops: ``ckplus48``, ``ckplus128``, their table, and photographs beside them."""
    root = tmp_path / "crops"
    units = {"happiness": {"AU06", "AU12"}, "surprise": {"AU01", "AU27"}}
    rows = []
    for person in range(PEOPLE):
        for number, expression in enumerate(("happiness", "surprise"), 1):
            sequence = f"S{person:03d}_{number:03d}"
            for frame in (9, 10, 11):
                put(root / "ckplus48" / expression / f"{sequence}_{frame:08d}.png", grey(person * 40 + frame, 48))
            put(root / "ckplus128" / expression / f"{sequence}_00000011.png", grey(person, 128))
            put(root / "ckplus128" / "neutral" / f"{sequence}_00000001.png", grey(person + 90, 128))
            coded = {unit: int(unit in units[expression]) for unit in ACTION_UNITS}
            rows.append({"subject": sequence[:4], "sequence": sequence, "emotion": expression, **coded})
    with (root / "ckplus_au.csv").open("w", newline="") as stream:
        table = csv.DictWriter(stream, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    photographs(root / "natural")
    return root


@pytest.mark.parametrize("inside", ["", "ckplus48", "ckplus128"])
def test_crops_give_tight_frames_loose_stills_and_the_photographs_beside_them(crops, inside):
    found = sources.find([f"ckplus:{crops / inside}"])
    assert len(found.frames.items) == PEOPLE * 2 * 3
    assert {item.face().shape for item in found.frames.items} == {(48, 48)}
    assert {item.expression for item in found.frames.items} == {"happiness", "surprise"}
    assert len(found.stills.items) == PEOPLE * 2 * 2
    assert {item.face().shape for item in found.stills.items} == {(128, 128)}
    assert {item.expression for item in found.stills.items} == {"happiness", "surprise", "neutral"}
    assert found.pictures.names == ("photograph0.png", "photograph1.png")
    assert found.pictures_from == "photographs in natural, beside the faces"
    assert (found.drawn, found.skipped) == (False, ())
    assert found.rest is found.stills
    gathered = corpus.gather(found.frames)
    assert gathered.tracking is None
    present = {unit for unit, code in zip(ACTION_UNITS, gathered.codes[0], strict=True) if code}
    assert present == {"AU06", "AU12"}


def test_a_folder_above_the_data_folder_is_understood(crops, tmp_path):
    above = tmp_path / "above"
    above.mkdir()
    crops.rename(above / "data")
    found = sources.find([f"ckplus:{above}"])
    assert {item.face().shape for item in found.frames.items} == {(48, 48)}
    assert len(found.pictures.pictures) == 2


def test_loose_crops_alone_serve_both(crops):
    for file in (crops / "ckplus48").rglob("*.png"):
        file.unlink()
    for folder in (*(crops / "ckplus48").iterdir(), crops / "ckplus48"):
        folder.rmdir()
    found = sources.find([f"ckplus:{crops}"])
    assert [item.name for item in found.frames.items] == [item.name for item in found.stills.items]
    assert {item.face().shape for item in found.frames.items} == {(128, 128)}


def test_photographs_that_are_named_go_before_those_beside(crops, tmp_path):
    other = photographs(tmp_path / "mine", 3)
    found = sources.find([f"ckplus:{crops}", f" natural : {other}"])
    assert (len(found.pictures.pictures), found.pictures_from, found.drawn) == (3, "photographs in mine", False)


def test_stills_of_another_set_take_the_place_of_the_loose_crops(crops, tmp_path):
    for name in ("KA.AN1.39", "KA.HA1.29", "KL.AN1.167"):
        put(tmp_path / "jaffe" / f"{name}.tiff", _portrait())
    both = [f"ckplus:{crops}", f"jaffe:{tmp_path / 'jaffe'}"]
    for specs in (both, both[::-1]):
        found = sources.find(specs)
        assert (found.frames.name, found.stills.name, len(found.stills.items)) == ("ckplus", "jaffe", 3)
        assert len(found.pictures.pictures) == 2  # still those beside the crops
    alone = sources.find([f"jaffe:{tmp_path / 'jaffe'}"])
    assert (alone.frames.name, alone.stills.name) == ("jaffe", "jaffe")
    assert alone.drawn


def _portrait() -> np.ndarray:
    face = synthetic.build(synthetic.Options(people=1)).items[0].face()
    return cv2.copyMakeBorder(face, 40, 40, 40, 40, cv2.BORDER_REPLICATE)


def test_nothing_given_is_drawn_and_marked():
    found = sources.find([])
    assert found.frames.synthetic
    assert found.frames is found.stills
    assert found.drawn
    assert found.pictures_from == "pictures of overlapping discs, drawn by code"
    assert found.pictures.pictures[0].shape == (512, 512)
    assert {item.expression for item in found.frames.items} >= {"neutral", "anger", "surprise"}


def test_photographs_alone_go_with_drawn_faces(tmp_path):
    found = sources.find([f"natural:{photographs(tmp_path / 'mine')}"])
    assert found.frames.synthetic
    assert not found.drawn


def test_drawn_faces_can_be_asked_for_by_number_and_come_in_sequences():
    found = sources.find(["synthetic:people=3,seed=5"])
    assert found.frames.subjects == ("P001", "P002", "P003")
    shown = [item for item in found.frames.items if item.expression == "anger"]
    assert len(shown) == 3 * sources.FRAMES


# ------------------------------------------------------------------------------------- the official tree


def landmarks(shift: float) -> str:
    """68 lines as in CK+: both eyes as small rings, the other points in a row below."""
    points = [(100.0 + 5 * k, 300.0 + shift * (k % 3)) for k in range(68)]
    ring = [(-6, 0), (-2, -3), (2, -3), (6, 0), (2, 3), (-2, 3)]
    for start, (x, y) in zip((36, 42), ((280.0, 200.0), (350.0, 200.0)), strict=True):
        points[start : start + 6] = [(x + dx, y + dy) for dx, dy in ring]
    return "".join(f"   {x:.7e}   {y:.7e}\n" for x, y in points)


@pytest.fixture
def tree(tmp_path) -> Path:
    """CK+'s official layout: two people, two expressions, five frames each."""
    root = tmp_path / "official"
    for person in ("S005", "S010"):
        for sequence, emotion in (("001", 1), ("002", 7)):
            place, stem = Path(person, sequence), f"{person}_{sequence}"
            for frame in range(1, 6):
                name = f"{stem}_{frame:08d}"
                put(root / "cohn-kanade-images" / place / f"{name}.png", np.tile(grey(frame, 160), (3, 4)))
                points = root / "Landmarks" / place / f"{name}_landmarks.txt"
                points.parent.mkdir(parents=True, exist_ok=True)
                points.write_text(landmarks(float(frame)))
            for kind, content in (("Emotion", f"   {emotion:.7e}\n"), ("FACS", "  9.0e+00   0.0e+00\n")):
                (root / kind / place).mkdir(parents=True, exist_ok=True)
                (root / kind / place / f"{stem}_{5:08d}_{kind.lower()}.txt").write_text(content)
    return root


def test_the_official_tree_gives_three_frames_a_sequence_and_tracking_labels(tree):
    found = sources.find([f"ckplus:{tree}"])
    assert [item.name for item in found.frames.items if item.sequence == "S005_001"] == [
        f"S005_001_{frame:08d}" for frame in (1, 3, 4, 5)
    ]
    gathered = corpus.gather(found.frames)
    assert gathered.labels == ("anger", "surprise")
    assert gathered.tracking.shape == (2 * 2 * 3, 272)
    assert np.abs(gathered.tracking[:, 136:]).max() > 0
    assert gathered.codes.any()


def test_crops_that_lie_beside_the_official_tree_do_not_take_its_place(tree, crops):
    tree.rename(crops / "official")
    found = sources.find([f"ckplus:{crops / 'official'}"])
    assert all(item.landmarks is not None for item in found.frames.items)
    assert found.frames.subjects == ("S005", "S010")


# ------------------------------------------------------------------------------------------- what is wrong


def test_a_face_that_cannot_be_read_is_left_out_and_listed_without_its_folder(crops):
    (crops / "ckplus48" / "happiness" / "S000_001_00000010.png").write_bytes(b"junk")
    (crops / "natural" / "small.png").write_bytes(b"junk")
    found = sources.find([f"ckplus:{crops}"])
    assert len(found.frames.items) == PEOPLE * 2 * 3 - 1
    assert {skip.name for skip in found.skipped} == {"S000_001_00000010", "small.png"}
    assert len(found.skipped) == 2
    for skip in found.skipped:
        assert "not an image" in skip.reason
        assert str(crops.parent) not in skip.reason
    assert found.skipped[0].reason.startswith("S000_001_00000010.png: ")


def test_too_many_unreadable_faces_are_an_error(crops):
    for file in sorted((crops / "ckplus48").rglob("*.png"))[:10]:
        file.write_bytes(b"")
    with pytest.raises(DataError, match="10 of 36 faces cannot be read"):
        sources.find([f"ckplus:{crops}"])


@pytest.mark.parametrize(
    "specs",
    [
        ["ckplus:a", "ckplus:b"],
        ["ckplus:a", "synthetic"],
        ["jaffe:a", "tfeid:b"],
        ["ckplus:a", "jaffe:a", "tfeid:b"],
        ["natural:a", "natural:b"],
        ["jaffe:a", "jaffe:b", "ckplus:c"],
    ],
)
def test_two_data_sets_for_one_thing_are_refused_before_anything_is_read(specs):
    with pytest.raises(UsageError, match="give one data set of sequences") as caught:
        sources.find(specs)
    assert all(spec in str(caught.value) for spec in specs)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("spec", ["natural", "natural:", "natural: "])
def test_photographs_without_a_folder_are_not_looked_for_where_one_happens_to_be(spec, tmp_path, monkeypatch):
    monkeypatch.chdir(photographs(tmp_path))
    with pytest.raises(UsageError, match="natural:FOLDER"):
        sources.find([spec])


@pytest.mark.parametrize(
    ("spec", "kind", "says"),
    [
        ("nobody:x", UnknownPartError, "nobody"),
        ("", UsageError, "expected NAME:PATH"),
        ("ckplus", UsageError, "ckplus:PATH"),
        ("ckplus:no/such/place", DataError, "no/such/place"),
        ("natural:no/such/place", DataError, "no such folder"),
        ("synthetic:people=0", UsageError, "people must be"),
        ("synthetic:faces=3", UsageError, "faces=3"),
    ],
)
def test_other_wrong_calls_are_told_in_one_line(spec, kind, says):
    with pytest.raises(MienError, match=says) as caught:
        sources.find([spec])
    assert type(caught.value) is kind
    assert "\n" not in str(caught.value)


def test_an_empty_folder_of_crops_is_an_error(tmp_path):
    with pytest.raises(DataError, match="no known layout"):
        sources.find([f"ckplus:{tmp_path}"])


def test_stills_of_another_data_set_do_not_take_the_neutral_crops_away(crops, monkeypatch):
    """Tight crops hold no neutral face; the loose ones beside them stay the reference of the tracking labels."""
    other = synthetic.build(synthetic.Options(people=2, frames=1))
    opened = sources.open_dataset
    monkeypatch.setattr(sources, "open_dataset", lambda spec: other if spec.startswith("jaffe") else opened(spec))
    found = sources.find([f"ckplus:{crops}", "jaffe:somewhere"])
    assert found.stills.name == other.name
    assert {item.expression for item in found.rest.items} == {"happiness", "surprise", "neutral"}
    assert {item.sequence for item in found.rest.items} >= {item.sequence for item in found.frames.items}
    assert sources.find([]).rest is None

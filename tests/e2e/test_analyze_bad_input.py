"""Bad input: one clear line that names the file and what to do, the right exit code, nothing whole lost."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from contextlib import contextmanager
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import mien
from mien import modelfile
from mien.errors import InputError, ModelError
from mien.types import Box

SIZE = (256, 192)
FACE = Box(86, 32, 52, 52)  # of the portrait


def png(width: int, height: int) -> bytes:
    """A grey PNG, small as a file whatever its size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    pixels = zlib.compress((b"\0" + b"\x80" * width) * height)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def box(row) -> Box:
    return Box(row["x"], row["y"], row["width"], row["height"])


def cut(data: bytes) -> bytes:
    return data[: len(data) // 2]


def stained(data: bytes) -> bytes:
    """The end of the picture data overwritten."""
    return data[: len(data) // 2] + b"\xff" * 400 + data[len(data) // 2 + 400 :]


@pytest.fixture
def photo(portrait_of):
    """``photo(suffix)``: the bytes of a picture file."""
    return lambda suffix: cv2.imencode(suffix, portrait_of(0, *SIZE)[:, :, ::-1])[1].tobytes()


def nothing_at_all(folder, _clips, _photo):
    return folder / "missing.mp4"


def empty_folder(folder, _clips, _photo):
    (folder / "empty").mkdir()
    return folder / "empty"


def empty_file(folder, _clips, _photo):
    (folder / "empty.mp4").touch()
    return folder / "empty.mp4"


def empty_picture(folder, _clips, _photo):
    (folder / "empty.png").touch()
    return folder / "empty.png"


def words(folder, _clips, _photo):
    (folder / "words.mp4").write_text("this is no film\n" * 50)
    return folder / "words.mp4"


def script(folder, _clips, _photo):
    (folder / "words.txt").write_text("this is no film\n" * 50)
    return folder / "words.txt"


def cut_video(_folder, clips, _photo):
    path = clips.make("cut.mp4", count=20)
    path.write_bytes(cut(path.read_bytes()))
    return path


def sound_only(_folder, clips, _photo):
    return clips.sound("speech.m4a")


def without_frames(path, codec, **options):
    with av.open(str(path), "w", options=options) as out:
        stream = out.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        out.start_encoding()
    return path


def no_frames(folder, _clips, _photo):
    return without_frames(folder / "none.mp4", "mpeg4", movflags="frag_keyframe+empty_moov")


def no_blocks(folder, _clips, _photo):
    return without_frames(folder / "none.mkv", "ffv1")


def no_track(folder, _clips, _photo):
    return without_frames(folder / "trackless.mp4", "libx264")  # MP4 drops a track without frames


def no_camera(_folder, _clips, _photo):
    if Path("/dev/video0").exists():
        pytest.skip("this machine has a camera")
    return "camera:0"


def from_the_web(_folder, _clips, _photo):
    return "https://example.org/clip.mp4"


def picture(suffix, change):
    def make(folder, _clips, photo):
        path = folder / f"broken{suffix}"
        path.write_bytes(change(photo(suffix)))
        return path

    make.__name__ = f"{change.__name__}{suffix}"
    return make


def bombs(folder, _clips, _photo):
    data = png(70_000, 2)  # claims 70,000 x 70,000 and holds two lines
    header = data[12:16] + struct.pack(">II", 70_000, 70_000) + data[24:29]
    path = folder / "bomb.png"
    path.write_bytes(data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:])
    return path


REFUSED = {
    nothing_at_all: "no such file or folder; check the path",
    empty_folder: "no images in this folder; give one that holds",
    empty_file: "the file is empty",
    empty_picture: "the file is empty",
    words: "not a video",
    script: "text, not a video",
    cut_video: "cut off before its index was written; record or convert it again",
    sound_only: "has no video stream; give a file with pictures",
    no_frames: "no frame can be decoded, it holds no frames; record or convert it again",
    no_blocks: "ends before its first frame; record or convert it again",
    no_track: "give a file with pictures",
    no_camera: "no camera /dev/video0 on this machine; plug one in, or give a video file",
    from_the_web: "mien reads local files only, download it first",
    picture(".png", cut): "damaged, or not an image that can be read; save it again",
    picture(".jpg", cut): "damaged, or not an image that can be read; save it again",
    picture(".tif", cut): "damaged, or not an image that can be read; save it again",
    picture(".bmp", cut): "damaged, or not an image that can be read; save it again",
    picture(".webp", cut): "damaged, or not an image that can be read; save it again",
    picture(".png", stained): "damaged, or not an image that can be read; save it again",
    bombs: "save it again",
}


@pytest.mark.parametrize(("make", "cause"), REFUSED.items(), ids=[make.__name__ for make in REFUSED])
def test_one_line_names_the_file_and_what_to_do(tmp_path, clips, photo, mien_here, make, cause):
    source = make(tmp_path, clips, photo)
    there = sorted(tmp_path.iterdir())
    outcome = mien_here("analyze", source, "-o", tmp_path / "out.csv", "--annotate", tmp_path / "seen.mp4")
    assert outcome.code == 1
    assert outcome.out == ""
    assert outcome.line.startswith(f"mien: {source}: ")
    assert cause in outcome.line
    assert sorted(tmp_path.iterdir()) == there


@pytest.mark.parametrize("make", [words, no_frames, *[m for m in REFUSED if "stained" in m.__name__]])
def test_the_same_in_a_process_of_its_own(tmp_path, clips, photo, mien_process, make):
    source = make(tmp_path, clips, photo)
    outcome = mien_process("analyze", source)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.line.startswith(f"mien: {source}: ")


def test_damaged_pictures_print_nothing_of_their_own(tmp_path, photo, mien_process):
    # libjpeg and OpenCV's TIFF reader complain on standard error, and go on.
    for suffix in (".jpg", ".tif"):
        (tmp_path / f"stained{suffix}").write_bytes(stained(photo(suffix)))
    outcome = mien_process("analyze", tmp_path / "stained.jpg", tmp_path / "stained.tif", "-o", tmp_path / "out")
    assert all(line.startswith("mien: ") for line in outcome.err.splitlines())


def test_the_terminal_is_given_back(capfd, monkeypatch, face_clip, mien_here):
    mien_here("analyze", face_clip)
    os.write(2, b"from native code\n")
    print("from Python", file=sys.stderr)
    assert sorted(capfd.readouterr().err.splitlines()) == ["from Python", "from native code"]


def test_one_bad_input_does_not_cost_the_others(tmp_path, clips, mien_here, read_table):
    first, last = clips.make("first.mp4"), clips.make("last.mp4", count=5)
    (tmp_path / "bad.mp4").write_text("no film")
    outcome = mien_here("analyze", first, tmp_path / "bad.mp4", last, "-o", tmp_path / "tables")
    assert outcome.code == 1
    assert outcome.line.startswith(f"mien: {tmp_path / 'bad.mp4'}: ")
    assert sorted(path.name for path in (tmp_path / "tables").iterdir()) == ["first.parquet", "last.parquet"]
    assert len(read_table(tmp_path / "tables" / "last.parquet")[1]) == 5


def test_broken_packets_are_skipped_and_counted(tmp_path, clips, mien_here, read_table):
    def noise(place, width, height):
        return np.random.default_rng(place).integers(0, 255, (height, width, 3), dtype=np.uint8)

    clip = clips.make("worn.mkv", count=30, gop=1, draw=noise)
    with av.open(str(clip)) as container:
        packets = [(packet.pos, packet.size) for packet in container.demux(video=0) if packet.size]
    data = bytearray(clip.read_bytes())
    for start, size in packets[10:13]:
        data[start + 8 : start + size] = b"\xff" * (size - 8)
    clip.write_bytes(data)
    outcome = mien_here("analyze", clip, "-o", tmp_path / "out.csv", "--summary", tmp_path / "sum.json")
    assert outcome.code == 0
    assert outcome.line == f"mien: {clip}: 3 damaged packets or pictures were skipped"
    _, rows = read_table(tmp_path / "out.csv")
    assert [row["frame"] for row in rows] == list(range(27))
    kept = [40 * place / 1000 for place in range(30) if not 10 <= place < 13]
    assert [row["time"] for row in rows] == pytest.approx(kept, abs=1e-6)
    record = json.loads((tmp_path / "out.csv.json").read_text())
    assert (record["frames"], record["decode_errors"]) == (27, 3)
    assert json.loads((tmp_path / "sum.json").read_text())["decode_errors"] == 3


def test_a_damaged_picture_in_a_folder_is_skipped_and_counted(tmp_path, photo, mien_here, read_table):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number, data in enumerate([photo(".png"), cut(photo(".png")), photo(".jpg")]):
        (folder / f"{number}.png").write_bytes(data)
    outcome = mien_here("analyze", folder, "-o", tmp_path / "out.csv")
    assert outcome.code == 0
    assert outcome.line == f"mien: {folder}: 1 damaged packets or pictures were skipped"
    assert [row["face"] for row in read_table(tmp_path / "out.csv")[1]] == [1, 1]


def grey(colour):
    return cv2.cvtColor(colour, cv2.COLOR_BGR2GRAY)


def with_alpha(colour):
    clear = np.zeros(colour.shape[:2], np.uint8)  # transparent all over: the picture counts, not its cover
    return np.dstack([colour, clear])


def sixteen_bit(colour):
    return grey(colour).astype(np.uint16) * 257


@pytest.mark.parametrize("form", [grey, with_alpha, sixteen_bit])
def test_every_form_of_picture_shows_the_same_face(tmp_path, portrait_of, mien_here, read_table, form):
    cv2.imwrite(str(tmp_path / "face.png"), form(portrait_of(0, *SIZE)[:, :, ::-1]))
    outcome = mien_here("analyze", tmp_path / "face.png", "-o", tmp_path / "out.csv")
    assert (outcome.code, outcome.err) == (0, "")
    (row,) = read_table(tmp_path / "out.csv")[1]
    assert row["face"] == 1
    assert box(row).overlap(FACE) > 0.7


# What EXIF calls the turn, and how the picture lies in the file for it to be upright once turned.
@pytest.mark.parametrize(("tag", "quarters"), [(3, 2), (6, 1), (8, 3)])
def test_a_photograph_taken_sideways_is_turned_upright(tmp_path, portrait_of, mien_here, read_table, tag, quarters):
    lying = np.ascontiguousarray(np.rot90(portrait_of(0, *SIZE)[:, :, ::-1], quarters))
    data = cv2.imencode(".jpg", lying)[1].tobytes()
    tiff = b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, tag, 0, 0)
    exif = b"Exif\0\0" + tiff
    (tmp_path / "side.jpg").write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + data[2:])
    assert mien_here("analyze", tmp_path / "side.jpg", "-o", tmp_path / "out.csv").code == 0
    (row,) = read_table(tmp_path / "out.csv")[1]
    assert box(row).overlap(FACE) > 0.7


def test_a_very_large_and_a_very_small_still(tmp_path, mien_here, read_table):
    (tmp_path / "large.png").write_bytes(png(7680, 4320))
    (tmp_path / "small.png").write_bytes(png(1, 1))
    outcome = mien_here("analyze", tmp_path / "large.png", tmp_path / "small.png", "-o", tmp_path / "out")
    assert (outcome.code, outcome.err) == (0, "")
    for name in ("large", "small"):
        (row,) = read_table(tmp_path / "out" / f"{name}.parquet")[1]
        assert row["face"] is None


@pytest.mark.parametrize("flag", ["-o", "--annotate", "--plot", "--summary"])
def test_an_output_in_a_folder_that_is_not_there(tmp_path, face_clip, mien_here, flag):
    suffix = {"-o": "csv", "--annotate": "mp4", "--plot": "png", "--summary": "json"}[flag]
    target = tmp_path / "nowhere" / f"out.{suffix}"
    outcome = mien_here("analyze", face_clip, flag, target)
    assert outcome.code == 1
    assert outcome.line == f"mien: {target}: the folder {target.parent} does not exist; create it first"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl", "out.parquet"])
def test_an_output_that_is_a_folder(tmp_path, face_clip, mien_here, name):
    target = tmp_path / name
    target.mkdir()
    outcome = mien_here("analyze", face_clip, "--annotate", tmp_path / "seen.mp4", "--plot", target)
    assert outcome.code == 2
    assert "must end in .png" in outcome.line
    assert sorted(tmp_path.iterdir()) == [target]


def test_an_output_where_nobody_may_write(tmp_path, face_clip, mien_here):
    folder = Path("/proc/self")
    if not folder.is_dir() or sys.platform != "linux":
        pytest.skip("needs a folder that nobody can write to")
    outcome = mien_here("analyze", face_clip, "-o", folder / "out.csv")
    assert outcome.code == 1
    assert outcome.line.startswith(f"mien: {folder / 'out.csv'}: ")


@pytest.fixture
def nobodys_folder():
    """A folder that everybody may read; pytest's own are closed to all but their owner."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def without_privileges():
    """``with without_privileges():`` as an ordinary user, whoever runs the tests."""

    @contextmanager
    def ordinary():
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)
        try:
            yield
        finally:
            os.seteuid(before)

    return ordinary


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="permissions are something else there")
def test_permissions_are_named(nobodys_folder, face_clip, mien_here, without_privileges):
    clip = Path(shutil.copy(face_clip, nobodys_folder / "clip.mp4"))
    clip.chmod(0o644)
    secret = Path(shutil.copy(face_clip, nobodys_folder / "secret.mp4"))
    secret.chmod(0)
    locked = nobodys_folder / "locked"
    locked.mkdir(mode=0o555)
    with without_privileges():
        reading = mien_here("analyze", secret)
        writing = mien_here("analyze", clip, "-o", locked / "out.csv")
    assert (reading.code, writing.code) == (1, 1)
    assert reading.line.startswith(f"mien: {secret}: ")
    assert "permissions" in reading.line
    assert writing.line == f"mien: {locked / 'out.csv'}: not allowed to write there; choose another folder"


@pytest.mark.parametrize(
    ("flag", "name", "known"),
    [
        ("-o", "out.xlsx", ".csv, .jsonl, .parquet"),
        ("-o", "out", ".csv, .jsonl, .parquet"),
        ("--annotate", "seen.avi", ".mp4"),
        ("--annotate", "-", ".mp4"),
        ("--plot", "seen.jpg", ".png"),
    ],
)
def test_a_wrong_suffix_is_wrong_usage(tmp_path, monkeypatch, face_clip, mien_here, flag, name, known):
    monkeypatch.chdir(tmp_path)
    outcome = mien_here("analyze", face_clip, flag, name)
    assert outcome.code == 2
    assert known in outcome.line
    assert name in outcome.line
    assert list(tmp_path.iterdir()) == []


def whole_model() -> bytes:
    return modelfile.read("default").content


@pytest.mark.parametrize(
    ("name", "content", "code", "cause"),
    [
        ("paperr", None, 2, "no model is called 'paperr'"),
        ("nowhere.onnx", None, 1, "no such model file; 'mien models' lists the shipped ones"),
        ("words.onnx", lambda: b"not a model at all", 1, "not an ONNX model, or cut short"),
        ("empty.onnx", lambda: b"", 1, "not an ONNX model, or cut short"),
        ("cut.onnx", lambda: cut(whole_model()), 1, "not an ONNX model, or cut short"),
        ("flipped.onnx", lambda: flipped(whole_model()), 1, "damaged"),
        ("foreign.onnx", lambda: b"\x08\x08\x3a\x00", 1, "not one of mien's"),
    ],
)
def test_models_that_are_none(tmp_path, monkeypatch, face_clip, mien_here, name, content, code, cause):
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path(name).write_bytes(content())
    outcome = mien_here("analyze", face_clip, "--model", name, "-o", "out.csv")
    assert outcome.code == code
    assert name in outcome.line
    assert cause in outcome.line
    assert not Path("out.csv").exists()


def flipped(data: bytes) -> bytes:
    """One bit of the weights turned."""
    place = len(data) // 3
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def test_pixels_that_are_not_numbers_are_refused_by_name():
    bad = np.full((48, 64), np.nan)
    with pytest.raises(InputError, match=r"(?i)nan"):
        mien.analyze([np.zeros((48, 64)), bad])
    with pytest.raises(InputError, match=r"(?i)nan"):
        mien.load_model().predict([bad])


def test_a_foreign_model_through_the_api_names_the_file(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"\x08\x08\x3a\x00")
    with pytest.raises(ModelError, match=r"m\.onnx"):
        mien.load(tmp_path / "m.onnx")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' file names are text")
def test_a_file_name_that_is_not_text(tmp_path, face_clip, read_table):
    clip = os.fsencode(tmp_path) + b"/caf\xe9.mp4"
    shutil.copy(face_clip, clip)
    flags = ["-o", "out.csv", "--annotate", "seen.mp4", "--plot", "seen.png", "--summary", "sum.json"]
    done = subprocess.run(
        [sys.executable, "-m", "mien", "analyze", clip, *flags], cwd=tmp_path, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(read_table(tmp_path / "out.csv")[1]) == 12
    assert b"wrote seen.png" in done.stdout
    assert "caf" in json.loads((tmp_path / "out.csv.json").read_text())["source"]

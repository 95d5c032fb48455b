from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np
import pytest

from mien.errors import InputError
from mien.video.images import ImageFile, ImageFolder, read_image


def drawing(height: int = 40, width: int = 60) -> np.ndarray:
    """RGB, another colour in each corner."""
    rgb = np.full((height, width, 3), 128, np.uint8)
    rgb[: height // 3, : width // 3] = (255, 0, 0)
    rgb[: height // 3, -width // 3 :] = (0, 255, 0)
    rgb[-height // 3 :, : width // 3] = (0, 0, 255)
    return rgb


def encoded(suffix: str, array: np.ndarray) -> bytes:
    done, data = cv2.imencode(suffix, array[..., ::-1] if array.ndim == 3 else array)
    assert done
    return data.tobytes()


def exif(value: int) -> bytes:
    return b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x112, 3, 1, value, 0, 0)


def turned_jpeg(value: int) -> bytes:
    data, tag = encoded(".jpg", drawing()), b"Exif\0\0" + exif(value)
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(tag) + 2) + tag + data[2:]


def turned_png(value: int) -> bytes:
    data, tag = encoded(".png", drawing()), b"eXIf" + exif(value)
    return data[:33] + struct.pack(">I", len(tag) - 4) + tag + struct.pack(">I", zlib.crc32(tag)) + data[33:]


UPRIGHT = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("value", UPRIGHT)
@pytest.mark.parametrize("make", [turned_jpeg, turned_png])
def test_exif_orientation_is_applied(tmp_path, make, value):
    path = tmp_path / "a.img"
    path.write_bytes(make(value))
    upright = UPRIGHT[value](drawing())
    with ImageFile(path) as image:
        (frame,) = image
        assert (image.info.width, image.info.height) == upright.shape[1::-1]
    assert frame.time == 0.0
    assert np.abs(frame.pixels.rgb().astype(int) - upright).mean() < 5


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tiff", ".webp", ".ppm"])
def test_lossless_colour_comes_back(tmp_path, suffix):
    path = tmp_path / f"façade 顔{suffix}"
    path.write_bytes(encoded(suffix, drawing()))
    if suffix == ".webp":
        path.write_bytes(cv2.imencode(".webp", drawing()[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes())
    np.testing.assert_array_equal(read_image(path), drawing())


@pytest.mark.parametrize("suffix", [".png", ".tiff", ".pgm"])
def test_sixteen_bits_are_scaled_not_cut(tmp_path, suffix):
    path = tmp_path / f"deep{suffix}"
    path.write_bytes(encoded(suffix, np.array([[0, 257, 32768, 65535]], np.uint16)))
    np.testing.assert_array_equal(read_image(path), [[0, 1, 128, 255]])


def test_sixteen_bit_colour(tmp_path):
    path = tmp_path / "deep.png"
    path.write_bytes(encoded(".png", drawing().astype(np.uint16) * 257))
    np.testing.assert_array_equal(read_image(path), drawing())


def test_netpbm_names_its_own_white(tmp_path):
    path = tmp_path / "ten.pgm"
    path.write_bytes(b"P5\n# ten bits\n4 1\n1023\n" + np.array([0, 511, 512, 1023], ">u2").tobytes())
    np.testing.assert_array_equal(read_image(path), [[0, 127, 128, 255]])


def test_transparency_is_dropped(tmp_path):
    path = tmp_path / "clear.png"
    path.write_bytes(
        cv2.imencode(".png", np.dstack([drawing()[..., ::-1], np.full((40, 60), 9, np.uint8)]))[1].tobytes()
    )
    np.testing.assert_array_equal(read_image(path), drawing())


def test_a_palette_is_looked_up(tmp_path):
    # Two pixels, palette green and red, as PNG by hand: OpenCV cannot write one.
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 2, 1, 8, 3, 0, 0, 0))
    body = (
        chunk(b"PLTE", bytes([0, 255, 0, 255, 0, 0]))
        + chunk(b"IDAT", zlib.compress(b"\0\0\1"))
        + chunk(b"IEND", b"")
    )
    path = tmp_path / "palette.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + body)
    np.testing.assert_array_equal(read_image(path), [[[0, 255, 0], [255, 0, 0]]])


def test_floating_point_pictures_are_refused(tmp_path):
    path = tmp_path / "float.tiff"
    path.write_bytes(cv2.imencode(".tiff", np.zeros((4, 4), np.float32))[1].tobytes())
    with pytest.raises(InputError, match=r"float\.tiff: float32 pixels"):
        ImageFile(path)


def test_very_large_and_very_small_pictures(tmp_path):
    for height, width in ((4320, 7680), (1, 1)):
        path = tmp_path / "a.png"
        path.write_bytes(
            cv2.imencode(".png", np.full((height, width), 7, np.uint8), [cv2.IMWRITE_PNG_COMPRESSION, 1])[
                1
            ].tobytes()
        )
        (frame,) = ImageFile(path)
        assert frame.pixels.grey().shape == (height, width)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".bmp", ".webp", ".tiff"])
def test_a_picture_that_is_cut_off_is_refused(tmp_path, suffix):
    path = tmp_path / f"cut{suffix}"
    data = encoded(suffix, drawing())
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=rf"cut\{suffix}: damaged"):
        ImageFile(path)


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"", "is empty"), (b"\xff\xd8\xff\xe0 no more", "damaged"), (b"words", "damaged"), (None, "no such file")],
)
def test_what_is_no_picture_is_refused(tmp_path, data, says):
    path = tmp_path / "a.jpg"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InputError, match=says) as refusal:
        ImageFile(path)
    assert str(path) in str(refusal.value)


def test_a_folder_is_read_in_natural_order(tmp_path):
    names = ["img10.png", "img2.png", "Img1.PNG", "img2b.png", "img002.png"]
    for place, name in enumerate(names):
        (tmp_path / name).write_bytes(encoded(".png", np.full((4, 4), place, np.uint8)))
    (tmp_path / "notes.txt").write_text("not a picture")
    (tmp_path / "folder.png").mkdir()
    with ImageFolder(tmp_path) as folder:
        frames = list(folder)
        assert folder.info.frames == 5
    order = [names[frame.pixels.grey()[0, 0]] for frame in frames]
    assert order == ["Img1.PNG", "img002.png", "img2.png", "img2b.png", "img10.png"]
    assert [frame.index for frame in frames] == list(range(5))
    assert {frame.time for frame in frames} == {None}
    assert folder.decode_errors == 0


def test_damaged_pictures_in_a_folder_are_counted_and_passed_over(tmp_path):
    good = encoded(".png", drawing())
    for name, data in (
        ("1.png", good[:50]),
        ("2.png", good),
        ("3.jpg", b"\xff\xd8\xff"),
        ("4.png", good),
        ("5.png", b""),
    ):
        (tmp_path / name).write_bytes(data)
    with ImageFolder(tmp_path) as folder:
        assert [frame.index for frame in folder] == [0, 1]
    assert folder.decode_errors == 2  # the empty file has no sign of being a picture


def test_pictures_of_a_folder_may_differ_in_size(tmp_path):
    for name, size in (("1.png", (4, 6)), ("2.png", (8, 3))):
        (tmp_path / name).write_bytes(encoded(".png", np.zeros(size, np.uint8)))
    assert [frame.pixels.grey().shape for frame in ImageFolder(tmp_path)] == [(4, 6), (8, 3)]


def test_a_folder_without_pictures_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(InputError, match="no images in this folder"):
        ImageFolder(tmp_path)
    (tmp_path / "a.png").write_bytes(encoded(".png", drawing())[:40])
    with pytest.raises(InputError, match="none of its 1 images can be read"):
        ImageFolder(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        ImageFolder(tmp_path / "missing")


def test_a_picture_that_claims_to_be_enormous_is_refused_in_one_line(tmp_path):
    header = b"IHDR" + struct.pack(">IIBBBBB", 1 << 20, 1 << 20, 8, 0, 0, 0, 0)
    path = tmp_path / "bomb.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header)))
    with pytest.raises(InputError, match=r"bomb\.png") as refusal:
        ImageFile(path)
    assert "\n" not in str(refusal.value)

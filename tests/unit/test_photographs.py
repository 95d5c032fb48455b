"""Reading, whitening and cutting up photographs."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.data import photographs
from mien.data.synthetic import leaves
from mien.errors import DataError


def write(path, height=80, width=100, seed=0, channels=3):
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = (height, width, channels) if channels > 1 else (height, width)
    assert cv2.imwrite(str(path), np.random.default_rng(seed).integers(0, 256, shape, np.uint8))


def pink(height, width, seed=0):
    """A picture whose amplitudes fall as 1/f, as a photograph's do."""
    f = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    f[0, 0] = np.inf
    spectrum = np.fft.rfft2(np.random.default_rng(seed).standard_normal((height, width))) / f
    return np.fft.irfft2(spectrum, s=(height, width)).astype(np.float32)


def power(picture, low, high):
    """Mean power of the frequencies between ``low`` and ``high`` cycles per pixel."""
    f = np.hypot(np.fft.fftfreq(picture.shape[0])[:, None], np.fft.fftfreq(picture.shape[1])[None])
    return (np.abs(np.fft.fft2(picture)) ** 2)[(f >= low) & (f < high)].mean()


def test_reads_colour_and_grey_of_any_size_in_any_depth_of_folders(tmp_path):
    write(tmp_path / "b.png", 80, 100)
    write(tmp_path / "deep" / "er" / "a.jpg", 120, 64, channels=1)
    write(tmp_path / ".hidden.png")
    (tmp_path / "notes.txt").write_text("not a picture")
    found = photographs.read(tmp_path)
    assert found.names == ("b.png", "deep/er/a.jpg")
    assert [p.shape for p in found.pictures] == [(80, 100), (120, 64)]
    assert all(p.dtype == np.float32 and 0 <= p.min() < p.max() <= 1 for p in found.pictures)
    assert found.skipped == ()


def test_what_cannot_be_used_is_listed_with_its_reason(tmp_path):
    write(tmp_path / "good.png")
    write(tmp_path / "small.png", 40, 200)
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (tmp_path / "empty.png").touch()
    assert cv2.imwrite(str(tmp_path / "flat.png"), np.full((80, 80), 9, np.uint8))
    found = photographs.read(tmp_path)
    assert found.names == ("good.png",)
    reasons = dict(line.split(": ", 1) for line in found.skipped)
    assert sorted(reasons) == ["broken.jpg", "empty.png", "flat.png", "small.png"]
    assert "200x40" in reasons["small.png"]
    assert "one even grey" in reasons["flat.png"]
    assert str(tmp_path) not in "".join(found.skipped)


def test_a_folder_without_one_usable_picture_is_an_error_that_says_why(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        photographs.read(tmp_path / "absent")
    with pytest.raises(DataError, match="holds no image files"):
        photographs.read(tmp_path)
    (tmp_path / "empty.png").touch()
    with pytest.raises(DataError, match=r"not one of 1 image files could be used.*empty\.png"):
        photographs.read(tmp_path)


def test_large_pictures_are_averaged_down_and_keep_their_shape(tmp_path):
    write(tmp_path / "wide.png", 600, 1200)
    write(tmp_path / "panorama.png", 100, 2000)
    panorama, wide = photographs.read(tmp_path).pictures
    assert wide.shape == (256, 512)
    assert panorama.shape == (64, 1280)  # no thinner than a photograph may be
    assert wide.std() < 0.2  # noise, averaged; 0.29 and less for luma before


def test_of_many_files_evenly_spaced_ones_are_taken(tmp_path):
    for k in range(10):
        write(tmp_path / f"{k}.png", seed=k)
    found = photographs.read(tmp_path, most=4)
    assert found.names == ("0.png", "2.png", "5.png", "7.png")
    assert found.unread == 6


def test_whitening_flattens_the_spectrum_below_the_cut_and_ends_it_above():
    picture = pink(256, 384)
    # Away from the edges, which are mirrored: the picture here is periodic.
    before, after = picture[32:-32, 32:-32], photographs.whiten(picture)[32:-32, 32:-32]
    assert power(before, 0.03, 0.06) > 10 * power(before, 0.15, 0.2)
    assert power(after, 0.03, 0.06) == pytest.approx(power(after, 0.15, 0.2), rel=0.15)
    assert power(after, 0.55, 0.71) < 1e-3 * power(after, 0.1, 0.2)
    assert abs(after.mean()) < 0.01 * after.std()


def test_a_wave_comes_out_scaled_by_the_filter_at_its_frequency_along_either_axis():
    x = np.arange(200)
    for cycles in (0.1, 0.25):
        wave = np.cos(2 * np.pi * cycles * x)
        gain = cycles * np.exp(-((cycles / 0.4) ** 4))
        lying = photographs.whiten(np.tile(wave, (100, 1)).astype(np.float32))[40:60, 80:120]
        standing = photographs.whiten(np.tile(wave[:, None], (1, 100)).astype(np.float32))[80:120, 40:60]
        np.testing.assert_allclose(lying, np.tile(gain * wave[80:120], (20, 1)), atol=2e-3)
        np.testing.assert_allclose(lying.T, standing, atol=2e-3)


def test_no_edge_of_the_picture_becomes_an_edge_in_it():
    ramp = np.tile(np.linspace(0, 1, 300, dtype=np.float32), (200, 1))  # its right and left edge differ by 1
    whitened = photographs.whiten(ramp)
    jump = np.abs(photographs.whiten(np.roll(ramp, 150, axis=1))).max()
    assert np.abs(whitened).max() < 0.05 * jump


def test_all_pictures_share_one_scale():
    faint, strong = pink(96, 128, 1), 3 * pink(96, 128, 1)
    whitened = photographs.whiten_all([faint, strong])
    pixels = np.concatenate([p.ravel() for p in whitened])
    assert pixels.var() == pytest.approx(photographs.VARIANCE, rel=1e-4)
    np.testing.assert_allclose(whitened[1], 3 * whitened[0], rtol=1e-4, atol=1e-4)
    with pytest.raises(DataError, match="flat"):
        photographs.whiten_all([np.full((80, 80), 0.5, np.float32)])


def test_patches_come_from_every_picture_and_place_but_the_border():
    pictures = [np.full((40, 60), -1, np.float32), np.full((200, 30), -2, np.float32)]
    for picture in pictures:
        picture[:4], picture[-4:], picture[:, :4], picture[:, -4:] = (9, 9, 9, 9)
    cut = photographs.patches(pictures, 4000, seed=3)
    assert cut.shape == (4000, 64)
    assert cut.max() == -1  # no border
    assert (cut[:, 0] == -1).mean() == pytest.approx(0.5, abs=0.04)  # whatever their sizes
    ramp = np.arange(40 * 60, dtype=np.float32).reshape(40, 60)
    corners = np.unique(photographs.patches([ramp], 60_000, seed=1)[:, 0])
    assert len(corners) == (40 - 16 + 1) * (60 - 16 + 1)  # each place


def test_a_patch_is_its_pixels_row_by_row():
    ramp = np.arange(30 * 40, dtype=np.float32).reshape(30, 40)
    patch = photographs.patches([ramp], 1, size=5)[0].reshape(5, 5)
    np.testing.assert_array_equal(patch - patch[0, 0], 40 * np.arange(5)[:, None] + np.arange(5))


def test_equal_seeds_give_equal_patches():
    pictures = leaves.draw(2, side=96)
    one, same, other = (photographs.patches(pictures, 50, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_pictures_too_small_for_patches_are_refused():
    with pytest.raises(DataError, match="needs 16"):
        photographs.patches([np.zeros((15, 80), np.float32)], 3)
    with pytest.raises(DataError, match="no photographs"):
        photographs.patches([], 3)


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100))
def test_scaled_patches_are_centred_cut_at_three_deviations_and_bounded(seed, scale):
    x = (scale * (1 + np.random.default_rng(seed).standard_t(3, (200, 64)))).astype(np.float32)
    limit = photographs.truncation(x)
    out = photographs.scaled(x, limit)
    centred = x - x.mean(axis=1, keepdims=True)
    assert limit == pytest.approx(3 * centred.std(), rel=1e-3)
    assert out.dtype == np.float32
    assert np.abs(out).max() <= 1
    inside = np.abs(centred) < 0.999 * limit
    np.testing.assert_allclose(out[inside], centred[inside] / limit, atol=1e-5)
    assert (np.abs(out[np.abs(centred) > 1.001 * limit]) == 1).all()
    logistic = photographs.for_logistic(out)
    assert logistic.min() >= np.float32(0.1)
    assert logistic.max() <= np.float32(0.90001)
    np.testing.assert_allclose((logistic - 0.5) / 0.4, out, atol=1e-6)


def test_flat_patches_cannot_be_scaled():
    with pytest.raises(ValueError, match="limit"):
        photographs.scaled(np.ones((3, 64), np.float32), 0.0)


def test_leaves_are_the_same_for_a_seed_and_differ_between_pictures():
    two, three = leaves.draw(2, seed=5, side=128), leaves.draw(3, seed=5, side=128)
    np.testing.assert_array_equal(two, three[:2])
    assert (two[0] != two[1]).mean() > 0.9
    assert (leaves.draw(1, seed=6, side=128)[0] != two[0]).mean() > 0.9
    assert two[0].dtype == np.float32
    assert two[0].min() >= 0
    assert two[0].max() <= 1


def test_leaves_have_a_photographs_spectrum_and_heavy_tails():
    picture = leaves.draw(1, seed=1)[0]
    octaves = [(0.02 * 2**k, 0.02 * 2 ** (k + 1)) for k in range(4)]
    slope = np.polyfit(np.arange(4), [np.log2(power(picture, *o)) for o in octaves], 1)[0]
    assert -3 < slope < -1.5  # photographs: about -2
    white = photographs.whiten(picture)
    kurtosis = (white**4).mean() / (white**2).mean() ** 2
    assert kurtosis > 4  # 3 for anything Gaussian

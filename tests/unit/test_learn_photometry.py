"""Degraded pictures: every kind does what it says, alone, and draws from its generator alone."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
import torch

from mien.learn import photometry
from mien.learn.threads import one_thread


@pytest.fixture(autouse=True)
def _one_thread():
    """Small tensors: more threads only wait for each other."""
    with one_thread():
        yield


NONE = replace(
    photometry.Options(), **{f.name: 0.0 for f in fields(photometry.Options) if f.name.endswith("_chance")}
)


def _pictures(count=8, height=40, width=52):
    random = torch.Generator().manual_seed(3)
    rough = torch.rand(count, 1, 8, 8, generator=random)
    return torch.nn.functional.interpolate(rough, size=(height, width), mode="bilinear") * 0.6 + 0.2


def _degraded(pictures, options, seed=1):
    return photometry.degrade(pictures, torch.Generator().manual_seed(seed), options)


def _roughness(pictures):
    return float((pictures[..., 1:] - pictures[..., :-1]).abs().mean())


def test_all_of_it_keeps_shape_range_and_the_input_and_follows_the_seed():
    pictures = _pictures()
    before = pictures.clone()
    always = replace(NONE, **{f.name: 1.0 for f in fields(NONE) if f.name.endswith("_chance")})
    found = _degraded(pictures, always)
    assert found.shape == pictures.shape
    assert found.min() >= 0
    assert found.max() <= 1
    assert torch.isfinite(found).all()
    torch.testing.assert_close(pictures, before, rtol=0, atol=0)
    torch.testing.assert_close(_degraded(pictures, always), found, rtol=0, atol=0)
    assert (_degraded(pictures, always, seed=2) - found).abs().mean() > 0.01


def test_without_a_chance_nothing_happens():
    pictures = _pictures()
    torch.testing.assert_close(_degraded(pictures, NONE), pictures, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["blur", "motion", "resolution"])
def test_blur_motion_and_fewer_pixels_smooth_and_keep_the_mean(kind):
    pictures = torch.rand(8, 1, 40, 48, generator=torch.Generator().manual_seed(3))
    found = _degraded(pictures, replace(NONE, **{f"{kind}_chance": 1.0}))
    assert _roughness(found) < 0.8 * _roughness(pictures)
    torch.testing.assert_close(found.mean(), pictures.mean(), rtol=0, atol=0.01)


@pytest.mark.parametrize("kind", ["blur", "motion", "resolution", "jpeg"])
def test_nothing_moves_a_ramp(kind):
    """Whatever smooths must not shift the picture: points would no longer fit."""
    ramp = torch.linspace(0.1, 0.9, 64).expand(6, 1, 64, 64)
    found = _degraded(ramp, replace(NONE, **{f"{kind}_chance": 1.0}))
    middle = (found - ramp)[:, :, 16:-16, 16:-16]
    assert middle.mean().abs() < 0.003  # a quarter of a pixel


def test_noise_has_the_strength_drawn():
    flat = torch.full((200, 1, 32, 32), 0.5)
    spread = _degraded(flat, replace(NONE, noise_chance=1.0, noise=0.08)).std(dim=(1, 2, 3))
    assert spread.max() < 0.085
    assert 0.02 < spread.mean() < 0.05


def test_dim_light_is_darker_or_noisier():
    flat = torch.full((50, 1, 32, 32), 0.6)
    found = _degraded(flat, replace(NONE, dark_chance=1.0))
    assert found.mean() < 0.5
    assert found.std(dim=(2, 3)).min() > 0.005


def test_light_from_one_side_leaves_the_middle_alone():
    found = _degraded(torch.full((50, 1, 33, 33), 0.4), replace(NONE, light_chance=1.0))
    torch.testing.assert_close(found[:, :, 16, 16], torch.full((50, 1), 0.4), rtol=0, atol=1e-6)
    assert found.std(dim=(2, 3)).mean() > 0.02


def test_only_the_share_asked_for_is_altered():
    pictures = _pictures(400)
    found = _degraded(pictures, replace(NONE, jpeg_chance=0.3))
    altered = ((found - pictures).abs().amax(dim=(1, 2, 3)) > 1e-6).float().mean()
    assert 0.2 < altered < 0.4


@pytest.mark.parametrize("wrong", [{"noise": -1.0}, {"jpeg_chance": 1.5}, {"resolution": 0.0}, {"dark": 2.0}])
def test_strengths_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        photometry.Options(**wrong)

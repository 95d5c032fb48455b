"""How well a landmark network does on people it has not seen: validation only, `test` is the benchmark's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from mien.learn import loop, photometry
from mien.learn.faces import calibration, crops, landmark_crops
from mien.learn.faces.crops import Frames
from mien.learn.faces.landmark_network import CROP, SIZE

if TYPE_CHECKING:
    from mien.learn.faces.crops import Faces
    from mien.learn.faces.landmark_crops import Source
    from mien.learn.faces.landmark_network import LandmarkNetwork

SEED = 2_000_003  # of every draw here: each validation sees the same crops
PART = 256  # crops in one run of the network
SIDE = 200  # pixels: side of the still face whose points' jitter is measured
NOISE, REDRAWN, STILL = 3 / 255, 20, 48  # its noise, how often that is redrawn, and how many faces


@torch.no_grad()
def measured(
    network: LandmarkNetwork, source: Source, options: landmark_crops.Options, light: photometry.Options
) -> tuple[dict[str, float], dict[str, float]]:
    """Figures, and what the calibrations follow from.

    Args:
        network: in ``eval`` mode, on the source's device.
        source: the validation split.
        options: how training crops are drawn.
        light: how training crops are degraded.

    Returns:
        Figures by name (``nme_*`` in inter-ocular distances, ``jitter`` in pixels of a 200 px face), and the
        settings ``bias``, ``slope`` (presence) and ``spread`` (factor) of ``landmark_network.Calibrated``.
    """
    plain = replace(options, squeeze=0.0)
    figures: dict[str, float] = {}
    for kind, faces, times in (("portraits", source.portraits, 4), ("small", source.small, 1)):
        for name, followed in (("tight", 1.0), ("wide", 0.0)):
            for looks in (1, 2):
                error = _nme(network, faces, times, replace(plain, followed=followed), looks)
                figures[f"nme_{kind}_{name}_{looks}"] = round(float(error.mean()), 5)
    figures["nme_portraits_tight_p90"] = round(
        float(_nme(network, source.portraits, 4, replace(plain, followed=1.0), 1).quantile(0.9)), 5
    )
    figures["jitter"] = round(_jitter(network, source.portraits), 4)
    more, settings = _certainty(network, source, options, light)
    return figures | more, settings


def run(network: LandmarkNetwork, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The network on any number of crops (n, 1, 96, 96)."""
    parts = [network(part) for part in torch.split(pictures, PART)]
    points, spread, presence = (torch.cat(found) for found in zip(*parts, strict=True))
    return points, spread, presence


def _nme(network: LandmarkNetwork, faces: Faces, times: int, options: landmark_crops.Options, looks: int) -> Tensor:
    """Mean distance of each face's points from the teacher's, in inter-ocular distances."""
    device = faces.places.device
    index = torch.arange(len(faces), device=device).repeat(times)
    frames = landmark_crops.disturbed(faces, index, loop.generator(SEED, 1, device), options)
    folded = torch.ones(len(index), dtype=torch.bool, device=device)
    found = torch.zeros_like(faces.points[index])
    for look in range(looks):
        if look:
            frames = _exact(crops.places(found.cpu().numpy()).to(device))
        pictures, _ = crops.cut(faces.stack, index, frames, SIZE, folded=folded)
        found = frames.unmirrored(run(network, pictures)[0])
    truth = faces.points[index]
    eyes = (truth[:, 36:42].mean(dim=1) - truth[:, 42:48].mean(dim=1)).norm(dim=1)
    error: Tensor = (found - truth).norm(dim=2).mean(dim=1) / eyes
    return error


def _exact(place: Tensor) -> Frames:
    """Crops of faces whose place is known."""
    one = torch.ones_like(place[:, 0])
    return Frames.around(place, CROP, torch.zeros_like(place[:, :2]), one, 0 * one, one, one < 0)


def _jitter(network: LandmarkNetwork, faces: Faces) -> float:
    """Standard deviation of a coordinate of a point under redrawn noise, pixels of a face of 200."""
    device = faces.places.device
    index = torch.arange(min(STILL, len(faces)), device=device)
    size = round(SIDE * CROP)
    pictures, _ = crops.cut(faces.stack, index, _exact(faces.places[index]), size)
    random = loop.generator(SEED, 2, device)
    seen = []
    for _ in range(REDRAWN):
        noise = NOISE * torch.randn(pictures.shape, generator=random, device=device)
        noisy = ((pictures + noise).clamp(0, 1) * 255).round() / 255
        # No averaging on the way down: the most noise that any way of cutting a crop lets through.
        small = functional.interpolate(noisy, size=SIZE, mode="bilinear", align_corners=False)
        seen.append(run(network, small)[0])
    return float(torch.stack(seen).var(dim=0).mean().sqrt()) * size


def _certainty(
    network: LandmarkNetwork, source: Source, options: landmark_crops.Options, light: photometry.Options
) -> tuple[dict[str, float], dict[str, float]]:
    """Presence and spread on degraded crops such as training draws."""
    device = source.portraits.places.device
    random = loop.generator(SEED, 3, device)
    logits, truth, expected, errors = [], [], [], []
    for _ in range(8):
        batch = source.draw(PART, random, options)
        points, spread, logit = network(photometry.degrade(batch.pictures, random, light))
        logits.append(logit[batch.counted])
        truth.append(batch.present[batch.counted] > 0.5)
        face = batch.trust > 0
        expected.append(spread[face])
        errors.append((points - batch.points)[face].abs().mean(dim=2))
    scores = torch.cat(logits).cpu().double().numpy()
    present = torch.cat(truth).cpu().numpy()
    bias, slope = calibration.logistic(scores, present)
    b, e = torch.cat(expected).flatten().double(), torch.cat(errors).flatten().double()
    probability = 1 / (1 + np.exp(-np.clip(bias + slope * scores, -60, 60)))
    figures = {
        "presence_auc": round(calibration.area(scores, present), 5),
        "presence_error": round(float(((probability > 0.5) != present).mean()), 5),
        "spread_factor": round(float(e.mean() / b.mean()), 4),
        "spread_correlation": round(
            float(torch.corrcoef(torch.stack([b.log(), e.clamp(min=1e-4).log()]))[0, 1]), 4
        ),
        "degraded_error": round(float(e.mean()), 5),
    }
    return figures, {"bias": bias, "slope": slope, "spread": float(e.mean() / b.mean())}

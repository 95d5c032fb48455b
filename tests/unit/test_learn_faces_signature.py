"""Training of the signature network: its loss, its views, and all of it end to end."""

from __future__ import annotations

import dataclasses
import json
import math
import tomllib

import numpy as np
import pytest
import torch

from mien import modelfile
from mien.faces import shape
from mien.learn import photometry
from mien.learn.faces import bank, command, signature, signature_views
from mien.learn.faces.signature_network import SignatureNetwork, contrast
from mien.learn.faces.signature_views import Options, Source
from mien.learn.threads import one_thread


@pytest.fixture(autouse=True)
def _one_thread():
    """Small tensors: more threads only wait for each other."""
    with one_thread():
        yield


RECIPE = """
[network]
channels = [8, 8, 8, 8, 8]
blocks = [0, 0, 0, 0, 0]
[training]
steps = 4
batch = 6
warmup = 1
average = 0.5
"""


def test_signatures_that_find_their_other_view_cost_little():
    eye = torch.eye(4)
    people = torch.arange(4)
    assert contrast(torch.cat([eye, eye]), people, 0.1) < 0.001
    assert contrast(torch.cat([eye, eye.roll(1, 0)]), people, 0.1) > 5
    alike = torch.ones(8, 4) / 2
    assert float(contrast(alike, people, 0.1)) == pytest.approx(math.log(7), abs=1e-4)


def test_another_photograph_of_the_same_person_is_not_shunned():
    alike = torch.ones(4, 4) / 2
    assert float(contrast(alike, torch.tensor([0, 1]), 0.1)) == pytest.approx(math.log(3), abs=1e-4)
    assert float(contrast(alike, torch.tensor([0, 0]), 0.1)) == pytest.approx(0, abs=1e-4)


def test_views_show_the_same_photographs_differently(drawn_bank):
    source = Source.of(bank.read(drawn_bank), "train", "cpu")
    random = torch.Generator().manual_seed(2)
    first, second, people = source.pairs(10, random, Options(small=0.5), photometry.Options())
    assert first.shape == second.shape == (10, 1, 64, 64)
    assert ((first - second).abs().mean(dim=(1, 2, 3)) > 0.005).all()
    # Portraits come first; files named _0 and _1 show one person.
    assert len(set(people[:5].tolist())) <= 3
    assert not set(people[:5].tolist()) & set(people[5:].tolist())


def test_people_are_known_by_their_files_names():
    assert signature_views.person("portraits/Ann_Lee_0002.jpg") == signature_views.person("x/Ann_Lee_0007.jpg")
    assert signature_views.person("ferplus/fer0000001.png") != signature_views.person("ferplus/fer0000002.png")


def test_signatures_have_length_one():
    network = SignatureNetwork(signature.NetworkOptions()).eval()
    with torch.inference_mode():
        found = network(torch.rand(3, 1, 64, 64, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(found.norm(dim=1), torch.ones(3), rtol=0, atol=1e-4)
    assert sum(weight.numel() for weight in network.parameters()) < 200_000


def test_from_bank_to_sealed_network(drawn_bank, tmp_path):
    recipe, weights, out = tmp_path / "r.toml", tmp_path / "w.npz", tmp_path / "signature.onnx"
    recipe.write_text(RECIPE)
    signature.main(
        ["--bank", str(drawn_bank), "--recipe", str(recipe), "--device", "cpu", "--weights", str(weights)]
    )
    story = json.loads(weights.with_suffix(".json").read_text())
    assert 0 <= story["figures"]["auc"] <= 1
    signature.main(["--from", str(weights), "-o", str(out)])
    file = modelfile.read_network(out)
    assert file.meta.job == "signature"
    from mien.faces import signature as runtime

    network = runtime.SignatureNetwork(file)
    grey = np.random.default_rng(0).integers(0, 256, (120, 160), np.uint8)
    found = network.of(grey, [shape.Placement(80, 60, 70), shape.Placement(60, 60, 50, 20.0)])
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert 0 <= network.same(float(found[0] @ found[1])) <= 1


def test_the_shipped_recipe_is_readable():
    text = command.arguments("signature", ["--bank", "b", "--weights", "w"]).recipe.read_text()
    read, written = command.recipe_of(signature.Recipe, text, "signature"), tomllib.loads(text)
    assert dataclasses.asdict(read.training).items() >= written["training"].items()
    assert (read.temperature, read.views.small) == (written["temperature"], written["views"]["small"])

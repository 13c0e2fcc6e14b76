"""The paper's first stage: what 3DPN takes and gives, and a run of it."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
import pytest
import torch
from training_samples import ALONE, box_body, read_losses

from InverseImagingLib.training.trainer import Trainer
from XraySynLib.beam import Beam
from XraySynLib.frame import Frame
from XraySynLib.paper.losses import prior_losses
from XraySynLib.paper.networks import PriorNet3D, volume_of
from XraySynLib.paper.prior import back_projected, densities_of, parts_of
from XraySynLib.training.cubes import random_cube
from XraySynLib.training.first_stage import PriorLesson
from XraySynLib.training.lessons import training_options

SMALL_CUBE = functools.partial(random_cube, size=16)


def lesson() -> PriorLesson:
    torch.manual_seed(0)
    return PriorLesson(PriorNet3D((8, 16)), [box_body()], np.ones(1), SMALL_CUBE)


def true_outputs(maps: torch.Tensor) -> torch.Tensor:
    """What a 3DPN would give that knows densities (B, 2, K, J, I)."""
    bone, tissue = parts_of(maps).split(1, dim=1)
    share = bone / (bone + tissue).clamp(min=1e-6)
    return torch.cat([share, bone + tissue, bone + tissue], dim=1)


def test_water_is_a_fifth_and_densities_come_back():
    maps = torch.rand(1, 2, 2, 3, 4)
    torch.testing.assert_close(densities_of(true_outputs(maps)), maps)
    soft = torch.tensor([0.0, 1.0]).view(1, 2, 1, 1, 1)
    assert volume_of(true_outputs(soft)).item() == pytest.approx(0.2, rel=0.03)  # (0 HU + 1000) / 5000
    assert volume_of(true_outputs(soft.flip(1))).item() > 0.2


@pytest.mark.parametrize("side", [150.0, 400.0])
def test_a_back_projection_is_as_bright_as_the_radiograph_whatever_the_side(side: float):
    frame = Frame(side, (16, 16, 16), 16)
    volume = back_projected(torch.full((1, 16, 16), 0.6), [frame])
    assert volume.shape == (1, 1, 16, 16, 16)
    assert volume[0, 0, 4:-4, 4:-4, 4:-4].mean().item() == pytest.approx(0.6, rel=0.1)


def test_the_truth_has_the_least_loss():
    cube = SMALL_CUBE(box_body(), np.random.default_rng(0))

    def of(outputs: torch.Tensor) -> dict[str, float]:
        return {k: v.item() for k, v in prior_losses(outputs, [cube], [(5.0, -3.0)], Beam()).items()}

    outputs = true_outputs(cube.maps[None])
    truth, other, thinner = (
        of(outputs),
        of(1 - outputs),
        of(outputs * torch.tensor([1.0, 0.9, 0.9])[:, None, None, None]),
    )
    assert truth == pytest.approx({**truth, "volume": 0, "attenuation": 0, "maps": 0}, abs=1e-4)
    assert truth["mask"] < 0.1 < other["mask"]
    assert all(thinner[name] > truth[name] + 1e-3 for name in ("volume", "attenuation", "maps"))


def test_the_settings_are_those_of_the_paper():
    options = training_options("paper")
    assert (options.batch, options.rate, options.beta1, options.beta2) == (8, 1e-4, 0.5, 0.9)


def test_the_loss_falls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("InverseImagingLib.training.trainer._EVERY", 1)
    options = training_options("paper", steps=24, batch=2, pool=2, reuse=24, rate=3e-3)
    trainer = Trainer(tmp_path, options, lesson(), ALONE)
    trainer.run(lambda line: None)
    losses = read_losses(tmp_path)
    assert np.mean(losses[-4:]) < 0.8 * np.mean(losses[:4])
    again = Trainer(tmp_path, options, lesson(), ALONE)
    again.resume()
    state = trainer.network.state_dict()
    assert all(torch.equal(value, state[name]) for name, value in again.network.state_dict().items())

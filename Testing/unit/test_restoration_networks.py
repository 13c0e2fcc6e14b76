from __future__ import annotations

from pathlib import Path

import pytest
import torch

from CTRestorationLib import prior
from CTRestorationLib.options import Direction, Preset, RestorationOptions, Task, Tier
from CTRestorationLib.presets import COMPACT, PAPER, settings_of
from CTRestorationLib.prior_network import PriorNetwork, network_inputs
from CTRestorationLib.skip_network import SkipNetwork, cropped, fixed_input, padded_shape


def count(network: torch.nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


@pytest.mark.parametrize(("channels", "scales"), [(8, 1), (16, 2), (32, 3)])
@pytest.mark.parametrize("shape", [(8, 8), (33, 50), (64, 41)])
def test_prior_network_starts_as_the_estimate(channels: int, scales: int, shape: tuple[int, int]) -> None:
    inputs = torch.randn(2, 5, *shape)
    assert torch.equal(PriorNetwork(channels, scales)(inputs), inputs[:, :1])


def test_compact_network_is_small() -> None:
    for settings in COMPACT.values():
        assert 1e5 < count(PriorNetwork(settings.channels, settings.scales)) < 6e5


def test_network_inputs_hold_mask_level_and_factors() -> None:
    estimate = torch.zeros(2, 1, 4, 4)
    inputs = network_inputs(estimate, torch.ones_like(estimate), torch.tensor([0.1, 0.2]).view(2, 1, 1, 1), (8, 2))
    assert inputs.shape == (2, 5, 4, 4)
    assert inputs[1, :, 0, 0].tolist() == pytest.approx([0.0, 1.0, 0.2, 1.0, 1 / 3])


def test_paper_network_has_the_papers_size() -> None:
    assert count(SkipNetwork(5, 128, 4)) == 2_217_573
    assert count(SkipNetwork(3, 128, 4)) < count(SkipNetwork(4, 128, 4)) < 2_217_573


@pytest.mark.parametrize(("scales", "skip", "upsampling"), [(2, 0, "bilinear"), (3, 4, "nearest"), (5, 8, "bilinear")])
@pytest.mark.parametrize("shape", [(9, 30), (70, 33)])
def test_paper_network_makes_any_shape(scales: int, skip: int, upsampling: str, shape: tuple[int, int]) -> None:
    network = SkipNetwork(scales, 8, skip, upsampling)
    z = fixed_input(padded_shape(shape, network.multiple), torch.Generator().manual_seed(0))
    output = cropped(network(z), shape)
    assert output.shape == (1, 1, *shape)
    assert 0 < output.min().item() < output.max().item() < 1
    assert 0 <= z.min().item() < z.max().item() < 0.1


@pytest.mark.parametrize("task", list(Task))
def test_paper_settings(task: Task) -> None:
    settings = settings_of(RestorationOptions(task=task, preset=Preset.PAPER))
    assert settings == PAPER[task]
    assert (settings.channels, settings.scales) == (128, 5)


def test_stated_settings_win() -> None:
    options = RestorationOptions(
        preset=Preset.PAPER, learning_rate=0.1, scales=7, channels=16, skip_channels=2, reg_noise_std=0.0, iterations=5,
        averaging=0.5, tv_weight=0.25,
    )  # fmt: skip
    s = settings_of(options)
    assert (s.learning_rate, s.scales, s.channels, s.skip_channels) == (0.1, 7, 16, 2)
    assert (s.reg_noise_std, s.iterations, s.averaging, s.tv_weight) == (0.0, 5, 0.5, 0.25)


def test_super_resolution_by_8_has_its_own_settings() -> None:
    options = RestorationOptions(
        task=Task.SUPER_RESOLUTION, preset=Preset.PAPER, factor=8, tier=Tier.DEEP, direction=Direction.IN_PLANE
    )
    assert settings_of(options).iterations == 4000


@pytest.mark.parametrize("name", prior.NETWORKS)
def test_shipped_prior_matches_its_manifest(name: str) -> None:
    network, manifest, warning = prior.read_prior(name)
    assert warning == ""
    assert network is not None
    assert count(network) == manifest["parameters"]
    assert not {"A046441", "A048383", "A067967", "A072894", "A058062"} & set(manifest["training"]["patients"])
    assert (prior.FOLDER / manifest["file"]).stat().st_size < 16 * 2**20


def test_prior_survives_writing_and_reading(tmp_path: Path) -> None:
    network = PriorNetwork(8, 2)
    torch.nn.init.normal_(network.leave.weight)
    prior.write_prior("fill", network, tmp_path, {"channels": 8, "scales": 2})
    again, _, warning = prior.read_prior("fill", tmp_path)
    assert warning == ""
    assert again is not None
    inputs = torch.randn(1, 5, 16, 16)
    torch.testing.assert_close(again(inputs), network(inputs), atol=2e-2, rtol=2e-2)


def test_tampered_and_missing_prior_are_refused(tmp_path: Path) -> None:
    prior.write_prior("fill", PriorNetwork(8, 2), tmp_path, {"channels": 8, "scales": 2})
    path = tmp_path / "fill.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    network, _, warning = prior.read_prior("fill", tmp_path)
    assert network is None
    assert "does not match" in warning
    network, _, warning = prior.read_prior("denoise", tmp_path)
    assert network is None
    assert "No trained prior" in warning

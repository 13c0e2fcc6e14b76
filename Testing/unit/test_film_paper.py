"""The networks and losses of the paper FIReNet."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from FilmRecoveryLib.paper.cascade import Cascade, light_cascade, restored, values_cascade
from FilmRecoveryLib.paper.dewarping import BackwardModule, DewarpingModule
from FilmRecoveryLib.paper.losses import absolute_loss, cascade_loss, deformation_loss


def test_the_maps_of_the_dewarping_module():
    maps = DewarpingModule(4)(torch.rand(2, 3, 32, 48))
    channels = {"position": 3, "normal": 3, "depth": 1, "mask": 1, "uv": 2, "deformation": 2}
    assert {name: tuple(each.shape) for name, each in maps.items()} == {
        name: (2, count, 32, 48) for name, count in channels.items()
    }


def test_what_the_paper_leaves_out_in_its_table():
    photos = torch.rand(2, 3, 32, 32)
    assert set(DewarpingModule(4, many=False, deforming=False)(photos)) == {"position", "mask", "uv"}
    assert set(DewarpingModule(4, deforming=False)(photos)) == {"position", "normal", "depth", "mask", "uv"}
    assert set(BackwardModule(4)(photos)) == {"backward"}


def test_what_is_no_film_does_not_reach_the_second_module():
    """Where the mask says so, other maps of the shape change nothing."""
    module = DewarpingModule(4).eval()
    for name in ("weight", "bias"):
        torch.nn.init.constant_(getattr(module.shape.decoders["mask"].last, name), 0.0 if name == "weight" else -40.0)
    one, other = (module(torch.rand(1, 3, 32, 32))["uv"] for _ in range(2))
    torch.testing.assert_close(one, other)


def test_parameters_of_the_paper():
    with torch.device("meta"):
        module = DewarpingModule()
    assert sum(p.numel() for p in module.parameters()) == pytest.approx(110.8e6, rel=0.01)


@pytest.mark.parametrize(("channels", "outputs"), [(3, 3), (3, 1)])
def test_a_cascade_has_an_output_of_every_level(channels: int, outputs: int):
    found = Cascade(channels, outputs, 4)(torch.rand(2, channels, 32, 48))
    assert [tuple(each.shape) for each in found] == 3 * [(2, outputs, 32, 48)]


def test_the_two_cascades():
    """One gives colors, the other the one value of a CT; both are of the paper's three levels."""
    with torch.device("meta"):
        for cascade, outputs in (light_cascade(), 3), (values_cascade(), 1):
            assert [each.shape[1] for each in cascade(torch.rand(1, 3, 16, 16))] == [outputs] * 3


@pytest.mark.parametrize("shape", [(32, 48), (29, 43)])
def test_a_film_is_restored_in_any_size(shape: tuple[int, int]):
    """As a cascade that gives what it gets shows: gray stays as it is, to the last row and column."""

    class Same(Cascade):
        def forward(self, picture: torch.Tensor) -> list[torch.Tensor]:
            assert picture.shape[2] % 8 == picture.shape[3] % 8 == 0
            return [picture]

    gray = np.random.default_rng(0).random(shape, np.float32)
    colors = np.repeat(gray[..., None], 3, axis=-1)
    np.testing.assert_allclose(restored(colors, Same(width=2).eval()), gray, atol=1e-6)


def maps(seed: int) -> torch.Tensor:
    return torch.randn(2, 2, 6, 8, generator=torch.Generator().manual_seed(seed))


def test_the_deformation_loss_is_that_of_the_equation():
    """Map by map, channel by channel, where there is film."""
    ours, truth, mask = maps(0), maps(1), (maps(2)[:, :1] > -0.5).float()
    terms = []
    for sample in range(2):
        for channel in range(2):
            error = (ours - truth)[sample, channel][mask[sample, 0] > 0]
            mean = error.mean()
            rest = error - mean
            difference = torch.where(error * rest > 0, torch.minimum(error.abs(), rest.abs()), torch.zeros_like(error))
            terms.append(mean.abs() + error.std(correction=0) + difference.mean())
    torch.testing.assert_close(deformation_loss(ours, truth, mask), torch.stack(terms).mean())


def test_a_shift_costs_its_length_alone():
    truth, mask = maps(0), torch.ones(2, 1, 6, 8)
    assert float(deformation_loss(truth + 0.25, truth, mask)) == pytest.approx(0.25, abs=1e-4)
    assert float(absolute_loss(truth + 0.25, truth, mask)) == pytest.approx(0.25, abs=1e-5)


def test_the_cascade_loss_is_half_the_sum_of_squares():
    truth = maps(0)
    assert float(cascade_loss([truth + 1, truth - 2], truth)) == pytest.approx(2.5, abs=1e-5)

"""The paper's generator and critic: their sizes, and what they see."""

from __future__ import annotations

import functools
from collections.abc import Callable

import pytest
import torch
from torch import nn

from CT2RGBLib.paper.network import PaperGenerator, Pix2PixNet, paper_discriminator, paper_inputs


@functools.cache
def at_full_size(kind: Callable[..., nn.Module], inputs: int | None = None) -> nn.Module:
    """The network as it is by default, without its memory."""
    with torch.device("meta"):
        return kind() if inputs is None else kind(inputs)


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def sample(height: int = 32, width: int = 32) -> dict[str, torch.Tensor]:
    generator = torch.manual_seed(0)
    body = torch.zeros(2, 1, height, width)
    body[..., 3:-3, 3:-3] = 1
    return {
        "hu": 2000 * torch.rand(2, 3, height, width, generator=generator) - 1000,
        "sobel": torch.rand(2, 1, height, width, generator=generator),
        "body": body,
    }


def small() -> PaperGenerator:
    torch.manual_seed(1)
    return PaperGenerator(width=4, downs=4)


# Sizes


@pytest.mark.parametrize("inputs", [1, 2, 3])
def test_the_generator_has_217_6_million_parameters_whatever_its_inputs_are(inputs: int):
    assert round(count(at_full_size(Pix2PixNet, inputs)) / 1e6, 1) == 217.6


def test_with_half_the_filters_it_is_the_one_of_pix2pix():
    with torch.device("meta"):
        assert count(Pix2PixNet(inputs=3, width=64)) == 54_413_955
        assert count(paper_discriminator()) + 64 * 16 == 2_768_705  # of pix2pix, which sees 6 channels instead of 5


def test_shapes_at_full_size():
    network = at_full_size(Pix2PixNet)
    pixels = []
    handle = network.down[-1].register_forward_hook(lambda _module, _given, made: pixels.append(tuple(made.shape)))
    assert network(torch.empty(2, 2, 256, 256, device="meta")).shape == (2, 3, 256, 256)
    handle.remove()
    assert pixels == [(2, 1024, 1, 1)]
    assert at_full_size(paper_discriminator)(torch.empty(2, 5, 256, 256, device="meta")).shape == (2, 1, 30, 30)


def test_the_critic_judges_patches_of_70_pixels():
    critic = paper_discriminator(width=4).eval()
    pictures = torch.rand(1, 5, 128, 128, requires_grad=True)
    critic(pictures)[0, 0, 6, 7].backward()
    seen = pictures.grad[0].abs().sum(dim=0)
    for axis in (0, 1):
        where = seen.sum(dim=axis).nonzero()[:, 0]
        assert len(where) == where[-1] - where[0] + 1 == 70


# Colors


@pytest.mark.parametrize("size", [(32, 32), (16, 48), (20, 33), (5, 7)])
def test_slices_of_any_size_get_colors(size: tuple[int, int]):
    with torch.no_grad():
        colors = small()(sample(*size))
    assert colors.shape == (2, 3, *size)
    assert colors.min() >= 0
    assert colors.max() <= 1
    assert colors.std() > 1e-3


def test_what_is_padded_is_what_is_outside_the_body():
    whole, network = sample(32, 32), small().eval()
    cut = {name: value[..., :29, :30] for name, value in whole.items()}
    with torch.no_grad():
        torch.testing.assert_close(network(cut), network(whole)[..., :29, :30])


def test_neighbors_and_what_is_outside_the_body_change_nothing():
    given, network = sample(), small().eval()
    other = {name: value.clone() for name, value in given.items()}
    other["hu"][:, [0, 2]] = 77
    outside = given["body"] == 0
    other["hu"][:, 1:2][outside] = 3000
    other["sobel"][outside] = 5
    with torch.no_grad():
        assert torch.equal(network(other), network(given))
        other["hu"][:, 1] += 50
        assert not torch.equal(network(other), network(given))
        assert not torch.equal(network({**given, "sobel": 2 * given["sobel"]}), network(given))


def test_hu_have_a_fixed_window():
    given = sample()
    given["hu"][:, 1] = torch.tensor([-2000.0, -1000, 250, 1500]).repeat(8)
    ct, _sobel = paper_inputs(given)[0]
    assert ct[10, 8:12].tolist() == pytest.approx([-1, -1, 0, 1])
    assert (ct[given["body"][0, 0] == 0] == -1).all()


def test_every_weight_learns():
    network = small()
    network(sample()).square().sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []

"""The paper preset's networks and losses: the sizes of the paper, the parts of its figures, and closed forms."""

from __future__ import annotations

import functools
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrize import is_parametrized
from torch.utils.flop_counter import FlopCounterMode

from InverseImagingLib.errors import InputError
from XraySynLib.paper.losses import bone_change, discriminator_loss, refiner_losses
from XraySynLib.paper.networks import Discriminator, FilterNet, PriorNet3D, RefineNet2D, volume_of

SMALL_PRIOR = (2, 4, 6)


@functools.cache
def at_full_size(kind: Callable[[], nn.Module]) -> nn.Module:
    """The network as it is by default, without its memory."""
    with torch.device("meta"):
        return kind()


def small_refiner() -> RefineNet2D:
    torch.manual_seed(1)
    network = RefineNet2D(blocks=2, convolutions=3, growth=4, features=5, filters=(4, 8))
    nn.init.normal_(network.filters.convolutions[-1].weight, std=0.5)  # large enough for tests to see
    return network


def count(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def convolutions(network: nn.Module) -> list[nn.Conv2d | nn.Conv3d]:
    return [module for module in network.modules() if isinstance(module, nn.Conv2d | nn.Conv3d)]


# The paper's numbers


def test_parameters_are_as_many_as_in_the_paper():
    assert count(at_full_size(PriorNet3D)) == 111_012_579
    assert count(PriorNet3D(SMALL_PRIOR)) == count(PriorNet3D(SMALL_PRIOR, spectral=False))
    assert count(at_full_size(FilterNet)) == 100_665_600
    assert count(at_full_size(RefineNet2D)) == 122_787_842
    assert count(at_full_size(Discriminator)) == 2_762_689


def test_most_of_the_refiner_makes_filters():
    refiner = at_full_size(RefineNet2D)
    assert round(100 * count(refiner.filters) / count(refiner)) == 82


def test_prior_net_has_the_convolutions_of_table_3():
    network = at_full_size(PriorNet3D)
    down = [1, 96, 192, 384, 768, 768, 768]
    assert [(c.in_channels, c.out_channels, c.stride) for c in network.down] == [
        (inputs, outputs, (2, 2, 2)) for inputs, outputs in pairwise(down)
    ]
    up = [step.convolution for step in network.up] + [network.last]
    assert [c.in_channels for c in up] == [768, 1536, 1536, 768, 384, 192]
    assert [c.out_channels for c in up] == [768, 768, 384, 192, 96, 3]
    assert {c.stride for c in up} == {(1, 1, 1)}
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm3d)]
    assert len(norms) == 5 + 5


def test_filter_net_has_the_convolutions_of_table_2():
    network = at_full_size(FilterNet)
    channels = [1, 32, 64, 128, 256, 512, 1024, 2048, 4096]
    assert [(c.in_channels, c.out_channels) for c in network.convolutions] == list(pairwise(channels))
    assert {(c.kernel_size, c.stride, c.padding) for c in network.convolutions} == {((3, 3), (2, 2), (1, 1))}


def test_refiner_has_16_blocks_of_8_convolutions():
    network = at_full_size(RefineNet2D)
    assert len(network.blocks) == 16
    for block in network.blocks:
        assert [(c.in_channels, c.out_channels) for c in block.dense] == [(64 + 64 * n, 64) for n in range(8)]


@pytest.mark.parametrize(
    ("kind", "inputs", "output"),
    [
        (PriorNet3D, [(2, 1, 128, 128, 128)], (2, 3, 128, 128, 128)),
        (FilterNet, [(2, 1, 256, 256)], (2, 64, 64)),
        (RefineNet2D, [(2, 2, 128, 128), (2, 1, 256, 256)], (2, 2, 256, 256)),
        (Discriminator, [(2, 1, 256, 256)], (2, 1, 30, 30)),
    ],
)
def test_shapes_at_full_size(kind: Callable[[], nn.Module], inputs: list[tuple[int, ...]], output: tuple[int, ...]):
    assert at_full_size(kind)(*[torch.empty(shape, device="meta") for shape in inputs]).shape == output


def test_prior_net_has_537_billion_multiplications():
    with torch.device("meta"):
        network, volume = PriorNet3D(spectral=False), torch.empty(1, 1, 128, 128, 128)
    with FlopCounterMode(display=False) as counter:
        network(volume)
    assert round(counter.get_total_flops() / 2e9) == 537


# 3DPN


@pytest.mark.parametrize("spectral", [True, False])
@pytest.mark.parametrize(("widths", "shape"), [(SMALL_PRIOR, (16, 16, 16)), ((3, 5), (8, 4, 12)), ((2,), (2, 4, 6))])
def test_prior_net_learns(widths: tuple[int, ...], shape: tuple[int, int, int], spectral: bool):
    torch.manual_seed(0)
    network = PriorNet3D(widths, spectral=spectral)
    outputs = network(torch.rand(2, 1, *shape))
    assert outputs.shape == (2, 3, *shape)
    assert outputs.min() > 0
    assert outputs.max() < 1
    volume_of(outputs).square().sum().backward()
    weights = [p for p in network.parameters() if p.dim() > 1]
    assert len(weights) == 2 * len(widths)
    assert all(torch.isfinite(p.grad).all() and p.grad.abs().max() > 0 for p in weights)


def test_every_convolution_has_spectral_norm():
    for network in (at_full_size(PriorNet3D), PriorNet3D(SMALL_PRIOR)):
        assert len(convolutions(network)) == 2 * len(network.down)
        assert all(is_parametrized(convolution, "weight") for convolution in convolutions(network))
    for convolution in convolutions(network.eval()):
        largest = torch.linalg.matrix_norm(convolution.weight.flatten(1), 2).item()
        assert largest == pytest.approx(1, abs=0.1)


def test_spectral_norm_can_be_left_out():
    assert not any(is_parametrized(convolution) for convolution in convolutions(PriorNet3D((2, 4), spectral=False)))


def test_prior_net_joins_what_came_down_at_every_size():
    torch.manual_seed(0)
    network = PriorNet3D((4, 8, 12))
    joined: list[torch.Tensor] = []

    def keep(_module: nn.Module, inputs: tuple[torch.Tensor, torch.Tensor]) -> None:
        inputs[1].retain_grad()
        joined.append(inputs[1])

    for up in network.up:
        up.register_forward_pre_hook(keep)
    network(torch.rand(2, 1, 16, 16, 16)).sum().backward()
    assert [tuple(passed.shape) for passed in joined] == [(2, 8, 4, 4, 4), (2, 4, 8, 8, 8)]
    assert all(passed.grad.abs().max() > 0 for passed in joined)


def test_volume_is_bone_and_tissue_by_their_shares():
    outputs = torch.tensor([0.25, 0.8, 0.4]).view(1, 3, 1, 1, 1)
    assert volume_of(outputs).item() == pytest.approx(0.25 * 0.8 + 0.75 * 0.4)


def test_prior_net_names_sides_that_do_not_fit():
    with pytest.raises(InputError, match=r"16 x 16 x 12 voxels; resample it to multiples of 8"):
        PriorNet3D(SMALL_PRIOR)(torch.zeros(1, 1, 16, 16, 12))


# 2DRN


def test_refiner_learns():
    torch.manual_seed(0)
    network = small_refiner()
    radiograph = torch.rand(2, 1, 8, 8, requires_grad=True)
    refined = network(torch.rand(2, 2, 4, 4), radiograph)
    assert refined.shape == (2, 2, 8, 8)
    refined.square().sum().backward()
    assert radiograph.grad.abs().max() > 0
    assert all(torch.isfinite(p.grad).all() and p.grad.abs().max() > 0 for p in network.parameters())


def test_the_1_x_1_convolution_has_the_weights_that_its_radiograph_gives():
    torch.manual_seed(0)
    network = small_refiner()
    seen: dict[str, torch.Tensor] = {}
    network.fusion.register_forward_hook(lambda _module, _inputs, output: seen.update(fused=output))
    network.shallow.register_forward_hook(lambda _module, _inputs, output: seen.update(shallow=output))
    network.up.register_forward_pre_hook(lambda _module, inputs: seen.update(filtered=inputs[0]))
    radiographs = torch.rand(2, 1, 8, 8)
    with torch.no_grad():
        network(torch.rand(2, 2, 4, 4), radiographs)
        weights = network.filters(radiographs)
    assert (weights[0] - weights[1]).abs().max() > 0.01
    features = seen["fused"] + seen["shallow"]
    for n in range(2):
        expected = functional.conv2d(features[n : n + 1], weights[n][:, :, None, None])
        torch.testing.assert_close(seen["filtered"][n : n + 1], expected)


def test_dense_blocks_add_to_what_they_are_given():
    block = small_refiner().blocks[0]
    features = torch.rand(1, 5, 4, 4)
    with torch.no_grad():
        assert not torch.allclose(block(features), features, atol=1e-3)
        block.fusion.weight.zero_()
        block.fusion.bias.fill_(0.5)
        torch.testing.assert_close(block(features), features + 0.5)


def test_maps_of_one_radiograph_do_not_depend_on_another():
    torch.manual_seed(0)
    network = small_refiner()
    maps, radiographs = torch.rand(2, 2, 4, 4), torch.rand(2, 1, 8, 8)
    with torch.no_grad():
        before = network(maps, radiographs)
        after = network(maps, torch.cat([radiographs[:1], 1 - radiographs[1:]]))
    torch.testing.assert_close(after[0], before[0])
    assert (after[1] - before[1]).abs().max() > 1e-3


def test_refined_maps_are_the_given_ones_plus_what_is_added():
    network = small_refiner()
    maps, radiograph = torch.rand(1, 2, 4, 6), torch.rand(1, 1, 8, 8)
    bigger = functional.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
    with torch.no_grad():
        assert not torch.allclose(network(maps, radiograph), bigger, atol=1e-3)
        network.up[-1].weight.zero_()
        network.up[-1].bias.copy_(torch.tensor([1.0, -2.0]))
        expected = bigger + torch.tensor([1.0, -2.0]).view(1, 2, 1, 1)
        torch.testing.assert_close(network(maps, radiograph), expected)


@pytest.mark.parametrize("side", [8, 5, 1])
def test_filter_net_ends_in_one_pixel(side: int):
    assert FilterNet(3, (2, 4))(torch.rand(2, 1, side, side)).shape == (2, 3, 3)


def test_filter_net_names_a_radiograph_that_is_too_large():
    with pytest.raises(InputError, match=r"9 x 8 pixels; resample it to at most 8 x 8"):
        FilterNet(3, (2, 4))(torch.zeros(1, 1, 8, 9))


# Discriminator


def test_discriminator_judges_patches_of_70_pixels():
    torch.manual_seed(0)
    network = Discriminator(4)
    norms = [n for n, step in enumerate(network.steps) if isinstance(step, nn.InstanceNorm2d)]
    assert len(norms) == 3
    for n in norms:
        network.steps[n] = nn.Identity()  # which reaches all over the image
    image = torch.rand(1, 1, 128, 128, requires_grad=True)
    network(image)[0, 0, 6, 7].backward()
    rows, columns = (image.grad[0, 0].abs().sum(dim=n).nonzero()[:, 0] for n in (1, 0))
    assert len(rows) == rows[-1] - rows[0] + 1 == 70
    assert len(columns) == 70
    assert columns[0] - rows[0] == 8


def test_discriminator_learns():
    torch.manual_seed(0)
    network = Discriminator(4)
    judged = network(torch.rand(2, 1, 64, 64))
    assert judged.shape == (2, 1, 6, 6)
    judged.square().sum().backward()
    weights = [p for p in network.parameters() if p.dim() > 1]
    assert len(weights) == 5
    assert all(torch.isfinite(p.grad).all() and p.grad.abs().max() > 0 for p in weights)


# Losses


def test_terms_of_the_refiner_have_their_weights():
    coarse = torch.zeros(4, 2, 3, 3)
    refined = torch.zeros(4, 2, 6, 6)
    refined[:, 0], refined[:, 1] = 3.0, 50.0  # g/cm2; only bone counts
    judged = torch.tensor([0.5, 2.0]).view(2, 1, 1, 1).expand(2, 1, 5, 5)
    terms = refiner_losses(torch.full((2, 1, 6, 6), 0.7), torch.full((2, 1, 6, 6), 0.4), judged, refined, coarse)
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(
        {"reconstruction": 0.3, "adversarial": 0.02 * 8 * (0.25 + 1.0) / 2, "sparsity": 0.005 * 3.0}
    )


def test_bone_may_change_a_little():
    coarse = torch.zeros(2, 2, 2, 2)
    for value, expected in ((0.9, 0.0), (1.1, 1.1)):
        refined = torch.full((2, 2, 4, 4), value, requires_grad=True)
        change = bone_change(refined, coarse)
        change.backward()
        assert change.item() == pytest.approx(expected)
        assert bool(refined.grad.any()) == (expected > 0)


def test_bone_is_compared_after_averaging():
    coarse = torch.full((1, 2, 2, 2), 7.0)
    refined = torch.tensor([[0.0, 4.0], [0.0, 4.0]]).repeat(1, 2, 2, 2)  # 2 on average
    assert bone_change(refined, coarse).item() == pytest.approx(5.0)


def test_discriminator_loss_is_least_for_the_truth():
    ones, zeros = torch.ones(2, 1, 3, 3), torch.zeros(2, 1, 3, 3)
    assert discriminator_loss(ones, zeros).item() == 0
    assert discriminator_loss(zeros, ones).item() == pytest.approx(2 * 8)
    assert discriminator_loss(0.5 * ones, 0.5 * ones).item() == pytest.approx(0.5 * 8)

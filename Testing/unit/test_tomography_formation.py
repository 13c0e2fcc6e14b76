"""Densities in a cube and their radiographs: analytic truths, and the given view among all others."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from XrayTomographyLib.formation import Frame, integral_of_opacity, opacity, radiograph


def volume(*shape: int) -> torch.Tensor:
    return 0.2 * torch.rand(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("depth", [1, 8, 128])
def test_a_uniform_density_shows_what_the_law_says_in_any_number_of_slices(depth: int):
    shown = radiograph(torch.full((3, depth, 4), 0.1))
    assert shown.shape == (3, 4)
    torch.testing.assert_close(shown, torch.full((3, 4), 1 - math.exp(-1)))


def test_opacity_tells_the_integral_as_far_as_it_goes():
    integrals = torch.linspace(0, 0.9, 50)
    torch.testing.assert_close(integral_of_opacity(opacity(integrals)), integrals, atol=1e-4, rtol=0)
    ends = integral_of_opacity(torch.tensor([-0.5, 0.0, 1 - 1e-4, 1.0, 2.0]))
    torch.testing.assert_close(ends, math.log(1e4) / 10 * torch.tensor([0.0, 0, 1, 1, 1]), atol=1e-4, rtol=0)


@pytest.mark.parametrize("shape", [(12, 16, 12), (9, 5, 14), (10, 7, 3), (1, 4, 1)])
@pytest.mark.parametrize("side", [1.0, 240.0])
def test_the_projector_sees_in_the_given_view_what_the_sum_says(shape: tuple[int, int, int], side: float):
    densities = volume(*shape)
    torch.testing.assert_close(
        Frame(side, shape).radiographs(densities, [(0, 0)])[0], radiograph(densities), atol=1e-5, rtol=0
    )


def test_from_behind_everything_is_mirrored():
    densities = volume(12, 8, 12)
    front, back = Frame(200.0, (12, 8, 12)).radiographs(densities, [(0, 0), (180, 0)])
    torch.testing.assert_close(back, front.flip(-1), atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("angles", "row", "column"), [((0, 0), 3, 4), ((90, 0), 3, 1), ((-90, 0), 3, 14), ((0, 90), 14, 4)]
)
def test_a_dense_voxel_is_seen_from_all_sides_where_it_is(angles: tuple[float, float], row: int, column: int):
    densities = torch.zeros(16, 16, 16)
    densities[3, 1, 4] = 1.0  # near the head, the viewer, and the patient's right
    shown = Frame(200.0, (16, 16, 16)).radiographs(densities, [angles])[0]
    assert divmod(int(shown.argmax()), 16) == (row, column)


def test_the_first_voxel_is_at_the_right_the_front_and_the_head():
    matrix = Frame(200.0, (32, 64, 16)).ijk_to_ras
    np.testing.assert_allclose(matrix @ [-0.5, -0.5, -0.5, 1], [50, 100, 100, 1])
    np.testing.assert_allclose(matrix @ [15.5, 63.5, 31.5, 1], [-50, -100, -100, 1])


def test_views_can_be_learned_from():
    densities = volume(8, 8, 8).requires_grad_()
    Frame(1.0, (8, 8, 8)).radiographs(densities, [(30, 20)]).sum().backward()
    assert densities.grad is not None
    assert (densities.grad >= 0).all()
    assert densities.grad.sum() > 0

"""Fusion of a coarse guess with a radiograph: exact on every ray it knows of, never negative, by rows or as a whole."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from InverseImagingLib.errors import InputError
from XrayTomographyLib import fusion
from XrayTomographyLib.formation import EXTINCTION, radiograph
from XrayTomographyLib.fusion import fuse, fused_rows

GPU = torch.device("cuda" if torch.cuda.is_available() else "cpu")
examples = settings(max_examples=100, deadline=None)


@dataclass(frozen=True)
class Case:
    """A guess (K, J, I) of which some voxels and some whole rays are empty, a radiograph (H, W), and an exponent."""

    guess: torch.Tensor
    opacity: torch.Tensor
    beta: float

    @property
    def seen(self) -> torch.Tensor:
        """The guess behind each pixel (H, J, W), if that is not coarser: by another way than that of the fusion."""
        planes = self.guess.permute(1, 0, 2)[None]
        return torch.nn.functional.interpolate(planes, self.opacity.shape, mode="bilinear")[0].permute(1, 0, 2)

    @property
    def empty(self) -> torch.Tensor:
        """Where (H, J, W) no neighbor has any density, however the places of rays are rounded."""
        spread = torch.nn.functional.max_pool2d(self.guess.permute(1, 0, 2)[None], 3, 1, 1)
        return Case(spread[0].permute(1, 0, 2), self.opacity, self.beta).seen == 0

    def known(self, share: float) -> torch.Tensor:
        """Rays (H, W) that have at least such a share of the largest density."""
        return self.seen.amax(1) > max(share * float(self.guess.max()), 1e-7)

    @property
    def asked(self) -> torch.Tensor:
        return self.opacity.clamp(0, 1 - 1e-4)


@st.composite
def cases(draw: st.DrawFn, betas: tuple[float, ...] = (1.0, 1.5, 2.0, 3.0, 4.0)) -> Case:
    random = torch.Generator(GPU).manual_seed(draw(st.integers(0, 2**32)))

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(shape, generator=random, device=GPU)

    k, j, i = draw(st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(1, 6)))
    height, width = k + draw(st.integers(0, 9)), i + draw(st.integers(0, 9))
    guess = draw(st.sampled_from([1e-5, 1e-2, 0.3, 10.0])) * uniform(k, j, i) ** draw(st.sampled_from([1, 4]))
    guess *= uniform(k, j, i) < draw(st.sampled_from([0.3, 1.0]))
    guess *= uniform(k, 1, i) < draw(st.sampled_from([0.3, 1.0]))
    opacity = uniform(height, width) ** draw(st.sampled_from([0.01, 1, 30]))
    opacity[uniform(height, width) < 0.1] = draw(st.sampled_from([-1e-3, 0.0, 1e-6, 1 - 1e-6, 1.0, 1.001]))
    return Case(guess, opacity, draw(st.sampled_from(betas)))


@examples
@given(cases())
def test_every_ray_with_density_projects_to_its_pixel(case: Case):
    densities, residual = fuse(case.guess, case.opacity, case.beta)
    shown = radiograph(densities)
    assert ((shown - case.asked).abs() < 2e-5)[case.known(1e-6)].all()
    torch.testing.assert_close(residual, case.opacity - shown, atol=1e-6, rtol=0)


@examples
@given(cases())
def test_no_density_is_negative(case: Case):
    densities = fuse(case.guess, case.opacity, case.beta).densities
    assert densities.isfinite().all()
    assert (densities >= 0).all()


@examples
@given(cases())
def test_what_is_empty_stays_empty_and_the_residual_tells(case: Case):
    densities, residual = fuse(case.guess, case.opacity, case.beta)
    assert (densities[case.empty] == 0).all()
    rays = case.empty.all(1)
    assert torch.equal(residual[rays], case.opacity[rays])


@examples
@given(cases())
def test_where_nothing_gets_negative_the_equation_holds(case: Case):
    guess, wanted = case.seen.double(), -torch.log(1 - case.asked.double()) / EXTINCTION
    excess = (guess.mean(1) - wanted) * guess.shape[1]
    expected = guess - (excess / (guess**case.beta).sum(1))[:, None] * guess**case.beta
    valid = (expected >= 1e-4 * guess).all(1) & case.known(0.01)
    found = fuse(case.guess, case.opacity, case.beta).densities.double()
    error = (found - expected).abs().amax(1) / (guess.amax(1) + wanted + 1e-3)
    assert (error[valid] < 2e-4).all()


@examples
@given(cases())
def test_the_order_of_rows_does_not_matter(case: Case):
    upright = fuse(case.guess, case.opacity, case.beta).densities
    turned = fuse(case.guess.flip(0), case.opacity.flip(0), case.beta).densities
    torch.testing.assert_close(turned.flip(0), upright, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("rows_at_once", [1, 2, 5, 1000])
def test_by_rows_it_is_the_same_as_a_whole(rows_at_once: int, monkeypatch: pytest.MonkeyPatch):
    torch.manual_seed(0)
    guess, opacity = torch.rand(6, 8, 5, device=GPU), torch.rand(23, 17, device=GPU)
    densities, residual = fuse(guess, opacity)
    for name in ("_CPU_BLOCK", "_GPU_BLOCK"):
        monkeypatch.setattr(fusion, name, 4 * 8 * 17 * rows_at_once)
    parts = list(fused_rows(guess, opacity))
    assert [rows.start for rows, _ in parts] == list(range(0, 23, rows_at_once))
    torch.testing.assert_close(torch.cat([part.densities for _, part in parts]), densities)
    torch.testing.assert_close(torch.cat([part.residual for _, part in parts]), residual, atol=1e-6, rtol=0)


@examples
@given(cases())
def test_fusing_twice_changes_nothing(case: Case):
    once = fuse(case.guess, case.opacity, case.beta)
    twice = fuse(once.densities, case.opacity, case.beta)
    torch.testing.assert_close(twice.densities, once.densities, atol=1e-5, rtol=1e-3)


@examples
@given(cases((1.0,)))
def test_with_beta_1_rays_are_scaled(case: Case):
    densities = fuse(case.guess, case.opacity, 1.0).densities
    kept = case.known(0.01) & (case.opacity > 1e-5)
    assert ((densities > 0) | (case.seen < 1e-6))[kept[:, None].expand_as(densities)].all()
    share, found = case.seen / case.seen.sum(1, keepdim=True), densities / densities.sum(1, keepdim=True)
    assert ((found - share).abs().amax(1) < 1e-4)[kept].all()


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (300, 2), (4, 4), (5, 3), (37, 64)])
def test_radiographs_of_any_size(size: tuple[int, int]):
    torch.manual_seed(0)
    opacity = torch.rand(size, device=GPU) * 0.99
    densities, residual = fuse(torch.rand(4, 8, 4, device=GPU), opacity)
    assert densities.shape == (size[0], 8, size[1])
    assert densities.dtype == residual.dtype == torch.float32
    assert residual.abs().max() < 1e-5


def test_a_pixel_that_covers_several_rays_takes_their_mean():
    guess = torch.tensor([[[0.1, 0.3], [0.0, 0.4]], [[0.2, 0.2], [0.1, 0.3]]])  # (2, 2, 2)
    densities = fuse(guess, torch.tensor([[0.5]]), beta=1.0).densities
    torch.testing.assert_close(densities, torch.tensor([[[0.2], [0.2]]]) * math.log(2) / 10 / 0.2)


def test_the_densest_voxel_gives_all_it_has_and_the_rest_its_share():
    guess = torch.tensor([1.0, 0.5, 0.1, 0.0]).reshape(1, 4, 1)
    wanted = torch.tensor([[0.04]])
    densities = fuse(guess, -torch.expm1(-10 * wanted)).densities.flatten()
    left = torch.tensor([0.0, 0.25, 0.09, 0.0])  # after 1.0 of the first, with the square of each
    torch.testing.assert_close(densities, left * 0.16 / 0.34, atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("given_opacity", "shown"), [(0.0, 0.0), (-0.2, 0.0), (1 - 5e-5, 0.9999), (1.0, 0.9999), (3, 0.9999)]
)
@pytest.mark.parametrize("density", [1e-6, 0.05, 20.0])
def test_extreme_opacity_goes_as_far_as_it_may(given_opacity: float, shown: float, density: float):
    opacity = torch.full((2, 3), float(given_opacity))
    densities, residual = fuse(torch.full((2, 4, 3), density), opacity)
    torch.testing.assert_close(radiograph(densities), torch.full((2, 3), shown), atol=5e-5, rtol=0)
    torch.testing.assert_close(residual, torch.full((2, 3), given_opacity - shown), atol=5e-5, rtol=0)


def test_negative_guesses_count_as_none_and_inputs_stay():
    guess, opacity = torch.tensor([[[-1.0], [0.125]]]).double(), torch.tensor([[0.5]]).half()
    densities = fuse(guess, opacity).densities
    torch.testing.assert_close(densities, torch.tensor([[[0.0], [2 * math.log(2) / 10]]]))
    assert guess.tolist() == [[[-1.0], [0.125]]]
    assert opacity.tolist() == [[0.5]]


def test_a_large_result_comes_in_small_parts():
    blocks = fused_rows(torch.rand(8, 128, 8, device=GPU), torch.rand(4096, 4096, device=GPU))
    rows, block = next(iter(blocks))
    assert rows.start == 0
    assert 4 * block.densities.numel() <= (2**22 if GPU.type == "cpu" else 2**28)


@pytest.mark.parametrize(
    ("guess", "opacity", "beta", "words"),
    [
        (torch.rand(2, 2), torch.rand(2, 2), 2, r"needs densities \(K, J, I\) and a radiograph \(H, W\), not \(2, 2\)"),
        (torch.rand(2, 2, 2), torch.rand(1, 2, 2), 2, r"not \(2, 2, 2\) and \(1, 2, 2\)"),
        (torch.rand(2, 2, 2), torch.rand(()), 2, r"not \(2, 2, 2\) and \(\)"),
        (torch.rand(2, 0, 2), torch.rand(2, 2), 2, r"not \(2, 0, 2\)"),
        (torch.rand(2, 2, 2), torch.rand(2, 2), 0.5, "exponent of the fusion must be from 1 to 4, not 0.5"),
        (torch.rand(2, 2, 2), torch.rand(2, 2), math.nan, "exponent of the fusion must be from 1 to 4, not nan"),
        (torch.full((2, 2, 2), math.nan), torch.rand(2, 2), 2, "The guess to be fused holds NaN"),
        (torch.rand(2, 2, 2), torch.full((2, 2), math.inf), 2, "The radiograph to be fused holds NaN or infinite"),
    ],
)
def test_one_clear_sentence(guess: torch.Tensor, opacity: torch.Tensor, beta: float, words: str):
    with pytest.raises(InputError, match=words) as caught:
        fuse(guess, opacity, beta)
    assert str(caught.value).endswith(".")

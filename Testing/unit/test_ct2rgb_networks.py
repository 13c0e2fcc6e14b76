"""CT2RGB's compact network: palettes of which each pixel takes the color of its own HU."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ct2rgb_sections import untrained
from hypothesis import given, settings
from hypothesis import strategies as st

from CT2RGBLib.networks import KNOTS, ColorNet, knot_of, looked_up, shares_of
from InverseImagingLib.models import find_weights, load_weights


def sample(shape: tuple[int, int] = (48, 64), spacing: float = 1.0) -> dict[str, torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    body = torch.zeros(1, 1, *shape)
    body[..., 4:-4, 6:-6] = 1
    hu = torch.where(body > 0, 200 * torch.randn(1, 3, *shape, generator=rng), torch.tensor(-1000.0))
    edges = torch.rand(1, 1, *shape, generator=rng) * body
    usual = torch.rand(1, 3, *shape, generator=rng)
    return {"hu": hu, "sobel": edges, "body": body, "usual": usual, "spacing": torch.full((1, 1), spacing)}


def test_the_compact_weights_fit_into_a_bundle():
    assert 2 * sum(p.numel() for p in ColorNet().parameters()) < 16 * 2**20


@given(st.floats(-2000, 4000))
def test_hu_lie_between_the_knots_next_to_them(hu: float):
    shares = shares_of(torch.tensor(hu).reshape(1, 1, 1, 1), (1, 1)).flatten()
    assert float(shares.sum()) == pytest.approx(1, abs=1e-5)
    assert int((shares > 0).sum()) <= 2
    assert float(shares @ torch.tensor(KNOTS, dtype=torch.float32)) == pytest.approx(
        np.clip(hu, KNOTS[0], KNOTS[-1]), abs=0.05
    )


def test_shares_of_cells_are_means_of_those_of_their_pixels():
    hu = 300 * torch.randn(2, 1, 12, 18)
    each = shares_of(hu, (12, 18))
    torch.testing.assert_close(shares_of(hu, (4, 9)), torch.nn.functional.avg_pool2d(each, (3, 2)))
    torch.testing.assert_close(shares_of(hu, (5, 7)).sum(dim=1), torch.ones(2, 5, 7))
    torch.testing.assert_close(shares_of(hu, (24, 18))[:, :, ::2], each)


def test_knots_are_counted_from_zero():
    torch.testing.assert_close(knot_of(torch.tensor(KNOTS, dtype=torch.float32)), torch.arange(len(KNOTS)).float())


def test_a_color_is_that_of_the_own_hu_and_edge():
    """Palettes that are the same everywhere and rise with HU, those of edges the other way round."""
    ramp = torch.linspace(0, 1, len(KNOTS)).expand(1, 3, len(KNOTS))
    palettes = torch.cat([ramp, 1 - ramp], dim=1)[..., None, None].expand(-1, -1, -1, 4, 5)
    hu = torch.tensor(KNOTS, dtype=torch.float32).repeat(12).reshape(1, 1, 12, len(KNOTS))
    for strength in (0.0, 0.25, 1.0):
        colors = looked_up(palettes, knot_of(hu), torch.full_like(hu, strength))
        wanted = torch.lerp(ramp, 1 - ramp, strength)[..., None, :].expand(-1, -1, 12, -1)
        torch.testing.assert_close(colors, wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("part", ["body", "head"])
def test_no_color_edge_arises_where_hu_and_palettes_are_even(part: str):
    """But for what is less than a step of 255: noise is found for four pixels at a time."""
    network = ColorNet().eval()
    load_weights(network, find_weights("CT2RGB", part))
    palettes = torch.linspace(0, 1, len(KNOTS)).reshape(1, 1, -1, 1, 1).expand(1, 6, -1, 8, 9)
    for level in (-100.0, 37.0, 150.0):
        hu, edges, body = (torch.full((1, 1, 40, 45), value) for value in (level, 0.0, 1.0))
        with torch.inference_mode():
            colors = network.colors(palettes, hu, edges, body, torch.full((1, 3, 40, 45), 0.4))[..., 6:-6, 6:-6]
        assert float((colors - colors[..., :1, :1]).abs().max()) < 1 / 255


def test_where_hu_are_even_colors_change_no_faster_than_palettes_do():
    palettes, hu = torch.rand(1, 6, len(KNOTS), 6, 6), torch.full((1, 1, 48, 48), 55.0)
    with torch.inference_mode():
        colors = untrained().colors(palettes, hu, 0 * hu, torch.ones_like(hu), torch.zeros(1, 3, 48, 48))
    steepest = max(float(palettes[:, :3].diff(dim=axis).abs().max()) for axis in (3, 4))
    for axis in (2, 3):
        assert float(colors.diff(dim=axis).abs().max()) <= steepest * 6 / 48 + 1e-5


@settings(max_examples=8, deadline=None)
@given(st.integers(3, 70), st.integers(3, 70), st.floats(0.4, 6.0))
def test_any_size_and_spacing_works(rows: int, columns: int, spacing: float):
    body = torch.ones(1, 1, rows, columns)
    nothing = 0 * body.expand(-1, 3, -1, -1)
    planes = {"hu": nothing, "sobel": 0 * body, "body": body, "usual": nothing}
    with torch.inference_mode():
        colors = untrained()({**planes, "spacing": torch.tensor([[spacing]])})
    assert colors.shape == (1, 3, rows, columns)
    assert torch.isfinite(colors).all()


def test_a_slice_without_a_body_works():
    nothing = {name: 0 * value for name, value in sample().items()} | {"spacing": torch.ones(1, 1)}
    with torch.inference_mode():
        assert torch.isfinite(untrained()(nothing)).all()


def test_palettes_hardly_depend_on_how_fine_the_ct_is():
    """The same picture with pixels of half the size."""
    coarse = sample()
    fine = {
        name: value.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3) if value.ndim == 4 else value
        for name, value in coarse.items()
    }
    with torch.inference_mode():
        palettes = [
            untrained().palettes(each["hu"], each["sobel"], each["body"], (mm, mm))
            for each, mm in ((coarse, 1.0), (fine, 0.5))
        ]
    torch.testing.assert_close(*palettes, atol=1e-3, rtol=0)


def test_neighbors_matter():
    one = sample()
    other = {**one, "hu": one["hu"][:, [2, 1, 0]]}
    with torch.inference_mode():
        assert float((untrained()(one) - untrained()(other)).abs().max()) > 1e-3


def test_every_weight_learns():
    torch.manual_seed(0)
    network = ColorNet()
    (network(sample()) * torch.rand(1, 3, 48, 64)).sum().backward()
    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []

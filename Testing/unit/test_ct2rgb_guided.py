"""Colors that change where the CT does."""

from __future__ import annotations

import torch

from CT2RGBLib.guided import guided

BODY = torch.ones(1, 1, 40, 40)
LEFT = torch.arange(40) < 20


def step(low: float, high: float) -> torch.Tensor:
    return torch.where(LEFT, low, high).expand(1, 1, 40, 40)


def test_one_color_stays():
    noise = 40 + 20 * torch.randn(2, 1, 40, 40, generator=torch.Generator().manual_seed(0))
    found = guided(torch.full((2, 3, 40, 40), 0.3), noise, BODY.expand(2, -1, -1, -1))
    torch.testing.assert_close(found, torch.full((2, 3, 40, 40), 0.3), atol=1e-5, rtol=0)


def test_an_edge_stays_where_the_ct_has_it():
    colors = step(0.2, 0.6)
    torch.testing.assert_close(guided(colors, step(-100, 50), BODY), colors, atol=0.01, rtol=0)


def test_an_edge_goes_where_the_ct_has_none():
    found = guided(step(0.2, 0.6), step(40, 40), BODY)
    torch.testing.assert_close(found[..., :18], torch.full((1, 1, 40, 18), 0.2), atol=1e-5, rtol=0)
    assert float(found.diff(dim=3).max()) <= 0.4 / 3 + 1e-5
    torch.testing.assert_close(found + found.flip(3), torch.full_like(found, 0.8), atol=1e-5, rtol=0)


def test_what_is_not_body_counts_for_nothing():
    colors = step(0.2, 0.6)
    body = LEFT.float().expand_as(BODY)
    one, two = (guided(each, step(40, 40), body) for each in (colors, torch.where(LEFT, colors, 9.0)))
    inside = body > 0
    assert torch.equal(one[inside], two[inside])
    torch.testing.assert_close(one[inside], torch.full_like(one[inside], 0.2), atol=1e-5, rtol=0)

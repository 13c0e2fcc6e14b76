"""Colors that change where the CT does."""

from __future__ import annotations

import numpy as np

from CT2RGBLib.guided import guided

BODY = np.ones((40, 40), bool)
LEFT = np.arange(40) < 20


def step(low: float, high: float) -> np.ndarray:
    return np.broadcast_to(np.where(LEFT, low, high), (40, 40)).astype(np.float32)


def test_one_color_stays():
    noise = np.random.default_rng(0).normal(40, 20, (40, 40)).astype(np.float32)
    found = guided(np.full((40, 40, 3), 0.3, np.float32), noise, BODY)
    np.testing.assert_allclose(found, 0.3, atol=1e-5)
    assert found.dtype == np.float32


def test_an_edge_stays_where_the_ct_has_it():
    colors = step(0.2, 0.6)[..., None]
    found = guided(colors, step(-100, 50), BODY)
    np.testing.assert_allclose(found, colors, atol=0.01)


def test_an_edge_goes_where_the_ct_has_none():
    found = guided(step(0.2, 0.6)[..., None], step(40, 40), BODY)[..., 0]
    np.testing.assert_allclose(found[:, :18], 0.2, atol=1e-5)
    assert np.diff(found, axis=1).max() <= 0.4 / 3 + 1e-5
    np.testing.assert_allclose(found + found[:, ::-1], 0.8, atol=1e-5)


def test_what_is_not_body_counts_for_nothing():
    colors = step(0.2, 0.6)[..., None]
    other = np.where(LEFT[:, None], colors, 9).astype(np.float32)
    body = np.broadcast_to(LEFT, BODY.shape)
    one, two = (guided(each, step(40, 40), body) for each in (colors, other))
    np.testing.assert_array_equal(one[body], two[body])
    np.testing.assert_allclose(one[body], 0.2, atol=1e-5)

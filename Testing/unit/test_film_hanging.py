"""Films hung otherwise than a fit leaves them."""

from __future__ import annotations

import numpy as np
import pytest
from film_surfaces import HANGING, SHAPE, Dark, off, photo_of, truth

from FilmRecoveryLib.hanging import rehung
from FilmRecoveryLib.settling import rim_told
from FilmRecoveryLib.surface import TERMS, Surface

BLACK = np.zeros((8, 8))


def hanging(*bends: float) -> Surface:
    return Surface.bent(np.array([*HANGING, *bends]), SHAPE)


@pytest.mark.parametrize("right", [(0.8, -0.6, -1.2, 0), (0.4, -0.6, 1.2, 0)])
def test_a_film_that_has_to_stretch_is_hung_otherwise(right: tuple[float, ...]):
    film, network = truth(*right), Dark().eval()
    photo, surface = photo_of(film, BLACK), hanging(0.8, 1.2, 1.2, 0)
    rim = rim_told(photo, film, network, film, between=3)
    for _ in range(4):
        surface = surface.fitted(*rim)
    found, cost = rehung(photo, surface.of(film), surface, network, np.random.default_rng(0))
    print(off(surface.of(film), film), surface.stretch, off(found.of(film), film), found.stretch, cost)
    assert surface.stretch > 0.8
    assert found.stretch < 0.3
    assert cost < 0.5
    assert off(found.of(film), film) < 0.6 * off(surface.of(film), film)


def test_a_film_that_hangs_right_stays():
    film, network = truth(0.4, 0.9, 0.6, 0), Dark().eval()
    found, cost = rehung(photo_of(film, BLACK), film, hanging(0.4, 0.9, 0.6, 0), network, np.random.default_rng(0))
    assert off(found.of(film), film) < 1
    assert cost < 0.5


def test_higher_degrees_can_be_left_out_and_are_none_then():
    simple = hanging(0.4, 0.9, 0.6, 0).with_terms(28)
    full = simple.with_terms(TERMS)
    assert (simple.terms, full.terms) == (28, TERMS)
    np.testing.assert_allclose(full.backward, simple.backward, atol=1e-4)
    np.testing.assert_array_equal(full.with_terms(28).values, simple.values)
    assert full.stretch == pytest.approx(simple.stretch, abs=1e-6)

"""Whether a film is flat already."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from film_photos import CORNERS, backward, film, photo

from FilmRecoveryLib.gate import Coarse, flattest, judge, straightness
from FilmRecoveryLib.sheet import Sheet
from FilmRecoveryLib.warp import places

SIDE = 380.0  # pixels of the drawn film, about


def wavy(sheet: Sheet, amount: float) -> Sheet:
    """What a network that sees waves makes of a sheet."""
    v, u = np.indices(sheet.backward.shape[:2]) / len(sheet.backward)
    waves = np.stack([np.sin(6 * v), np.cos(5 * u)], axis=-1) * amount
    return replace(sheet, backward=(sheet.backward + waves).astype(np.float32))


def judged(sheet: Sheet, picture: np.ndarray) -> tuple[bool, float]:
    seen = Coarse.of(picture, sheet)
    return judge(sheet, flattest(sheet, seen), seen)


def test_a_flat_film_stays_flat():
    picture = photo()
    true = Sheet.of_corners(CORNERS, 1.25, "model")
    for amount in (0.0, 0.8, 3.0):
        found = wavy(true, amount)
        flat, bend = judged(found, picture)
        assert flat
        assert bend <= 1.5 * amount + 1e-3


@pytest.mark.parametrize("sag", [0.02, 0.06])
def test_a_bent_film_is_unbent(sag: float):
    true = Sheet(backward((64, 64), sag=sag).astype(np.float32), np.ones((64, 64)), 1.25, "model")
    picture = photo(sag=sag)
    flat, bend = judged(true, picture)
    assert not flat
    assert 0.2 * sag * SIDE < bend < sag * SIDE


def test_curved_sides_are_those_of_a_bent_film_whatever_it_shows():
    true = Sheet(backward((64, 64), sag=0.05).astype(np.float32), np.ones((64, 64)), 1.25, "model")
    picture = photo(sag=0.05, texture=np.zeros_like(film()), noise=0.0)
    assert not judged(true, picture)[0]


def test_a_bend_between_straight_sides_has_to_show():
    true = Sheet.of_corners(CORNERS, 1.25, "model")
    v, u = np.moveaxis(places((64, 64)), -1, 0)
    inner = np.stack([0 * u, 20 * np.sin(np.pi * u) * np.sin(np.pi * v)], axis=-1)
    found = replace(true, backward=(true.backward + inner).astype(np.float32))
    for texture in (film(), np.zeros_like(film())):
        picture = photo(texture=texture)
        assert judged(found, picture)[0]


def test_a_flat_film_has_its_sides_where_the_photo_shows_them():
    off = np.array([[3.0, -2], [-2, 3], [2, 2], [-3, 2]])
    sheet = Sheet.of_corners(CORNERS + off, 1.25, "model")
    found = flattest(sheet, Coarse.of(photo(), sheet))
    np.testing.assert_allclose(found.corners, CORNERS, atol=1.5)


def test_a_strip_has_no_rows_and_columns():
    strip = Sheet.of_corners(np.array([[10.0, 10], [400, 10], [400, 14], [10, 14]]), 97.5, "model")
    assert straightness(np.full((300, 420, 3), 90, np.uint8), strip) == 0

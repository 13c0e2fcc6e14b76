"""Films found by their outlines."""

from __future__ import annotations

import numpy as np
import pytest
from film_photos import CORNERS, backward, photo
from scipy import ndimage

from FilmRecoveryLib.outline import outlines

SIDE = 380.0  # pixels of the drawn film, about


def clutter() -> np.ndarray:
    rough = ndimage.gaussian_filter(np.random.default_rng(0).random((480, 640)), 4)
    return 0.3 + 0.6 * (rough - rough.min()) / np.ptp(rough)


@pytest.mark.parametrize("around", [0.9, 0.4, "clutter"])
@pytest.mark.parametrize("sag", [0.0, 0.05])
def test_a_film_is_found_with_its_corners_and_its_bend(around: float | str, sag: float):
    picture = photo(sag=sag, around=clutter() if around == "clutter" else float(around))
    (found,) = outlines(picture)
    assert found.score > 0.7
    assert found.sheet.source == "outline"
    assert found.sheet.aspect == pytest.approx(1.25, rel=0.08)
    off = np.linalg.norm(found.sheet.at(30, 40) - backward((30, 40), sag=sag), axis=-1)
    assert np.median(off) < 0.005 * SIDE
    assert off.max() < 0.02 * SIDE


def test_a_film_is_found_in_a_large_photo():
    (found,) = outlines(np.kron(photo(), np.ones((4, 4, 1), np.uint8)))
    np.testing.assert_allclose(found.sheet.corners, CORNERS * 4 + 1.5, atol=0.015 * SIDE * 4)


def test_two_films_are_two():
    both = np.concatenate([photo(CORNERS * 0.75), photo(CORNERS * 0.75)], axis=1)
    middles = sorted(each.sheet.points(3, 3)[1, 1, 0] for each in outlines(both))
    middle = float(CORNERS[:, 0].mean()) * 0.75
    assert middles == pytest.approx([middle, middle + 640], abs=15)


def test_where_there_is_no_film_none_is_found():
    colors = clutter()[..., None] * np.array([200, 220, 255])
    for picture in (colors.astype(np.uint8), np.full((200, 300, 3), 128, np.uint8)):
        assert outlines(picture) == []

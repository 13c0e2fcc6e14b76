"""The clear rim of a film, where its dark is seen to end before it."""

from __future__ import annotations

import numpy as np
import pytest
from film_photos import CORNERS, SQUARE, film, photo

from FilmRecoveryLib.clear_rim import with_clear_rim
from FilmRecoveryLib.gate import Coarse, flattest
from FilmRecoveryLib.homography import homography, transformed
from FilmRecoveryLib.sheet import Sheet

RIM = 4  # pixels of the film, and about as many of the photo


def cleared(sides: int) -> np.ndarray:
    """A film with a clear rim along so many sides."""
    texture = film()
    for _ in range(4):
        texture = np.rot90(texture)
        if sides > 0:
            texture[:RIM] = 1
        sides -= 1
    return texture


def dark_end(texture: np.ndarray) -> Sheet:
    inner = SQUARE + (0.5 - SQUARE) * 2 * RIM / np.array(texture.shape[::-1])
    return Sheet.of_corners(transformed(inner, homography(SQUARE, CORNERS)), 1.25, "model")


@pytest.mark.parametrize("around", [0.55, 0.65, 0.7])
def test_a_clear_rim_belongs_to_the_film(around: float):
    texture = cleared(4)
    sheet, picture = dark_end(texture), photo(texture=texture, around=around)
    assert np.abs(sheet.corners - CORNERS).max() > 3
    for found in (with_clear_rim(picture, sheet), flattest(sheet, Coarse.of(picture, sheet))):
        np.testing.assert_allclose(found.corners, CORNERS, atol=1.2)


@pytest.mark.parametrize("sides", [0, 1, 2])
def test_a_light_line_along_some_sides_is_no_clear_rim(sides: int):
    sheet = dark_end(film())
    assert with_clear_rim(photo(texture=cleared(sides), around=0.7), sheet) is sheet


def test_a_film_that_is_not_seen_has_none():
    sheet = dark_end(film())
    assert with_clear_rim(np.full((480, 640, 3), 128, np.uint8), sheet) is sheet

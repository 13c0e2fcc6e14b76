"""What nearly all tiles have at the same place."""

from __future__ import annotations

import film_sheets
import numpy as np
import pytest

from FilmRecoveryLib.assemble import stack
from FilmRecoveryLib.repeated import repeated
from FilmRecoveryLib.text import find_text

TILE = (240, 240)
LINES = ("Im: {number}", "W 80", "C 40")


def faint(rows: int, columns: int) -> tuple[np.ndarray, list[film_sheets.Box], np.ndarray]:
    """A noisy film, whose text is little brighter than what is around, its boxes, and where it is written on."""
    film, boxes = film_sheets.sheet(rows, columns, tile=TILE, lines=LINES)
    plain, _ = film_sheets.sheet(rows, columns, tile=TILE, lines=())
    noise = 0.01 * np.random.default_rng(0).standard_normal(film.shape, np.float32)
    return np.where(film > plain, plain + 0.1, plain) + noise + 0.02, boxes, film > plain + 0.5


def test_faint_text_is_found_where_tiles_repeat_it():
    film, boxes, ink = faint(3, 3)
    assert find_text(film, boxes)[0][ink].mean() > 0.8
    assert find_text(film, boxes[:1])[0][ink].mean() < 0.05


def test_noise_and_anatomy_are_not_repeated():
    film, boxes, ink = faint(3, 3)
    mask, _ = find_text(film, boxes)
    assert stack(mask & ~ink, boxes).mean() < 0.02


@pytest.mark.parametrize("size", [(60, 70), (240, 240), (777, 500)])
def test_strokes_a_little_apart_from_tile_to_tile_are_the_same(size: tuple[int, int]):
    """Of a tile's size there may be any, as they are compared on fewer pixels."""
    height, width = size
    same, others = np.zeros((2, 6, height, width), np.float32)
    for number in range(6):
        left = number % 3 * max(height // 240, 1)
        same[number, -6:-3, left : left + width // 2] = 0.5
        others[number, height // 8 * number + 2, width // 3 :] = 0.5
    found = repeated(same + others)
    assert found.shape == same.shape
    assert found[same > 0].all()
    assert not found[others > 0].any()


def test_one_tile_repeats_nothing():
    assert not repeated(np.ones((1, 50, 50), np.float32)).any()

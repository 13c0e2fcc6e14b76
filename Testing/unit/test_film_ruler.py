"""Rulers tell how large a pixel is."""

from __future__ import annotations

import film_sheets
import numpy as np
import pytest

from FilmRecoveryLib.ruler import mm_per_pixel

TILE = (240, 240)


@pytest.mark.parametrize("tick", [8, 11.5, 16])
@pytest.mark.parametrize("bad", [False, True], ids=["flat", "noisy"])
def test_ticks_are_a_centimeter_apart(tick: float, bad: bool):
    film, boxes = film_sheets.sheet(2, 3, tile=TILE, tick=tick)
    if bad:
        film = film * 0.8 + 0.03 * np.random.default_rng(0).standard_normal(film.shape, np.float32)
    assert mm_per_pixel(film, boxes) == pytest.approx(10 / tick, rel=0.02)


def test_rulers_on_the_left_and_below_count_too():
    film, boxes = film_sheets.sheet(3, 3, tile=TILE, tick=12)
    across = [(top, left, bottom, right) for left, top, right, bottom in boxes]
    assert mm_per_pixel(film.T.copy(), across) == pytest.approx(10 / 12, rel=0.02)
    width = film.shape[1]
    mirrored = [(width - right, top, width - left, bottom) for left, top, right, bottom in boxes]
    assert mm_per_pixel(film[:, ::-1].copy(), mirrored) == pytest.approx(10 / 12, rel=0.02)


@pytest.mark.parametrize("lines", [(), ("W 80", "C 40")])
def test_films_without_rulers_do_not_tell(lines: tuple[str, ...]):
    assert mm_per_pixel(*film_sheets.sheet(2, 3, tile=TILE, lines=lines)) is None


def test_a_ruler_may_lack_a_tick():
    film, boxes = film_sheets.sheet(2, 3, tile=TILE, tick=12, missing=[7])
    assert mm_per_pixel(film, boxes) == pytest.approx(10 / 12, rel=0.02)


def test_ticks_five_centimeters_apart_are_not_taken_for_one():
    film, boxes = film_sheets.sheet(2, 3, tile=TILE, tick=11, missing=[1, 2, 3, 4, 6, 7, 8, 9])
    assert mm_per_pixel(film, boxes) is None


def test_rulers_that_differ_do_not_tell():
    parts = [film_sheets.sheet(1, 2, tile=TILE, tick=tick) for tick in (8, 12)]
    film = np.concatenate([part for part, _ in parts])
    boxes = [
        (x0, y0 + down, x1, y1 + down)
        for down, (_, some) in zip((0, len(parts[0][0])), parts, strict=True)
        for x0, y0, x1, y1 in some
    ]
    assert mm_per_pixel(film, boxes) is None

"""The tiles of a film are found, in bad light and a little bent, too."""

from __future__ import annotations

import film_sheets
import numpy as np
import pytest
from film_sheets import Box, waves
from scipy import ndimage

from FilmRecoveryLib.layout import Layout, filled, find_layout
from InverseImagingLib.errors import InputError


def farthest(layout: Layout, boxes: list[Box], film: np.ndarray) -> float:
    """The largest distance of a side of a tile from where it is, as a share of the film's length along it."""
    height, width = film.shape
    return float((np.abs(np.array(layout.boxes) - boxes) / [width, height, width, height]).max())


def test_tiles_are_all_of_one_size_and_within_the_film():
    film, truth = film_sheets.sheet(4, 3, margin=0, gap=0)
    boxes = np.array(find_layout(film, waves(truth, film.shape)).boxes)
    assert len(np.unique(boxes[:, 2:] - boxes[:, :2], axis=0)) == 1
    assert boxes.min() >= 0
    assert (boxes[:, 2:] <= film.shape[::-1]).all()


@pytest.mark.parametrize(("rows", "columns"), [(2, 2), (2, 3), (3, 2), (4, 4), (5, 4), (6, 5), (3, 6)])
@pytest.mark.parametrize("bad", [False, True], ids=["flat", "spoiled"])
def test_tiles_are_found_to_the_pixel(rows: int, columns: int, bad: bool):
    film, boxes = film_sheets.sheet(rows, columns)
    layout = find_layout(film_sheets.spoiled(film) if bad else film, waves(boxes, film.shape))
    assert (layout.rows, layout.columns) == (rows, columns)
    assert farthest(layout, boxes, film) < 0.02
    assert all(layout.filled)
    assert layout.confidence > 0.5


@pytest.mark.parametrize("stretch", [0.98, 1.0])
def test_tiles_are_found_where_waves_are_off(stretch: float):
    film, boxes = film_sheets.sheet(5, 4)
    middle = np.array([*film.shape[::-1]] * 2) / 2
    off = [tuple(middle + stretch * (box - middle) + 0.018 * film.shape[0]) for box in np.array(boxes)]
    layout = find_layout(film_sheets.spoiled(film), waves(off, film.shape))
    assert (layout.rows, layout.columns) == (5, 4)
    assert farthest(layout, boxes, film) < 0.012


@pytest.mark.parametrize("empty", [1, 3, 5])
def test_tiles_without_a_slice_are_part_of_the_layout(empty: int):
    film, boxes = film_sheets.sheet(5, 4, empty=empty)
    layout = find_layout(film_sheets.spoiled(film), waves(boxes, film.shape))
    assert (layout.rows, layout.columns) == (5, 4)
    assert farthest(layout, boxes, film) < 0.04
    assert layout.filled == (True,) * (20 - empty) + (False,) * empty


@pytest.mark.parametrize("below", [False, True])
def test_a_title_sets_tiles_off_the_middle(below: bool):
    film, boxes = film_sheets.sheet(4, 4)
    title = film_sheets.written(["CT ROOM 2    ANONYMOUS    2020-10-28"], (240, film.shape[1]), 0)[-30:]
    titled = np.concatenate([film, title] if below else [title, film])
    moved = boxes if below else [(a, b + 30, c, d + 30) for a, b, c, d in boxes]
    layout = find_layout(film_sheets.spoiled(titled), waves(moved, titled.shape))
    assert (layout.rows, layout.columns) == (4, 4)
    assert farthest(layout, moved, titled) < 0.02


def test_square_tiles_in_wide_cells_are_square():
    film, boxes = film_sheets.sheet(4, 3)
    wide = np.zeros((film.shape[0], film.shape[1] + 120), np.float32)
    moved = []
    for left, top, right, bottom in boxes:
        off = 20 + 40 * ((left - 8) // 124)
        wide[top:bottom, left + off : right + off] = film[top:bottom, left:right]
        moved.append((left + off, top, right + off, bottom))
    layout = find_layout(film_sheets.spoiled(wide), waves(moved, wide.shape))
    assert (layout.rows, layout.columns) == (4, 3)
    assert farthest(layout, moved, wide) < 0.02


@pytest.mark.parametrize("grid", [(3, 4), (4, 3), (2, 2), (8, 8), (10, 12)])
def test_a_layout_that_is_wrong_is_held_but_in_doubt(grid: tuple[int, int]):
    film, boxes = film_sheets.sheet(4, 4)
    layout = find_layout(film, waves(boxes, film.shape), grid)
    assert (layout.rows, layout.columns) == grid
    assert len(layout.boxes) == grid[0] * grid[1]
    assert layout.confidence < 0.1


def test_tiles_too_small_for_a_slice_are_refused():
    with pytest.raises(InputError, match="30 x 30 tiles are too small"):
        find_layout(film_sheets.sheet(2, 2)[0], None, (30, 30))


def test_without_waves_tiles_fill_the_film_and_are_in_doubt():
    film, boxes = film_sheets.sheet(4, 3, margin=0, gap=0)
    layout = find_layout(film, None, (4, 3))
    assert farthest(layout, boxes, film) < 0.02
    assert find_layout(film, None).boxes == ((0, 0, film.shape[1], film.shape[0]),)
    assert layout.confidence == 0


@pytest.mark.parametrize("film", [np.zeros((200, 160), np.float32), np.ones((64, 64), np.float32)])
def test_a_film_that_shows_nothing_has_some_layout(film: np.ndarray):
    layout = find_layout(film, np.zeros((2, 64, 64), complex))
    assert 0 <= layout.confidence <= 1
    assert len(layout.filled) == layout.rows * layout.columns


def test_what_shows_something_is_filled():
    film, boxes = film_sheets.sheet(2, 2, empty=1)
    assert filled(film, boxes) == (True, True, True, False)


@pytest.mark.parametrize(("sure", "boxes"), [(0.5, 1), (0.9, 12)])
def test_what_does_not_repeat_is_one_picture_unless_waves_agree(sure: float, boxes: int):
    film = ndimage.gaussian_filter(np.random.default_rng(0).random((400, 300), np.float32), 6)
    film = (film - film.min()) / np.ptp(film)
    seen = sure * waves(film_sheets.sheet(4, 3)[1], (512, 388))
    assert len(find_layout(film, seen).boxes) == boxes
    assert find_layout(film, seen, (4, 3)).rows == 4

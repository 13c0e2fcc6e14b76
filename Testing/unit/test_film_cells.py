"""Rows and columns of a film by its waves."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from FilmRecoveryLib.cells import Cells, best_cells, evenly

SIZE = 64
SQUARE = (100, 100)


def waves_of(down: Cells, across: Cells) -> np.ndarray:
    shape = (SIZE, SIZE)
    return np.stack([np.broadcast_to(each, shape) for each in (down.wave(SIZE)[:, None], across.wave(SIZE))])


def shape_of(down: Cells, across: Cells) -> tuple[int, int]:
    """Of a film on which such cells are square."""
    return round(1000 / down.pitch), round(1000 / across.pitch)


@st.composite
def cells(draw: st.DrawFn) -> Cells:
    count = draw(st.integers(1, 8))
    pitch = draw(st.floats(0.85, 1.0)) / count
    return Cells(count, draw(st.floats(0, 1)) * (1 - count * pitch), pitch)


@settings(max_examples=40, deadline=None)
@given(down=cells(), across=cells(), seed=st.integers(0, 2**31))
def test_cells_are_found_by_their_waves(down: Cells, across: Cells, seed: int) -> None:
    noise = np.random.default_rng(seed).normal(0, 0.3, (2, 2, SIZE, SIZE))
    waves = 0.8 * waves_of(down, across) + noise[0] + 1j * noise[1]
    *found, _ = best_cells(waves, shape_of(down, across))
    for one, other in zip(found, (down, across), strict=True):
        assert one.count == other.count
        assert one.start == pytest.approx(other.start, abs=0.02)
        assert one.start + one.count * one.pitch == pytest.approx(other.start + other.count * other.pitch, abs=0.02)


def test_waves_that_are_bent_are_those_of_straight_cells() -> None:
    down, across = Cells(5, 0.02, 0.18), Cells(4, 0.0, 0.25)
    bend = np.round(2 * np.sin(np.arange(SIZE) / 8)).astype(int)
    waves = waves_of(down, across)
    waves[0] = np.stack([np.roll(waves[0][:, column], by) for column, by in enumerate(bend)], axis=1)
    rows, columns, _ = best_cells(waves, shape_of(down, across))
    assert (rows.count, columns.count) == (5, 4)
    assert rows.pitch == pytest.approx(down.pitch, abs=0.005)


@pytest.mark.parametrize("grid", [(4, 5), (5, 3), (12, 10)])
def test_a_grid_that_is_known_is_held(grid: tuple[int, int]) -> None:
    rows, columns, sure = best_cells(waves_of(evenly(4), evenly(5)), SQUARE, grid)
    assert (rows.count, columns.count) == grid
    assert (sure > 0.5) == (grid == (4, 5))


def test_cells_that_are_about_square_are_likelier() -> None:
    waves = 0.5 * (waves_of(evenly(4), evenly(4)) + waves_of(evenly(2), evenly(4)))
    assert best_cells(waves, (400, 400))[0].count == 4
    assert best_cells(waves, (200, 400))[0].count == 2


def test_where_nothing_is_seen_the_film_is_one_cell_and_not_sure() -> None:
    assert best_cells(np.zeros((2, SIZE, SIZE), complex), SQUARE) == (evenly(1), evenly(1), 0)

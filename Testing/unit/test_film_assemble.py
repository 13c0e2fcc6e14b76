"""From tiles to a volume: nothing is lost, the order is the film's, and the patient lies as films show it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from FilmRecoveryLib.assemble import geometry, sequence, stack, unstack
from FilmRecoveryLib.layout import Layout
from InverseImagingLib.errors import InputError


def layout(rows: int, columns: int, size: tuple[int, int] = (4, 3), empty: int = 0) -> Layout:
    height, width = size
    places = [(row, column) for row in range(rows) for column in range(columns)]
    boxes = tuple((c * width, r * height, (c + 1) * width, (r + 1) * height) for r, c in places)
    return Layout(rows, columns, boxes, tuple(number < len(boxes) - empty for number in range(len(boxes))), 1.0)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 9), st.integers(1, 9), st.integers(0, 2**31))
def test_a_film_cut_into_tiles_and_put_together_is_the_same(
    rows: int, columns: int, height: int, width: int, seed: int
):
    film = np.random.default_rng(seed).random((rows * height, columns * width), np.float32)
    boxes = layout(rows, columns, (height, width)).boxes
    slices = stack(film, boxes)
    assert slices.shape == (rows * columns, height, width)
    np.testing.assert_array_equal(unstack(slices, np.zeros_like(film), boxes), film)


def test_what_lies_beside_the_tiles_is_kept():
    film = np.random.default_rng(0).random((10, 10))
    boxes = [(1, 2, 4, 6), (5, 2, 8, 6)]
    changed = unstack(stack(film, boxes) + 1, film, boxes)
    inside = np.zeros(film.shape, bool)
    inside[2:6, 1:4] = inside[2:6, 5:8] = True
    np.testing.assert_array_equal(changed, film + inside)


def test_slices_follow_each_other_by_rows_or_by_columns():
    assert sequence(layout(2, 3)) == [0, 1, 2, 3, 4, 5]
    assert sequence(layout(2, 3), by_columns=True) == [0, 3, 1, 4, 2, 5]


def test_tiles_that_are_empty_or_skipped_are_no_slices():
    assert sequence(layout(2, 3, empty=2), skipped={1}) == [1, 2, 3]
    assert sequence(layout(2, 3), by_columns=True, skipped={2}) == [0, 1, 4, 2, 5]


def test_tiles_that_the_film_has_not_cannot_be_skipped():
    with pytest.raises(InputError, match="Tile 7 is to be skipped, but the film has tiles 1 to 6"):
        sequence(layout(2, 3), skipped={7})


def test_a_film_needs_a_slice():
    with pytest.raises(InputError, match="No tile of the film is left"):
        sequence(layout(1, 2, empty=1), skipped={1})


@pytest.mark.parametrize("head_last", [True, False])
def test_slices_lie_as_seen_from_the_feet(head_last: bool):
    matrix = geometry((5, 8, 6), (0.5, 0.6, 4.0), head_last)
    first, last = (matrix @ [i, j, k, 1] for i, j, k in ((0, 0, 0), (5, 7, 4)))
    right, anterior, superior, _ = last - first
    assert right == pytest.approx(-2.5)
    assert anterior == pytest.approx(-4.2)
    assert superior == pytest.approx(16 if head_last else -16)
    np.testing.assert_allclose((first + last)[:3], 0, atol=1e-12)

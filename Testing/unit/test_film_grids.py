"""What a user drags of a film: outlines through homographies, and tiles from three places."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from FilmRecoveryLib.grids import (
    Handles,
    corners_of,
    flat_points,
    outline_lines,
    stretched,
    tile_boxes,
    tile_lines,
    tile_numbers,
    tile_places,
    usual_outline,
    usual_tiles,
)
from InverseImagingLib.errors import InputError

CORNERS = np.array([[(10, 12), (90, 5)], [(4, 60), (99, 71)]], float)
counts = st.integers(1, 8)


def test_an_outline_begins_inside_the_photo() -> None:
    np.testing.assert_allclose(usual_outline(101, 51), [[(10, 5), (90, 5)], [(10, 45), (90, 45)]])


@pytest.mark.parametrize("handles", Handles)
def test_points_follow_their_corners(handles: Handles) -> None:
    points = stretched(flat_points(handles), CORNERS)
    assert points.shape == (handles.side, handles.side, 2)
    np.testing.assert_allclose(corners_of(points), CORNERS, atol=1e-9)
    for line in (*points, *points.transpose(1, 0, 2)):
        (x, y), (along, aside) = line[-1] - line[0], (line - line[0]).T
        np.testing.assert_allclose(x * aside, y * along, atol=1e-8)  # homographies keep lines straight


def test_a_bend_stays_when_corners_are_moved() -> None:
    bent = stretched(flat_points(Handles.GRID), CORNERS)
    bent[2, 2] += (0, 6)
    shift = np.array([5, -3])
    np.testing.assert_allclose(stretched(bent, CORNERS + shift), bent + shift, atol=1e-9)
    np.testing.assert_allclose(stretched(stretched(bent, usual_outline(640, 480)), CORNERS), bent, atol=1e-8)


def test_corners_on_a_line_have_nothing_between_them() -> None:
    with pytest.raises(InputError, match="no three lie on a line"):
        stretched(flat_points(Handles.GRID), np.array([[(0, 0), (1, 1)], [(2, 2), (3, 3)]], float))


def test_lines_go_smoothly_through_all_points() -> None:
    points = stretched(flat_points(Handles.GRID), CORNERS)
    points[1:4, 2] += (0, 4)
    lines = outline_lines(points)
    assert len(lines) == 10
    for line, row in zip(lines, [*points, *points.transpose(1, 0, 2)], strict=True):
        np.testing.assert_allclose(line[::32], row, atol=1e-9)
    assert max(np.abs(np.diff(line, n=2, axis=0)).max() for line in lines) < 0.1


@given(rows=counts, columns=counts, width=st.integers(64, 900), height=st.integers(64, 900))
def test_tiles_fill_a_film(rows: int, columns: int, width: int, height: int) -> None:
    boxes = tile_boxes(usual_tiles(width, height, rows, columns), rows, columns)
    assert boxes.shape == (rows * columns, 4)
    assert boxes.min() == 0
    np.testing.assert_allclose(boxes[-1, 2:], (width, height), atol=1)
    assert (boxes[:, 2:] - boxes[:, :2] == boxes[0, 2:] - boxes[0, :2]).all(), "all of the same size"


@given(
    rows=counts,
    columns=counts,
    first=st.tuples(st.integers(0, 50), st.integers(0, 50)),
    size=st.tuples(st.integers(16, 80), st.integers(16, 80)),
    gap=st.tuples(st.integers(-3, 20), st.integers(-3, 20)),
)
def test_tiles_come_back_from_their_places(
    rows: int, columns: int, first: tuple[int, int], size: tuple[int, int], gap: tuple[int, int]
) -> None:
    down, across = np.divmod(np.arange(rows * columns), columns)
    starts = np.array(first) + np.stack([across, down], axis=1) * (np.array(size) + gap)
    boxes = np.concatenate([starts, starts + size], axis=1)
    np.testing.assert_array_equal(tile_boxes(tile_places(boxes), rows, columns), boxes)


def test_the_first_tile_may_be_drawn_from_any_corner() -> None:
    places = np.array([(19.5, 9.5), (-0.5, 29.5), (59.5, 69.5)])
    np.testing.assert_array_equal(tile_boxes(places, 2, 2)[0], (0, 10, 20, 30))


def test_edges_of_tiles_lie_between_pixels() -> None:
    (line,) = tile_lines(np.array([(2.0, 3.0, 8.0, 9.0)]))
    np.testing.assert_array_equal(line, [(1.5, 2.5), (7.5, 2.5), (7.5, 8.5), (1.5, 8.5), (1.5, 2.5)])


def test_tiles_are_counted_as_the_film_runs() -> None:
    assert tile_numbers(2, 3, by_columns=False) == [1, 2, 3, 4, 5, 6]
    assert tile_numbers(2, 3, by_columns=True) == [1, 3, 5, 2, 4, 6]

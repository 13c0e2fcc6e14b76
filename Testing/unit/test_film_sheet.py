"""Where a film lies in a photo."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from FilmRecoveryLib.homography import homography, transformed
from FilmRecoveryLib.sheet import Sheet
from FilmRecoveryLib.warp import places
from InverseImagingLib.errors import InputError

CORNERS = np.array([[300.0, 220.0], [2150.0, 340.0], [2220.0, 2080.0], [240.0, 2250.0]])
SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)


def curved(uv: np.ndarray) -> np.ndarray:
    """Photo pixels of a film that is bent."""
    hanging = uv + 0.04 * np.sin(np.pi * uv[..., :1]) * np.array([0.0, 1.0])
    return transformed(hanging, homography(SQUARE, CORNERS))


def sheet(nodes: int = 48) -> Sheet:
    return Sheet(curved(places((nodes, nodes))).astype(np.float32), np.ones((nodes, nodes), np.float32), 0.8, "model")


def grid(rows: int, columns: int) -> np.ndarray:
    return np.stack(np.meshgrid(np.linspace(0, 1, columns), np.linspace(0, 1, rows)), axis=-1)


def test_the_map_is_smooth_between_the_nodes_and_at_the_rim():
    np.testing.assert_allclose(sheet().at(301, 200), curved(places((301, 200))), atol=0.02)
    np.testing.assert_allclose(sheet().points(5, 7), curved(grid(5, 7)), atol=0.02)
    np.testing.assert_allclose(sheet().corners, CORNERS, atol=0.02)


def test_a_flat_film_is_its_corners():
    flat = Sheet.of_corners(CORNERS, 0.8, "outline", 0.5)
    np.testing.assert_allclose(flat.corners, CORNERS, atol=0.01)
    assert (flat.confidence == 0.5).all()
    np.testing.assert_allclose(flat.straight().backward, flat.backward, atol=0.01)


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 6), st.integers(2, 6), st.integers(0, 10**6))
def test_a_sheet_goes_through_points_that_were_moved(rows: int, columns: int, seed: int):
    points = sheet().points(rows, columns) + np.random.default_rng(seed).normal(0, 40, (rows, columns, 2))
    moved = sheet().through(points)
    np.testing.assert_allclose(moved.points(rows, columns), points, atol=0.1)
    assert (moved.source, moved.aspect) == ("user", 0.8)


def test_moving_no_point_moves_nothing():
    np.testing.assert_allclose(sheet().through(sheet().points(5, 5)).backward, sheet().backward, atol=0.01)


def test_a_moved_point_moves_what_is_near_it():
    points = sheet().points(5, 5)
    points[1, 1] += (30, -20)
    off = np.linalg.norm(sheet().through(points).points(17, 17) - sheet().points(17, 17), axis=-1)
    assert off[4, 4] == pytest.approx(np.hypot(30, 20), abs=0.1)
    assert off[12:].max() < 0.1
    assert off.max() < 45


def test_moved_corners_keep_the_bend():
    corners = CORNERS + np.array([[50, 20], [-30, 60], [10, -80], [40, 10]])
    moved = sheet().through(corners[[0, 1, 3, 2]].reshape(2, 2, 2))
    np.testing.assert_allclose(moved.corners, corners, atol=0.05)
    back = transformed(moved.backward.astype(float), homography(corners, SQUARE))
    as_before = transformed(sheet().backward.astype(float), homography(CORNERS, SQUARE))
    np.testing.assert_allclose(back, as_before, atol=1e-4)


@pytest.mark.parametrize("order", [[0, 2, 1, 3], [0, 1, 1, 3], [0, 1, 3, 2]])
def test_corners_that_make_no_film_are_refused(order: list[int]):
    with pytest.raises(InputError, match="convex"):
        Sheet.of_corners(CORNERS[order], 1.0, "user")
    with pytest.raises(InputError, match="convex"):
        sheet().through(CORNERS[order][[0, 1, 3, 2]].reshape(2, 2, 2))


def test_corners_around_the_other_way_are_those_of_a_mirrored_film():
    mirrored = Sheet.of_corners(CORNERS[[1, 0, 3, 2]], 0.8, "user")
    straight = Sheet.of_corners(CORNERS, 0.8, "user").mirrored()
    np.testing.assert_allclose(mirrored.backward, straight.backward, atol=0.01)


def test_turning_is_clockwise_and_four_quarters_are_none():
    turned = sheet().turned(1)
    np.testing.assert_allclose(turned.corners, np.roll(CORNERS, 1, axis=0), atol=0.05)
    assert turned.aspect == pytest.approx(1 / 0.8)
    np.testing.assert_array_equal(sheet().turned(3).turned(1).backward, sheet().backward)
    np.testing.assert_array_equal(sheet().mirrored().mirrored().backward, sheet().backward)


def test_a_film_is_as_fine_as_the_photo_or_as_long_as_asked_for():
    flat = Sheet.of_corners(np.array([[0, 0], [400, 0], [400, 500], [0, 500]], float), 0.8, "user")
    assert flat.size() == (500, 400)
    assert flat.size(1000) == (1000, 800)
    assert flat.turned(1).size(1000) == (800, 1000)


def test_confidence_is_read_between_nodes():
    half = sheet(4)
    half = Sheet(half.backward, np.repeat([[0.0, 0.0, 1.0, 1.0]], 4, axis=0), 0.8, "model")
    np.testing.assert_allclose(half.confidence_at(3, 8)[1], [0, 0, 0, 0.25, 0.75, 1, 1, 1])

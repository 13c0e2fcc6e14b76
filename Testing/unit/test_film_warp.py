"""From photo pixels to places on the film and back."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.interpolate import griddata

from FilmRecoveryLib.homography import aspect, homography, transformed
from FilmRecoveryLib.warp import Pyramid, backward_map, centers, extended, inside, places, resampled
from InverseImagingLib.errors import InputError

SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
CORNERS = np.array([[30.0, 22.0], [215.0, 34.0], [222.0, 208.0], [24.0, 225.0]])

Bend = Callable[[np.ndarray], np.ndarray]


def bent(amount: float, direction: float, corners: np.ndarray = CORNERS) -> tuple[np.ndarray, Bend]:
    """A homography from the photo to the film, and what bends the film: places on the flat one to places on this."""

    def bend(uv: np.ndarray) -> np.ndarray:
        along = np.array([np.cos(direction), np.sin(direction)])
        return uv + amount * np.sin(np.pi * (uv @ along))[..., None] * np.array([-along[1], along[0]])

    return homography(corners, SQUARE), bend


def uv_map(amount: float = 0.03, direction: float = 0.5, shape: tuple[int, int] = (256, 256)):
    matrix, bend = bent(amount, direction)
    pixels = np.stack(np.meshgrid(np.arange(shape[1]), np.arange(shape[0])), axis=-1)
    uv = bend(transformed(pixels.astype(float), matrix))
    return uv, ((uv >= 0) & (uv <= 1)).all(axis=-1)


def uv_at(points: np.ndarray, amount: float, direction: float) -> np.ndarray:
    matrix, bend = bent(amount, direction)
    return bend(transformed(points.astype(float), matrix))


# Homographies


@given(st.lists(st.floats(-0.3, 0.3), min_size=8, max_size=8))
def test_a_homography_takes_four_points_to_four_points(moves: list[float]):
    corners = SQUARE * 400 + 50 + 400 * np.reshape(moves, (4, 2))
    try:
        matrix = homography(SQUARE, corners)
    except InputError:
        return  # three of them on a line
    np.testing.assert_allclose(transformed(SQUARE, matrix), corners, atol=1e-4)


def test_a_homography_of_many_points_bears_errors_and_some_that_are_quite_wrong():
    rng = np.random.default_rng(0)
    source = rng.random((100, 2))
    target = transformed(source, homography(SQUARE, CORNERS))
    wrong = target.copy()
    wrong[:15] += 60
    weights = np.ones(100)
    weights[:15] = 0
    np.testing.assert_allclose(transformed(source, homography(source, wrong, weights)), target, atol=1e-6)
    robust = transformed(source, homography(source, wrong, rounds=20))
    np.testing.assert_allclose(robust, target, atol=0.05)
    assert np.abs(transformed(source, homography(source, wrong)) - target).max() > 5


@pytest.mark.parametrize("points", [SQUARE[:3], np.array([[0, 0], [1, 1], [2, 2], [3, 3]], float)])
def test_points_that_span_no_plane_are_refused(points: np.ndarray):
    with pytest.raises(InputError, match="Four points"):
        homography(points, points)


@pytest.mark.parametrize("focal", [900.0, 1400.0])
@pytest.mark.parametrize("ratio", [0.82, 1.0, 1.25])
@pytest.mark.parametrize("tilts", [(0.0, 0.0), (25.0, 0.0), (0.0, -25.0), (20.0, 15.0)])
def test_the_aspect_is_that_of_the_film_in_space(ratio: float, tilts: tuple[float, float], focal: float):
    (sx, cx), (sy, cy) = ((np.sin(a), np.cos(a)) for a in np.deg2rad(tilts))
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]]) @ np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    points = np.c_[(SQUARE - 0.5) * (ratio, 1), np.zeros(4)] @ turn.T + (0.05, 0.1, 2.0)
    corners = focal * points[:, :2] / points[:, 2:] + (599.5, 449.5)
    # where the tilt tells no focal length, that of a usual phone is near enough
    assert aspect(corners, (900, 1200)) == pytest.approx(ratio, rel=1e-4 if all(tilts) else 0.06)


# Inversion


@settings(deadline=None, max_examples=25)
@given(st.floats(-0.05, 0.05), st.floats(0, 3.1))
def test_a_uv_map_is_inverted(amount: float, direction: float):
    uv, mask = uv_map(amount, direction)
    backward, known = backward_map(uv, mask, (90, 110))
    assert backward.shape == (90, 110, 2)
    assert known.mean() > 0.99
    off = np.abs(uv_at(backward, amount, direction) - places((90, 110)))[known] * 190
    assert np.median(off) < 2e-3
    assert off.max() < 0.1


def test_the_inverse_is_that_of_scattered_interpolation():
    uv, mask = uv_map()
    rows, columns = np.nonzero(mask)
    oracle = griddata(uv[mask], np.stack([columns, rows], axis=-1), places((40, 50)), "linear")
    backward, known = backward_map(uv, mask, (40, 50))
    both = known & np.isfinite(oracle).all(axis=-1)
    assert both.mean() > 0.95
    np.testing.assert_allclose(backward[both], oracle[both], atol=0.02)


def test_a_flat_film_that_fills_the_photo_stays_as_it_is():
    backward, known = backward_map(places((60, 80)), np.ones((60, 80), bool), (60, 80))
    assert known.all()
    expected = np.stack(np.meshgrid(np.arange(80), np.arange(60)), axis=-1)
    np.testing.assert_allclose(backward, expected, atol=1e-3)
    picture = np.random.default_rng(0).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    np.testing.assert_allclose(resampled(picture, backward) * 255, picture, atol=0.3)


def test_what_the_photo_does_not_show_is_not_known():
    uv, mask = uv_map()
    backward, known = backward_map(uv[:, :140], mask[:, :140], (64, 64))
    assert 0.5 < known.mean() < 0.66
    assert backward[known][:, 0].max() < 140
    right = backward[:, 60][:, 0]
    assert (right > 145).all()  # to the right of what is seen, where it is


def test_a_hole_in_the_map_is_bridged_and_not_known():
    uv, mask = uv_map()
    hole = mask.copy()
    hole[100:140, 100:130] = False
    backward, known = backward_map(np.where(hole[..., None], uv, 7.0), hole, (64, 64))
    whole, _ = backward_map(uv, mask, (64, 64))
    assert 0.01 < (~known).mean() < 0.06
    np.testing.assert_allclose(backward[known], whole[known], atol=0.3)
    assert np.abs(backward - whole).max() < 15


def test_an_empty_map_is_refused():
    with pytest.raises(InputError, match="no film in the photo"):
        backward_map(np.zeros((32, 32, 2)), np.zeros((32, 32), bool), (8, 8))


def test_values_go_on_linearly():
    plane = np.stack(np.meshgrid(np.arange(40.0), np.arange(30.0)), axis=-1) @ np.array([[2.0, 0.5], [-1.0, 3.0]])
    mask = np.zeros((30, 40), bool)
    mask[8:22, 10:30] = True
    np.testing.assert_allclose(extended(np.where(mask[..., None], plane, np.nan), mask), plane, atol=2.5)
    beside = extended(np.where(mask[..., None], plane, np.nan), mask)[15]
    np.testing.assert_allclose(beside, plane[15], atol=1e-9)


# Resampling


def test_pictures_are_resampled_linearly():
    x, y = np.meshgrid(np.arange(30.0), np.arange(20.0))
    picture = (3 * x - 2 * y).astype(np.float32)
    backward = places((50, 40)) * (27, 17) + 1
    found = resampled(picture, backward)
    assert found.shape == (50, 40)
    np.testing.assert_allclose(found, 3 * backward[..., 0] - 2 * backward[..., 1], atol=1e-3)
    colors = resampled(np.stack([picture] * 3, axis=-1), backward)
    np.testing.assert_array_equal(colors[..., 2], found)


def test_a_coarse_film_is_made_of_means():
    picture = np.random.default_rng(0).random((512, 512)).astype(np.float32)
    coarse = resampled(picture, places((64, 64)) * 512 - 0.5)
    np.testing.assert_allclose(coarse, picture.reshape(64, 8, 64, 8).mean(axis=(1, 3)), atol=1e-4)


def test_a_pyramid_is_the_picture_that_it_is_made_of_at_any_size():
    photo = np.random.default_rng(0).integers(0, 256, (90, 70, 3), np.uint8)
    pyramid = Pyramid(photo)
    assert (pyramid.shape, pyramid.gray.shape) == ((90, 70, 3), (90, 70, 1))
    for size in ((8, 6), (90, 70), (40, 300), (1, 1)):
        backward = places(size) * (70, 90) - 0.5
        np.testing.assert_array_equal(resampled(pyramid, backward), resampled(photo, backward))
        gray = resampled(photo, backward).mean(axis=-1, keepdims=True)
        np.testing.assert_allclose(resampled(pyramid.gray, backward), gray, atol=1e-6)


def test_many_may_look_at_a_pyramid_at_once():
    for seed in range(20):
        pyramid = Pyramid(np.random.default_rng(seed).integers(0, 256, (256, 256, 3), np.uint8))
        with ThreadPoolExecutor(8) as pool:
            levels = list(pool.map(pyramid.level, [7, 6, 5, 4] * 4))
        assert [table.shape[-1] for table, _ in levels] == [2, 4, 8, 16] * 4
        assert [number for _, number in levels] == [7, 6, 5, 4] * 4


def test_beyond_the_picture_its_rim_goes_on():
    picture = np.arange(12, dtype=np.uint8).reshape(3, 4)
    shifted = places((3, 4)) * (4, 3) - 0.5 + (2, -1)
    np.testing.assert_allclose(resampled(picture, shifted) * 255, [[2, 3, 3, 3]] * 2 + [[6, 7, 7, 7]], atol=1e-4)
    np.testing.assert_array_equal(inside(shifted, (3, 4)), [[0] * 4, [1, 1, 0, 0], [1, 1, 0, 0]])


def test_centers_are_those_of_pixels():
    np.testing.assert_allclose(centers(4), [0.125, 0.375, 0.625, 0.875])
    np.testing.assert_allclose(places((2, 4))[1, 2], [0.625, 0.75])

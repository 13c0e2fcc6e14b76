"""Sides of films as a network sees them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from film_photos import CORNERS, SQUARE, photo
from film_surfaces import Dark

from FilmRecoveryLib.homography import homography, transformed
from FilmRecoveryLib.networks import RimNet
from FilmRecoveryLib.settling import settled
from FilmRecoveryLib.sheet import NODES, Sheet
from FilmRecoveryLib.sides import DEEP, LONG, REACH, Sides, sides_of, strips
from FilmRecoveryLib.surface import POINTS, Surface
from FilmRecoveryLib.warp import places

OFF = np.array([[9.0, -8], [-14, 10], [10, 12], [-9, -10]])


def flat(corners: np.ndarray = CORNERS) -> np.ndarray:
    return transformed(places((NODES, NODES)), homography(SQUARE, corners)).astype(np.float32)


def black() -> np.ndarray:
    return photo(texture=np.zeros((30, 40), np.float32))


def corners(backward: np.ndarray) -> np.ndarray:
    return Sheet(backward, np.ones((NODES, NODES), np.float32), 1.3, "model").corners


def test_strips_run_along_the_sides_from_outside_to_inside():
    square = np.array([[100.0, 100], [300, 100], [300, 300], [100, 300]])
    top, right, bottom, left = strips(flat(square))
    assert top.shape == (DEEP, LONG, 2)
    beyond = 200 * REACH
    for strip, axis, outer, inner in (
        (top, 1, 100 - beyond, 100 + beyond),
        (right, 0, 300 + beyond, 300 - beyond),
        (bottom, 1, 300 + beyond, 300 - beyond),
        (left, 0, 100 - beyond, 100 + beyond),
    ):
        half = 200 * REACH / DEEP * np.sign(inner - outer)
        np.testing.assert_allclose(strip[[0, -1], :, axis], [[outer + half] * LONG, [inner - half] * LONG], atol=0.5)
    along = 240 / LONG / 2  # of both ends, which lie beyond the film's
    np.testing.assert_allclose(top[0, [0, -1], 0], [80 + along, 320 - along], atol=0.5)
    np.testing.assert_allclose(left[0, [0, -1], 1], [320 - along, 80 + along], atol=0.5)


def test_sides_that_are_seen_are_where_the_film_begins():
    rough = flat(CORNERS + OFF)
    sides = sides_of(black(), rough, Dark())
    assert sides.seen.mean() > 0.95
    found = sides.moved(rough)
    print(np.linalg.norm(corners(found) - CORNERS, axis=-1))
    assert np.linalg.norm(OFF, axis=-1).min() > 12
    assert np.linalg.norm(corners(found) - CORNERS, axis=-1).max() < 3
    again = sides_of(black(), found, Dark())
    assert np.abs(again.depth[again.seen]).max() < 0.006


def test_sides_that_are_not_seen_stay():
    rough = flat(CORNERS + OFF)
    for around in (np.full((480, 640, 3), 20, np.uint8), np.full((480, 640, 3), 250, np.uint8)):
        sides = sides_of(around, rough, Dark())
        assert not sides.seen.any()
        np.testing.assert_allclose(sides.moved(rough), rough, atol=0.05)
        assert not sides.near(POINTS)[2].any()


def test_sides_that_are_partly_seen_run_nowhere_far():
    at = np.linspace(0.005, 0.995, 100)
    depth = np.tile(0.05 * np.cos(40 * at), (4, 1))
    seen = np.tile((at > 0.3) & (at < 0.65), (4, 1))
    square = np.array([[100.0, 100], [300, 100], [300, 300], [100, 300]])
    found = Sides(at, depth, np.full_like(depth, 0.002), seen).moved(flat(square))
    assert np.abs(found - flat(square)).max() > 5
    assert np.abs(found - flat(square)).max() < 2 * 200 * REACH


def test_places_between_are_those_of_a_line_along_what_is_sure():
    at = np.linspace(0.005, 0.995, 100)
    depth = np.tile(0.05 * at, (4, 1))
    spread = np.full_like(depth, 0.002)
    depth[1, 49:51], spread[1, 49:51] = 0.09, 0.05  # a finger
    seen = np.ones_like(depth, bool)
    seen[2, :50] = False
    found, sure, clear = Sides(at, depth, spread, seen).near(POINTS)
    np.testing.assert_allclose(found[[0, 3], 1:-1], np.tile(0.05 * POINTS[1:-1], (2, 1)), atol=1e-6)
    np.testing.assert_allclose(found[1], found[0], atol=5e-4)
    np.testing.assert_allclose(sure[[0, 3]], 0.002)
    assert clear[[0, 1, 3]].all()
    assert clear[2].tolist() == [place > 0.5 for place in POINTS]


def test_a_film_settles_beyond_an_edge_that_is_clearer():
    """A table's white rim runs close to a film that hardly differs from the table."""
    seen = black()
    strange = np.array([[110.0, 50], [500, 75], [520, 425], [90, 445]])
    rim = photo(strange, texture=np.full((30, 40), 0.75, np.float32), noise=0.0)
    seen = np.where((photo(texture=np.zeros((30, 40), np.float32), around=1.0, noise=0) > 200), rim, seen)
    sheet = Sheet(flat(strange), np.ones((NODES, NODES), np.float32), 1.3, "model")
    surface = Surface.bent(
        np.concatenate([[np.log(0.85), np.log(1.3), 0, 0, 0, 0, 0, 1.8], np.zeros(4)]), seen.shape[:2]
    )
    blind, seeing = (settled(seen, sheet, surface, network).of(sheet).corners for network in (None, Dark()))
    off = [np.linalg.norm(each - CORNERS, axis=-1).mean() for each in (blind, seeing)]
    print(off)
    assert off[0] > 20
    assert off[1] < 0.3 * off[0]


@pytest.mark.parametrize("shape", [(64, 192), (32, 64)])
def test_the_network_tells_film_at_every_other_pixel(shape: tuple[int, int]):
    found = RimNet().eval()(torch.rand(3, 4, *shape))
    assert found.shape == (3, 1, shape[0] // 2, shape[1] // 2)

"""Rims of films that are moved to where a photo shows them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from FilmRecoveryLib.homography import homography, transformed
from FilmRecoveryLib.rim import between_sides, followed
from FilmRecoveryLib.sheet import NODES, Sheet
from FilmRecoveryLib.warp import places

SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
CORNERS = np.array([[100.0, 60], [500, 90], [480, 430], [80, 400]])
ROUGH = np.array([[6, -5], [-4, 7], [5, 5], [-6, -4]])
BEND = 0.02  # of the film's side


def bent(uv: np.ndarray) -> np.ndarray:
    """Photo pixels of a film whose upper and lower side are arcs."""
    v = uv[..., 1] + 4 * BEND * uv[..., 0] * (1 - uv[..., 0])
    return transformed(np.stack([uv[..., 0], v], axis=-1), homography(SQUARE, CORNERS))


def photo() -> np.ndarray:
    """A dark film with brighter pictures on it, on a bright wall."""
    rows, columns = np.indices((480, 640))
    uv = transformed(np.stack([columns, rows], axis=-1), np.linalg.inv(homography(SQUARE, CORNERS)))
    uv[..., 1] -= 4 * BEND * uv[..., 0] * (1 - uv[..., 0])
    film = ((uv > 0) & (uv < 1)).all(axis=-1)
    pictures = ((uv > 0.1) & (uv < 0.9)).all(axis=-1)
    gray = np.where(film, np.where(pictures, 120, 30), 200)
    noise = np.random.default_rng(0).normal(0, 3, gray.shape)
    return np.repeat((gray + noise).round().astype(np.uint8)[..., None], 3, axis=-1)


def rim(backward: np.ndarray) -> np.ndarray:
    return Sheet(backward, np.ones((NODES, NODES), np.float32), 1.0, "user").points(2, 9)


def test_a_rough_film_is_moved_to_its_rim():
    rough = transformed(places((NODES, NODES)), homography(SQUARE, CORNERS + ROUGH))
    score, found = followed(photo(), rough, 0.08, 320, 4)
    assert score > 0.9
    truth = bent(np.stack(np.meshgrid(np.linspace(0, 1, 9), [0.0, 1.0]), axis=-1))
    assert np.abs(rim(rough) - truth).max() > 6
    np.testing.assert_allclose(rim(found)[..., 1], truth[..., 1], atol=3)
    off = [np.linalg.norm(each - bent(places((NODES, NODES))), axis=-1) for each in (rough, found)]
    print(off[0].mean(), off[1].mean(), off[0].max(), off[1].max())
    assert off[1].mean() < 0.4 * off[0].mean()


def test_a_strong_edge_far_away_is_none_of_the_rim():
    """The frame of the pictures is it, unless the rim is believed to be near."""
    weak = np.where(photo() > 160, 33, photo()).astype(np.uint8)
    there = bent(places((NODES, NODES))).astype(np.float32)
    away = [np.abs(rim(followed(weak, there, 0.12, 320, 4, near)[1]) - rim(there)).max() for near in (np.inf, 0.01)]
    assert away[0] > 20
    assert away[1] < 5


def test_a_film_that_is_not_seen_stays():
    rough = bent(places((NODES, NODES))).astype(np.float32)
    score, found = followed(np.full((480, 640, 3), 128, np.uint8), rough, 0.08, 320, 4)
    assert score == pytest.approx(0.1)
    np.testing.assert_allclose(found, rough, atol=0.05)


def test_between_straight_sides_a_film_is_flat():
    flat = transformed(places((NODES, NODES)), homography(SQUARE, CORNERS))
    np.testing.assert_allclose(between_sides(flat), flat, atol=0.05)


def test_between_bent_sides_it_runs_from_one_to_the_other():
    found = rim(between_sides(bent(places((NODES, NODES)))))
    np.testing.assert_allclose(found, rim(bent(places((NODES, NODES)))), atol=0.5)


def test_a_blurred_rim_is_where_half_of_the_light_is():
    square = np.zeros((480, 640), np.float32)
    square[100:380, 150:450] = 1
    light = 0.02 + 0.78 * (1 - ndimage.gaussian_filter(square, 2.0))
    pixels = np.repeat((255 * light ** (1 / 2.2)).round().astype(np.uint8)[..., None], 3, axis=-1)
    corners = np.array([[149.5, 99.5], [449.5, 99.5], [449.5, 379.5], [149.5, 379.5]])
    film = transformed(places((NODES, NODES)), homography(SQUARE, corners)).astype(np.float32)
    top = [rim(followed(pixels, film, 0.03, 640, 1, 0.01, by_light)[1])[0, :, 1].mean() for by_light in (False, True)]
    print(top)
    assert top[0] > 99.5 + 0.3  # as it is seen, within the film
    assert top[1] == pytest.approx(99.5, abs=0.15)

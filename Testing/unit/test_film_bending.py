"""What lies between the sides of bent films."""

from __future__ import annotations

import numpy as np
import pytest

from FilmRecoveryLib.bending import bent, nearest, seen
from FilmRecoveryLib.homography import homography, transformed
from FilmRecoveryLib.rim import between_sides
from FilmRecoveryLib.sheet import NODES
from FilmRecoveryLib.warp import places

SHAPE = (480, 640)
CORNERS = np.array([[100.0, 60], [520, 90], [500, 430], [60, 380]])


def film(angle: float, *bends: float) -> np.ndarray:
    """The backward map of a film that is tilted, and bent along a direction."""
    sheet = np.array([np.log(0.85), 0.2, 0.5, -0.6, 0.1, 0.02, -0.03, 1.5, angle, *bends])
    return seen(sheet, SHAPE)


def photo(backward: np.ndarray) -> np.ndarray:
    """A white film with black lines along its rows and columns, before black."""
    lines = np.kron(np.indices((16, 16)).sum(axis=0) % 2, np.ones((NODES // 16, NODES // 16)))
    shown = np.zeros((*SHAPE, 3), np.uint8)
    fine = np.stack(np.meshgrid(*[np.linspace(0, NODES - 1, 640)] * 2), axis=-1).reshape(-1, 2)
    columns, rows = fine.round().astype(int).T
    x, y = backward[rows, columns].round().astype(int).T
    shown[y.clip(0, SHAPE[0] - 1), x.clip(0, SHAPE[1] - 1)] = (60 + 180 * lines[rows, columns])[:, None]
    return shown


@pytest.mark.parametrize(("angle", "bends"), [(0, (0.9, 0, 0)), (1.57, (-0.9, 0.3, 0)), (0.6, (0.8, 0, 0.2))])
def test_the_rim_tells_how_a_sheet_is_bent(angle: float, bends: tuple[float, ...]):
    truth = film(angle, *bends)
    rough = between_sides(truth)
    found = seen(nearest(rough, SHAPE), SHAPE)
    before, after = (np.linalg.norm(each - truth, axis=-1).mean() for each in (rough, found))
    print(before, after)
    assert before > 2
    assert after < 0.4 * before


def test_a_film_with_straight_sides_stays():
    flat = transformed(places((NODES, NODES)), homography(np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float), CORNERS))
    np.testing.assert_array_equal(bent(photo(flat), flat)[0], flat)
    np.testing.assert_allclose(seen(nearest(flat, SHAPE), SHAPE), flat, atol=3)


def test_lines_that_would_be_less_straight_speak_against_it():
    rough = between_sides(film(0, 0.9, 0, 0))
    np.testing.assert_array_equal(bent(photo(rough), rough)[0], rough)


def test_lines_that_become_straight_speak_for_it():
    truth = film(0.6, 0.8, 0, 0.2)
    rough = between_sides(truth)
    assert (
        np.linalg.norm(bent(photo(truth), rough)[0] - truth, axis=-1).mean()
        < 0.4 * np.linalg.norm(rough - truth, axis=-1).mean()
    )

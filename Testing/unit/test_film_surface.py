"""Films as surfaces that hardly stretch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from film_surfaces import SHAPE, off, photo_of, truth

from FilmRecoveryLib.bending import bent, nearest
from FilmRecoveryLib.likening import likened_surface
from FilmRecoveryLib.settling import settled, sureness
from FilmRecoveryLib.sheet import NODES, Sheet
from FilmRecoveryLib.surface import POINTS, Surface
from FilmRecoveryLib.warp import places

SURE = np.broadcast_to(np.eye(2) / 0.002, (len(POINTS), len(POINTS), 2, 2))


def started(sheet: Sheet) -> Surface:
    return Surface.bent(nearest(sheet.backward.astype(np.float64), SHAPE), SHAPE)


def stretched(sheet: Sheet, by: float) -> Sheet:
    """The sheet with its places moved along both axes, here forward and there back, by at most so much of the film."""
    own = places((NODES, NODES))
    return sheet.moved(own + by * np.sin(2 * np.pi * own))


@pytest.mark.parametrize("bends", [(0, 0, 0, 0), (0.3, 0.9, 0, 0), (1.2, -0.5, 0.8, 0.3)])
def test_a_bent_sheet_is_such_a_surface(bends: tuple[float, ...]):
    film = truth(*bends)
    found = started(film).fitted(film.seen(POINTS, POINTS), SURE)
    assert off(found.of(film), film) < 0.1
    assert found.aspect == pytest.approx(0.85, rel=0.01)


def test_what_would_stretch_a_film_is_taken_out():
    film = truth(0.4, 0.9, 0.2, 0)
    rough = stretched(film, 0.02)
    before, after = off(rough, film), off(settled(photo_of(film), rough, started(rough)).of(film), film)
    print(before, after)
    assert before > 4
    assert after < 0.65 * before


def test_a_film_that_gives_may_stretch():
    """By 6 % at most, of which what hardly stretches keeps much away."""
    film = truth(0.4, 0.9, 0.2, 0)
    true = stretched(film, 0.01)
    stiff = started(film).fitted(true.seen(POINTS, POINTS), SURE)
    giving = replace(started(film), gives=0.05).fitted(true.seen(POINTS, POINTS), SURE)
    print(off(stiff.of(film), true), off(giving.of(film), true), stiff.stretch, giving.stretch)
    assert giving.gives == 0.05
    assert giving.stretch > 1.2 * stiff.stretch
    assert off(giving.of(film), true) < 0.5 * off(stiff.of(film), true)


def test_sides_are_met_where_the_photo_shows_them():
    film = truth(0.4, 0.9, 0.2, 0)
    small = film.moved(0.5 + 0.985 * (places((NODES, NODES)) - 0.5))
    found = settled(photo_of(film), small, started(small)).of(film)
    print(off(small, film), off(found, film), np.linalg.norm(found.corners - film.corners, axis=-1))
    assert np.linalg.norm(small.corners - film.corners, axis=-1).mean() > 2
    assert np.linalg.norm(found.corners - film.corners, axis=-1).max() < 1.5


def test_a_side_that_is_hidden_stays_about_where_it_is():
    film = truth(0.4, 0.9, 0.2, 0)
    photo = photo_of(film)
    photo[:, : int(film.corners[:, 0].mean())] = 40
    found = settled(photo, film, started(film)).of(film)
    assert off(found, film) < 3


def test_ways_are_those_that_a_surface_may_be_moved():
    film = truth(0.4, 0.9, 0.2, 0)
    surface = started(film).fitted(film.seen(POINTS, POINTS), SURE)
    steps, fields = surface.ways(sureness(surface.of(film)))
    for step, field in zip(steps[::5], fields[::5], strict=True):
        amount = 0.002 / max(np.abs(field).max(), 0.002)
        by_field = surface.of(film).moved(places((NODES, NODES)) + amount * np.moveaxis(field, 0, -1))
        inner = np.s_[2:-2, 2:-2]
        moved = surface.moved(amount * step).backward - surface.backward
        told = (by_field.backward - surface.backward)[inner]
        assert np.linalg.norm(told - moved[inner], axis=-1).max() < 0.05 + 0.1 * np.linalg.norm(moved, axis=-1).max()


def test_a_surface_moves_to_where_tiles_are_alike():
    film = truth(0.4, 0.6, 0.2, 0)
    tile = np.kron(np.random.default_rng(0).random((12, 12)), np.ones((5, 5)))
    gray = photo_of(film, np.tile(tile, (4, 5))).mean(axis=-1, keepdims=True, dtype=np.float32) / 255
    surface = started(film).fitted(film.seen(POINTS, POINTS), SURE)
    steps, _ = surface.ways(sureness(film))
    rough = surface.moved(0.2 * steps[:8].sum(axis=0))
    before, after = off(rough.of(film), film), off(likened_surface(gray, film, rough).of(film), film)
    print(before, after)
    assert before > 0.5
    assert after < 0.7 * before


def test_a_photo_without_any_edge_leaves_the_sheet():
    film = truth(0.4, 0.9, 0.2, 0)
    blank = np.full((*SHAPE, 3), 120, np.uint8)
    assert off(settled(blank, film, started(film)).of(film), film) < 1


def test_a_flat_film_starts_flat():
    film = truth(0, 0, 0, 0)
    backward, sheet = bent(photo_of(film), film.backward.astype(np.float64))
    np.testing.assert_allclose(backward, film.backward, atol=1e-3)
    assert not sheet[8:].any()
    assert off(replace(film, backward=Surface.bent(sheet, SHAPE).backward), film) < 3

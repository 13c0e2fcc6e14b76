"""How films lie in photos."""

from __future__ import annotations

import numpy as np
import pytest

from FilmRecoveryLib.options import FlattenOptions, Mirror, Turn
from FilmRecoveryLib.sheet import Sheet
from FilmRecoveryLib.turning import Turning, as_shown, sheet_as_shown

CORNERS = np.array([[300.0, 220.0], [2150.0, 340.0], [2220.0, 2080.0], [240.0, 2250.0]])
TURNINGS = [Turning(quarters, mirrored) for quarters in range(4) for mirrored in (False, True)]


def shown() -> Sheet:
    """A film whose upper side is the upper one in the photo."""
    return Sheet.of_corners(CORNERS, 0.8, "user")


@pytest.mark.parametrize("turning", TURNINGS, ids=str)
def test_how_a_film_lies_is_seen_by_its_corners(turning: Turning):
    upright = turning.turned_sheet(shown())
    assert Turning.of(upright.corners) == turning
    back = sheet_as_shown(upright)
    np.testing.assert_array_equal(back.backward, shown().backward)
    assert back.aspect == pytest.approx(0.8)


@pytest.mark.parametrize("turning", TURNINGS, ids=str)
def test_points_may_begin_at_any_corner(turning: Turning):
    points = shown().points(3, 5)
    np.testing.assert_array_equal(as_shown(turning.turned(points)), points)


@pytest.mark.parametrize("turning", TURNINGS, ids=str)
def test_pictures_turn_as_sheets_do(turning: Turning):
    x, y = np.moveaxis(turning.turned(shown().backward), -1, 0)
    np.testing.assert_array_equal(np.stack([x, y], axis=-1), turning.turned_sheet(shown()).backward)


@pytest.mark.parametrize("degrees", [30, -40])
def test_the_upper_side_is_the_one_that_is_most_above(degrees: float):
    cos, sin = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    turned = (CORNERS - 1200) @ np.array([[cos, sin], [-sin, cos]]) + 1200
    assert Turning.of(turned) == Turning()


def test_options_overrule_what_was_found():
    found = Turning(1, True)
    assert found.as_wanted(FlattenOptions()) == found
    assert found.as_wanted(FlattenOptions(turn=Turn.HALF)) == Turning(2, True)
    assert found.as_wanted(FlattenOptions(turn=Turn.NONE, mirror=Mirror.NO)) == Turning()
    assert Turning().as_wanted(FlattenOptions(mirror=Mirror.YES)) == Turning(0, True)
    assert Turning(3).degrees == 270

"""What can be set of films and slices."""

from __future__ import annotations

import numpy as np
import pytest

from FilmRecoveryLib.options import ExtractOptions, FlattenOptions
from InverseImagingLib.errors import InputError


def refused(options: FlattenOptions | ExtractOptions) -> str:
    with pytest.raises(InputError) as caught:
        options.check()
    return str(caught.value)


def test_what_is_usual_is_allowed():
    FlattenOptions().check()
    ExtractOptions().check()
    assert FlattenOptions().points() is None
    assert ExtractOptions().grid() is None
    assert ExtractOptions().skipped() == frozenset()


def test_corners_go_around_the_film():
    points = FlattenOptions(corners=" 10,20.5 300,-4  310,200 5,190").points()
    np.testing.assert_array_equal(points, [[(10, 20.5), (300, -4)], [(5, 190), (310, 200)]])


@pytest.mark.parametrize(
    "corners", ["1,2 3,4 5,6", "1,2 3,4 5,6 7,8 9,10", "a,b c,d e,f g,h", "1;2 3;4 5;6 7;8", "1,2 3,4 5,6 7,1.2.3", "0"]
)
def test_corners_that_are_none_are_refused(corners: str):
    assert f"'{corners}' are no four points" in refused(FlattenOptions(corners=corners))


@pytest.mark.parametrize("size", [-1, 12, 63, 20000])
def test_a_film_has_a_size_that_shows_something(size: int):
    assert "size" in refused(FlattenOptions(size=size))


@pytest.mark.parametrize("layout", ["4x5", " 4 X 5 ", "4×5"])
def test_a_layout_is_rows_by_columns(layout: str):
    assert ExtractOptions(layout=layout).grid() == (4, 5)


@pytest.mark.parametrize("layout", ["4", "x", "0x5", "4x", "4x5x6", "-2x3", "4*5", "99x99"])
def test_a_layout_that_is_none_is_refused(layout: str):
    assert f"'{layout}' is none" in refused(ExtractOptions(layout=layout))


@pytest.mark.parametrize("skip", ["1,20", "1, 20", " 20 1,1"])
def test_tiles_to_skip(skip: str):
    assert ExtractOptions(skip=skip).skipped() == {1, 20}


@pytest.mark.parametrize("skip", ["0", "-1", "first", "1-3", "1.5"])
def test_tiles_to_skip_that_are_none_are_refused(skip: str):
    assert f"'{skip}'" in refused(ExtractOptions(skip=skip))


def test_a_window_is_not_given_by_half():
    assert "no width" in refused(ExtractOptions(level=40))
    ExtractOptions(width=400).check()

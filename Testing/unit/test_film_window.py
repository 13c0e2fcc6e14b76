"""The window: gray to HU is exact inside it, and what it cannot tell is marked."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from FilmRecoveryLib.window import known, to_gray, to_hu


@given(st.integers(-1000, 3000), st.integers(1, 6000))
def test_hu_inside_the_window_come_back_exactly(level: int, width: int):
    hu = np.arange(np.ceil(level - width / 2), np.floor(level + width / 2) + 1)
    gray = to_gray(hu, level, width)
    assert gray.dtype == np.float32
    np.testing.assert_array_equal(to_hu(gray, level, width), hu)


def test_hu_outside_the_window_become_its_ends():
    np.testing.assert_array_equal(to_gray(np.array([-1000, 3000]), 40, 80), [0, 1])
    np.testing.assert_array_equal(to_hu(np.array([-0.2, 0, 0.5, 1, 1.7]), 40, 80), [0, 0, 40, 80, 80])


def test_a_film_cannot_tell_what_is_black_white_hidden_or_doubtful():
    gray = np.array([0.0, 0.01, 0.5, 0.5, 0.5, 0.99, 1.0])
    confidence = np.array([1, 1, 1, 0.2, 1, 1, 1])
    text = np.array([0, 0, 0, 0, 1, 0, 0], bool)
    found = known(gray, confidence, text)
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, [0, 0, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(known(gray), [0, 0, 1, 1, 1, 0, 0])

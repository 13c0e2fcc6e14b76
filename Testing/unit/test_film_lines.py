"""Lines of text among strokes."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from FilmRecoveryLib.lines import lines_of

SIDE = 300
LETTER = 14


def page(*texts: tuple[float, float, str]) -> np.ndarray:
    """Strokes (SIDE, SIDE) of texts at places (x, y)."""
    picture = Image.new("L", (SIDE, SIDE))
    for x, y, text in texts:
        ImageDraw.Draw(picture).text((x, y), text, 255, ImageFont.load_default(LETTER))
    return np.asarray(picture) > 128


def test_words_far_apart_are_one_line_and_corners_are_two():
    strokes = page((5, 20, "Im:   12"), (230, 20, "W 350"))
    left, right = lines_of(strokes)
    assert left[1].stop < 100 < 200 < right[1].start
    assert strokes[left].sum() + strokes[right].sum() == strokes.sum()


def test_lines_that_touch_are_told_apart():
    first = page((20, 40, "SPINE 350"))
    rows = np.flatnonzero(first.any(axis=1))
    strokes = first | np.roll(first, rows[-1] - rows[0] + 3, axis=0)
    strokes[rows[-1] : rows[-1] + 4, 30] = True
    found = lines_of(strokes)
    assert len(found) == 2
    assert found[0][0].stop <= found[1][0].start + 1


def test_left_ones_come_first_and_upper_ones_before_lower_ones():
    found = lines_of(page((220, 20, "W 350"), (5, 22, "Acc 12"), (220, 60, "L 50"), (5, 60, "M 40Y")))
    assert [(line[1].start > 150, line[0].start > 50) for line in found] == [
        (False, False),
        (False, True),
        (True, False),
        (True, True),
    ]


def test_a_letter_alone_is_whole():
    strokes = page((5, 140, "L"))
    ((rows, columns),) = lines_of(strokes)
    assert strokes[rows, columns].sum() == strokes.sum()


def test_rulers_and_specks_are_no_lines():
    strokes = np.zeros((SIDE, SIDE), bool)
    strokes[50:250, 290] = strokes[50:250:20, 280:290] = strokes[10, 10] = True
    assert not lines_of(strokes)


def test_nothing_has_no_lines():
    assert not lines_of(np.zeros((40, 50), bool))

"""Text on tiles: found, erased, and read where tesseract is installed."""

from __future__ import annotations

import sys

import film_sheets
import numpy as np
import pytest
from scipy import ndimage

from FilmRecoveryLib import text
from FilmRecoveryLib.text import Text, can_read, erase, find_text, read_texts

LINES = ("Im: {number}", "W 80", "C 40")
TILE = (240, 240)


def written(lines: tuple[str, ...] = LINES, tick: float = 0) -> tuple[np.ndarray, list[film_sheets.Box], np.ndarray]:
    """A film, its boxes, and where it is written on."""
    film, boxes = film_sheets.sheet(2, 2, tile=TILE, lines=lines, tick=tick)
    plain, _ = film_sheets.sheet(2, 2, tile=TILE, lines=())
    return film, boxes, film > plain + 0.2


@pytest.mark.parametrize("tick", [0, 14], ids=["", "ruler"])
def test_text_and_rulers_are_found(tick: float):
    film, boxes, ink = written(tick=tick)
    mask, _ = find_text(film, boxes)
    assert mask[ink].mean() > 0.95
    near = ndimage.binary_dilation(ink, iterations=5)
    assert (mask & ~near).mean() < 0.002


def test_text_is_found_in_bad_light():
    film, boxes, ink = written()
    light = np.linspace(0.5, 1, film.shape[1], dtype=np.float32)
    mask, _ = find_text(ndimage.gaussian_filter(film, 0.7) * light + 0.03, boxes)
    assert mask[ink].mean() > 0.9


def test_each_line_has_a_box_on_its_tile():
    film, boxes, _ = written()
    _, lines = find_text(film, boxes)
    assert [line.tile for line in lines] == [0] * 3 + [1] * 3 + [2] * 3 + [3] * 3
    for line in lines:
        left, top, right, bottom = line.box
        tile = boxes[line.tile]
        assert tile[0] <= left < right <= tile[2]
        assert tile[1] <= top < bottom <= tile[3]
        assert not line.text


def test_slices_without_text_have_none():
    film, boxes = film_sheets.sheet(2, 2, tile=TILE, lines=())
    mask, lines = find_text(film, boxes)
    assert not lines
    assert not mask.any()


def test_erased_text_leaves_what_is_around_and_nothing_else_changes():
    slope = np.linspace(0.2, 0.6, 200, dtype=np.float32) + np.zeros((150, 1), np.float32)
    mask = np.zeros(slope.shape, bool)
    mask[50:58, 30:120:3] = mask[100:112, 150:190] = True
    film = np.where(mask, 1, slope).astype(np.float32)
    erased = erase(film[None], mask[None])[0]
    np.testing.assert_array_equal(erased[~mask], film[~mask])
    np.testing.assert_allclose(erased[mask], slope[mask], atol=0.05)


def test_a_film_that_is_all_text_is_black():
    np.testing.assert_array_equal(erase(np.ones((1, 20, 20), np.float32), np.ones((1, 20, 20), bool)), 0)


@pytest.mark.skipif(not can_read(), reason="tesseract or pytesseract is not installed")
def test_text_is_read():
    film, boxes, _ = written(("SP 12.5", "W 80", "C 40"))
    _, lines = find_text(film, boxes)
    read = read_texts(film, lines)
    assert [(line.tile, line.box) for line in read] == [(line.tile, line.box) for line in lines]
    assert sum(line.text.replace(" ", "") in ("SP12.5", "W80", "C40") for line in read) >= 10


def test_without_a_reader_lines_stay_as_they_are(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(text, "can_read", lambda: False)
    lines = [Text(0, (2, 2, 9, 6))]
    assert read_texts(np.zeros((20, 20), np.float32), lines) == lines


def test_reading_does_not_take_forever(monkeypatch: pytest.MonkeyPatch):
    """pytesseract ends tesseract, and says so by a RuntimeError."""

    class Slow:
        class Output:
            DICT = "dict"

        @staticmethod
        def image_to_data(page: object, config: str, output_type: str, timeout: float) -> None:
            assert timeout > 0
            raise RuntimeError("Tesseract process timeout")

    monkeypatch.setattr(text, "can_read", lambda: True)
    monkeypatch.setitem(sys.modules, "pytesseract", Slow)
    film = np.zeros((40, 60), np.float32)
    film[10:20, 5:50:4] = 1
    with pytest.raises(TimeoutError):
        read_texts(film, [Text(0, (4, 9, 52, 21))])

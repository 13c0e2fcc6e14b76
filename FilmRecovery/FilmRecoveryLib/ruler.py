"""Rulers at the sides of tiles: how large a pixel is. Needs no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy import ndimage, signal

from .layout import Box
from .text import strokes_of

_TICK = 10.0  # mm
_AROUND, _DEPTH, _LENGTH = 0.012, 0.1, 0.2  # of a tile's height: how far rulers lie out and in, and the shortest one
_FEWEST = 3  # ticks
_EVEN, _SHARE = 0.12, 0.8  # of the usual distance: how far ticks may be off; and how many of them are not, and seen
_ALIKE, _AGREE, _ENOUGH = 0.04, 0.5, 3  # how far tiles may differ, and the least share and number of them that do not
_FIELD = 100.0, 800.0  # mm along a tile; of less, ticks probably are five centimeters apart


def mm_per_pixel(film: np.ndarray, boxes: Sequence[Box]) -> float | None:
    """How many mm a pixel of tiles is, by their rulers, whose ticks are a centimeter apart; None where there are none.

    film: (h, w). Half of the rulers that are found have to agree, on three tiles or half of them at least: anatomy may
    cover the others. Tiles of less than ten centimeters count as without: where small ticks are lost, the large ones of
    every fifth centimeter make larger tiles look so.
    """
    with ThreadPoolExecutor() as pool:
        ticks = np.array([tick for tick in pool.map(lambda box: _tick_of(film, box), boxes) if tick])
    usual = np.median(ticks) if ticks.size else 0.0
    alike = ticks[np.abs(ticks - usual) <= _ALIKE * usual]
    if alike.size < max(_AGREE * ticks.size, min(_ENOUGH, _AGREE * len(boxes)), 1):
        return None
    mm = _TICK / float(alike.mean())
    left, top, right, bottom = boxes[0]
    return mm if all(_FIELD[0] <= mm * side <= _FIELD[1] for side in (right - left, bottom - top)) else None


def _tick_of(film: np.ndarray, box: Box) -> float | None:
    """Pixels from tick to tick of the ruler with the most ticks at a side of a tile; None where there is none."""
    left, top, right, bottom = box
    around = round(_AROUND * (bottom - top))
    strokes = strokes_of(film[max(top - around, 0) : bottom + around, max(left - around, 0) : right + around])
    found = [comb for side in _sides(strokes, int(_DEPTH * (bottom - top))) if (comb := _comb(side, bottom - top))]
    return max(found)[1] if found else None


def _sides(strokes: np.ndarray, depth: int) -> Iterator[np.ndarray]:
    """Strips (depth, length) of strokes along the left, right and lower side."""
    yield strokes[:, :depth].T
    yield strokes[:, -depth:].T
    yield strokes[-depth:]


def _comb(strip: np.ndarray, height: int) -> tuple[int, float] | None:
    """How many ticks a ruler in a strip (depth, length) of strokes has, and how far these are apart in pixels."""
    labels, _ = ndimage.label(strip, np.ones((3, 3)))
    for number, (down, along) in enumerate(ndimage.find_objects(labels), 1):
        length = along.stop - along.start
        if length < _LENGTH * height:
            continue
        depths = (labels[down, along] == number).sum(axis=0).astype(float)
        tall = np.pad(ndimage.gaussian_filter1d(depths - np.median(depths), 1.0), 1)
        marks, _ = signal.find_peaks(tall, height=1.0, distance=3)
        if found := _even(marks, length):
            return found
    return None


def _even(marks: np.ndarray, length: int) -> tuple[int, float] | None:
    """How many of marks along so many pixels are evenly apart, if nearly all are and few lack, and how far apart."""
    if len(marks) < _FEWEST:
        return None
    apart = np.diff(marks)
    numbers = np.append(0, np.round(apart / np.median(apart)).cumsum())
    usual, first = np.polyfit(numbers, marks, 1)
    off = np.abs(marks - first - usual * numbers)
    ticks = len(np.unique(numbers[off <= max(_EVEN * usual, 1.0)]))
    whole = ticks >= max(_FEWEST, _SHARE * max(len(marks), numbers[-1] + 1))
    return (ticks, float(usual)) if whole and (numbers[-1] + 1.5) * usual >= length - 2 else None

"""The tiles of a film: rows and columns of slices, found by how they repeat and by what is empty between them.

Needs no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage
from skimage.transform import downscale_local_mean

from InverseImagingLib.errors import InputError

from .tiles import Edges, Span, best_span

Box = tuple[int, int, int, int]  # left, top, right, bottom in film pixels; right and bottom lie outside

_LOOK = 360  # pixels along the longer side of the film that is looked at
_MOST = 9  # rows or columns that are looked for
_LEAST = 16  # pixels along a tile
_PITCHES, _STARTS = 56, 33  # of cells, that are tried
_MARGINS, _BEYOND = 0.25, 0.02  # the most of a film along an axis that is no cell, or that cells reach beyond it
_SLACK = 0.012  # of the film's length, by which bends that are left shift tiles
_BANDS = 24  # across a film, in which lines between tiles are looked for
_SHORTEST, _LONGEST = 0.09, 0.6  # of the film's length, that cells have
_PLAUSIBLE = 0.15  # of the logarithm of a cell's height / width; slices are about square
_UNSURE, _ALIKE = 0.5, 0.42  # confidence and likeness, below which a film is one picture, by radiographs and films
_NOTHING = 0.25  # of the detail that is usual in tiles, of empty ones

# What tells that cells lie so: log odds, by a logistic regression on drawn films against cells that lie otherwise.
_WEIGHTS = {
    "repeats": 5.2,  # how like itself the film is, a cell on
    "repeats best": 6.8,  # the same, as a share of what it is at most at any distance
    "repeats at half": -3.6,
    "repeats at thirds": -1.0,
    "empty between": 0.9,  # between cells, in the mean
    "empty everywhere": 1.5,  # between those cells where it is least
    "empty around": -1.8,  # seen coarsely
    "empty at the rim": 0.7,  # before the first and after the last cell
    "left over": -6.2,  # detail outside all cells
    "aside": -6.2,  # how much wider one margin is than the other
    "margins": -6.5,
    "lines": 0.6,  # straight ones between cells, in the mean
    "lines everywhere": 2.6,
    "cells": 0.7,  # the logarithm of their number
    "full": 0.7,  # detail in the middle of cells
    "centered": -0.6,  # how much more of all detail is in the middle of cells than between them
    "off center": -1.8,  # how much more is on one side of the middle than on the other
}
_ASPECT_WEIGHT = 2.0


@dataclass(frozen=True)
class Layout:
    """The tiles of a film.

    boxes: of all tiles, row by row, all of the same size. filled: whether a tile shows anything. confidence: 0 to 1,
    how clearly this layout, of all that could be, is the one that is seen.
    """

    rows: int
    columns: int
    boxes: tuple[Box, ...]
    filled: tuple[bool, ...]
    confidence: float


def find_layout(film: np.ndarray, grid: tuple[int, int] | None = None) -> Layout:
    """The tiles of a flat film (h, w), 0 black to 1 white.

    grid: rows and columns where these are known. A film on which nothing repeats, and no layout is likely, is one
    picture, such as a radiograph: a single tile, all of it. Raises InputError where tiles would be too small to show a
    slice.
    """
    look = _Look(film)
    down, across = (
        [_best_cells(look, axis, count) for count in _counts(film.shape[axis], grid and grid[axis])] for axis in (0, 1)
    )
    scores = np.array([[_score(one, other, film.shape) for other in across] for one in down])
    shares = np.exp(scores - scores.max())
    shares /= shares.sum()
    if grid is None:
        if shares.max() < _UNSURE and max(map(look.most_alike, (0, 1))) < _ALIKE:
            whole = ((0, 0, film.shape[1], film.shape[0]),)
            return Layout(1, 1, whole, filled(film, whole), 1 - float(shares.max()))
        row, column = (int(place) for place in np.unravel_index(scores.argmax(), scores.shape))
    else:
        row, column = ([cells.count for cells in each].index(n) for each, n in zip((down, across), grid, strict=True))
    rows, columns = down[row], across[column]
    if min(rows.pitch * film.shape[0], columns.pitch * film.shape[1]) < _LEAST:
        raise InputError(
            f"On a film of {film.shape[1]} x {film.shape[0]} pixels, {rows.count} x {columns.count} tiles are too "
            "small to show slices; check the layout, or take a finer photo."
        )
    boxes = _boxes(look, rows, columns, film.shape)
    return Layout(rows.count, columns.count, boxes, filled(film, boxes), float(shares[row, column]))


def filled(film: np.ndarray, boxes: Sequence[Box]) -> tuple[bool, ...]:
    """Whether tiles of a film (h, w) show anything."""
    small, step = _reduced(film)
    detail = np.abs(small - ndimage.gaussian_filter(small, max(small.shape) / 40))
    found = []
    for box in boxes:
        left, top, right, bottom = (round(side / step) for side in box)
        rim_y, rim_x = max((bottom - top) // 20, 1), max((right - left) // 20, 1)
        found.append(float(detail[top + rim_y : bottom - rim_y, left + rim_x : right - rim_x].mean()))
    return tuple(bool(each > _NOTHING * np.median(found)) for each in found)


@dataclass(frozen=True)
class _Cells:
    """So many cells along an axis: where the first begins and how long each is, in shares of the film's length; and
    the log odds that they lie so."""

    count: int
    start: float
    pitch: float
    score: float

    @property
    def span(self) -> Span:
        return Span(self.start, self.pitch, self.pitch)


class _Look:
    """What of a film tells where its tiles are. All by axis: 0 down, 1 to the right.

    detail: what stands out (h, w), about -1 to 1. alike: correlation of the film with itself, by the distance in
    pixels. full: detail of each row or column, 1 usual, without what noise makes. lines: how straight a line runs.
    edges: for their places to the pixel.
    """

    def __init__(self, film: np.ndarray) -> None:
        small, _ = _reduced(film)
        self.detail = detail(small)
        self.alike = _alike(self.detail)
        self.full = tuple(_fullness(self.detail, axis) for axis in (0, 1))
        self.lines = tuple(_lines(each) for each in (small.T, small))
        self.edges = tuple(Edges(small, axis, self.alike[axis], self.lines[axis]) for axis in (0, 1))

    def most_alike(self, axis: int) -> float:
        """How like itself the film is at most, at any distance that cells may have."""
        length = self.detail.shape[axis]
        return float(self.alike[axis][int(_SHORTEST * length) : int(_LONGEST * length)].max())


def _counts(length: int, known: int | None) -> list[int]:
    """How many cells are looked for along so many pixels; the number that is known among them."""
    most = min(max(round(0.8 * length) // _LEAST, 1), _MOST)
    return sorted({*range(1, most + 1), known or 1})


def _reduced(film: np.ndarray) -> tuple[np.ndarray, int]:
    """A small film to look at, and how many pixels were made one."""
    step = max(1, round(max(film.shape) / _LOOK))
    return downscale_local_mean(film, (step, step)), step


def detail(small: np.ndarray) -> np.ndarray:
    """What stands out from its surroundings, alike in bright and in dim light."""
    length = max(small.shape)
    fine = small - ndimage.gaussian_filter(small, length / 40)
    near = np.sqrt(ndimage.gaussian_filter(fine**2, length / 20))
    return fine / (near + 0.3 * near.mean() + 1e-4)


def _alike(detail: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Correlations of a film with itself, shifted by so many pixels down and to the right, by FFT."""
    size = [fft.next_fast_len(2 * length, real=True) for length in detail.shape]
    values, squares, inside = (fft.rfft2(each, size) for each in (detail, detail**2, np.ones_like(detail)))
    both = fft.irfft2(inside * squares.conj(), size) * fft.irfft2(squares * inside.conj(), size)
    energy = np.sqrt(np.maximum(both, 1e-6))
    correlation = fft.irfft2(values * values.conj(), size) / np.maximum(energy, 0.01 * energy[0, 0])
    slack = round(_SLACK * max(detail.shape))
    aside = np.arange(-slack, slack + 1)
    return correlation[: detail.shape[0], aside].max(axis=1), correlation[aside, : detail.shape[1]].max(axis=0)


def _fullness(detail: np.ndarray, axis: int) -> np.ndarray:
    amount = np.minimum(np.abs(detail), 1).mean(axis=1 - axis)
    amount -= np.quantile(amount, 0.02)
    return np.clip(amount / (np.median(amount) + 1e-6), 0, 2)


def _lines(small: np.ndarray) -> np.ndarray:
    """How straight a line or edge runs down each column (w,) of a film (h, w): 0 to 1.5.

    It is there in most bands, but bends that are left shift it.
    """
    slope = ndimage.correlate1d(ndimage.gaussian_filter1d(small, 0.7, axis=1), [-0.5, 0, 0.5], axis=1)
    slope /= np.abs(slope).mean() + 1e-6
    bands = np.stack([band.mean(axis=0) for band in np.array_split(slope, _BANDS)])
    size = 2 * max(1, round(0.008 * small.shape[1])) + 1
    strongest = np.maximum(
        ndimage.maximum_filter1d(bands, size, axis=1), ndimage.maximum_filter1d(-bands, size, axis=1)
    )
    usual = np.quantile(strongest, 0.35, axis=0)
    return np.clip((usual - np.median(usual)) / 2, 0, 1.5)


def _best_cells(look: _Look, axis: int, count: int) -> _Cells:
    """The likeliest place of so many cells along an axis."""
    pitches = np.linspace((1 - _MARGINS) / count, (1 + _BEYOND) / count, _PITCHES)[:, None]
    free = 1 - count * pitches
    starts = np.clip(free, 0, None) * np.linspace(0, 1, _STARTS) + np.minimum(free, 0) / 2
    odds = np.zeros_like(starts)
    for name, value in _signs(look, axis, count, pitches, starts).items():
        odds += _WEIGHTS[name] * value
    best = np.unravel_index(odds.argmax(), odds.shape)
    return _Cells(count, float(starts[best]), float(pitches[best[0], 0]), float(odds[best]))


def _signs(
    look: _Look, axis: int, count: int, pitches: np.ndarray, starts: np.ndarray
) -> dict[str, np.ndarray | float]:
    """What tells whether cells lie so, by the names of the weights. pitches: (P, 1). starts: (P, S)."""
    length = look.detail.shape[axis]
    full, alike = look.full[axis], look.alike[axis]

    def at(profile: np.ndarray, places: np.ndarray) -> np.ndarray:
        return np.interp(places * length - 0.5, np.arange(length), profile)

    def repeats(distance: np.ndarray) -> np.ndarray:
        return np.interp(distance * length, np.arange(length), alike)

    edges = starts[..., None] + pitches[..., None] * np.arange(count + 1)
    inner = edges[..., 1:-1] if count > 1 else edges
    fine, coarse = (
        1 - np.clip(ndimage.gaussian_filter1d(full, sigma * length), 0, 2) for sigma in (0.005, 0.057 / count)
    )
    empty, lines = at(fine, inner), ndimage.gaussian_filter1d(look.lines[axis], 0.003 * length)
    share = np.concatenate([[0], np.cumsum(full)]) / max(full.sum(), 1e-6)
    first, last = (
        np.interp(np.clip(place * length, 0, length), np.arange(length + 1), share)
        for place in (edges[..., 0], edges[..., -1])
    )
    waves = np.exp(-2j * np.pi * (np.arange(length) + 0.5) / length / pitches) @ full / max(full.sum(), 1e-6)
    wave = waves[:, None] * np.exp(2j * np.pi * starts / pitches)
    free = 1 - count * pitches
    repeated = repeats(pitches) if count > 1 else np.zeros_like(pitches)
    most = max(look.most_alike(axis), 0.05)
    return {
        "repeats": repeated,
        "repeats best": repeated / most,
        "repeats at half": repeats(pitches / 2),
        "repeats at thirds": np.maximum(repeats(pitches / 3), repeats(pitches * 2 / 3)),
        "empty between": empty.mean(axis=-1),
        "empty everywhere": empty.min(axis=-1),
        "empty around": at(coarse, inner).mean(axis=-1),
        "empty at the rim": at(fine, edges[..., [0, -1]]).mean(axis=-1),
        "left over": 1 - (last - first),
        "aside": np.abs(2 * starts - free),
        "margins": np.abs(free),
        "lines": at(lines, inner).mean(axis=-1),
        "lines everywhere": at(lines, edges).min(axis=-1),
        "cells": float(np.log2(count)),
        "full": at(full, edges[..., :-1] + pitches[..., None] / 2).mean(axis=-1),
        "centered": -wave.real,
        "off center": np.abs(wave.imag),
    }


def _score(down: _Cells, across: _Cells, shape: tuple[int, ...]) -> float:
    """Log odds of cells of both axes together, on a film of this shape."""
    aspect = abs(np.log(down.pitch * shape[0] / (across.pitch * shape[1])))
    return down.score + across.score - _ASPECT_WEIGHT * max(aspect - _PLAUSIBLE, 0)


def _boxes(look: _Look, rows: _Cells, columns: _Cells, shape: tuple[int, ...]) -> tuple[Box, ...]:
    """Boxes of the tiles in cells, on a film of this shape; square ones may be shorter than their cells."""
    cells = (rows, columns)
    narrow, wide = sorted((0, 1), key=lambda axis: cells[axis].pitch * shape[axis])
    spans = {narrow: best_span(look.edges[narrow], cells[narrow].span, cells[narrow].count)}
    side = spans[narrow].size * shape[narrow] / shape[wide]
    spans[wide] = best_span(look.edges[wide], cells[wide].span, cells[wide].count, side)
    sides = []
    for axis in (0, 1):
        size = min(max(round(spans[axis].size * shape[axis]), 1), shape[axis])
        starts = (spans[axis].start + spans[axis].pitch * np.arange(cells[axis].count)) * shape[axis]
        sides.append(
            [(start, start + size) for start in starts.round().astype(int).clip(0, shape[axis] - size).tolist()]
        )
    return tuple((left, top, right, bottom) for top, bottom in sides[0] for left, right in sides[1])

"""The tiles of a film: rows and columns of slices, found by its waves, and to the pixel by its edges.

Needs no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import fft, ndimage
from skimage.transform import downscale_local_mean

from InverseImagingLib.errors import InputError

from .cells import Cells, agreement, best_cells, evenly
from .tiles import Edges, best_span

Box = tuple[int, int, int, int]  # left, top, right, bottom in film pixels; right and bottom lie outside

_LOOK = 360  # pixels along the longer side of the film that is looked at
_LEAST = 16  # pixels along a tile
_SLACK = 0.012  # of the film's length, by which bends that are left shift tiles
_BANDS = 24  # across a film, in which lines between tiles are looked for
# Below both of these tiles are parts of one picture, by radiographs and films: correlation of neighbors, and how well
# waves agree with their cells, up to about 3
_ALIKE, _AGREED = 0.22, 1.6
_NOTHING = 0.25  # of the detail that is usual in tiles, of empty ones


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


def find_layout(film: np.ndarray, waves: np.ndarray | None, grid: tuple[int, int] | None = None) -> Layout:
    """The tiles of a flat film (h, w), 0 black to 1 white.

    waves: (2, n, n) complex, see networks.GridNet; without them the tiles fill the film. grid: rows and columns where
    these are known. A film on which nothing repeats, and whose waves hardly agree with tiles, is one picture, such as a
    radiograph: a single tile, all of it. Raises InputError where tiles would be too small to show a slice.
    """
    if waves is None:
        rows, columns = (evenly(count) for count in grid or (1, 1))
        sure = agreed = 0.0
    else:
        rows, columns, sure = best_cells(waves, film.shape, grid)
        agreed = agreement(rows, columns, waves)
    alike = _alike(detail(_reduced(film)[0]))
    if grid is None and agreed < _AGREED and max(map(_repeats, alike, (rows, columns))) < _ALIKE:
        whole = ((0, 0, film.shape[1], film.shape[0]),)
        return Layout(1, 1, whole, filled(film, whole), sure)
    if min(rows.pitch * film.shape[0], columns.pitch * film.shape[1]) < _LEAST:
        raise InputError(
            f"On a film of {film.shape[1]} x {film.shape[0]} pixels, {rows.count} x {columns.count} tiles are too "
            "small to show slices; check the layout, or take a finer photo."
        )
    boxes = _boxes(film, alike, rows, columns)
    return Layout(rows.count, columns.count, boxes, filled(film, boxes), sure)


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


def _reduced(film: np.ndarray) -> tuple[np.ndarray, int]:
    """A small film to look at, and how many pixels were made one."""
    step = max(1, round(max(film.shape) / _LOOK))
    return downscale_local_mean(film, (step, step)), step


def detail(small: np.ndarray) -> np.ndarray:
    """What stands out from its surroundings, alike in bright and in dim light."""
    length = max(small.shape)
    fine = small - _blurred(small, length / 40)
    near = np.sqrt(_blurred(fine**2, length / 20).clip(min=0))
    return fine / (near + 0.3 * near.mean() + 1e-4)


def _blurred(values: np.ndarray, spread: float) -> np.ndarray:
    """Values (h, w) blurred by a Gaussian, mirrored beyond the rim: quicker by cosines than by a wide kernel."""
    waves = fft.dctn(values)
    for axis, size in enumerate(values.shape):
        kept = np.exp(-0.5 * (np.pi * spread / size * np.arange(size)) ** 2).astype(values.dtype)
        waves *= np.expand_dims(kept, 1 - axis)
    blurred: np.ndarray = fft.idctn(waves)
    return blurred


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


def _repeats(alike: np.ndarray, cells: Cells) -> float:
    """How like itself a film is a cell on."""
    return float(np.interp(cells.pitch * len(alike), np.arange(len(alike)), alike)) if cells.count > 1 else 0.0


def _boxes(film: np.ndarray, alike: Sequence[np.ndarray], rows: Cells, columns: Cells) -> tuple[Box, ...]:
    """Boxes of the tiles in cells of a film; square ones may be shorter than their cells."""
    small, _ = _reduced(film)
    edges = [Edges(small, axis, alike[axis], _lines(small if axis else small.T)) for axis in (0, 1)]
    cells, shape = (rows, columns), film.shape
    narrow, wide = sorted((0, 1), key=lambda axis: cells[axis].pitch * shape[axis])
    spans = {narrow: best_span(edges[narrow], cells[narrow].span, cells[narrow].count)}
    side = spans[narrow].size * shape[narrow] / shape[wide]
    spans[wide] = best_span(edges[wide], cells[wide].span, cells[wide].count, side)
    sides = []
    for axis in (0, 1):
        size = min(max(round(spans[axis].size * shape[axis]), 1), shape[axis])
        starts = (spans[axis].start + spans[axis].pitch * np.arange(cells[axis].count)) * shape[axis]
        sides.append(
            [(start, start + size) for start in starts.round().astype(int).clip(0, shape[axis] - size).tolist()]
        )
    return tuple((left, top, right, bottom) for top, bottom in sides[0] for left, right in sides[1])

"""A film becomes flat by its waves: places move to where those of even cells would be.

GridNet sees in which part of its cell each place lies, of rows and of columns, also while the film is not flat yet. How
its waves run on from place to place tells how far places are off, were it by more than a cell; then where in its cell
each one is tells it to a small part of that. Pixels are left to straightening and spacing.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.polynomial.chebyshev import chebvander
from torch.nn import functional

from .cells import Cells, agreement, best_cells
from .looks import SIZE
from .networks import GridNet
from .sheet import Sheet
from .warp import Picture, centers, places, resampled

_ROUNDS = 3  # at the waves where they were found to lie
_TERMS = 4  # polynomials along each axis
_ORDER = 1 + np.add.outer(np.arange(_TERMS), np.arange(_TERMS)).ravel()
_USUAL = 0.03  # of the film, by which the first of them move it
_SURE = 0.006  # of the film, by which the waves of all of it may be wrong
_STIFF = 0.6  # cells on a film, by which the slopes of all its waves may be wrong
_SPREAD = 0.3  # of the cells on a film, by which a single slope may be
_FEWEST = 0.3  # cells on a film, that slopes can tell


def waves_of(film: np.ndarray, network: GridNet) -> np.ndarray:
    """The waves (2, n, n), complex, down and along a film (h, w) from 0 to 1, by a network in evaluation mode."""
    device = next(network.parameters()).device
    small = functional.interpolate(torch.from_numpy(film)[None, None], (SIZE, SIZE), mode="bilinear", antialias=True)
    with torch.inference_mode():
        found = network(small.to(device), torch.tensor([film.shape[1] / film.shape[0]], device=device))[0].cpu().numpy()
    return found[:, 0] + 1j * found[:, 1]


def unevenness(photo: Picture, sheet: Sheet, network: GridNet) -> float:
    """How far the waves of a film in a photo (H, W, C) are from those of even cells, in squares of both axes."""
    waves = _waves_seen(photo, sheet, network)
    down, across, _ = best_cells(waves, sheet.size(SIZE))
    even = down.wave(waves.shape[1])[:, None], across.wave(waves.shape[1])
    return float(sum(np.square(np.abs(wave - cells)).mean() for wave, cells in zip(waves, even, strict=True)))


def tiled(photo: Picture, sheet: Sheet, network: GridNet) -> float:
    """How surely a film in a photo (H, W, C) shows tiles: how well its waves agree with them, up to about 3; 0 if these
    are those of a single picture."""
    waves = _waves_seen(photo, sheet, network)
    down, across, _ = best_cells(waves, sheet.size(SIZE))
    return agreement(down, across, waves) if down.count * across.count > 1 else 0.0


def evened(photo: Picture, sheet: Sheet, network: GridNet) -> Sheet:
    """The sheet of a film in a photo (H, W, C) with its cells, if it has any, as even as can be seen."""
    for offsets in (_by_slopes, _by_slopes, _by_phases, _by_phases):
        off = offsets(_waves_seen(photo, sheet, network), sheet.size(SIZE))
        at = own = places(sheet.backward.shape[:2])
        for _ in range(_ROUNDS):  # until places are met that were moved there
            at = own - _looked_up(off, at)
        sheet = sheet.moved(at)
    return sheet


def _waves_seen(photo: Picture, sheet: Sheet, network: GridNet) -> np.ndarray:
    return waves_of(resampled(photo, sheet.at(*sheet.size(SIZE))).mean(axis=-1), network)


def _by_slopes(waves: np.ndarray, _: tuple[int, int]) -> np.ndarray:
    """How far each place of a film lies behind where it belongs, (n, n, 2): u and v, by how its waves run on."""
    return np.stack([_slopes(waves[1]), _slopes(waves[0].T).T], axis=-1)


def _slopes(wave: np.ndarray) -> np.ndarray:
    """Smooth offsets (n, n) along rows of a film, 0 at their ends, with which its wave runs evenly along these alone.

    By least squares that trust no slope which is far from the others.
    """
    size = len(wave)
    fields = np.concatenate([np.broadcast_to(centers(size), (1, size, size)), _bends(size)])
    pairs = (wave[:, :-1], wave[:, 1:]), (wave[:-1], wave[1:])
    steps = np.concatenate([np.diff(fields, axis=axis).reshape(len(fields), -1) for axis in (2, 1)], axis=1) * size
    slopes = np.concatenate([np.angle(there * here.conj()).ravel() for here, there in pairs]) / (2 * np.pi) * size
    sure = np.concatenate([np.sqrt(np.abs(here * there)).clip(0, 1).ravel() for here, there in pairs]) / slopes.size
    held = np.diag(np.append(1e-9, (_STIFF * _ORDER) ** 2))
    weights = sure
    for _ in range(_ROUNDS):
        cells = np.linalg.solve((steps * weights) @ steps.T + held, (steps * weights) @ slopes)
        spread = _SPREAD * max(float(cells[0]), _FEWEST)
        weights = sure / (1 + ((slopes - cells @ steps) / spread) ** 2)
    if cells[0] < _FEWEST:
        return np.zeros_like(wave.real)
    found: np.ndarray = np.tensordot(cells[1:] / cells[0], fields[1:], axes=1)
    return found


def _by_phases(waves: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The same of a film of that height and width, by less than half a cell: by where in their cells places are."""
    size = waves.shape[1]
    off = np.zeros((size, size, 2))
    for _ in range(_ROUNDS):
        at = places((size, size))
        moved = [_looked_up(wave, at - off * mask) for wave, mask in zip(waves, ([0, 1], [1, 0]), strict=True)]
        down, across, _ = best_cells(np.stack(moved), shape)
        off = np.stack([_phases(moved[1], across, off[..., 0]), _phases(moved[0].T, down, off[..., 1].T).T], axis=-1)
    return off


def _phases(wave: np.ndarray, cells: Cells, off: np.ndarray) -> np.ndarray:
    """Smooth offsets (n, n) along rows of a film, 0 at their ends: those that its wave there has beyond others.

    By least squares, of which a place counts as much as its wave is sure. Cells may all begin elsewhere and be longer.
    """
    ahead = wave * cells.wave(len(wave)).conj()
    wanted, weights = off + np.angle(ahead) * cells.pitch / (2 * np.pi), np.abs(ahead).clip(0, 1) / ahead.size
    others = np.stack(np.broadcast_arrays(np.ones_like(wave.real), centers(len(wave))))
    fields = np.concatenate([_bends(len(wave)), others]).reshape(_TERMS**2 + 2, -1)
    held = np.diag(np.append((_SURE / _USUAL * _ORDER) ** 2, [1e-9, 1e-9]))
    terms = np.linalg.solve((fields * weights.ravel()) @ fields.T + held, (fields * weights.ravel()) @ wanted.ravel())
    found: np.ndarray = (terms[:-2] @ fields[:-2]).reshape(wave.shape)
    return found


def _bends(size: int) -> np.ndarray:
    """Products of polynomials (_TERMS ** 2, size, size), across and along rows, 0 at the ends of these."""
    at = centers(size)
    each = chebvander(2 * at - 1, _TERMS - 1).T
    return np.einsum("iy,jx->ijyx", each, 4 * at * (1 - at) * each).reshape(_TERMS**2, size, size)


def _looked_up(field: np.ndarray, at: np.ndarray) -> np.ndarray:
    """A field (n, n, ...), of complex numbers or two values, at places u, v (h, w, 2) of a film."""
    values = np.stack([field.real, field.imag], axis=-1) if np.iscomplexobj(field) else field
    found = resampled(values.astype(np.float32), (at * len(field) - 0.5).astype(np.float32))
    return found[..., 0] + 1j * found[..., 1] if np.iscomplexobj(field) else found

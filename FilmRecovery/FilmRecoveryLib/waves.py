"""A film becomes flat by its waves: places move to where those of even cells would be.

GridNet sees in which part of its cell each place lies, of rows and of columns, also while the film is not flat yet. So
it tells how far a film is off between its sides by half a cell at most, but not to the pixel: that is left to
straightening and spacing.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.polynomial.chebyshev import chebvander
from torch.nn import functional

from .cells import Cells, best_cells
from .looks import SIZE
from .networks import GridNet
from .sheet import Sheet
from .warp import centers, places, resampled

_PASSES, _ROUNDS = 2, 3  # looks at the film, and at its waves where they were found to lie
_TERMS = 4  # polynomials along each axis
_USUAL = 0.03  # of the film, by which the first of them move it
_SURE = 0.006  # of the film, by which the waves of all of it may be wrong


def waves_of(film: np.ndarray, network: GridNet) -> np.ndarray:
    """The waves (2, n, n), complex, down and along a film (h, w) from 0 to 1, by a network in evaluation mode."""
    device = next(network.parameters()).device
    small = functional.interpolate(torch.from_numpy(film)[None, None], (SIZE, SIZE), mode="bilinear", antialias=True)
    with torch.inference_mode():
        found = network(small.to(device), torch.tensor([film.shape[1] / film.shape[0]], device=device))[0].cpu().numpy()
    return found[:, 0] + 1j * found[:, 1]


def evened(photo: np.ndarray, sheet: Sheet, network: GridNet) -> Sheet:
    """The sheet of a film in a photo (H, W, C) with its cells, if it has any, as even as can be seen."""
    for _ in range(_PASSES):
        shape = sheet.size(SIZE)
        film = resampled(photo, sheet.at(*shape)).mean(axis=-1)
        off = _offsets(waves_of(film, network), shape)
        at = own = places(sheet.backward.shape[:2])
        for _ in range(_ROUNDS):  # until places are met that were moved there
            at = own - _looked_up(off, at)
        sheet = sheet.moved(at)
    return sheet


def _offsets(waves: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """How far each place of a film of that height and width lies behind where it belongs, (n, n, 2): u and v."""
    size = waves.shape[1]
    off = np.zeros((size, size, 2))
    for _ in range(_ROUNDS):
        at = places((size, size))
        moved = [_looked_up(wave, at - off * mask) for wave, mask in zip(waves, ([0, 1], [1, 0]), strict=True)]
        down, across, _ = best_cells(np.stack(moved), shape)
        off = np.stack([_smooth(moved[1], across, off[..., 0]), _smooth(moved[0].T, down, off[..., 1].T).T], axis=-1)
    return off


def _smooth(wave: np.ndarray, cells: Cells, off: np.ndarray) -> np.ndarray:
    """Smooth offsets (n, n) along rows of a film, 0 at their ends: those that its wave there has beyond others.

    By least squares, of which a place counts as much as its wave is sure. Cells may all begin elsewhere and be longer.
    """
    ahead = wave * cells.wave(wave.shape[1]).conj()
    wanted, weights = off + np.angle(ahead) * cells.pitch / (2 * np.pi), np.abs(ahead).clip(0, 1) / ahead.size
    at = centers(len(wave))
    each = chebvander(2 * at - 1, _TERMS - 1).T
    bends = np.einsum("iy,jx->ijyx", each, 4 * at * (1 - at) * each).reshape(_TERMS**2, -1)
    others = np.stack([np.ones_like(wave.real), np.broadcast_to(at, wave.shape)]).reshape(2, -1)
    fields = np.concatenate([bends, others])
    order = 1 + np.add.outer(np.arange(_TERMS), np.arange(_TERMS)).ravel()
    held = np.concatenate([(_SURE / _USUAL * order) ** 2, np.full(2, 1e-9)])
    normal = (fields * weights.ravel()) @ fields.T + np.diag(held)
    terms = np.linalg.solve(normal, (fields * weights.ravel()) @ wanted.ravel())
    found: np.ndarray = (terms[: len(bends)] @ bends).reshape(wave.shape)
    return found


def _looked_up(field: np.ndarray, at: np.ndarray) -> np.ndarray:
    """A field (n, n, ...), of complex numbers or two values, at places u, v (h, w, 2) of a film."""
    values = np.stack([field.real, field.imag], axis=-1) if np.iscomplexobj(field) else field
    found = resampled(values.astype(np.float32), (at * len(field) - 0.5).astype(np.float32))
    return found[..., 0] + 1j * found[..., 1] if np.iscomplexobj(field) else found

"""Joseph's projector and its adjoint on the CPU, compiled by numba.

The volume is walked slice by slice along the axis that dominates a ray. Threads take short runs of slices, which they
copy to a zero-padded patch that stays in the cache. The adjoint scatters into such patches and writes each once, so
that neither direction needs atomics, and no samples are stored. See joseph_torch for the method.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit

TIE = 1.0 + 1e-9  # the first of two equally long components dominates, whatever the rounding
_TILE = 16  # rows of the volume that are transposed at once, so that they stay in the cache
_SCRATCH = 64 << 20  # bytes of detector sums at a time
_BLOCK = 16  # slices in a patch: a cache line of the fastest axis
_RUN = 32  # slices that a thread takes at a time
_FUSED = {"contract"}  # a product and a sum in one step


@njit(nogil=True, cache=True)
def _order(a):
    """Axis a, and of the other two the one that changes slower in memory first."""
    return (0, 2, 1) if a == 0 else ((1, 2, 0) if a == 1 else (2, 1, 0))


@njit(nogil=True, cache=True)
def measure(matrices, to_mm, height, width, dtype):
    """Of all rays (V, H, W): mm per slice along the axis that dominates; of views and axes (V, 3): whether it does."""
    views = matrices.shape[0]
    lengths, used = np.empty((views, height, width), dtype), np.zeros((views, 3), np.bool_)
    for view in range(views):
        p = matrices[view]
        cone = p[3, 3]
        for v in range(height):
            for u in range(width):
                x = cone * (p[0, 0] * u + p[0, 1] * v + p[0, 2]) + (1.0 - 2.0 * cone) * p[0, 3]
                y = cone * (p[1, 0] * u + p[1, 1] * v + p[1, 2]) + (1.0 - 2.0 * cone) * p[1, 3]
                z = cone * (p[2, 0] * u + p[2, 1] * v + p[2, 2]) + (1.0 - 2.0 * cone) * p[2, 3]
                length = 0.0
                for r in range(3):
                    length += (to_mm[r, 0] * x + to_mm[r, 1] * y + to_mm[r, 2] * z) ** 2
                x, y, z = abs(x), abs(y), abs(z)
                if x * TIE >= y and x * TIE >= z:
                    a, along = 0, x
                elif y * TIE >= z:
                    a, along = 1, y
                else:
                    a, along = 2, z
                used[view, a] = True
                lengths[view, v, u] = math.sqrt(length) / along if along > 0.0 else 0.0
    return lengths, used


@njit(nogil=True, cache=True)
def _rays(matrix, a, v, first, last, n_b, n_c, row_b, row_c, slope_b, slope_c, low, high, met):
    """Where the rays of row v that run along axis a meet the slices first..last-1, in the padded patch.

    Gives the half-open range of u that matters, and whether a ray begins or ends within these slices. Rays of other
    axes and those that pass by are parked where the patch is zero. Written without branches, which halves its time.
    """
    _, b, c = _order(a)
    along_i, along_j = a == 0, a == 1
    start, span, n_b, n_c = float(first), float(last - 1 - first), float(n_b), float(n_c)
    q_a0, q_b0, q_c0 = (
        matrix[a, 1] * v + matrix[a, 2],
        matrix[b, 1] * v + matrix[b, 2],
        matrix[c, 1] * v + matrix[c, 2],
    )
    step_a, step_b, step_c = matrix[a, 0], matrix[b, 0], matrix[c, 0]
    cone, source = matrix[3, 3], matrix[a, 3]
    r_a, r_b, r_c = (1.0 - 2.0 * cone) * source, (1.0 - 2.0 * cone) * matrix[b, 3], (1.0 - 2.0 * cone) * matrix[c, 3]
    endless = 1e300 * (1.0 - cone)
    clipped = 0
    for u in range(row_b.size):
        q_a, q_b, q_c = q_a0 + step_a * u, q_b0 + step_b * u, q_c0 + step_c * u
        d_a, d_b, d_c = cone * q_a + r_a, cone * q_b + r_b, cone * q_c + r_c
        t_a, t_b, t_c = abs(d_a), abs(d_b), abs(d_c)
        x = t_a if along_i else t_c
        y = t_a if along_j else (t_c if along_i else t_b)
        z = t_b if along_i | along_j else t_a
        by_x = (x * TIE >= y) & (x * TIE >= z)
        by_y = (y * TIE >= z) & (not by_x)
        own = (by_x if along_i else (by_y if along_j else not (by_x | by_y))) & (t_a > 0.0)
        inverse = 1.0 / (d_a if own else 1.0)
        s_b, s_c, distance = d_b * inverse, d_c * inverse, start - q_a
        x_b, x_c = q_b + distance * s_b, q_c + distance * s_c
        e_b, e_c = x_b + span * s_b, x_c + span * s_c
        begin = (q_a if q_a < source else source) - start - endless
        end = (source if q_a < source else q_a) - start + endless
        hit = own & ((x_b > -1.0) | (e_b > -1.0)) & ((x_b < n_b) | (e_b < n_b))
        hit = hit & ((x_c > -1.0) | (e_c > -1.0)) & ((x_c < n_c) | (e_c < n_c)) & (end >= 0.0) & (begin <= span)
        clipped |= 1 if hit & ((begin > 0.0) | (end < span)) else 0
        met[u], low[u], high[u] = hit, begin, end
        row_b[u] = x_b + 1.0 if hit else 0.0
        row_c[u] = x_c + 1.0 if hit else 0.0
        slope_b[u] = s_b if hit else 0.0
        slope_c[u] = s_c if hit else 0.0
    left, right = 0, row_b.size
    while left < right and not met[left]:
        left += 1
    while left < right and not met[right - 1]:
        right -= 1
    return left, right, clipped != 0


@njit(nogil=True, cache=True, fastmath=_FUSED)
def _sample(m, n_b, n_c, row_b, row_c, slope_b, slope_c, index, frac_b, frac_c):
    """The patch index and the weights of rays in slice m of the block."""
    kind = row_b.dtype.type
    top_b, top_c, stride, zero, step = kind(n_b + 1), kind(n_c + 1), np.int32(n_c + 3), kind(0), kind(m)
    for u in range(row_b.size):
        x_b = min(max(row_b[u] + step * slope_b[u], zero), top_b)
        x_c = min(max(row_c[u] + step * slope_c[u], zero), top_c)
        i_b, i_c = np.int32(x_b), np.int32(x_c)
        frac_b[u], frac_c[u] = x_b - i_b, x_c - i_c
        index[u] = np.uint32(i_b * stride + i_c)


@njit(nogil=True, cache=True)
def _clip(m, low, high, index, frac_b, frac_c):
    """Park the rays that do not reach slice m of the block."""
    for u in range(index.size):
        if m < low[u] or m > high[u]:
            index[u], frac_b[u], frac_c[u] = 0, 0, 0


@njit(nogil=True, cache=True)
def _load(volume, a, first, last, patch):
    """Copy slices of one channel (K, J, I) to the middle of the zero-edged patch (slices, rows * columns)."""
    n_k, n_j, n_i = volume.shape
    if a == 2:
        for m in range(last - first):
            for j in range(n_j):
                start = (j + 1) * (n_i + 3) + 1
                for i in range(n_i):
                    patch[m, start + i] = volume[first + m, j, i]
    elif a == 1:
        for k in range(n_k):
            start = (k + 1) * (n_i + 3) + 1
            for m in range(last - first):
                for i in range(n_i):
                    patch[m, start + i] = volume[k, first + m, i]
    else:
        for k in range(n_k):
            start = (k + 1) * (n_j + 3) + 1
            for tile in range(0, n_j, _TILE):
                for j in range(tile, min(tile + _TILE, n_j)):
                    if last - first == _BLOCK:  # so many that the compiler knows it: a quarter of the time
                        for m in range(_BLOCK):
                            patch[m, start + j] = volume[k, j, first + m]
                    else:
                        for m in range(last - first):
                            patch[m, start + j] = volume[k, j, first + m]


@njit(nogil=True, cache=True)
def _store(patch, a, first, last, volume):
    """Add the middle of the patch to the slices of one channel: the adjoint of _load."""
    n_k, n_j, n_i = volume.shape
    if a == 2:
        for m in range(last - first):
            for j in range(n_j):
                start = (j + 1) * (n_i + 3) + 1
                for i in range(n_i):
                    volume[first + m, j, i] += patch[m, start + i]
    elif a == 1:
        for k in range(n_k):
            start = (k + 1) * (n_i + 3) + 1
            for m in range(last - first):
                for i in range(n_i):
                    volume[k, first + m, i] += patch[m, start + i]
    else:
        for k in range(n_k):
            start = (k + 1) * (n_j + 3) + 1
            for tile in range(0, n_j, _TILE):
                for j in range(tile, min(tile + _TILE, n_j)):
                    if last - first == _BLOCK:
                        for m in range(_BLOCK):
                            volume[k, j, first + m] += patch[m, start + j]
                    else:
                        for m in range(last - first):
                            volume[k, j, first + m] += patch[m, start + j]


@njit(nogil=True, cache=True, fastmath=_FUSED)
def _gather(patch, index, frac_b, frac_c, stride, sums):
    one = patch.dtype.type(1)
    for u in range(sums.size):
        i, f_b, f_c = index[u], frac_b[u], frac_c[u]
        above = (one - f_c) * patch[i] + f_c * patch[i + np.uint32(1)]
        below = (one - f_c) * patch[i + stride] + f_c * patch[i + stride + np.uint32(1)]
        sums[u] += (one - f_b) * above + f_b * below


@njit(nogil=True, cache=True, fastmath=_FUSED)
def _scatter(values, index, frac_b, frac_c, stride, patch):
    for u in range(values.size):
        i, f_c, value = index[u], frac_c[u], values[u]
        below = frac_b[u] * value
        above = value - below
        patch[i] += above - f_c * above
        patch[i + np.uint32(1)] += f_c * above
        patch[i + stride] += below - f_c * below
        patch[i + stride + np.uint32(1)] += f_c * below


@njit(nogil=True, cache=True)
def _march(volume, images, matrices, a, first, last, patch, adjoint):
    """Slices first..last-1 along axis a: adds to the images (V, C, H, W), or to the volume (C, K, J, I)."""
    channels, views, height, width = volume.shape[0], images.shape[0], images.shape[2], images.shape[3]
    _, b, c = _order(a)
    n_b, n_c = volume.shape[3 - b], volume.shape[3 - c]
    stride = np.uint32(n_c + 3)
    row_b, row_c = np.empty(width, volume.dtype), np.empty(width, volume.dtype)
    slope_b, slope_c = np.empty(width, volume.dtype), np.empty(width, volume.dtype)
    frac_b, frac_c = np.empty(width, volume.dtype), np.empty(width, volume.dtype)
    low, high, met = np.empty(width), np.empty(width), np.empty(width, np.bool_)
    index = np.empty(width, np.uint32)
    for begin in range(first, last, patch.shape[1]):
        end = min(begin + patch.shape[1], last)
        for channel in range(channels):
            if adjoint:
                patch[channel] = 0
            else:
                _load(volume[channel], a, begin, end, patch[channel])
        for view in range(views):
            for v in range(height):
                left, right, clipped = _rays(
                    matrices[view], a, v, begin, end, n_b, n_c, row_b, row_c, slope_b, slope_c, low, high, met
                )
                if left >= right:
                    continue
                i, f_b, f_c = index[left:right], frac_b[left:right], frac_c[left:right]
                r_b, r_c, s_b, s_c = row_b[left:right], row_c[left:right], slope_b[left:right], slope_c[left:right]
                for m in range(end - begin):
                    _sample(m, n_b, n_c, r_b, r_c, s_b, s_c, i, f_b, f_c)
                    if clipped:
                        _clip(m, low[left:right], high[left:right], i, f_b, f_c)
                    for channel in range(channels):
                        values = images[view, channel, v, left:right]
                        if adjoint:
                            _scatter(values, i, f_b, f_c, stride, patch[channel, m])
                        else:
                            _gather(patch[channel, m], i, f_b, f_c, stride, values)
        if adjoint:
            for channel in range(channels):
                _store(patch[channel], a, begin, end, volume[channel])


def project(
    volume: np.ndarray, matrices: np.ndarray, to_mm: np.ndarray, size: tuple[int, int], threads: int
) -> np.ndarray:
    """Line integrals (V, C, H, W) of a volume (C, K, J, I), value * mm; see projector for the matrices."""
    channels, (height, width) = len(volume), size
    lengths, used = measure(matrices, to_mm, height, width, volume.dtype)
    images = np.zeros((len(matrices), channels, height, width), volume.dtype)
    runs = -(-max(volume.shape[1:]) // _RUN)
    at_once = max(_SCRATCH // max(runs * images[0].nbytes, 1), 1)
    for start in range(0, len(matrices), at_once):
        part = slice(start, start + at_once)

        def run(a: int, first: int, last: int, patch: np.ndarray, part: slice = part) -> np.ndarray:
            sums = np.zeros_like(images[part])
            _march(volume, sums, matrices[part], a, first, last, patch, False)
            return sums

        for sums in _spread(run, used[part], volume, threads):
            images[part] += sums
    images *= lengths[:, None]
    return images


def backproject(
    images: np.ndarray, matrices: np.ndarray, to_mm: np.ndarray, shape: tuple[int, int, int], threads: int
) -> np.ndarray:
    """The exact adjoint of project: a volume (C, K, J, I) from images (V, C, H, W)."""
    lengths, used = measure(matrices, to_mm, *images.shape[2:], images.dtype)
    images = images * lengths[:, None]
    volume = np.zeros((images.shape[1], *shape), images.dtype)

    def run(a: int, first: int, last: int, patch: np.ndarray) -> None:
        _march(volume, images, matrices, a, first, last, patch, True)

    for _ in _spread(run, used, volume, threads):
        pass
    return volume


def _spread(run: Callable[..., Any], used: np.ndarray, volume: np.ndarray, threads: int) -> Iterator:
    """The results of run(axis, first, last, patch) for all runs of slices along all axes that rays run along.

    Threads take one after the other, so that a busy core holds up no other; the runs are the same for any number of
    threads, and so are the results.
    """
    with ThreadPoolExecutor(threads) as pool:
        for a in map(int, np.flatnonzero(used.any(axis=0))):
            count, (b, c) = volume.shape[3 - a], (n for n in range(3) if n != a)
            area = (volume.shape[3 - b] + 3) * (volume.shape[3 - c] + 3)
            spare = [np.zeros((len(volume), min(_BLOCK, count), area), volume.dtype) for _ in range(threads)]

            def some(first: int, a: int = a, count: int = count, spare: list[np.ndarray] = spare) -> Any:
                patch = spare.pop()
                try:
                    return run(a, first, min(first + _RUN, count), patch)
                finally:
                    spare.append(patch)

            yield from pool.map(some, range(0, count, _RUN))

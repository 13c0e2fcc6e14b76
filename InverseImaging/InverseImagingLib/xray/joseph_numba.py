"""Joseph's projector and its adjoint on the CPU, compiled by numba.

The volume is walked slice by slice along the axis that dominates a ray. Threads take runs of slices: the adjoint lets
each add to its own part of the volume, so that neither direction needs atomics, and no samples are stored. Neighboring
rays go together (joseph_lanes) as far as they have all their neighbors within the volume. See joseph_torch for the
method.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numba import njit

from .joseph_lanes import LANES, gather_pairs, gather_singles, prefetch, scatter

TIE = 1.0 + 1e-9  # the first of two equally long components dominates, whatever the rounding
_VIEWS = 32  # at a time
_BANDS = 4  # parts of a detector that threads take alone
_AHEAD = 2  # slices to ask the memory for before they are needed
_MARGIN = 0.01  # voxels, more than what is lost by rounding
_FUSED = {"contract"}  # a product and a sum in one step

# SHA-256 of joseph_lanes.py, which is compiled into what numba keeps on disk, while numba looks for changes only here.
LANES_ARE = "9f25d7d31a534a0a5bf4f8cba1f47a5bcfcc179bce9c4928b7210e38eb4640fd"


def _compiled(**options):
    """numba's njit, kept on disk: beside this file, or with the user's caches; in neither, compiled in each process."""

    def decorate(function):
        try:
            return njit(nogil=True, cache=True, **options)(function)
        except RuntimeError:  # there is no place to write to
            return njit(nogil=True, **options)(function)

    return decorate


@_compiled()
def _order(a):
    """Axis a, and of the other two the one that changes slower in memory first."""
    return (0, 2, 1) if a == 0 else ((1, 2, 0) if a == 1 else (2, 1, 0))


@_compiled()
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


@_compiled()
def _rays(matrix, a, v, first, slices, n_b, n_c, rays, met, limits):
    """Where the rays of row v that run along axis a meet slices from the first on.

    Written to rays: row and column in the first slice, and their slopes from slice to slice; to met: 0 for rays of
    other axes and those that pass by, 2 for those that have all their neighbors within the volume in all slices, else
    1; and to limits the slices between the ray's ends. Written without branches, which halves its time.
    """
    row_b, row_c, slope_b, slope_c = rays
    _, b, c = _order(a)
    along_i, along_j = a == 0, a == 1
    start, span, n_b, n_c = float(first), float(slices - 1), float(n_b), float(n_c)
    top_b, top_c = n_b - 1.0 - _MARGIN, n_c - 1.0 - _MARGIN
    q_a0, q_b0, q_c0 = (
        matrix[a, 1] * v + matrix[a, 2],
        matrix[b, 1] * v + matrix[b, 2],
        matrix[c, 1] * v + matrix[c, 2],
    )
    step_a, step_b, step_c = matrix[a, 0], matrix[b, 0], matrix[c, 0]
    cone, source = matrix[3, 3], matrix[a, 3]
    r_a, r_b, r_c = (1.0 - 2.0 * cone) * source, (1.0 - 2.0 * cone) * matrix[b, 3], (1.0 - 2.0 * cone) * matrix[c, 3]
    endless = 1e300 * (1.0 - cone)
    for u in range(met.size):
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
        inside = (x_b > 0.0) & (e_b > 0.0) & (x_b < top_b) & (e_b < top_b) & (begin <= 0.0)
        inside = inside & (x_c > 0.0) & (e_c > 0.0) & (x_c < top_c) & (e_c < top_c) & (end >= span)
        met[u], limits[0, u], limits[1, u] = hit + (hit & inside), begin, end
        row_b[u], row_c[u], slope_b[u], slope_c[u] = x_b, x_c, s_b, s_c


@_compiled()
def _between(low, high, x, slope, least, most):
    """The part of the slices low..high - 1 where least < x + slice * slope < most."""
    if slope == 0.0:
        return (low, high) if least < x < most else (high, high)
    one, other = (least - x) / slope, (most - x) / slope
    one, other = min(one, other), max(one, other)
    return max(low, math.ceil(min(one, float(high)))), min(high, math.floor(max(other, low - 1.0)) + 1)


@_compiled()
def _reach(slices, n_b, n_c, rays, met, limits, reach, inner, outer):
    """Write to reach the slices (half open) where each ray meets the volume, and to inner and outer those where all
    rays of a group of LANES have all their neighbors in it."""
    row_b, row_c, slope_b, slope_c = rays
    for g in range(inner.size):
        first, last = 0, slices
        for u in range(g * LANES, min((g + 1) * LANES, met.size)):
            low, high = 0, slices
            if met[u] == 1:
                low = math.ceil(min(max(limits[0, u], 0.0), float(slices)))
                high = math.floor(min(max(limits[1, u], -1.0), slices - 1.0)) + 1
                low, high = _between(low, high, row_b[u], slope_b[u], -1.0, float(n_b))
                low, high = _between(low, high, row_c[u], slope_c[u], -1.0, float(n_c))
                begin, end = _between(low, high, row_b[u], slope_b[u], 0.0, n_b - 1.0 - _MARGIN)
                begin, end = _between(begin, end, row_c[u], slope_c[u], 0.0, n_c - 1.0 - _MARGIN)
                first, last = max(first, begin), min(last, end)
            elif met[u] == 0:
                high, last = 0, 0
            reach[0, u], reach[1, u] = low, high
        whole = first < last and (g + 1) * LANES <= met.size
        inner[g], outer[g] = (first, last) if whole else (slices, slices)


@_compiled(fastmath=_FUSED, inline="always")
def _neighbors(x, count):
    """The first of two neighbors of a place x along an axis of count voxels, and the weights of both."""
    one, zero = type(x)(1), type(x)(0)
    i = np.int32(min(max(x, zero), type(x)(count - 2)))
    off = x - type(x)(i)
    return i, max(one - abs(off), zero), max(one - abs(off - one), zero)


@_compiled(fastmath=_FUSED)
def _gather_edge(data, start, steps, n_b, n_c, rays, u, first, last):
    """What ray u finds in the slices first..last-1 of the run, of which some neighbors may lie outside the volume."""
    row_b, row_c, slope_b, slope_c = rays
    total = data.dtype.type(0)
    for m in range(first, last):
        i_b, above, below = _neighbors(row_b[u] + data.dtype.type(m) * slope_b[u], n_b)
        i_c, left, right = _neighbors(row_c[u] + data.dtype.type(m) * slope_c[u], n_c)
        i = start + m * steps[0] + i_b * steps[1] + i_c * steps[2]
        upper = left * data[i] + right * data[i + steps[2]]
        total += above * upper + below * (left * data[i + steps[1]] + right * data[i + steps[1] + steps[2]])
    return total


@_compiled(fastmath=_FUSED)
def _scatter_edge(data, start, steps, n_b, n_c, rays, u, first, last, value):
    """The adjoint of _gather_edge."""
    row_b, row_c, slope_b, slope_c = rays
    for m in range(first, last):
        i_b, above, below = _neighbors(row_b[u] + data.dtype.type(m) * slope_b[u], n_b)
        i_c, left, right = _neighbors(row_c[u] + data.dtype.type(m) * slope_c[u], n_c)
        i = start + m * steps[0] + i_b * steps[1] + i_c * steps[2]
        above, below = above * value, below * value
        data[i] += left * above
        data[i + steps[2]] += right * above
        data[i + steps[1]] += left * below
        data[i + steps[1] + steps[2]] += right * below


@_compiled()
def _gather_inside(data, start, steps, rays, inner, outer, slices, values):
    """Add to the values of groups of rays what they find in their slices within the volume."""
    by_a, by_b, by_c = steps
    row_b, row_c, slope_b, slope_c = rays
    if by_c == 1:
        for m in range(slices):
            origin = start + m * by_a
            for g in range(inner.size):
                if inner[g] <= m < outer[g]:
                    u = g * LANES
                    gather_pairs(data, origin, by_b, by_c, row_b, row_c, slope_b, slope_c, m, u, values)
                    place = origin + _AHEAD * by_a + np.intp(row_b[u]) * by_b + np.intp(row_c[u])
                    prefetch(data, place)
                    prefetch(data, place + by_b)
    else:  # slices are neighbors in memory
        for g in range(inner.size):
            for m in range(inner[g], outer[g]):
                u, origin = g * LANES, start + m * by_a
                gather_singles(data, origin, by_b, by_c, row_b, row_c, slope_b, slope_c, m, u, values)


@_compiled()
def _scatter_inside(data, start, steps, rays, inner, outer, slices, values):
    """The adjoint of _gather_inside."""
    by_a, by_b, by_c = steps
    row_b, row_c, slope_b, slope_c = rays
    if by_c == 1:
        for m in range(slices):
            for g in range(inner.size):
                if inner[g] <= m < outer[g]:
                    u, origin = g * LANES, start + m * by_a
                    scatter(data, origin, by_b, by_c, row_b, row_c, slope_b, slope_c, m, u, values)
    else:
        for g in range(inner.size):
            for m in range(inner[g], outer[g]):
                u, origin = g * LANES, start + m * by_a
                scatter(data, origin, by_b, by_c, row_b, row_c, slope_b, slope_c, m, u, values)


@_compiled()
def _march(volume, images, matrices, a, first, last, top, adjoint):
    """Slices first..last-1 along axis a: adds to the images (V, C, H, W), or to the volume (C, K, J, I).

    The images begin with row top of the detector.
    """
    channels, views, height, width = len(volume), len(images), images.shape[2], images.shape[3]
    _, b, c = _order(a)
    n_b, n_c = volume.shape[3 - b], volume.shape[3 - c]
    strides = (1, volume.shape[3], volume.shape[2] * volume.shape[3])
    steps, start, slices = (strides[a], strides[b], strides[c]), first * strides[a], last - first
    data = volume.reshape((channels, -1))
    row_b, row_c = np.empty(width, volume.dtype), np.empty(width, volume.dtype)
    slope_b, slope_c = np.empty(width, volume.dtype), np.empty(width, volume.dtype)
    rays, met, limits = (row_b, row_c, slope_b, slope_c), np.empty(width, np.uint8), np.empty((2, width))
    groups = -(-width // LANES)
    reach, inner, outer = np.empty((2, width), np.int32), np.empty(groups, np.int32), np.empty(groups, np.int32)
    for v in range(height):
        for view in range(views):  # which meet much the same voxels
            _rays(matrices[view], a, top + v, first, slices, n_b, n_c, rays, met, limits)
            _reach(slices, n_b, n_c, rays, met, limits, reach, inner, outer)
            for channel in range(channels):
                values, there = images[view, channel, v], data[channel]
                if adjoint:
                    _scatter_inside(there, start, steps, rays, inner, outer, slices, values)
                else:
                    _gather_inside(there, start, steps, rays, inner, outer, slices, values)
                for u in range(width):
                    low, high, begin, end = reach[0, u], reach[1, u], inner[u // LANES], outer[u // LANES]
                    for one, other in ((low, min(begin, high)), (max(end, low), high)):
                        if one < other:
                            if adjoint:
                                _scatter_edge(there, start, steps, n_b, n_c, rays, u, one, other, values[u])
                            else:
                                values[u] += _gather_edge(there, start, steps, n_b, n_c, rays, u, one, other)


def project(
    volume: np.ndarray, matrices: np.ndarray, to_mm: np.ndarray, size: tuple[int, int], threads: int
) -> np.ndarray:
    """Line integrals (V, C, H, W) of a volume (C, K, J, I), value * mm; see projector for the matrices."""
    volume = _at_least_two(volume)
    lengths, used = measure(matrices, to_mm, *size, volume.dtype)
    images = np.zeros((len(matrices), len(volume), *size), volume.dtype)
    height = -(-size[0] // _BANDS)

    def run(task: tuple[np.ndarray, int, int, tuple[int, int]]) -> tuple[np.ndarray, int, np.ndarray]:
        those, top, a, slices = task
        sums = np.zeros_like(images[those, :, top : top + height])
        _march(volume, sums, matrices[those], a, *slices, top, False)
        return those, top, sums

    for first in range(0, len(matrices), _VIEWS):
        tasks = [
            (first + np.flatnonzero(used[first : first + _VIEWS, a]), top, a, slices)
            for a in map(int, np.flatnonzero(used[first : first + _VIEWS].any(axis=0)))
            for slices in _runs(volume.shape[3 - a], 2, 128)
            for top in range(0, size[0], height)
        ]
        for those, top, sums in _spread(run, tasks, threads):
            images[those, :, top : top + height] += sums
    images *= lengths[:, None]
    return images


def backproject(
    images: np.ndarray, matrices: np.ndarray, to_mm: np.ndarray, shape: tuple[int, int, int], threads: int
) -> np.ndarray:
    """The exact adjoint of project: a volume (C, K, J, I) from images (V, C, H, W)."""
    lengths, used = measure(matrices, to_mm, *images.shape[2:], images.dtype)
    images = images * lengths[:, None]
    volume = _at_least_two(np.zeros((images.shape[1], *shape), images.dtype))
    for a in map(int, np.flatnonzero(used.any(axis=0))):
        part, their = images[used[:, a]], matrices[used[:, a]]

        def run(slices: tuple[int, int], a: int = a, part: np.ndarray = part, their: np.ndarray = their) -> None:
            _march(volume, part, their, a, *slices, 0, True)

        for _ in _spread(run, _runs(volume.shape[3 - a], 4, 64), threads):
            pass
    return np.ascontiguousarray(volume[:, : shape[0], : shape[1], : shape[2]])


def _at_least_two(volume: np.ndarray) -> np.ndarray:
    """The volume (C, K, J, I) with an empty layer where it has but one, so that all voxels have neighbors."""
    if min(volume.shape[1:]) > 1:
        return volume
    return np.pad(volume, [(0, 0), *((0, 2 - min(count, 2)) for count in volume.shape[1:])])


def _runs(count: int, parts: int, most: int) -> list[tuple[int, int]]:
    """First and last + 1 of the slices that a thread takes together: the same for any number of threads."""
    length = min(most, -(-count // parts))
    return [(first, min(first + length, count)) for first in range(0, count, length)]


def _spread(run: Callable[[Any], Any], tasks: Sequence[Any], threads: int) -> Iterator[Any]:
    """The results of all tasks in order; threads take one after the other, so that a busy core holds up no other."""
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(run, tasks)

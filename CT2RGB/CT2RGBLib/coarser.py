"""A colored volume with fewer voxels, where more of them are not seen. Needs no torch."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from InverseImagingLib.image import Image

_MOST = 256**3  # voxels that a GPU draws while the user turns them
_REACH = 2  # voxels, of a blur with a standard deviation of one
_PAGES = 8  # that are blurred at a time


def solid(colors: Image) -> Image:
    """What 3D views show of an RGBA volume: no more voxels than they draw at once, and soft, without steps of alpha at
    the border of the body, which would be seen as the rings of wood."""
    return softened(coarser(colors, _MOST))


def coarser(colors: Image, most: float) -> Image:
    """An RGBA volume (K, J, I, 4) of uint8 with at most so many voxels, each the mean of a block of given ones.

    The finest axis is halved first. Colors are those of the body alone, so that they do not darken at its border; a
    rest of slices, rows or columns that is no block is left out.
    """
    factors = np.ones(3, int)  # along I, J, K
    while colors.array[..., 0].size / factors.prod() > most:
        factors[np.argmin(colors.spacing * factors)] *= 2
    if (factors == 1).all():
        return colors
    i, j, k = factors
    slices, rows, columns = (count // factor for count, factor in zip(colors.array.shape, (k, j, i), strict=False))
    result = np.empty((slices, rows, columns, 4), np.uint8)

    def fill(number: int) -> None:
        page = result[number]
        slab = colors.array[number * k : (number + 1) * k, : rows * j, : columns * i]
        sums, counts = np.zeros(page.shape, np.float32), np.zeros((rows, columns, 1), np.float32)
        for at in itertools.product(range(k), range(j), range(i)):
            part = slab[at[0], at[1] :: j, at[2] :: i]
            inside = part[..., 3:] > 0
            sums += part * inside
            counts += inside
        sums[..., :3] /= counts.clip(min=1)
        sums[..., 3] /= factors.prod()
        page[:] = sums.round()

    _together(fill, slices)
    matrix = colors.ijk_to_ras.copy()
    matrix[:3, 3] += matrix[:3, :3] @ ((factors - 1) / 2)
    matrix[:3, :3] *= factors
    return colors.with_array(result, ijk_to_ras=matrix)


def softened(colors: Image) -> Image:
    """An RGBA volume whose alpha is smooth, also over the border of the body, where the body's colors go on."""
    around = np.pad(colors.array, [(_REACH, _REACH)] * 3 + [(0, 0)], "symmetric")
    result = np.empty_like(colors.array)

    def soften(number: int) -> None:
        pages = slice(number * _PAGES, (number + 1) * _PAGES)  # as many as the processor's cache holds
        slab = around[pages.start : pages.stop + 2 * _REACH].astype(np.float32)
        inside = (slab[..., 3] > 0).astype(np.float32)
        shares = _blurred(inside).clip(min=1e-3)
        for channel in range(3):
            result[pages, ..., channel] = (_blurred(slab[..., channel] * inside) / shares).clip(0, 255).round()
        result[pages, ..., 3] = _blurred(slab[..., 3]).round()

    _together(soften, -(-len(result) // _PAGES))
    return colors.with_array(result)


def _together(work: Callable[[int], None], count: int) -> None:
    """Do parts of a work, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(work, range(count)))


def _blurred(values: np.ndarray) -> np.ndarray:
    """Values (K, J, I), less a margin, blurred as by a Gaussian: by 1, 4, 6, 4 and 1 sixteenth along each axis."""
    for axis in range(values.ndim):
        values = np.moveaxis(values, axis, 0)
        for _ in range(2 * _REACH):
            values = values[:-1] + values[1:]
        values = np.moveaxis(values, 0, axis)
    return values * np.float32(0.25 ** (_REACH * values.ndim))

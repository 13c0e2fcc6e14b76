"""A colored volume with fewer voxels, where more of them are not seen. Needs no torch."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from InverseImagingLib.image import Image

_BLUR, _REACH = 1.0, 2.5  # standard deviation in voxels, and where the Gaussian ends, in standard deviations


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
    for number in range(slices):
        slab = colors.array[number * k : (number + 1) * k, : rows * j, : columns * i]
        blocks = slab.reshape(k, rows, j, columns, i, 4)
        inside = blocks[..., 3:] > 0
        means = np.where(inside, blocks, 0).mean(axis=(0, 2, 4), dtype=np.float32)
        means[..., :3] /= inside.mean(axis=(0, 2, 4), dtype=np.float32).clip(min=1e-6)
        result[number] = means.round()
    matrix = colors.ijk_to_ras.copy()
    matrix[:3, 3] += matrix[:3, :3] @ ((factors - 1) / 2)
    matrix[:3, :3] *= factors
    return colors.with_array(result, ijk_to_ras=matrix)


def softened(colors: Image) -> Image:
    """An RGBA volume whose alpha is smooth, also over the border of the body, where the body's colors go on."""
    alpha = gaussian_filter(colors.array[..., 3].astype(np.float32), _BLUR, truncate=_REACH)
    inside = (colors.array[..., 3] > 0).astype(np.float32)
    shares = gaussian_filter(inside, _BLUR, truncate=_REACH).clip(min=1e-3)
    result = np.empty_like(colors.array)
    result[..., 3] = alpha.round()
    for channel in range(3):
        spread = gaussian_filter(colors.array[..., channel] * inside, _BLUR, truncate=_REACH)
        result[..., channel] = (spread / shares).clip(0, 255).round()
    return colors.with_array(result)

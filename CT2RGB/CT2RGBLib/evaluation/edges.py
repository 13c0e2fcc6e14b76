"""Whether colors have their edges where the CT has its own.

An edge is a place where what is shown changes by more than so much per mm, or per half a pixel where that is longer:
HU, clipped so that neither air nor metal counts, or the color in CIELAB. Both are smoothed as much as the noise of the
CT asks for.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage
from skimage.color import rgb2lab

_RANGE = (-200.0, 1000.0)  # HU
_STEEP, _COLORED = 10.0, 4.0  # HU, and units of CIELAB, per mm or half a pixel
_NEAR = 2.0  # mm, or the next pixel where that is farther
_KINDS = (-150.0, -30.0, 150.0)  # HU, between air, fat, soft tissue and bone
_SKIN = 3.0  # mm below the outline, where the edge to the air is
_SECOND = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32) / 6
_RAYLEIGH = 0.6745  # median of the absolute value of a normal deviate


def noise_of(hu: np.ndarray, body: np.ndarray) -> float:
    """Standard deviation, in HU, of the noise of a slice (J, I) inside the body.

    Source: J. Immerkaer, Fast noise variance estimation, CVIU 1996, with a median, which edges do not move.
    """
    return float(np.median(np.abs(ndimage.convolve(hu, _SECOND)[body]))) / _RAYLEIGH


def smoothed(hu: np.ndarray, body: np.ndarray, spacing: tuple[float, ...]) -> tuple[np.ndarray, list[float]]:
    """A slice of which white noise has a gradient of a third of an edge's, and how it was made: pixels (J, I)."""
    slope = _STEEP / _length(spacing) / 3
    mm = np.sqrt(noise_of(hu, body) * np.mean(spacing) / (np.sqrt(8 * np.pi) * slope))
    sigmas = [float(mm / step) for step in spacing]
    return ndimage.gaussian_filter(hu, sigmas), sigmas


def edge_counts(hu: np.ndarray, colors: np.ndarray, body: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """Pixels of a slice: on false edges, on edges of the color, on missing edges, and on those that should be seen.

    False edges are those of the color without one of the CT within 2 mm, anywhere in the picture. Missing are edges of
    the CT between fat, soft tissue and bone, below the skin, without one of the color as near.
    hu: (J, I); colors: sRGB (J, I, 3) from 0 to 1; body: (J, I); spacing: mm.
    """
    smooth, sigmas = smoothed(hu.clip(*_RANGE), body, spacing)
    of_ct = _slope(smooth[..., None], spacing) > _STEEP
    of_colors = _slope(ndimage.gaussian_filter(rgb2lab(colors), (*sigmas, 0)), spacing) > _COLORED
    kinds = np.digitize(smooth, _KINDS)
    lowest, highest = ndimage.minimum_filter(kinds, 3), ndimage.maximum_filter(kinds, 3)
    deep = ndimage.distance_transform_edt(body, spacing) > _SKIN
    between = of_ct & (lowest > 0) & (highest > lowest) & deep
    false, missing = of_colors & ~_around(of_ct, spacing), between & ~_around(of_colors, spacing)
    return np.array([each.sum() for each in (false, of_colors, missing, between)])


def _slope(values: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    """How much values (J, I, C) change per mm or half a pixel (J, I)."""
    slopes = np.gradient(values, *spacing, axis=(0, 1))
    return _length(spacing) * np.sqrt(sum((slope**2).sum(axis=-1) for slope in slopes))


def _length(spacing: tuple[float, ...]) -> float:
    return max(1.0, float(np.mean(spacing)) / 2)


def _around(mask: np.ndarray, spacing: tuple[float, ...]) -> np.ndarray:
    if not mask.any():
        return mask
    return ndimage.distance_transform_edt(~mask, spacing) <= max(_NEAR, *spacing)

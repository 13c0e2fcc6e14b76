"""Colors that change where the CT does: the guided filter."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

_SIDE = 3  # pixels
_RANGE = (-200.0, 300.0)  # HU, beyond which differences tell nothing of tissue
_LEAST = 10.0  # HU by which an edge has to stand out


def guided(colors: np.ndarray, hu: np.ndarray, body: np.ndarray) -> np.ndarray:
    """Colors (J, I, C) of the body (J, I) as linear functions of the HU (J, I) in squares of 3 pixels around each
    place: smooth where the CT is, with its edges where it has some.

    float32; what is not body is not taken along. Source: K. He, J. Sun, X. Tang, Guided image filtering, IEEE TPAMI 35,
    2013.
    """
    guide, inside = hu.clip(*_RANGE)[..., None], body[..., None].astype(np.float32)
    share = np.maximum(ndimage.uniform_filter(inside, (_SIDE, _SIDE, 0)), np.float32(1e-6))

    def means(*values: np.ndarray) -> list[np.ndarray]:
        sums = ndimage.uniform_filter(np.concatenate(values, axis=-1) * inside, (_SIDE, _SIDE, 0))
        return np.split(sums / share, np.cumsum([each.shape[-1] for each in values])[:-1], axis=-1)

    mean, square, color, product = means(guide, guide**2, colors, guide * colors)
    slope = (product - mean * color) / (square - mean**2 + np.float32(_LEAST**2))
    slope, level = means(slope, color - slope * mean)
    return slope * guide + level

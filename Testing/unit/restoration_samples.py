"""Small images for the tests of CT Restoration."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from CTRestorationLib.sample import chest_slice, low_dose_slice
from InverseImagingLib.image import Image, Meaning

WINDOW = (-160.0, 240.0)


@lru_cache(maxsize=4)
def clean(size: int = 96) -> Image:
    return chest_slice(size)


@lru_cache(maxsize=4)
def noisy(size: int = 96) -> Image:
    return low_dose_slice(size)


def volume(shape: tuple[int, int, int] = (3, 24, 32), seed: int = 0) -> Image:
    """Smooth structure with noise, on an oblique, left-handed, anisotropic grid."""
    rng = np.random.default_rng(seed)
    k, j, i = np.indices(shape)
    array = 60.0 * np.sin(i / 5.0) + 40.0 * np.cos(j / 4.0) + 10.0 * k + rng.normal(0, 8, shape)
    angle = 0.3
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [-0.8 * np.cos(angle), 0.8 * np.sin(angle), 0],
        [0.7 * np.sin(angle), 0.7 * np.cos(angle), 0],
        [0, 0, 2.5],
    ]
    matrix[:3, 3] = [12.0, -30.0, 7.5]
    return Image(array.astype(np.float32), matrix, Meaning.HU, "test volume")

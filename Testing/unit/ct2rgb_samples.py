"""Bodies for the tests of CT2RGB, and the settings that need no model."""

from __future__ import annotations

import functools

import numpy as np

from CT2RGBLib.options import ColorizeOptions, Tier
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.xray.phantoms import Anatomy, phantom

PALETTE = ColorizeOptions(tier=Tier.PALETTE)
RAS_LEFT_BACK = np.array([-1.0, -1.0, 1.0])  # columns to the left, rows to the back, slices to the head
AIR, FAT, MUSCLE, CORTEX, MARROW = -1000.0, -100.0, 50.0, 1200.0, -60.0


@functools.cache
def head() -> Image:
    return phantom(Anatomy.SKULL, 72, 1)


@functools.cache
def chest() -> Image:
    return phantom(Anatomy.THORAX, 72, 2)


def disks(*layers: tuple[float, float], size: int = 96, pixel: float = 1.5, count: int = 3) -> np.ndarray:
    """Slices (count, size, size) of disks in air, each within the one before: radius in mm and HU."""
    axis = (np.arange(size) - (size - 1) / 2) * pixel
    radius = np.hypot(*np.meshgrid(axis, axis))
    hu = np.full(radius.shape, AIR)
    for edge, value in layers:
        hu += ((edge - radius) / pixel + 0.5).clip(0, 1) * (value - hu)
    return np.repeat(hu[None], count, 0)


def placed(hu: np.ndarray, spacing: tuple[float, float, float] = (4.0, 1.5, 1.5), name: str = "sample") -> Image:
    """Slices (K, J, I) that run to the head, rows to the back and columns to the left; spacing: mm along K, J, I."""
    matrix = np.diag([*(RAS_LEFT_BACK * spacing[::-1]), 1.0])
    return Image(hu.round().astype(np.int16), matrix, Meaning.HU, name)


def thigh(count: int = 3) -> Image:
    """Skin, fat, muscle, and a bone with marrow."""
    return placed(disks((66, 20), (64, FAT), (52, MUSCLE), (17, CORTEX), (10, MARROW), count=count), name="thigh")


def stored(image: Image, order: tuple[int, int, int], flips: tuple[bool, bool, bool]) -> Image:
    """The same image with its array axes in another order, and some of them reversed."""
    array = image.array.transpose(*order, *range(3, image.array.ndim))
    matrix = image.ijk_to_ras[:, [*(2 - order[2 - axis] for axis in range(3)), 3]]
    for axis, flip in enumerate(flips):
        if flip:
            array = np.flip(array, axis)
            column = 2 - axis
            matrix[:3, 3] += matrix[:3, column] * (array.shape[axis] - 1)
            matrix[:3, column] *= -1
    return image.with_array(array, ijk_to_ras=matrix)

"""Small bodies in HU with simple truths."""

from __future__ import annotations

import numpy as np

from InverseImagingLib.image import Image, Meaning

AIR = -1000.0


def block(hu: float, thickness: int, *, shape: tuple[int, int, int] = (20, 24, 22), spacing: float = 4.0) -> Image:
    """A block of one kind of tissue in air, so many voxels thick from front to back, across most of the field.

    Axes along R, A and S, the middle of the volume at the origin.
    """
    array = np.full(shape, AIR, np.float32)
    front = (shape[1] - thickness) // 2
    array[2:-2, front : front + thickness, 2:-2] = hu
    return Image(array, centered(shape, np.diag([spacing, spacing, spacing])), Meaning.HU, "block")


def person(shape: tuple[int, int, int] = (24, 20, 28)) -> Image:
    """An ellipse of tissue with a lung, a spine, and a bone on its left, which no flip or turn leaves as it is."""
    array = np.full(shape, AIR, np.float32)
    k, j, i = np.ogrid[tuple(slice(n) for n in shape)]
    z, y, x = (2 * (index - (n - 1) / 2) / n for index, n in zip((k, j, i), shape, strict=True))
    array[(x**2 + y**2 < 0.8) & (abs(z) < 0.9)] = 40
    array[((x - 0.4) ** 2 + y**2 + z**2 < 0.12)] = -850
    array[(x**2 + (y + 0.6) ** 2 < 0.02) & (abs(z) < 0.9)] = 900
    array[((x + 0.5) ** 2 + (y - 0.3) ** 2 + (z - 0.4) ** 2 < 0.04)] = 1200
    return Image(array, centered(shape, np.diag([9.0, 10.0, 11.0])), Meaning.HU, "person")


def centered(shape: tuple[int, ...], axes: np.ndarray) -> np.ndarray:
    """IJK-to-RAS with such axes (3, 3), in mm, and the middle of a volume of shape (K, J, I) at the origin."""
    matrix = np.eye(4)
    matrix[:3, :3] = axes
    matrix[:3, 3] = -axes @ (np.array(shape[::-1]) - 1) / 2
    return matrix

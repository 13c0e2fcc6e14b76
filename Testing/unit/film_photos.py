"""Photos of films, drawn plainly, whose truth is known."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from FilmRecoveryLib.homography import homography, transformed
from FilmRecoveryLib.warp import places, resampled

SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
CORNERS = np.array([[110.0, 70.0], [500.0, 95.0], [520.0, 400.0], [90.0, 420.0]])


def film(rows: int = 3, columns: int = 4, shape: tuple[int, int] = (300, 400)) -> np.ndarray:
    """A film (h, w) of round slices with some texture on black."""
    v, u = (places(shape)[..., axis] for axis in (1, 0))
    down, across = v * rows % 1 - 0.5, u * columns % 1 - 0.5
    radius = np.hypot(down, across)
    inside = (radius < 0.4) * (0.45 + 0.2 * np.sin(25 * down) * np.cos(19 * across))
    return np.where((radius > 0.36) & (radius < 0.4), 0.95, inside).astype(np.float32)


def hanging(amount: float, uv: np.ndarray) -> np.ndarray:
    """Places of a sheet that sags by so much of its height in the middle."""
    return uv + amount * np.sin(np.pi * uv[..., :1]) * np.array([0.0, 1.0])


def backward(shape: tuple[int, int], corners: np.ndarray = CORNERS, sag: float = 0.0) -> np.ndarray:
    """The true backward map of a film."""
    return transformed(hanging(sag, places(shape)), homography(SQUARE, corners))


def photo(
    corners: np.ndarray = CORNERS,
    sag: float = 0.0,
    texture: np.ndarray | None = None,
    around: float | np.ndarray = 0.9,
    noise: float = 0.01,
    shape: tuple[int, int] = (480, 640),
) -> np.ndarray:
    """A photo (H, W, 3) of bytes: a film with these corners before a light box, or anything else."""
    pixels = np.stack(np.meshgrid(np.arange(shape[1]), np.arange(shape[0])), axis=-1).astype(float)
    uv = transformed(pixels, homography(corners, SQUARE))
    uv -= hanging(sag, uv) - uv
    there = ((uv > 0) & (uv < 1)).all(axis=-1)
    texture = film() if texture is None else texture
    seen = resampled(texture, (uv.clip(0, 1) * texture.shape[::-1] - 0.5).astype(np.float32))
    gray = np.where(there, 0.06 + 0.75 * seen, around)
    rng = np.random.default_rng(0)
    colors = ndimage.gaussian_filter(gray, 0.7)[..., None] * np.array([0.97, 1.0, 0.98])
    return ((colors + rng.normal(0, noise, colors.shape)) * 255).clip(0, 255).astype(np.uint8)

"""Clutter: what may be around a film, as dead leaves over each other, of any shape, color and sharpness."""

from __future__ import annotations

import numpy as np
from PIL import Image as Pictures
from PIL import ImageDraw
from scipy import ndimage

_LEAVES = 5, 80
_SIZES = 0.02, 0.6  # of the picture, from side to side
_BLURS = 0.0, 4.0  # pixels
_LIKE, _NEAR = 0.35, 0.12  # of the leaves are about as light as the film, and how far from that


def draw_clutter(rng: np.random.Generator, shape: tuple[int, int], like: np.ndarray) -> np.ndarray:
    """A picture (h, w, 3) from 0 to 1, some of it about as light as a color (3,)."""
    height, width = shape
    picture = Pictures.new("RGB", (width, height), _color(rng, like))
    draw = ImageDraw.Draw(picture)
    for _ in range(int(rng.integers(*_LEAVES))):
        middle = rng.uniform(-0.1, 1.1, 2) * (width, height)
        size = np.exp(rng.uniform(np.log(_SIZES[0]), np.log(_SIZES[1]), 2)) * max(shape)
        turn, corners = rng.uniform(0, 2 * np.pi), int(rng.integers(3, 9))
        angles = turn + 2 * np.pi * np.arange(corners) / corners
        around = np.stack([np.cos(angles), np.sin(angles)], axis=-1) * size / 2
        draw.polygon([tuple(point) for point in middle + around], fill=_color(rng, like))
    seen = np.asarray(picture, np.float32) / 255
    shade = ndimage.zoom(rng.normal(1, 0.2, (3, 3)), (height / 3, width / 3), order=1, grid_mode=True, mode="nearest")
    blur = rng.uniform(*_BLURS)
    return (ndimage.gaussian_filter(seen, (blur, blur, 0)) * shade[..., None]).clip(0, 1).astype(np.float32)


def _color(rng: np.random.Generator, like: np.ndarray) -> tuple[int, ...]:
    tint = rng.normal(0, 0.06, 3)
    light = like + rng.normal(0, _NEAR) if rng.random() < _LIKE else rng.uniform(0, 1)
    return tuple(int(value) for value in (255 * (light + tint)).clip(0, 255))

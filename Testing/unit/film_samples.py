"""Films of known slices, and photos of them."""

from __future__ import annotations

import functools

import numpy as np

from FilmRecoveryLib.homography import homography, transformed
from FilmRecoveryLib.warp import resampled
from InverseImagingLib.image import Image, Meaning

ROWS, COLUMNS, TILE = 3, 4, 150  # pixels of a tile's sides
LEVEL, WIDTH = 40.0, 400.0
CORNERS = np.array([[150.0, 130.0], [905.0, 160.0], [930.0, 720.0], [120.0, 745.0]])
_SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
_GAP = 6


@functools.cache
def slices() -> np.ndarray:
    """HU (K, J, I) of a trunk with a spine and a liver that grows from slice to slice."""
    y, x = np.mgrid[-1 : 1 : TILE * 1j, -1 : 1 : TILE * 1j]
    hu = np.full((ROWS * COLUMNS, TILE, TILE), -1000.0)
    for number, each in enumerate(hu):
        each[np.hypot(x / 0.85, y / 0.65) < 1] = -100
        each[np.hypot(x / 0.8, y / 0.6) < 1] = 40
        each[np.hypot(x + 0.35, y + 0.1) < 0.1 + 0.02 * number] = 110
        each[np.hypot(x, y - 0.35) < 0.13] = 230
        each += 15 * np.sin(9 * x + number) * np.cos(7 * y) * (each > -900)
    return hu


@functools.cache
def film() -> np.ndarray:
    """The gray (h, w) of their film: rows of tiles in the window, on black, with a white bar below each."""
    pitch = TILE + _GAP
    gray = np.zeros((ROWS * pitch + 4 * _GAP, COLUMNS * pitch + 4 * _GAP), np.float32)
    for number, each in enumerate(slices()):
        top, left = (2 * _GAP + pitch * place for place in divmod(number, COLUMNS))
        gray[top : top + TILE, left : left + TILE] = ((each - LEVEL) / WIDTH + 0.5).clip(0, 1)
        gray[top + TILE + 1 : top + TILE + 5, left + 50 : left + 100] = 1
    return gray


def boxes() -> np.ndarray:
    """Left, top, right and bottom (n, 4) of the tiles, row by row."""
    rows, columns = np.indices((ROWS, COLUMNS)).reshape(2, -1) * (TILE + _GAP) + 2 * _GAP
    return np.stack([columns, rows, columns + TILE, rows + TILE], axis=-1)


def photo(corners: np.ndarray = CORNERS, shape: tuple[int, int] = (860, 1060), bend: float = 0.0) -> Image:
    """A photo of the film on a light box. corners: (4, 2), clockwise from its top left; bend: by its height."""
    pixels = np.stack(np.meshgrid(np.arange(shape[1]), np.arange(shape[0])), axis=-1).astype(float)
    uv = transformed(pixels, homography(corners, _SQUARE))
    uv[..., 1] -= bend * np.sin(np.pi * uv[..., 0].clip(0, 1))
    own = film()
    there = ((uv > 0) & (uv < 1)).all(axis=-1)
    gray = resampled(own, (uv * own.shape[::-1] - 0.5).clip(-9, 2000).astype(np.float32))
    light = 0.8 + 0.1 * np.sin(pixels[..., 0] / 400)
    seen = np.where(there, 0.03 + 0.8 * gray**2.2, 1.0) * light
    noise = np.random.default_rng(0).normal(0, 1, shape)
    gray8 = (255 * seen ** (1 / 2.2) + noise).clip(0, 255).astype(np.uint8)
    return Image(np.repeat(gray8[None, ..., None], 3, axis=-1), meaning=Meaning.RGB, name="IMG_0042")


def flat_film() -> Image:
    return Image(film()[None], meaning=Meaning.DISPLAY, name="IMG_0042 film")

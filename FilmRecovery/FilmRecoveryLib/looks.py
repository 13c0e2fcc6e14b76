"""Frames: what a network sees of a photo, each through a homography from its pixels to the photo's.

The first frame holds the whole photo. Every further one is put so that the film, as far as it is known then, fills the
frame's middle.
"""

from __future__ import annotations

import numpy as np

from .homography import transformed
from .networks import FILM, STRIDE
from .rim import continuing
from .sheet import product
from .warp import Picture, inside, resampled

SIZE = 256  # pixels of a frame's sides


def whole_frame(shape: tuple[int, int], size: int = SIZE) -> np.ndarray:
    """The frame (3, 3) in whose middle a photo of that height and width lies as large as it can."""
    scale = max(shape) / size
    x, y = ((side - 1) / 2 - scale * (size - 1) / 2 for side in shape[::-1])
    return np.array([[scale, 0, x], [0, scale, y], [0, 0, 1]])


def film_frame(film: np.ndarray, size: int = SIZE) -> np.ndarray:
    """The frame (3, 3) in whose middle a flat film lies; film: homography (3, 3) from u, v to the photo's pixels."""
    scale, shift = 1 / (FILM * size), 0.5 - (size - 1) / (2 * FILM * size)
    return film @ np.array([[scale, 0, shift], [0, scale, shift], [0, 0, 1]])


def frame_of(photo: Picture, frame: np.ndarray, size: int = SIZE) -> np.ndarray:
    """What PlaceNet sees, (4, size, size) float32: colors from 0 to 1, and where there is photo; photo: (H, W, 3)."""
    return seen_at(photo, transformed(pixels(size), frame).clip(-1e6, 1e6))


def seen_at(photo: Picture, places: np.ndarray) -> np.ndarray:
    """The same, (4, h, w), through any map (h, w, 2) of its pixels to the photo's."""
    there = inside(places, photo.shape[:2])
    colors = resampled(photo, places.astype(np.float32)) * there[..., None]
    return np.concatenate([np.moveaxis(colors, -1, 0), there[None]]).astype(np.float32)


def around(backward: np.ndarray) -> np.ndarray:
    """The photo pixels (SIZE, SIZE, 2) of a frame in whose middle a film lies flat, by its backward map (h, w, 2)."""
    reach = (1 / FILM - 1) / 2
    through = continuing(len(backward), SIZE, reach)
    return product(through, backward.astype(np.float32), through)


def pixels(size: int, step: int = 1) -> np.ndarray:
    """Places x, y (n, n, 2) in a frame of the centers of blocks of so many pixels."""
    places = np.arange(size // step) * step + (step - 1) / 2
    return np.stack(np.meshgrid(places, places), axis=-1)


def seen_places(size: int = SIZE) -> np.ndarray:
    """Places x, y (n, n, 2) in a frame that PlaceNet tells of."""
    return pixels(size, STRIDE)

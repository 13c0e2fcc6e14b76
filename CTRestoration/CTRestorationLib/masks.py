"""Missing pixels: dropped at random, or scribbled over."""

from __future__ import annotations

import numpy as np


def dropped(shape: tuple[int, ...], share: float, rng: np.random.Generator) -> np.ndarray:
    """True where a pixel is dropped, each with probability `share`."""
    return rng.random(shape) < share


def scribbles(shape: tuple[int, int], share: float, rng: np.random.Generator, width: float = 0.0) -> np.ndarray:
    """True on curved strokes that cover about `share` of a (H, W) picture; width in pixels, 0 for 3 to 9."""
    missing = np.zeros(shape, dtype=bool)
    height, breadth = shape
    while missing.mean() < share:
        radius = (width or rng.uniform(3.0, 9.0)) / 2.0
        length = int(rng.uniform(0.1, 0.6) * min(shape))
        heading = rng.uniform(0, 2 * np.pi) + np.cumsum(rng.normal(0.0, 0.12, max(length, 1)))
        rows = rng.uniform(0, height) + np.cumsum(np.sin(heading))
        columns = rng.uniform(0, breadth) + np.cumsum(np.cos(heading))
        reach = int(np.ceil(radius))
        offsets = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1)
        offsets = offsets[:, np.hypot(*offsets) <= radius]
        r = np.rint(rows[:, None] + offsets[0]).astype(int).ravel()
        c = np.rint(columns[:, None] + offsets[1]).astype(int).ravel()
        inside = (r >= 0) & (r < height) & (c >= 0) & (c < breadth)
        missing[r[inside], c[inside]] = True
    return missing

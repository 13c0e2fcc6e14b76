"""Quadrilaterals around regions."""

from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull


def largest(points: np.ndarray) -> np.ndarray:
    """The largest quadrilateral (4, 2) with corners among points (N, 2): those of a film, also of a bent one.

    Clockwise from the upper left.
    """
    hull = points[ConvexHull(points).vertices].astype(float)
    x, y = (hull[None, :, axis] - hull[:, None, axis] for axis in (0, 1))  # from one to another
    sides = x[:, :, None] * y[:, None] - y[:, :, None] * x[:, None]  # twice the area of three
    area = sides.max(axis=2) - sides.min(axis=2)
    one, two = np.unravel_index(np.argmax(area), area.shape)
    chosen = hull[[one, sides[one, two].argmin(), two, sides[one, two].argmax()]]
    clockwise = chosen if _signed(chosen) > 0 else chosen[::-1]
    return np.roll(clockwise, -int(clockwise.sum(axis=1).argmin()), axis=0)


def area(quad: np.ndarray) -> float:
    """That of a quadrilateral (4, 2)."""
    return abs(_signed(quad))


def _signed(quad: np.ndarray) -> float:
    x, y = quad.T
    return float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) / 2)

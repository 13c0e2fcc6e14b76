"""Vertebrae and discs along a curve, for the thorax and the neck."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from . import shapes
from .shapes import Canvas, capsule, common, ellipsoid, merged, union


@dataclass(frozen=True)
class Vertebra:
    """One vertebra in mm: half extents of its body, how far its processes reach, and where it lies."""

    center: np.ndarray  # of the body
    axes: np.ndarray  # columns: right, anterior, superior
    width: float
    depth: float
    height: float
    across: float  # of the tips of the transverse processes from the middle
    behind: float  # of the tip of the spinous process from the middle of the body
    below: float

    def at(self, x: float, y: float, z: float) -> np.ndarray:
        """The point (mm, RAS) at these coordinates of the vertebra."""
        return self.center + self.axes @ np.array([x, y, z])


def paint_spine(canvas: Canvas, vertebrae: list[Vertebra], noise: np.ndarray) -> None:
    """Discs and vertebrae, listed from the top; noise: (K, J, I) that varies the trabecular bone."""
    for upper, lower in pairwise(vertebrae):
        _paint_disc(canvas, upper, lower)
    for vertebra in vertebrae:
        _paint_vertebra(canvas, vertebra, noise)


def _paint_disc(canvas: Canvas, upper: Vertebra, lower: Vertebra) -> None:
    middle = (upper.at(0, 0, -upper.height) + lower.at(0, 0, lower.height)) / 2
    gap = np.linalg.norm(upper.center - lower.center) - upper.height - lower.height
    half = np.array([(upper.width + lower.width) / 2, (upper.depth + lower.depth) / 2, max(gap / 2, 0.5) + 1.5])
    at = canvas.around(middle, half + 4)
    p = shapes.turned(at.points, middle, upper.axes)
    radius = np.sqrt((p[0] / half[0]) ** 2 + (p[1] / half[1]) ** 2)
    canvas.paint(at, common((radius - 1) * half[1], np.abs(p[2]) - half[2]).astype(np.float32), 90.0)


def _paint_vertebra(canvas: Canvas, v: Vertebra, noise: np.ndarray) -> None:
    reach = np.array([v.across + 8, v.behind + 8, v.height + v.below + 8])
    at = canvas.around(v.center, reach)
    if 0 in at.shape:
        return
    p = shapes.turned(at.points, v.center, v.axes)
    w, d, h = v.width, v.depth, v.height
    # The body: an oval drum with a waist, flattened behind where the canal is.
    waist = 1 - 0.10 * (1 - np.clip(np.abs(p[2]) / np.float32(h), 0, 1) ** 2)
    radius = np.sqrt((p[0] / np.float32(w)) ** 2 + (p[1] / np.float32(d)) ** 2)
    drum = (radius - waist) * np.float32(min(w, d))
    body = common(common(drum, np.abs(p[2]) - np.float32(h), 2.0), -p[1] - np.float32(0.8 * d), 2.0)
    canal = 0.55 * d + 7.5  # half way from the wall of the body to the lamina
    back = -0.8 * d - 2 * canal * 0.75
    side = 0.35 * w + 6.0
    parts = []
    for s in (-1, 1):
        parts += [
            capsule(p, (s * side * 0.95, -0.6 * d, 0.35 * h), (s * side, back + 6, 0.25 * h), 0.36 * h),  # pedicle
            capsule(p, (s * side, back + 6, 0.0), (0, back - 4, -0.5 * h), 0.28 * h),  # lamina
            capsule(p, (s * side, back + 4, 0.9 * h), (s * (side - 1), back + 2, -1.2 * h), 0.3 * h),  # joints
            capsule(
                p, (s * side, back + 5, 0.2 * h), (s * (v.across - 3), back - 2, 0.35 * h), 0.33 * h, 0.42 * h
            ),  # transverse process
        ]
    tip = (0, -v.behind + 3, -v.below)
    middle = (0, (back - 4 - v.behind) / 2, -0.5 * h - 0.62 * (v.below - 0.5 * h))
    spinous = union(
        capsule(p, (0, back - 3, -0.45 * h), middle, 0.3 * h, 0.26 * h),
        capsule(p, middle, tip, 0.26 * h, 0.33 * h),
        1.0,
    )
    hole = ellipsoid((p[0], p[1], p[2] * 0), (0, -0.8 * d - canal * 0.72, 0), (canal * 1.1, canal * 0.85, 1e3))
    whole = union(body, common(merged([*parts, spinous], 2.0), -hole, 1.0), 2.5)
    cortex = np.where(body < -0.5, np.float32(0.9), np.float32(1.3))
    canvas.paint_bone(at, whole, cortex, 190 + 35 * noise[at.slices], 850.0)

"""A sheet as points (R, C, 3): row r at v = r / (R - 1), column c at u = c / (C - 1); z looks out of the film."""

from __future__ import annotations

import numpy as np


def flat(rows: int, columns: int, aspect: float) -> np.ndarray:
    """A sheet of height 2 and width 2 * aspect around 0, x to the right and y up."""
    v, u = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
    return np.stack([aspect * (2 * u - 1), 1 - 2 * v, np.zeros_like(u)], axis=-1)


def normals(points: np.ndarray) -> np.ndarray:
    """(R, C, 3), of length 1."""
    across = np.cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
    return across / np.maximum(np.linalg.norm(across, axis=-1, keepdims=True), 1e-12)


def steepest(points: np.ndarray) -> float:
    """The largest angle between a normal and their mean, in degrees; 180 for points that are no numbers."""
    if not np.isfinite(points).all():
        return 180.0
    each = normals(points)
    mean = each.mean(axis=(0, 1))
    cosine = (each @ mean).min() / max(float(np.linalg.norm(mean)), 1e-12)
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def strain(points: np.ndarray, rest: np.ndarray) -> float:
    """By how much the edges are longer or shorter than at rest, as a share, at most."""
    ratios = [
        np.linalg.norm(np.diff(points, axis=axis), axis=-1) / np.linalg.norm(np.diff(rest, axis=axis), axis=-1)
        for axis in (0, 1)
    ]
    return float(max(np.abs(ratio - 1).max() for ratio in ratios))


def upright(points: np.ndarray) -> np.ndarray:
    """The same around 0, the mean normal along z and the film's top upwards."""
    z = normals(points).mean(axis=(0, 1))
    z /= np.linalg.norm(z)
    up = (points[0] - points[-1]).mean(axis=0)
    y = up - up @ z * z
    y /= np.linalg.norm(y)
    return (points - points.mean(axis=(0, 1))) @ np.stack([np.cross(y, z), y, z], axis=1)


def stiff(points: np.ndarray) -> np.ndarray:
    """The same without ripples from point to point, which film has not."""
    for _ in range(2):
        padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
        points = ((padded[:-2] + 2 * points + padded[2:]) / 4).swapaxes(0, 1)
    return points


def refined(points: np.ndarray, factor: int) -> np.ndarray:
    """So many times as many points along each axis, on cubic curves (Catmull-Rom) through all given ones."""
    for _ in range(2):
        points = _refined(points, factor).swapaxes(0, 1)
    return points


def _refined(points: np.ndarray, factor: int) -> np.ndarray:
    padded = np.concatenate([2 * points[:1] - points[1:2], points, 2 * points[-1:] - points[-2:-1]])
    before, start, end, after = (padded[i : i + len(points) - 1, None] for i in range(4))
    t = np.linspace(0, 1, factor, endpoint=False).reshape(1, -1, *[1] * (points.ndim - 1))
    curve = start + t / 2 * (
        end - before + t * (2 * before - 5 * start + 4 * end - after + t * (3 * (start - end) + after - before))
    )
    return np.concatenate([curve.reshape(-1, *points.shape[1:]), points[-1:]])

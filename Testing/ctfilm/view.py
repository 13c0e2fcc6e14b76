"""The camera: in front of a sheet, so that the film fills its photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .surface import normals

FILLED = 0.8  # of the photo, by the rectangle around the film (the authors')
_TRIES, _TILT, _ROLL = 200, 35.0, 6.0  # degrees; what is tilted more seldom fills the photo
_GRAZING = np.cos(np.deg2rad(80))


@dataclass(frozen=True)
class Camera:
    """size: rows and columns of the photo; focal: in its pixels. turn (3, 3) and move (3,): from the scene's space to
    the camera's, x right, y down, z away. A photo's middle is the camera's axis, its pixel centers are whole numbers.
    """

    size: tuple[int, int]
    focal: float
    turn: np.ndarray
    move: np.ndarray

    def seen(self, points: np.ndarray) -> np.ndarray:
        """Points (..., 3) of the scene in the camera's space."""
        return points @ self.turn.T + self.move

    def project(self, points: np.ndarray) -> np.ndarray:
        """Photo pixels (..., 2), x and y, of points (..., 3) of the scene."""
        at = self.seen(points)
        height, width = self.size
        return self.focal * at[..., :2] / at[..., 2:] + np.array([width - 1, height - 1]) / 2


def draw_camera(rng: np.random.Generator, points: np.ndarray, distance: float, longest: int) -> Camera | None:
    """A camera so far from the middle of a sheet that looks along z, that sees all of it from its front and that it
    fills; none where the sheet is bent too much for that. longest: pixels along the photo's longer side."""
    sides = np.ptp(points[..., :2], axis=(0, 1))
    size = (longest, longest * 3 // 4) if sides[1] > sides[0] else (longest * 3 // 4, longest)
    across = normals(points)
    for _ in range(_TRIES):
        tilt, around, roll = np.deg2rad([_TILT * np.sqrt(rng.random()), rng.uniform(0, 360), rng.normal(0, _ROLL)])
        at = distance * np.array([np.sin(tilt) * np.cos(around), np.sin(tilt) * np.sin(around), np.cos(tilt)])
        camera = _filled(points, at, roll, size, rng.uniform(0.92, 0.98))
        towards = at - points
        facing = (across * towards).sum(-1) / np.linalg.norm(towards, axis=-1)
        if facing.min() > _GRAZING and filled(camera, points) >= FILLED:
            return camera
    return None


def filled(camera: Camera, points: np.ndarray) -> float:
    """Which share of the photo the rectangle around a sheet takes."""
    height, width = camera.size
    return float(np.ptp(camera.project(points), axis=(0, 1)).prod() / (width * height))


def _filled(points: np.ndarray, at: np.ndarray, roll: float, size: tuple[int, int], fill: float) -> Camera:
    """A camera there that is turned so that a sheet is in the middle of its photo, as large as it may be."""
    sides = np.array(size[::-1])
    forward = -at / np.linalg.norm(at)
    for _ in range(5):
        right = np.cross(forward, [np.sin(roll), np.cos(roll), 0.0])
        right /= np.linalg.norm(right)
        turn = np.stack([right, np.cross(forward, right), forward])
        camera = Camera(size, 1.0, turn, -turn @ at)
        pixels = camera.project(points) - (sides - 1) / 2
        low, high = pixels.min(axis=(0, 1)), pixels.max(axis=(0, 1))
        forward = turn.T @ np.array([*(low + high) / 2, 1.0])
        forward /= np.linalg.norm(forward)
    return Camera(size, float(fill * (sides / (high - low)).min()), turn, -turn @ at)

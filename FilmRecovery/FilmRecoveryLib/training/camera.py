"""A pinhole camera in front of a sheet."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from .sheets import Points, Sheet, dot, unit

_FLATTEST = 0.2  # cosine between a normal and the ray to it, at least
_MOST = 55  # degrees that a camera is tilted


@dataclass(frozen=True)
class Camera:
    """Where a camera stands and what it is turned to. size: rows and columns of its photo; focal: in its pixels.

    turn (3, 3) and move (3,): from a sheet's space to the camera's (x right, y down, z away), both in film widths.
    """

    size: tuple[int, int]
    focal: float
    turn: np.ndarray
    move: np.ndarray

    def seen(self, points: Points) -> Points:
        """Points of a sheet in the camera's space."""
        turn = torch.from_numpy(self.turn).to(points.at)

        def turned(vector: torch.Tensor) -> torch.Tensor:
            return torch.einsum("ij,j...->i...", turn, vector)

        move = torch.from_numpy(self.move).to(points.at).reshape(3, *[1] * (points.at.ndim - 1))
        return Points(turned(points.at) + move, turned(points.along_u), turned(points.along_v))

    def project(self, at: torch.Tensor) -> torch.Tensor:
        """Photo pixels (2, ...), x and y, of places (3, ...) in the camera's space."""
        height, width = self.size
        x, y, z = at
        return torch.stack([self.focal * x / z + (width - 1) / 2, self.focal * y / z + (height - 1) / 2])

    def moved(self, at: torch.Tensor, along: torch.Tensor) -> torch.Tensor:
        """How many photo pixels (2, ...) a place (3, ...) moves in the photo when it moves along a vector (3, ...)."""
        return self.focal / at[2] * (along[:2] - at[:2] / at[2] * along[2])

    def rays(self, pixels: torch.Tensor) -> torch.Tensor:
        """Where photo pixels (2, ...) look to: vectors (3, ...) of the camera's space whose z is 1."""
        height, width = self.size
        x, y = (pixels[0] - (width - 1) / 2) / self.focal, (pixels[1] - (height - 1) / 2) / self.focal
        return torch.stack([x, y, torch.ones_like(x)])

    def on_table(self, pixels: torch.Tensor) -> torch.Tensor:
        """Where in the plane of the flat film (2, ...) a photo pixel looks, in film widths from the film's middle."""
        turn, move = (torch.from_numpy(part).to(pixels) for part in (self.turn, self.move))
        rays = torch.einsum("ji,j...->i...", turn, self.rays(pixels))
        eye = -(turn.T @ move).reshape(3, *[1] * (pixels.ndim - 1))
        far = -eye[2] / rays[2].where(rays[2].abs() > 1e-4, torch.full_like(rays[2], 1e-4))
        return (eye + far * rays)[:2]


def draw_camera(rng: np.random.Generator, sheet: Sheet, size: tuple[int, int], tilted: float = 1.0) -> Camera:
    """A camera as people hold a phone in front of a film: most of the photo is film, most of the film is in it.

    tilted: how much more than with care.
    """
    focal = max(size) * rng.choice([rng.uniform(0.68, 0.85), rng.uniform(0.85, 1.7)])
    tilt = rng.choice([5.0, 12.0, 20.0], p=[0.4, 0.4, 0.2])
    pitch, yaw = np.clip(tilted * rng.normal(0, tilt, 2), -_MOST, _MOST)
    roll = rng.normal(0, rng.choice([3.0, 14.0], p=[0.75, 0.25]))
    turn = _turn(2, roll) @ _turn(0, pitch) @ _turn(1, yaw)
    fill = rng.uniform(0.68, 0.98) if rng.random() < 0.93 else rng.uniform(0.98, 1.12)
    grid = torch.linspace(0, 1, 9)
    at = sheet.at(*torch.meshgrid(grid, grid, indexing="xy")).at.reshape(3, -1).numpy().astype(np.float64)
    turned = turn @ at
    move = np.array([0.0, 0.0, 2.0])
    sides = np.array(size[::-1], np.float64)
    for _ in range(6):
        pixels = focal * (turned + move[:, None])[:2] / (turned + move[:, None])[2]
        low, high = pixels.min(axis=1), pixels.max(axis=1)
        move[2] *= float(np.max((high - low) / sides)) / fill
        move[:2] -= (low + high) / 2 * move[2] / focal
    room = np.maximum(1 - (high - low) / sides, 0.04)
    move[:2] += rng.uniform(-0.4, 0.4, 2) * room * sides * move[2] / focal
    return Camera(size, float(focal), turn, move)


def sees_all(camera: Camera, sheet: Sheet) -> bool:
    """Whether no part of a sheet hides another from a camera, or is seen almost from its side."""
    ticks = torch.linspace(-0.02, 1.02, 41)
    points = camera.seen(sheet.at(*torch.meshgrid(ticks, ticks, indexing="xy")))
    slope = -dot(points.normals, unit(points.at))
    return bool(slope.min() > _FLATTEST) and bool(points.at[2].min() > 0.1)


def facing(sheet: Sheet, size: tuple[int, int], distance: float = 2.0) -> Camera:
    """A camera right in front of a flat sheet that fills its photo."""
    return Camera(size, float(size[1] * distance), np.eye(3), np.array([0.0, 0.0, distance]))


def _turn(axis: int, degrees: float) -> np.ndarray:
    matrix = np.eye(3)
    b, c = (axis + 1) % 3, (axis + 2) % 3
    matrix[b, b] = matrix[c, c] = math.cos(math.radians(degrees))
    matrix[b, c], matrix[c, b] = -math.sin(math.radians(degrees)), math.sin(math.radians(degrees))
    return matrix

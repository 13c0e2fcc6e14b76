"""Random parts of bodies: what is seen of them, in another pose and size, and softly warped."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch.nn import functional

from .bodies import SPACING, Body, theta

SIDES = (150.0, 460.0)  # mm
CPU = torch.device("cpu")


def random_side(body: Body, rng: np.random.Generator) -> float:
    """Of a cube in mm, as a radiograph of the body may show it."""
    return float(np.clip(rng.uniform(0.55, 1.05) * SPACING * body.maps.shape[3], *SIDES))


def random_part(
    body: Body,
    side: float,
    voxels: tuple[int, int, int],
    ijk_to_ras: np.ndarray,
    rng: np.random.Generator,
    device: torch.device = CPU,
    change: float = 1.0,
) -> torch.Tensor:
    """Densities in g/cm3 of bone and soft tissue in a cube, (2, K, J, I), deformed: another pose and size, and softly
    warped.

    side: of the cube in mm. voxels: of it, (K, J, I). ijk_to_ras: of these, with the middle of the cube at the origin.
    device: where they are made and stay. change: how much of the deformation there is, 0 to 1.
    """
    extent = SPACING * np.array(body.maps.shape[:0:-1])
    angles = np.deg2rad(change * rng.normal(0, [5, 4, 8]).clip(-15, 15))
    stretch = np.exp(change * (rng.normal(0, 0.08, 3) + rng.normal(0, 0.08)))
    linear = _rotation(angles) @ np.diag(stretch)
    room = max(extent[2] - 0.7 * side, 0.0)
    center = change * (rng.normal(0, 0.04, 3) * side + [0, 0, (rng.random() - 0.5) * room])
    move = np.eye(4)
    move[:3, :3], move[:3, 3] = linear, center
    matrix = theta(body.ras_to_ijk @ move @ ijk_to_ras, voxels, body.maps.shape[1:])
    grid = functional.affine_grid(matrix[None].to(device), [1, 1, *voxels], align_corners=False)
    noise = rng.normal(0, 1, (1, 3, 5, 5, 5))
    strength = change * rng.uniform(0, 0.025) * side / (extent / 2)
    warp = torch.from_numpy(noise * strength[:, None, None, None]).to(grid)
    grid += functional.interpolate(warp, voxels, mode="trilinear", align_corners=True).permute(0, 2, 3, 4, 1)
    maps = functional.grid_sample(torch.from_numpy(body.maps[None]).to(grid), grid, align_corners=False)[0]
    scale = maps.new_tensor([rng.uniform(0.85, 1.15), rng.uniform(0.95, 1.05)])
    maps *= scale[:, None, None, None]
    return maps


def _rotation(angles: np.ndarray) -> np.ndarray:
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        turn = np.eye(3)
        b, c = (axis + 1) % 3, (axis + 2) % 3
        turn[b, b] = turn[c, c] = math.cos(angle)
        turn[b, c], turn[c, b] = -math.sin(angle), math.sin(angle)
        matrix = matrix @ turn
    return matrix

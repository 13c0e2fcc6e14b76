"""Random cubes of bodies, and random radiographs of them: what training sees."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional

from ..frame import Frame
from ..options import LARGEST_ANGLE
from .bodies import SPACING, Body, theta

_SIDES = (150.0, 460.0)  # mm
_CPU = torch.device("cpu")


@dataclass(frozen=True)
class Cube:
    """Densities in g/cm3 of bone and soft tissue in a frame, (2, K, J, I), and their mass along the rays of its given
    view in g/cm2, (2, H, W), the finer one of a coarser cube."""

    maps: torch.Tensor
    along: torch.Tensor
    frame: Frame

    def mirrored(self) -> Cube:
        """The same with left and right exchanged."""
        return replace(self, maps=self.maps.flip(-1), along=self.along.flip(-1))

    def coarser(self) -> Cube:
        """The same with half the voxels down and across, and a quarter along the rays, where few can be told apart."""
        rows, planes, columns = self.frame.voxels
        frame = replace(self.frame, voxels=(rows, planes // 2, columns)).coarser()
        return Cube(functional.avg_pool3d(self.maps, (2, 4, 2)), self.along, frame)


def random_cube(body: Body, rng: np.random.Generator, device: torch.device = _CPU, size: int = 128) -> Cube:
    """A part of a body as a radiograph may show it, deformed: another pose and size, and softly warped.

    device: where it is made and stays. size: voxels and pixels along each side.
    """
    extent = SPACING * np.array(body.maps.shape[:0:-1])
    side = float(np.clip(rng.uniform(0.55, 1.05) * extent[0], *_SIDES))
    frame = Frame(side, (size, size, size), size, from_behind=bool(rng.integers(2)))
    angles = np.deg2rad(rng.normal(0, [5, 4, 8]).clip(-15, 15))
    stretch = np.exp(rng.normal(0, 0.08, 3)) * np.exp(rng.normal(0, 0.08))
    linear = _rotation(angles) @ np.diag(stretch)
    room = max(extent[2] - 0.7 * side, 0.0)
    center = rng.normal(0, 0.04, 3) * side + [0, 0, (rng.random() - 0.5) * room]
    move = np.eye(4)
    move[:3, :3], move[:3, 3] = linear, center
    to_body = np.diag([1 / SPACING, 1 / SPACING, 1 / SPACING, 1.0])
    to_body[:3, 3] = (np.array(body.maps.shape[:0:-1]) - 1) / 2
    matrix = theta(to_body @ move @ frame.ijk_to_ras, frame.voxels, body.maps.shape[1:])
    grid = functional.affine_grid(matrix[None].to(device), [1, 1, *frame.voxels], align_corners=False)
    noise = rng.normal(0, 1, (1, 3, 5, 5, 5))
    strength = rng.uniform(0, 0.025) * side / (extent / 2)
    warp = torch.from_numpy(noise * strength[:, None, None, None]).to(grid)
    grid += functional.interpolate(warp, frame.voxels, mode="trilinear", align_corners=True).permute(0, 2, 3, 4, 1)
    maps = functional.grid_sample(torch.from_numpy(body.maps[None]).to(grid), grid, align_corners=False)[0]
    scale = maps.new_tensor([rng.uniform(0.85, 1.15), rng.uniform(0.95, 1.05)])
    maps *= scale[:, None, None, None]
    along = frame.projector([(0.0, 0.0)])(maps)[0] / 10
    return Cube(maps, along, frame)


def _rotation(angles: np.ndarray) -> np.ndarray:
    matrix = np.eye(3)
    for axis, angle in enumerate(angles):
        turn = np.eye(3)
        b, c = (axis + 1) % 3, (axis + 2) % 3
        turn[b, b] = turn[c, c] = math.cos(angle)
        turn[b, c], turn[c, b] = -math.sin(angle), math.sin(angle)
        matrix = matrix @ turn
    return matrix


def random_angles(rng: np.random.Generator) -> tuple[float, float]:
    azimuth, elevation = rng.uniform(-LARGEST_ANGLE, LARGEST_ANGLE, 2)
    return float(azimuth), float(elevation)


def random_look(attenuation: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """A radiograph from 0 to 1 of -log of the signal (H, W): scatter, noise, blur, and some way to show it."""
    signal = torch.exp(-attenuation)
    if rng.random() < 0.6:  # scatter: a smooth share of the mean
        coarse = torch.from_numpy(rng.uniform(0.5, 1, (1, 1, 4, 4))).to(attenuation)
        shape = functional.interpolate(coarse, attenuation.shape, mode="bicubic")[0, 0]
        signal = signal + rng.uniform(0, 0.3) * signal.mean() * shape * (1 - signal)
    photons = 10 ** rng.uniform(4, 6)
    noise = torch.from_numpy(rng.standard_normal(attenuation.shape)).to(attenuation)
    signal = (signal + noise * (signal / photons).sqrt()).clamp(min=1e-5)
    shown = -torch.log(signal)
    if rng.random() < 0.2:  # closer to the intensity
        shown = 1 - torch.exp(-shown * (rng.uniform(0.5, 2.0) / attenuation.max().clamp(min=0.1)))
    body = shown[attenuation > 0.1]
    if body.numel() < 100:
        body = shown.flatten()
    low = torch.quantile(body, rng.uniform(0, 0.1)) * rng.uniform(0, 1)
    high = torch.quantile(body, rng.uniform(0.98, 1.0)) * rng.uniform(1.0, 1.1)
    shown = ((shown - low) / (high - low).clamp(min=1e-3)).clamp(0, 1)
    if rng.random() < 0.3:  # a sigmoid, as radiographs are shown
        middle, slope = rng.uniform(0.4, 0.6), rng.uniform(3, 6)
        ends = [1 / (1 + math.exp(-slope * (end - middle))) for end in (0, 1)]
        shown = (torch.sigmoid(slope * (shown - middle)) - ends[0]) / (ends[1] - ends[0])
    return shown.clamp(0, 1) ** float(np.exp(rng.normal(0, 0.25)))

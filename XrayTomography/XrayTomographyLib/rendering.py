"""Densities rendered in colors."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from InverseImagingLib.animation import Angles
from InverseImagingLib.xray.geometry import pose

from .transfer import Look, channels

_ENTRIES = 1024  # of a table
_AMBIENT = 0.3  # of the light, which also what is seen edgeways gets
_FLAT = 0.05  # slope over the cube that is no surface


def rendered(densities: torch.Tensor, angles: Angles, look: Look) -> np.ndarray:
    """A picture (N, N, 3), 0 to 1, of densities (K, J, I) from azimuth and elevation, N being the longer of K and I.

    Densities glow in their colors and hide what is behind them.
    """
    along = _seen_from(densities, *angles)  # (N, J, N), the viewer at J = 0
    planes, highest = along.shape[1], look.transfer[-1][0]
    table = torch.from_numpy(channels(np.linspace(0, highest, _ENTRIES), look.transfer)).float().to(along.device)
    table[:, 3] = 1 - (1 - table[:, 3]) ** (100 / planes)
    picture = torch.zeros(along.shape[0], along.shape[2], 3, device=along.device)
    light = torch.ones_like(picture[..., 0])
    for number, plane in enumerate(along.unbind(dim=1)):
        entries = (plane * ((_ENTRIES - 1) / highest)).round().long().clamp(0, _ENTRIES - 1)
        lost = table[entries, 3]
        glow = light * lost * _shade(along, number) if look.shaded else light * lost
        picture += glow[..., None] * table[entries, :3]
        light *= 1 - lost
    return picture.cpu().numpy()


def _shade(along: torch.Tensor, number: int) -> torch.Tensor:
    """How bright a plane (N, N) of densities (N, J, N) is under a lamp beside the viewer."""
    before, after = (along[:, max(min(number + step, along.shape[1] - 1), 0)] for step in (-1, 1))
    across = torch.stack(torch.gradient(along[:, number])) * along.shape[0]
    facing = (after - before).abs() * (along.shape[1] / 2)
    steepness = (across.square().sum(dim=0) + facing.square()).sqrt()
    return _AMBIENT + (1 - _AMBIENT) * (facing + _FLAT) / (steepness + _FLAT)


def _seen_from(densities: torch.Tensor, azimuth: float, elevation: float) -> torch.Tensor:
    """The densities in a cube (N, J, N) that faces a viewer in that direction, N the longer of K and I."""
    k, j, i = densities.shape
    longer = max(k, i)
    given, turned = (pose(*each)[:3, [0, 2, 1]] * [1, -1, 1] for each in ((0.0, 0.0), (azimuth, elevation)))
    matrix = np.diag([longer / i, 1, longer / k]) @ given.T @ turned
    theta = torch.from_numpy(np.column_stack([matrix, np.zeros(3)])[None]).to(densities)
    grid = functional.affine_grid(theta, [1, 1, longer, j, longer], align_corners=False)
    return functional.grid_sample(densities[None, None], grid, align_corners=False)[0, 0]

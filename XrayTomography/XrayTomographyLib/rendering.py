"""Densities rendered in colors."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from InverseImagingLib.xray.geometry import pose

from .pictures import Angles
from .transfer import BONE, Transfer, channels

_ENTRIES = 1024  # of a table


def rendered(densities: torch.Tensor, angles: Angles, transfer: Transfer = BONE) -> np.ndarray:
    """A picture (N, N, 3), 0 to 1, of densities (K, J, I) from azimuth and elevation, N being the longer of K and I.

    Densities glow in their colors and hide what is behind them, as the transfer function says; see transfer.BONE.
    """
    along = _seen_from(densities, *angles)  # (N, J, N), the viewer at J = 0
    highest = transfer[-1][0]
    table = torch.from_numpy(channels(np.linspace(0, highest, _ENTRIES), transfer)).float().to(along.device)
    picture = torch.zeros(along.shape[0], along.shape[2], 3, device=along.device)
    light = torch.ones_like(picture[..., 0])
    for plane in along.unbind(dim=1):
        looked_up = table[(plane * ((_ENTRIES - 1) / highest)).round().long().clamp(0, _ENTRIES - 1)]
        lost = 1 - (1 - looked_up[..., 3]) ** (100 / along.shape[1])
        picture += (light * lost)[..., None] * looked_up[..., :3]
        light *= 1 - lost
    return picture.cpu().numpy()


def _seen_from(densities: torch.Tensor, azimuth: float, elevation: float) -> torch.Tensor:
    """The densities in a cube (N, J, N) that faces a viewer in that direction, N the longer of K and I."""
    k, j, i = densities.shape
    longer = max(k, i)
    given, turned = (pose(*each)[:3, [0, 2, 1]] * [1, -1, 1] for each in ((0.0, 0.0), (azimuth, elevation)))
    matrix = np.diag([longer / i, 1, longer / k]) @ given.T @ turned
    theta = torch.from_numpy(np.column_stack([matrix, np.zeros(3)])[None]).to(densities)
    grid = functional.affine_grid(theta, [1, 1, longer, j, longer], align_corners=False)
    return functional.grid_sample(densities[None, None], grid, align_corners=False)[0, 0]

"""How densities become a radiograph: absorption alone, along parallel rays.

Densities (..., K, J, I) fill a cube of side 1, at most: K runs down the picture, J away from the viewer, I along the
rows; none is negative. A density of 1 throughout the depth lets exp(-10) of the radiation pass. Radiographs show
opacity, the share that does not pass, 0 to 1 and bright where there is much.
Source: Henzler et al., Single-image Tomography: 3D Volumes from 2D Cranial X-Rays, Eurographics 2018, equation 1, with
the step of the sum, 1 / J, which is left out there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from InverseImagingLib.xray.geometry import Geometry, pose
from InverseImagingLib.xray.projector import Projector

EXTINCTION = 10.0  # the paper's chi: of a density of 1, over the side of the cube
DARKEST = 1e-4  # the least share that passes of which a density is told


def integral(volume: torch.Tensor) -> torch.Tensor:
    """Of the densities (..., K, J, I) over the depth of the cube, as seen in the given view: (..., K, I)."""
    return volume.mean(dim=-2)


def opacity(integrals: torch.Tensor) -> torch.Tensor:
    """What rays show, 0 to 1, that meet such integrals of the density over the side of the cube."""
    return -torch.expm1(-EXTINCTION * integrals)


def integral_of_opacity(opacities: torch.Tensor) -> torch.Tensor:
    """The integrals that show such opacities. What lets less than 1e-4 pass counts as 1e-4, and below 0 as 0."""
    return torch.log1p(-opacities.clamp(0.0, 1.0 - DARKEST)) / -EXTINCTION


def radiograph(volume: torch.Tensor) -> torch.Tensor:
    """The opacity (..., K, I) of densities (..., K, J, I) in the given view."""
    return opacity(integral(volume))


@dataclass(frozen=True)
class Frame:
    """Where densities lie around the origin of RAS, and their views.

    side: of the cube, in mm: the depth of the voxels (K, J, I), and the longer side of the picture, whose pixels are
    square. The viewer of the given picture stands in front of the patient.
    """

    side: float
    voxels: tuple[int, int, int] = (128, 128, 128)

    @property
    def pixel(self) -> float:
        """Side of a pixel of the given picture in mm."""
        return self.side / max(self.voxels[0], self.voxels[2])

    @property
    def ijk_to_ras(self) -> np.ndarray:
        """4 x 4: voxels (I, J, K) to RAS; left-handed."""
        right, down, towards_viewer = pose()[:3, :3].T
        k, j, i = self.voxels
        matrix = np.eye(4)
        matrix[:3, :3] = np.column_stack([self.pixel * right, -self.side / j * towards_viewer, self.pixel * down])
        matrix[:3, 3] = -matrix[:3, :3] @ ((np.array([i, j, k]) - 1) / 2)
        return matrix

    def facing(self, azimuth: float = 0.0, elevation: float = 0.0, roll: float = 0.0) -> np.ndarray:
        """4 x 4: voxels (I, J, K) to RAS, if the viewer of the given picture stands in that direction instead."""
        turn = np.eye(4)
        turn[:3, :3] = pose(azimuth, elevation, roll)[:3, :3] @ pose()[:3, :3].T
        return np.asarray(turn @ self.ijk_to_ras)

    def view(self, azimuth: float = 0.0, elevation: float = 0.0) -> Geometry:
        """The orthographic view turned by so many degrees from the given one, with as many pixels."""
        return Geometry(
            width=self.voxels[2],
            height=self.voxels[0],
            pixel=self.pixel,
            sdd=2 * self.side,
            sid=self.side,
            frame=pose(azimuth, elevation),
            parallel=True,
        )

    def radiographs(self, volume: torch.Tensor, angles: Sequence[tuple[float, float]]) -> torch.Tensor:
        """The opacity (V, K, I) of densities (K, J, I) in views turned by (azimuth, elevation). Differentiable."""
        projector = Projector(self.voxels, self.ijk_to_ras, [self.view(*turned) for turned in angles])
        return opacity(projector(volume[None])[:, 0] / self.side)

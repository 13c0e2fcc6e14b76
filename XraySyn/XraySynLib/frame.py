"""Where the anatomy behind a radiograph is sought: a cube of voxels, and the views of it.

All lengths go with the side of the cube, so that one network serves a chest, a head and a hand: the source stands 4
sides in front of the middle, and the detector half a side behind the cube's far face. Voxels (K, J, I) run down the
detector's columns, from the source to the detector, and along its rows.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from InverseImagingLib.xray.geometry import Geometry, pose
from InverseImagingLib.xray.projector import Projector

_SOURCE, _DETECTOR = 4.0, 1.0  # sides from the middle of the cube


@dataclass(frozen=True)
class Frame:
    """A cube of a side in mm with voxels (rows, depth, columns), and detectors of size x size pixels.

    from_behind: the detector is behind the patient, as in an AP view; the picture is shown as if seen from the front.
    """

    side: float
    voxels: tuple[int, int, int] = (128, 64, 128)
    size: int = 128
    from_behind: bool = False

    def coarser(self) -> Frame:
        """The same cube with half the voxels and pixels along each side."""
        k, j, i = self.voxels
        return replace(self, voxels=(k // 2, j // 2, i // 2), size=self.size // 2)

    def view(self, azimuth: float = 0.0, elevation: float = 0.0) -> Geometry:
        """The view turned by so many degrees from the one that is given. Its pixels cover the cube's middle plane."""
        frame = self._pose(azimuth, elevation)
        sdd = (_SOURCE + _DETECTOR) * self.side
        pixel = self.side / self.size * (_SOURCE + _DETECTOR) / _SOURCE
        return Geometry(self.size, self.size, pixel, sdd, _SOURCE * self.side, frame)

    @property
    def ijk_to_ras(self) -> np.ndarray:
        """4 x 4: voxels (I, J, K) to RAS, with the middle of the cube at the origin."""
        axes = self._pose()[:3, :3] @ np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0]])
        counts = np.array(self.voxels[::-1])
        matrix = np.eye(4)
        matrix[:3, :3] = axes * (self.side / counts)
        matrix[:3, 3] = -matrix[:3, :3] @ ((counts - 1) / 2)
        return matrix

    def _pose(self, azimuth: float = 0.0, elevation: float = 0.0) -> np.ndarray:
        return pose(180.0 * self.from_behind + azimuth, elevation, mirrored=self.from_behind)

    def projector(self, angles: Sequence[tuple[float, float]]) -> Projector:
        """Line integrals of such a cube in views turned by (azimuth, elevation)."""
        return Projector(self.voxels, self.ijk_to_ras, [self.view(*turned) for turned in angles])

    def lift(self, images: torch.Tensor) -> torch.Tensor:
        """Put depth planes (B, C, depth, H, W) that follow the rays into the cube (B, C, K, J, I).

        Each plane is the picture that the source casts on it, cut and enlarged as the rays spread.
        """
        batch, channels, depth, height, width = images.shape
        rows, planes, columns = self.voxels
        assert depth == planes
        grid = _rays(planes, rows, columns).to(images)
        flat = images.transpose(1, 2).reshape(batch * depth, channels, height, width)
        grid = grid.repeat(batch, 1, 1, 1)
        cut = torch.nn.functional.grid_sample(flat, grid, padding_mode="border", align_corners=False)
        return cut.reshape(batch, depth, channels, rows, columns).permute(0, 2, 3, 1, 4)


@functools.lru_cache(maxsize=4)
def _rays(planes: int, rows: int, columns: int) -> torch.Tensor:
    """Where voxels are seen on the detector, (planes, rows, columns, 2), with its edges at -1 and 1."""
    away = _SOURCE + (np.arange(planes) + 0.5) / planes - 0.5  # sides from the source
    y, x = np.meshgrid(
        (np.arange(rows) + 0.5) / rows * 2 - 1, (np.arange(columns) + 0.5) / columns * 2 - 1, indexing="ij"
    )
    return torch.from_numpy(np.stack([x, y], axis=-1)[None] * (_SOURCE / away)[:, None, None, None]).float()

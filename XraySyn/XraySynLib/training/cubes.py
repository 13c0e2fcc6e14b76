"""Random cubes of bodies, and what their rays meet: what training sees."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional

from InverseImagingLib.training.bodies import Body
from InverseImagingLib.training.parts import CPU, random_part, random_side

from ..frame import Frame
from ..options import LARGEST_ANGLE


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


def random_cube(body: Body, rng: np.random.Generator, device: torch.device = CPU, size: int = 128) -> Cube:
    """A part of a body as a radiograph may show it; see random_part.

    device: where it is made and stays. size: voxels and pixels along each side.
    """
    frame = Frame(random_side(body, rng), (size, size, size), size, from_behind=bool(rng.integers(2)))
    maps = random_part(body, frame.side, frame.voxels, frame.ijk_to_ras, rng, device)
    along = frame.projector([(0.0, 0.0)])(maps)[0] / 10
    return Cube(maps, along, frame)


def random_angles(rng: np.random.Generator) -> tuple[float, float]:
    azimuth, elevation = rng.uniform(-LARGEST_ANGLE, LARGEST_ANGLE, 2)
    return float(azimuth), float(elevation)

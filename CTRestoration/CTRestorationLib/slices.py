"""Which axis of a volume its slices lie along, and where finer voxels lie."""

from __future__ import annotations

import numpy as np

from InverseImagingLib.image import Image
from InverseImagingLib.slices import patient_axes

from .options import Plane

_NORMAL = {Plane.SAGITTAL: 0, Plane.CORONAL: 1, Plane.AXIAL: 2}  # rows of RAS


def slice_axis(image: Image, plane: Plane) -> int:
    """The array axis (0, 1, 2 for K, J, I) nearest to the plane's normal; each plane has another axis."""
    return patient_axes(image.ijk_to_ras)[_NORMAL[Plane(plane)]]


def finer_geometry(ijk_to_ras: np.ndarray, factors: tuple[int, int, int]) -> np.ndarray:
    """IJK-to-RAS of a volume with `factors` times the voxels along array axes K, J, I and the same outer borders."""
    scale = np.eye(4)
    for axis, factor in enumerate(factors):
        scale[2 - axis, 2 - axis] = 1.0 / factor
        scale[2 - axis, 3] = 0.5 / factor - 0.5
    return ijk_to_ras @ scale

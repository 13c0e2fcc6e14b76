"""The surface on which densities reach a level. Needs no torch."""

from __future__ import annotations

import numpy as np
import vtk
from scipy.ndimage import map_coordinates
from vtk.util.numpy_support import vtk_to_numpy

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image
from InverseImagingLib.mesh import isosurface, set_colors

from .transfer import SURE_TO_UNSURE, Transfer, channels


def surface(volume: Image, level: float) -> vtk.vtkPolyData:
    """The closed surface around what is denser than a level, in mm in RAS. Raises InputError where nothing is."""
    highest = float(volume.array.max())
    if not 0 < level < highest:
        raise InputError(
            f"'{volume.name}' has no surface at {level:g}; choose a level above 0 and below {highest:.3g}, its highest "
            "density."
        )
    return isosurface(volume.array, level, volume.ijk_to_ras)


def color(mesh: vtk.vtkPolyData, values: np.ndarray, transfer: Transfer) -> None:
    """Give each point of a mesh the color that its value has."""
    set_colors(mesh, (255 * channels(values, transfer)).round().astype(np.uint8))


def color_by_uncertainty(mesh: vtk.vtkPolyData, uncertainty: Image, level: float) -> None:
    """Color a surface at a level by how uncertain the densities there are: red where they could as well be none."""
    points = vtk_to_numpy(mesh.GetPoints().GetData())
    to_ijk = np.linalg.inv(uncertainty.ijk_to_ras)
    indices = points @ to_ijk[:3, :3].T + to_ijk[:3, 3]
    spread = map_coordinates(uncertainty.array, indices.T[::-1], order=1, mode="nearest", output=np.float32)
    color(mesh, spread / level, SURE_TO_UNSURE)

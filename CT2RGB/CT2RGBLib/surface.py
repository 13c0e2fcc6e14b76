"""The colored surface of what is at least as dense as a level, for viewers and 3D printers. Needs no torch."""

from __future__ import annotations

import numpy as np
import vtk
from scipy.ndimage import generate_binary_structure, label, map_coordinates
from vtk.util.numpy_support import vtk_to_numpy

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image
from InverseImagingLib.mesh import isosurface, set_colors

from .coarser import coarser, softened
from .opacity import HIGHEST, LOWEST, alpha_of

ENDINGS = (".glb", ".ply")  # what keeps colors
TRIANGLES = 300_000  # at most, which phones still turn

_VOXELS = 8e6  # more make triangles that are taken away again
_SMOOTHINGS, _PASS_BAND = 12, 0.1
_LEAST = 0.002  # of the largest piece: smaller ones are noise
_INSIDE = 1.0  # mm below the surface, where its color is


def surface(colors: Image, level: float) -> vtk.vtkPolyData:
    """The closed, smooth surface around what has at least a level in HU, with colors and normals, in mm in RAS.

    colors: RGBA (K, J, I, 4) of uint8, whose alphas are those of opacity.code. Below 0 HU, where the skin is, cavities
    in the body are filled, and where the volume ends it shows its section. Raises InputError where there is none.
    """
    if colors.array.shape[3:] != (4,):
        raise InputError(f"'{colors.name}' has no transparency, which tells where its surface is; make it with that.")
    if min(colors.array.shape[:3]) < 2:
        raise InputError(f"'{colors.name}' is a single slice, which has no surface; choose more slices.")
    if not LOWEST < level < HIGHEST:
        raise InputError(
            f"There is no telling where {level:g} HU are; choose a level between {LOWEST:g} and {HIGHEST:g}."
        )
    volume = softened(coarser(colors, _VOXELS))
    alpha, least = volume.array[..., 3], float(alpha_of(level))
    pieces, count = label(alpha >= least)
    if not count:
        raise InputError(f"'{colors.name}' has nothing of {level:g} HU or more; choose a lower level.")
    sizes = np.bincount(pieces.ravel())
    sizes[0] = 0
    small = sizes < _LEAST * sizes.max()
    small[0] = False
    field = np.where(small[pieces], 0, alpha)
    if level < 0:
        field[_cavities(field >= least)] = 255
    for axis in range(3):  # where the volume ends, so does the surface: half a voxel beyond
        planes = np.moveaxis(field, axis, 0)
        planes[[0, -1]] = np.minimum(planes[[0, -1]], 2 * least)
    mesh = _finished(isosurface(field, least, volume.ijk_to_ras))
    set_colors(mesh, _colors_below(mesh, volume))
    return mesh


def _cavities(solid: np.ndarray) -> np.ndarray:
    """What is enclosed in its slice (K, J, I), even if not in the volume, which may end in the lungs."""
    within = generate_binary_structure(3, 1)
    within[[0, 2]] = False
    spaces, count = label(~solid, within)
    enclosed = np.ones(count + 1, bool)
    enclosed[0] = False
    for edge in (spaces[:, [0, -1]], spaces[:, :, [0, -1]]):
        enclosed[edge] = False
    return enclosed[spaces]


def _finished(mesh: vtk.vtkPolyData) -> vtk.vtkPolyData:
    """A mesh that is smooth, not too large, and has normals."""
    smooth = vtk.vtkWindowedSincPolyDataFilter()
    smooth.SetInputData(mesh)
    smooth.SetNumberOfIterations(_SMOOTHINGS)
    smooth.SetPassBand(_PASS_BAND)
    smooth.NormalizeCoordinatesOn()
    fewer = vtk.vtkQuadricDecimation()
    fewer.SetInputConnection(smooth.GetOutputPort())
    fewer.SetTargetReduction(max(0.0, 1 - TRIANGLES / mesh.GetNumberOfPolys()))
    fewer.VolumePreservationOn()
    normals = vtk.vtkPolyDataNormals()
    normals.SetInputConnection(fewer.GetOutputPort())
    normals.SplittingOff()
    normals.ConsistencyOff()
    normals.Update()
    return normals.GetOutput()


def _colors_below(mesh: vtk.vtkPolyData, volume: Image) -> np.ndarray:
    """The colors (N, 3) of uint8 that a volume has below each point of a mesh."""
    points, outwards = (vtk_to_numpy(array) for array in (mesh.GetPoints().GetData(), mesh.GetPointData().GetNormals()))
    to_ijk = np.linalg.inv(volume.ijk_to_ras)
    places = (points - _INSIDE * outwards) @ to_ijk[:3, :3].T + to_ijk[:3, 3]
    channels = np.moveaxis(volume.array[..., :3], -1, 0)
    return np.stack([map_coordinates(each, places.T[::-1], order=1, mode="nearest") for each in channels], axis=-1)

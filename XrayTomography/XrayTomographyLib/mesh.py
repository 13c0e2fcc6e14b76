"""The surface on which densities reach a level, for viewers and 3D printers. Needs no torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import vtk
from scipy.ndimage import map_coordinates
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

from InverseImagingLib.errors import InputError
from InverseImagingLib.files import LPS_TO_RAS, beside
from InverseImagingLib.image import Image

from .transfer import SURE_TO_UNSURE, Transfer, channels

ENDINGS = (".stl", ".obj", ".ply")
COLORS = "RGB"

_SPACE = "SPACE=LPS"  # what Slicer looks for in the files


def surface(volume: Image, level: float) -> vtk.vtkPolyData:
    """The closed surface around what is denser than a level, in mm in RAS. Raises InputError where nothing is."""
    highest = float(volume.array.max())
    if not 0 < level < highest:
        raise InputError(
            f"'{volume.name}' has no surface at {level:g}; choose a level above 0 and below {highest:.3g}, its highest "
            "density."
        )
    padded = np.pad(np.asarray(volume.array, np.float32), 1)
    grid = vtk.vtkImageData()
    grid.SetDimensions(padded.shape[::-1])
    grid.SetOrigin(-1, -1, -1)
    grid.GetPointData().SetScalars(numpy_to_vtk(padded.ravel()))
    edges = vtk.vtkFlyingEdges3D()
    edges.SetInputData(grid)
    edges.SetValue(0, level)
    edges.ComputeNormalsOff()
    edges.ComputeScalarsOff()
    edges.Update()
    return _moved(edges.GetOutput(), volume.ijk_to_ras)


def color(mesh: vtk.vtkPolyData, values: np.ndarray, transfer: Transfer) -> None:
    """Give each point of a mesh the color that its value has."""
    array = numpy_to_vtk((255 * channels(values, transfer)).round().astype(np.uint8), deep=True)
    array.SetName(COLORS)
    mesh.GetPointData().SetScalars(array)


def color_by_uncertainty(mesh: vtk.vtkPolyData, uncertainty: Image, level: float) -> None:
    """Color a surface at a level by how uncertain the densities there are: red where they could as well be none."""
    points = vtk_to_numpy(mesh.GetPoints().GetData())
    to_ijk = np.linalg.inv(uncertainty.ijk_to_ras)
    indices = points @ to_ijk[:3, :3].T + to_ijk[:3, 3]
    spread = map_coordinates(uncertainty.array, indices.T[::-1], order=1, mode="nearest", output=np.float32)
    color(mesh, spread / level, SURE_TO_UNSURE)


def check_mesh(path: Path) -> None:
    """Raise InputError for a file that does not end as a mesh does."""
    if path.suffix.lower() not in ENDINGS:
        raise InputError(f"Mesh '{path.name}' must end in {', '.join(ENDINGS)}; name it so.")


def write_mesh(mesh: vtk.vtkPolyData, path: Path) -> None:
    """Write a mesh in RAS as STL, OBJ, or PLY, which keeps colors; in LPS, as Slicer expects files to be.

    The file appears complete or not at all. Raises InputError.
    """
    check_mesh(path)
    with beside(path) as folder:
        writer = _writer(path.suffix.lower())
        writer.SetInputData(_moved(mesh, LPS_TO_RAS))
        writer.SetFileName(str(folder / path.name))
        if not writer.Write() or not (folder / path.name).is_file():
            raise InputError(f"'{path}' could not be written; check the free space and choose another place.")


def _moved(mesh: vtk.vtkPolyData, matrix: np.ndarray) -> vtk.vtkPolyData:
    """A mesh elsewhere, its triangles turned so that their fronts stay outside where the matrix mirrors."""
    transform = vtk.vtkTransform()
    transform.SetMatrix(matrix.ravel())
    moved = vtk.vtkTransformPolyDataFilter()
    moved.SetInputData(mesh)
    moved.SetTransform(transform)
    if np.linalg.det(matrix[:3, :3]) > 0:
        moved.Update()
        return moved.GetOutput()
    turned = vtk.vtkReverseSense()
    turned.SetInputConnection(moved.GetOutputPort())
    turned.Update()
    return turned.GetOutput()


def _writer(ending: str) -> vtk.vtkWriter:
    if ending == ".obj":
        return vtk.vtkOBJWriter()
    if ending == ".stl":
        writer = vtk.vtkSTLWriter()
        writer.SetFileTypeToBinary()
        writer.SetHeader(_SPACE)
        return writer
    writer = vtk.vtkPLYWriter()
    writer.SetArrayName(COLORS)
    writer.AddComment(_SPACE)
    return writer

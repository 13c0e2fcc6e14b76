"""Surfaces of volumes, and the files of them for viewers and 3D printers. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import vtk
from vtk.util.numpy_support import numpy_to_vtk

from .errors import InputError
from .files import LPS_TO_RAS, beside
from .glb import write_glb

ENDINGS = (".stl", ".obj", ".ply", ".glb")
COLORS = "RGB"  # the array of a mesh that holds the colors of its points

_SPACE = "SPACE=LPS"  # what Slicer looks for in the files


def isosurface(array: np.ndarray, level: float, ijk_to_ras: np.ndarray) -> vtk.vtkPolyData:
    """The closed surface around what reaches a level in an array (K, J, I), in mm in RAS, its front outside."""
    padded = np.pad(np.asarray(array, np.float32), 1)
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
    return _moved(edges.GetOutput(), ijk_to_ras)


def set_colors(mesh: vtk.vtkPolyData, colors: np.ndarray) -> None:
    """Give the points of a mesh colors (N, 3) of uint8."""
    array = numpy_to_vtk(np.ascontiguousarray(colors), deep=True)
    array.SetName(COLORS)
    mesh.GetPointData().SetScalars(array)


def check_mesh(path: Path, endings: Sequence[str] = ENDINGS) -> None:
    """Raise InputError for a file that does not end as a mesh does."""
    if path.suffix.lower() not in endings:
        raise InputError(f"Mesh '{path.name}' must end in {', '.join(endings)}; name it so.")


def write_mesh(mesh: vtk.vtkPolyData, path: Path, words: str = "") -> None:
    """Write a mesh in RAS as STL, OBJ or PLY, in mm in LPS as Slicer expects it, or as GLB, in meters with the head up.

    PLY and GLB keep the colors, if it has any. words: what a PLY or a GLB says of itself. The file appears complete or
    not at all. Raises InputError.
    """
    check_mesh(path)
    with beside(path) as folder:
        file = folder / path.name
        if path.suffix.lower() == ".glb":
            write_glb(mesh, file, words)
            return
        writer = _writer(path.suffix.lower(), words)
        writer.SetInputData(_moved(mesh, LPS_TO_RAS))
        writer.SetFileName(str(file))
        if not writer.Write() or not file.is_file():
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


def _writer(ending: str, words: str) -> vtk.vtkWriter:
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
    if words:
        writer.AddComment(words)
    return writer

"""The surface of a volume: in its place, closed, its front outside, and in files as Slicer reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image

vtk = pytest.importorskip("vtk")
from vtk.util.numpy_support import vtk_to_numpy  # noqa: E402

from InverseImagingLib.mesh import write_mesh  # noqa: E402
from XrayTomographyLib.mesh import color, color_by_uncertainty, surface  # noqa: E402

RADIUS, MIDDLE = 30.0, np.array([10.0, -20.0, 5.0])  # mm, in RAS
READERS = {".stl": vtk.vtkSTLReader, ".obj": vtk.vtkOBJReader, ".ply": vtk.vtkPLYReader}


def ball(mirrored: bool = True) -> Image:
    """Densities that fall from 0.2 in the middle to 0.1 at RADIUS."""
    matrix = np.diag([-2.0 if mirrored else 2.0, -3.0, -2.0, 1.0])
    matrix[:3, 3] = MIDDLE - matrix[:3, :3] @ [20, 14, 20]
    k, j, i = np.mgrid[:41, :29, :41]
    places = np.stack([i, j, k], axis=-1) @ matrix[:3, :3].T + matrix[:3, 3]
    away = np.linalg.norm(places - MIDDLE, axis=-1)
    return Image((0.2 - 0.1 * away / RADIUS).clip(0).astype(np.float32), matrix, name="ball")


def triangles(mesh) -> np.ndarray:
    """(n, 3, 3): corners in mm."""
    return vtk_to_numpy(mesh.GetPoints().GetData())[vtk_to_numpy(mesh.GetPolys().GetConnectivityArray())].reshape(
        -1, 3, 3
    )


def inside(mesh) -> float:
    """The volume that a mesh encloses, negative if its front is inside."""
    a, b, c = triangles(mesh).astype(np.float64).swapaxes(0, 1)
    return float((np.cross(a, b) * c).sum() / 6)


@pytest.mark.parametrize("mirrored", [True, False])
def test_a_ball_is_where_it_is(mirrored: bool):
    mesh = surface(ball(mirrored), 0.1)
    away = np.linalg.norm(vtk_to_numpy(mesh.GetPoints().GetData()) - MIDDLE, axis=1)
    np.testing.assert_allclose(away, RADIUS, atol=0.2)
    assert inside(mesh) == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.02)


def test_where_the_volume_ends_the_surface_closes():
    whole = Image(np.full((3, 4, 5), 0.5, np.float32))
    mesh = surface(whole, 0.25)
    edges = vtk.vtkFeatureEdges()
    edges.SetInputData(mesh)
    edges.FeatureEdgesOff()
    edges.Update()
    assert edges.GetOutput().GetNumberOfCells() == 0
    assert 0 < inside(mesh) < 4 * 5 * 6


@pytest.mark.parametrize("ending", [".stl", ".obj", ".ply", ".STL"])
def test_files_are_in_lps_and_say_so(tmp_path: Path, ending: str):
    path = tmp_path / f"ball{ending}"
    write_mesh(surface(ball(), 0.1), path)
    reader = READERS[ending.lower()]()
    reader.SetFileName(str(path))
    reader.Update()
    mesh = reader.GetOutput()
    middle = vtk_to_numpy(mesh.GetPoints().GetData()).mean(axis=0)
    np.testing.assert_allclose(middle, MIDDLE * [-1, -1, 1], atol=0.5)
    assert inside(mesh) == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.02)
    if ending != ".obj":
        assert b"SPACE=LPS" in path.read_bytes()[:200]
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_colors_follow_the_transfer_function_and_a_ply_keeps_them(tmp_path: Path):
    mesh = surface(ball(), 0.1)
    height = vtk_to_numpy(mesh.GetPoints().GetData())[:, 2] - MIDDLE[2]
    color(mesh, height, ((-10.0, (1, 0, 0)), (10.0, (0, 0, 1))))
    write_mesh(mesh, tmp_path / "x.ply")
    reader = vtk.vtkPLYReader()
    reader.SetFileName(str(tmp_path / "x.ply"))
    reader.Update()
    found = vtk_to_numpy(reader.GetOutput().GetPointData().GetScalars())
    np.testing.assert_allclose(found[:, 2], 255 * ((height + 10) / 20).clip(0, 1), atol=1)
    np.testing.assert_array_equal(found[height > 10.1], [[0, 0, 255]] * int((height > 10.1).sum()))


def test_what_is_uncertain_is_red():
    mesh = surface(ball(), 0.1)
    matrix = np.diag([5.0, 5, 5, 1])
    matrix[:3, 3] = MIDDLE - 50
    spread = np.zeros((21, 21, 21), np.float32)
    spread[:, :, 11:] = 1.0
    color_by_uncertainty(mesh, Image(spread, matrix), 0.1)
    colors, points = (vtk_to_numpy(each) for each in (mesh.GetPointData().GetScalars(), mesh.GetPoints().GetData()))
    side = points[:, 0] - MIDDLE[0]
    assert (colors[side > 6] == [204, 51, 26]).all()
    assert (colors[side < -1, 1] > 200).all()


def test_what_has_no_surface_is_said(tmp_path: Path):
    for level in (0.21, 1.0, 0.0, -1.0, float("nan")):
        with pytest.raises(InputError, match=r"'ball' has no surface at .*below 0\.2, its highest density"):
            surface(ball(), level)
    with pytest.raises(InputError, match=r"must end in \.stl, \.obj, \.ply"):
        write_mesh(surface(ball(), 0.1), tmp_path / "x.vtk")
    with pytest.raises(InputError, match="There is no folder"):
        write_mesh(surface(ball(), 0.1), tmp_path / "no" / "x.stl")

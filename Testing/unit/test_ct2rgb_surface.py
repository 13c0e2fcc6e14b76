"""The colored surface: in its place, closed, in the colors that lie below it, and in files that others read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from CT2RGBLib.coarser import coarser
from CT2RGBLib.opacity import code
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning

vtk = pytest.importorskip("vtk")
from vtk.util.numpy_support import vtk_to_numpy  # noqa: E402

from CT2RGBLib import surface as surfaces  # noqa: E402
from CT2RGBLib.surface import surface  # noqa: E402
from InverseImagingLib.mesh import write_mesh  # noqa: E402

RADIUS, MIDDLE = 30.0, np.array([10.0, -20.0, 5.0])  # mm, in RAS
RED, BLUE = (200, 40, 30), (30, 60, 180)


def ball(hollow: float = 0.0, mirrored: bool = True) -> Image:
    """A body of 50 HU, red towards the patient's right and blue towards the left, with air within a radius."""
    matrix = np.diag([-2.0 if mirrored else 2.0, -1.5, 2.0, 1.0])
    matrix[:3, 3] = MIDDLE - matrix[:3, :3] @ [20, 26, 20]
    k, j, i = np.mgrid[:41, :53, :41]
    places = np.stack([i, j, k], axis=-1) @ matrix[:3, :3].T + matrix[:3, 3] - MIDDLE
    away = np.linalg.norm(places, axis=-1)
    hu = np.where(away < hollow, -1000.0, 50 - 150 * (away - RADIUS + 1).clip(0))
    array = np.empty((*away.shape, 4), np.uint8)
    array[..., :3] = np.where(places[..., :1] > 0, RED, BLUE)
    array[..., 3] = code(hu, away < RADIUS + 1)
    array[array[..., 3] == 0] = 0
    return Image(array, matrix, Meaning.RGB, "ball")


def points(mesh) -> np.ndarray:
    return vtk_to_numpy(mesh.GetPoints().GetData())


def inside(mesh) -> float:
    """The volume that a mesh encloses, in its units, negative if its front is inside."""
    corners = points(mesh)[vtk_to_numpy(mesh.GetPolys().GetConnectivityArray())].reshape(-1, 3, 3)
    a, b, c = corners.astype(np.float64).swapaxes(0, 1)
    return float((np.cross(a, b) * c).sum() / 6)


def assert_two_colors(colors: np.ndarray, right: np.ndarray, tolerance: float) -> None:
    """colors: those of points that lie so many mm to the right of the middle."""
    np.testing.assert_allclose(colors[right > 8], [RED] * int((right > 8).sum()), atol=tolerance)
    np.testing.assert_allclose(colors[right < -8], [BLUE] * int((right < -8).sum()), atol=tolerance)


@pytest.mark.parametrize("mirrored", [True, False])
def test_a_ball_is_where_it_is_and_has_the_colors_below(mirrored: bool):
    mesh = surface(ball(mirrored=mirrored), -100.0)
    away = points(mesh) - MIDDLE
    np.testing.assert_allclose(np.linalg.norm(away, axis=1), RADIUS, atol=0.8)
    assert inside(mesh) == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.03)
    normals = vtk_to_numpy(mesh.GetPointData().GetNormals())
    assert ((normals * away).sum(axis=1) > 0.9 * RADIUS).all()
    assert_two_colors(vtk_to_numpy(mesh.GetPointData().GetScalars()), away[:, 0], tolerance=2)


def test_air_inside_is_no_skin_but_a_wall_of_what_is_denser():
    skin, wall = surface(ball(hollow=12.0), -100.0), surface(ball(hollow=12.0), 20.0)
    assert np.linalg.norm(points(skin) - MIDDLE, axis=1).min() > 25
    assert np.linalg.norm(points(wall) - MIDDLE, axis=1).min() < 14


def test_where_the_volume_ends_the_surface_is_its_section():
    whole = ball(hollow=12.0)
    half = whole.with_array(whole.array[:21])
    mesh = surface(half, -100.0)
    edges = vtk.vtkFeatureEdges()
    edges.SetInputData(mesh)
    edges.FeatureEdgesOff()
    edges.Update()
    assert edges.GetOutput().GetNumberOfCells() == 0
    assert points(mesh)[:, 2].max() == pytest.approx(MIDDLE[2] + 1.0, abs=0.1)  # half a voxel
    assert inside(mesh) == pytest.approx(2 / 3 * np.pi * RADIUS**3 + np.pi * RADIUS**2, rel=0.03)


def test_small_pieces_are_noise():
    image = ball()
    array = image.array.copy()
    array[2:4, 2:4, 2:4] = (9, 9, 9, 200)
    mesh = surface(image.with_array(array), -100.0)
    np.testing.assert_allclose(np.linalg.norm(points(mesh) - MIDDLE, axis=1), RADIUS, atol=0.8)


def test_a_large_surface_gets_fewer_triangles(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(surfaces, "TRIANGLES", 1000)
    mesh = surface(ball(), -100.0)
    assert 500 < mesh.GetNumberOfPolys() <= 1000
    assert inside(mesh) == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.03)


def test_a_coarser_volume_is_in_the_same_place_and_not_darker():
    fine = ball()
    coarse = coarser(fine, fine.array[..., 0].size / 6)
    assert coarse.array.shape == (20, 26, 20, 4)
    np.testing.assert_allclose(coarse.spacing, (4, 3, 4))
    np.testing.assert_allclose(coarse.ijk_to_ras @ [0, 0, 0, 1], fine.ijk_to_ras @ [0.5, 0.5, 0.5, 1])
    body = coarse.array[coarse.array[..., 3] > 0]
    assert {tuple(color) for color in body[:, :3]} <= {RED, BLUE, *map(tuple, _between(body))}
    assert coarser(fine, fine.array.size) is fine


def _between(colors: np.ndarray) -> np.ndarray:
    """Those of colors that are mixtures of RED and BLUE, up to rounding."""
    red, blue = np.array(RED, float), np.array(BLUE, float)
    shares = ((colors[:, :3] - blue) @ (red - blue) / ((red - blue) @ (red - blue))).clip(0, 1)[:, None]
    return colors[:, :3][np.abs(colors[:, :3] - blue - shares * (red - blue)).max(axis=1) < 1]


def test_a_glb_is_read_in_meters_with_the_head_up_and_linear_colors(tmp_path: Path):
    write_mesh(surface(ball(), -100.0), tmp_path / "ball.glb", "illustrative")
    reader = vtk.vtkGLTFReader()
    reader.SetFileName(str(tmp_path / "ball.glb"))
    reader.Update()
    leaves = reader.GetOutput().NewIterator()
    mesh = leaves.GetCurrentDataObject()
    x, y, z = MIDDLE / 1000
    away = points(mesh) - [-x, z, y]
    np.testing.assert_allclose(np.linalg.norm(away, axis=1), RADIUS / 1000, atol=8e-4)
    assert inside(mesh) == pytest.approx(4 / 3 * np.pi * (RADIUS / 1000) ** 3, rel=0.03)
    colors = vtk_to_numpy(mesh.GetPointData().GetArray("COLOR_0")).astype(float)[:, :3]
    shares = colors / (65535 if colors.max() > 1 else 1)
    shown = 255 * np.where(shares < 0.0031308, 12.92 * shares, 1.055 * shares ** (1 / 2.4) - 0.055)
    assert_two_colors(shown, -1000 * away[:, 0], tolerance=2)
    assert b'"copyright": "illustrative"' in (tmp_path / "ball.glb").read_bytes()


def test_a_ply_is_read_in_mm_in_lps_with_colors(tmp_path: Path):
    write_mesh(surface(ball(), -100.0), tmp_path / "ball.ply", "illustrative")
    reader = vtk.vtkPLYReader()
    reader.SetFileName(str(tmp_path / "ball.ply"))
    reader.Update()
    away = points(reader.GetOutput()) - MIDDLE * [-1, -1, 1]
    np.testing.assert_allclose(np.linalg.norm(away, axis=1), RADIUS, atol=0.8)
    assert_two_colors(vtk_to_numpy(reader.GetOutput().GetPointData().GetScalars()), -away[:, 0], tolerance=2)
    assert b"comment illustrative" in (tmp_path / "ball.ply").read_bytes()[:300]


def test_what_has_no_surface_is_said(tmp_path: Path):
    colors = ball()
    for image, level, words in (
        (colors.with_array(colors.array[20:21]), -100.0, "single slice, which has no surface"),
        (colors.with_array(colors.array[..., :3]), -100.0, "has no transparency"),
        (colors, 300.0, "has nothing of 300 HU or more; choose a lower level"),
        (colors.with_array(np.zeros_like(colors.array)), -100.0, "has nothing of -100 HU"),
        (colors, -200.0, "choose a level between -200 and 600"),
        (colors, float("nan"), "choose a level between -200 and 600"),
    ):
        with pytest.raises(InputError, match=words):
            surface(image, level)
    mesh = surface(colors, -100.0)
    for path, words in ((tmp_path / "x.gltf", "must end in"), (tmp_path / "no" / "x.glb", "There is no folder")):
        with pytest.raises(InputError, match=words):
            write_mesh(mesh, path)
    assert list(tmp_path.iterdir()) == []

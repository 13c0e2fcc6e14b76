from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from InverseImagingLib.errors import InputError
from InverseImagingLib.xray.geometry import (
    ARRANGEMENTS,
    Geometry,
    Preset,
    angles_of,
    corners_of,
    pose,
    preset_geometry,
)

RIGHT, LEFT = np.array([1.0, 0, 0]), np.array([-1.0, 0, 0])
ANTERIOR, POSTERIOR = np.array([0, 1.0, 0]), np.array([0, -1.0, 0])
SUPERIOR, INFERIOR = np.array([0, 0, 1.0]), np.array([0, 0, -1.0])
SHAPE = (30, 40, 50)
OBLIQUE = np.array([[0.0, -1.5, 0, 10], [0, 0, 2.0, -20], [0.8, 0, 0, 30], [0, 0, 0, 1]])

angles = st.tuples(st.floats(-179, 179), st.floats(-89, 89), st.floats(-179, 179))
points = st.tuples(*[st.floats(-500, 500)] * 3)


def view(frame: np.ndarray, **changes: float) -> Geometry:
    return dataclasses.replace(Geometry(40, 30, 2.0, 1200.0, 1000.0, frame), **changes)


def at(geometry: Geometry, column: float, row: float) -> np.ndarray:
    return (geometry.pixel_to_ras @ [column, row, 0, 1])[:3]


@pytest.mark.parametrize(
    ("angles", "right", "down", "beam"),
    [
        ((0, 0, 0), LEFT, INFERIOR, ANTERIOR),
        ((90, 0, 0), POSTERIOR, INFERIOR, LEFT),
        ((180, 0, 0), RIGHT, INFERIOR, POSTERIOR),
        ((-90, 0, 0), ANTERIOR, INFERIOR, RIGHT),
        ((0, 90, 0), LEFT, ANTERIOR, SUPERIOR),
        ((0, 0, 90), SUPERIOR, LEFT, ANTERIOR),
    ],
)
def test_directions(angles, right, down, beam):
    frame = pose(*angles)
    np.testing.assert_allclose(frame[:3, :3].T, [right, down, beam], atol=1e-12)
    np.testing.assert_allclose(pose(*angles[:2], mirrored=True)[:3, 0], -pose(*angles[:2])[:3, 0], atol=1e-12)


@given(angles, points, st.booleans())
def test_angles_come_back_from_a_pose(angles, isocenter, mirrored):
    frame = pose(*angles, isocenter, mirrored=mirrored)
    np.testing.assert_allclose(frame[:3, :3].T @ frame[:3, :3], np.eye(3), atol=1e-12)
    assert np.linalg.det(frame[:3, :3]) == pytest.approx(1 if mirrored else -1)
    np.testing.assert_allclose(frame[:3, 3], isocenter)
    np.testing.assert_allclose(angles_of(frame), angles, atol=1e-6)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("elevation", [-90, 90])
def test_from_above_and_below_azimuth_and_roll_are_one(elevation, mirrored):
    frame = pose(25, elevation, 10, mirrored=mirrored)
    again = pose(*angles_of(frame), mirrored=mirrored)
    np.testing.assert_allclose(again, frame, atol=1e-9)


@given(angles, points, st.booleans())
def test_the_detector_is_where_the_distances_say(angles, isocenter, parallel):
    geometry = view(pose(*angles, isocenter), parallel=parallel)
    center, isocenter = at(geometry, 19.5, 14.5), np.array(isocenter)
    np.testing.assert_allclose(np.linalg.norm(center - geometry.source), 1200)
    np.testing.assert_allclose(np.linalg.norm(isocenter - geometry.source), 1000)
    np.testing.assert_allclose(np.linalg.norm(center - isocenter), 200, rtol=1e-6)
    np.testing.assert_allclose(at(geometry, 39, 29) - at(geometry, 0, 29), 78 * geometry.frame[:3, 0], atol=1e-9)
    np.testing.assert_allclose(at(geometry, 39, 29) - at(geometry, 39, 0), 58 * geometry.frame[:3, 1], atol=1e-9)
    assert np.linalg.det(geometry.pixel_to_ras[:3, :3]) == pytest.approx(8)


@given(angles, points, st.tuples(st.floats(-20, 20), st.floats(-20, 20)))
def test_magnification(angles, isocenter, offset):
    """What lies beside the isocenter is seen 1.2 times as far from the middle; of parallel rays, just as far."""
    frame = pose(*angles, isocenter)
    point = frame[:3, 3] + frame[:3, :2] @ offset
    for parallel, factor in ((False, 1.2), (True, 1.0)):
        matrix = view(frame, parallel=parallel).matrix
        # The point is on the line from the pixel to the source: p0 + u pu + v pv = point + t * (away from the source).
        ray = point - matrix[:3, 3] if not parallel else -matrix[:3, 3]
        u, v, _ = np.linalg.solve(np.column_stack([matrix[:3, :2], -ray]), point - matrix[:3, 2])
        np.testing.assert_allclose([2 * (u - 19.5), 2 * (v - 14.5)], np.multiply(offset, factor), atol=1e-6)


def test_matrix_holds_the_source_as_point_or_direction():
    frame = pose(20, 10, 5, (1, 2, 3))
    cone, parallel = view(frame), view(frame, parallel=True)
    np.testing.assert_allclose(cone.matrix[:, 3], [*cone.source, 1])
    np.testing.assert_allclose(parallel.matrix[:, 3], [*-frame[:3, 2], 0])
    np.testing.assert_allclose(cone.matrix[:, :3], cone.pixel_to_ras[:, [0, 1, 3]])


@pytest.mark.parametrize("preset", Preset)
def test_presets_look_at_the_middle_of_any_volume(preset):
    geometry, given_ = preset_geometry(preset, SHAPE, OBLIQUE), ARRANGEMENTS[preset]
    np.testing.assert_allclose(geometry.frame[:3, 3], corners_of(SHAPE, OBLIQUE).mean(axis=0))
    np.testing.assert_allclose(geometry.frame[:3, 3], (OBLIQUE @ [24.5, 19.5, 14.5, 1])[:3])
    assert (geometry.sdd, geometry.sid, geometry.parallel) == (given_.sdd, given_.sid, given_.parallel)
    assert geometry.width == geometry.height == given_.pixels
    assert geometry.width * geometry.pixel == pytest.approx(given_.field or max(30 * 2.0, 40 * 1.5, 50 * 0.8))
    assert preset.label() != preset.value


def test_presets_stand_to_the_patient_as_in_the_clinic():
    def seen(preset: Preset) -> tuple[np.ndarray, np.ndarray]:
        frame = preset_geometry(preset, SHAPE, OBLIQUE).frame
        return frame[:3, 0], frame[:3, 2]

    # PA: from behind; the patient's left is on the right of the picture, in AP chests too.
    for preset, right, beam in (
        (Preset.CHEST_PA, LEFT, ANTERIOR),
        (Preset.CHEST_AP, LEFT, POSTERIOR),
        (Preset.CHEST_LATERAL, POSTERIOR, LEFT),
        (Preset.SKULL, LEFT, ANTERIOR),
    ):
        np.testing.assert_allclose(seen(preset), [right, beam], atol=1e-12)


def test_paper_geometry():
    paper = preset_geometry(Preset.XRAYSYN, (128, 128, 128), np.eye(4))
    assert (paper.width, paper.pixel, paper.sdd, paper.sid, paper.parallel) == (128, 1, 1200, 1000, False)
    assert paper.width * paper.pixel * paper.sid / paper.sdd == pytest.approx(106.7, abs=0.05)
    assert preset_geometry(Preset.HENZLER, (128, 128, 128), np.eye(4)).parallel


def test_what_is_given_replaces_the_presets_own():
    def chest(**changes: float | bool | tuple) -> Geometry:
        return preset_geometry(Preset.CHEST_AP, SHAPE, OBLIQUE, **changes)

    assert (chest(pixel=1.0).width, chest(pixel=1.0).height, chest(pixel=1.0).pixel) == (430, 430, 1)
    assert (chest(width=215).height, chest(width=215).pixel) == (215, 2)
    assert (chest(width=215, height=100).height, chest(width=10, pixel=3.0).pixel) == (100, 3)
    assert (chest(sdd=1200.0).sdd, chest(sid=900.0).sid) == (1200, 900)
    assert chest(parallel=True).parallel
    turned = chest(azimuth=10, elevation=20, roll=30, offset=(1, 2, 3))
    np.testing.assert_allclose(angles_of(turned.frame), [-170, 20, 30])
    np.testing.assert_allclose(turned.frame[:3, 3] - chest().frame[:3, 3], [1, 2, 3])


def test_corners():
    corners = corners_of((1, 2, 3), np.diag([1.0, 10, 100, 1]))
    assert sorted(map(tuple, corners.tolist())) == sorted(
        (x, y, z) for x in (-0.5, 2.5) for y in (-5.0, 15.0) for z in (-50.0, 50.0)
    )


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"width": 0}, "The detector has 0 x 30 pixels; it needs at least 1 x 1"),
        ({"height": -2}, "The detector has 40 x -2 pixels"),
        ({"pixel": 0.0}, "The detector's pixels are 0 mm wide"),
        ({"pixel": math.nan}, "The detector's pixels are nan mm wide"),
        ({"sid": 1300.0}, "isocenter must lie between source and detector, but is 1300 mm from the source"),
        ({"sid": 0.0}, "isocenter must lie between"),
        ({"sid": math.nan}, "isocenter must lie between"),
        ({"sdd": math.inf}, "isocenter must lie between"),
        ({"frame": np.diag([2.0, 1, 1, 1])}, "4 x 4 matrix with perpendicular axes of length 1"),
        ({"frame": np.ones(16)}, "4 x 4 matrix with perpendicular axes of length 1"),
        ({"frame": np.eye(3)}, "4 x 4 matrix with perpendicular axes of length 1"),
        ({"frame": np.full((4, 4), math.nan)}, "4 x 4 matrix with perpendicular axes of length 1"),
        ({"frame": pose(isocenter=(0, math.nan, 0))}, "4 x 4 matrix with perpendicular axes of length 1"),
    ],
)
def test_geometries_that_cannot_be_are_refused(changes, problem):
    with pytest.raises(InputError, match=problem):
        view(**{"frame": pose(), **changes})

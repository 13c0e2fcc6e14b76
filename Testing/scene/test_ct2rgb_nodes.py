"""The colors of a CT as nodes, shown as they are, and what boxes and segments hold of a volume."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import slicer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standin import views

from CT2RGBLib import nodes, scope
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import Result
from InverseImagingLib.nodes import node_from_image, slice_shown, to_world

MATRIX = np.array([[-2, 0.3, 0, 12], [-0.3, -2, 0.2, 9], [0, 0.2, 3, -30], [0, 0, 0, 1.0]])
SHAPE = (6, 8, 10)


@pytest.fixture
def source(scene: Any) -> Any:
    return node_from_image(Image(np.zeros(SHAPE, np.int16), MATRIX, Meaning.HU, "scan"), "scan")


def colored(shape: tuple[int, ...], solid: bool = False) -> Result:
    array = np.zeros(shape, np.uint8)
    array[..., :3] = (60, 40, 20)
    array[..., 3:] = 50
    image = Image(array, MATRIX, Meaning.RGB, "scan")
    images = {"colors": image, "solid": image.with_array(array[::2])} if solid else {"colors": image}
    return Result(images, {"method": "CT2RGB"})


@pytest.mark.parametrize("solid", [True, False])
def test_what_is_seen_in_3d_is_a_node_of_its_own(source: Any, solid: bool) -> None:
    kinds = ["slices", "3D"] if solid else ["slices"]
    found = nodes.add_colors(colored((*SHAPE, 4), solid), source)
    assert [node.GetAttribute(nodes.KIND) for node in found] == kinds
    assert [len(slicer.util.arrayFromVolume(node)) for node in found] == [6, 3][: len(kinds)]
    components = [node.GetImageData().GetNumberOfScalarComponents() for node in found]
    assert components == [3, 4][: len(kinds)]
    types = [node.GetVoxelVectorTypeAsString(node.GetVoxelVectorType()) for node in found]
    assert types == ["colorRGB", "colorRGBA"][: len(kinds)]


def test_colors_are_not_stretched(source: Any) -> None:
    (flat,) = nodes.add_colors(colored((*SHAPE, 3)), source)
    slicer.util.setSliceViewerLayers(background=source, foreground=flat, foregroundOpacity=1.0, fit=True)
    slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode().JumpSlice(*(MATRIX @ [5, 4, 3, 1])[:3])
    preview = nodes.ColorPreview()
    for show in (lambda: None, lambda: preview.show(colored((*SHAPE, 3)), None, source)):
        show()
        pixel = views.slice_image("Red").pixelColor(256, 256)
        assert (pixel.red(), pixel.green(), pixel.blue()) == pytest.approx((60, 40, 20), abs=1)
    preview.remove()


def test_without_colors_there_is_no_image_of_them(source: Any) -> None:
    with pytest.raises(InputError, match="No input volume"):
        nodes.image_of(source, nodes.SLICES)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    angles=st.tuples(*[st.floats(-180, 180)] * 3),
    size=st.tuples(*[st.floats(4, 30)] * 3),
    turned=st.booleans(),
)
def test_a_box_holds_the_voxels_whose_middles_lie_in_it(source: Any, angles: Any, size: Any, turned: bool) -> None:
    import vtk

    pose = vtk.vtkTransform()
    pose.Translate(*middle())
    for turn, angle in zip((pose.RotateX, pose.RotateY, pose.RotateZ), angles, strict=True):
        turn(angle)
    box = scope.box_around(source)
    box.SetAndObserveObjectToNodeMatrix(pose.GetMatrix())
    box.SetSize(*size)
    if turned:
        transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
        away = vtk.vtkTransform()
        away.RotateZ(30)
        transform.SetMatrixTransformToParent(away.GetMatrix())
        source.SetAndObserveTransformNodeID(transform.GetID())
    else:
        source.SetAndObserveTransformNodeID(None)
    world = to_world(source) @ MATRIX
    expected = np.zeros(SHAPE, np.uint8)
    for k, j, i in np.ndindex(*SHAPE):
        expected[k, j, i] = box.IsPointInROIWorld((world @ [i, j, k, 1])[:3])
    if expected.any():
        np.testing.assert_array_equal(scope.mask_of_box(box, source).array, expected)
    else:
        with pytest.raises(InputError, match=r"holds nothing of 'scan'"):
            scope.mask_of_box(box, source)


def middle() -> np.ndarray:
    return (MATRIX @ [*(np.array(SHAPE[::-1]) - 1) / 2, 1])[:3]


def test_a_new_box_holds_all(source: Any) -> None:
    box = scope.box_around(source)
    assert scope.mask_of_box(box, source).array.all()
    assert scope.slices_of(scope.mask_of_box(box, source)) == "0:6"
    assert scope.slice_count(source) == 6


@pytest.mark.parametrize(("index", "expected"), [(2, 2), (2.4, 2), (-40, 0), (90, 5)])
def test_the_slice_that_a_view_shows(source: Any, index: float, expected: int) -> None:
    view = slicer.app.layoutManager().sliceWidget("Red").mrmlSliceNode()
    pose = np.eye(4)
    pose[:, 3] = MATRIX @ [4, 5, index, 1]
    view.GetSliceToRAS().DeepCopy(pose.ravel())
    view.UpdateMatrices()
    assert slice_shown(source, 0, "Red") == expected

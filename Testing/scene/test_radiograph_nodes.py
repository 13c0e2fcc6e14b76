"""Images that stay the same while their nodes do, and the beam of a view as models."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

from InverseImagingLib import nodes
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.xray import scene as xray_scene
from InverseImagingLib.xray.geometry import Preset, preset_geometry

SHAPE, MATRIX = (6, 5, 4), np.diag([2.0, 2.0, 3.0, 1.0])


def add_ct() -> Any:
    return nodes.node_from_image(Image(np.zeros(SHAPE, np.int16), MATRIX, Meaning.HU, "CT"), "CT")


def test_an_image_stays_until_its_node_changes(scene: Any) -> None:
    import slicer

    node, kept = add_ct(), nodes.KeptImages()
    images = [kept.of_node("image", node)]

    def is_new() -> bool:
        images.append(kept.of_node("image", node))
        return images[-1] is not images[-2]

    assert not is_new()
    node.GetDisplayNode().SetWindow(100)
    assert not is_new()
    slicer.util.arrayFromVolume(node)[0] = 5
    slicer.util.arrayFromVolumeModified(node)
    assert is_new()
    node.SetSpacing(1, 1, 1)
    assert is_new()
    np.testing.assert_allclose(images[-1].spacing, (1, 1, 1))
    node.SetName("other")
    assert is_new()
    assert images[-1].name == "other"
    slicer.util.updateVolumeFromArray(node, np.ones((2, 2, 2), np.int16))
    assert is_new()
    assert images[-1].array.shape == (2, 2, 2)


def test_an_image_that_nobody_needs_is_not_held(scene: Any) -> None:
    import weakref

    node, kept = add_ct(), nodes.KeptImages()
    reference = weakref.ref(kept.of_node("image", node))
    gc.collect()
    assert reference() is None
    assert kept.of_node("image", node).array.shape == SHAPE


def test_a_mask_stays_until_its_segment_is_painted(scene: Any) -> None:
    import slicer

    reference, kept = add_ct(), nodes.KeptImages()
    segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(reference)
    segment = segmentation.GetSegmentation().AddEmptySegment("", "Bone")
    with pytest.raises(InputError, match="Segment 'Bone' is empty"):
        kept.of_segment("mask", segmentation, segment, reference)
    with pytest.raises(InputError, match="No segment is selected"):
        kept.of_segment("mask", None, "", reference)
    painted = np.zeros(SHAPE, np.uint8)
    masks = []
    for row in range(2):
        painted[row] = 1
        slicer.util.updateSegmentBinaryLabelmapFromArray(painted, segmentation, segment, reference)
        masks.append(kept.of_segment("mask", segmentation, segment, reference))
        assert kept.of_segment("mask", segmentation, segment, reference) is masks[-1]
        np.testing.assert_array_equal(masks[-1].array, painted)
    assert masks[0] is not masks[1]


@pytest.mark.parametrize("preset", [Preset.CHEST_AP, Preset.HENZLER])
def test_the_beam_ends_at_the_detector(preset: Preset) -> None:
    import slicer
    import vtk
    from vtk.util.numpy_support import vtk_to_numpy

    assert slicer.mrmlScene is not None
    view = preset_geometry(preset, SHAPE, MATRIX, azimuth=20, elevation=-10, width=8, height=4)
    mesh = xray_scene.beam_mesh(view)
    assert isinstance(mesh, vtk.vtkPolyData)
    points = vtk_to_numpy(mesh.GetPoints().GetData()).astype(np.float64)
    in_pixels = np.linalg.solve(view.pixel_to_ras, np.column_stack([points, np.ones(8)]).T).T
    np.testing.assert_allclose(in_pixels[:4, :2], [[-0.5, -0.5], [7.5, -0.5], [7.5, 3.5], [-0.5, 3.5]], atol=1e-4)
    np.testing.assert_allclose(in_pixels[:4, 2], 0, atol=1e-3)
    if preset is Preset.HENZLER:
        np.testing.assert_allclose(points[:4] - points[4:], view.sdd * view.frame[:3, 2] * np.ones((4, 1)), atol=1e-2)
    else:
        np.testing.assert_allclose(points[4:], np.tile(view.source, (4, 1)), atol=1e-3)

"""Images and MRML nodes: exact both ways, results beside their source, previews that leave no trace."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from InverseImagingLib import nodes
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning

MATRIX = np.array([[0, -0.8, 0.3, 12], [-0.7, 0, 0, -5], [0.1, 0.2, 2.5, 30], [0, 0, 0, 1.0]])


def hu_image(shape: tuple[int, ...] = (3, 4, 5), dtype: str = "float32") -> Image:
    values = np.random.default_rng(0).integers(-1000, 1000, shape).astype(dtype)
    return Image(values, MATRIX, Meaning.HU, "CT")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    angles=st.tuples(*[st.floats(-3, 3)] * 3),
    spacing=st.tuples(*[st.floats(0.1, 9)] * 3),
    flip=st.booleans(),
    dtype=st.sampled_from(["int16", "uint8", "float32", "float64"]),
)
def test_any_geometry_survives(scene: Any, angles: Any, spacing: Any, flip: bool, dtype: str) -> None:
    matrix = np.eye(4)
    for axis, angle in enumerate(angles):
        turn = np.eye(4)
        i, j = [a for a in range(3) if a != axis]
        turn[[i, i, j, j], [i, j, i, j]] = np.cos(angle), -np.sin(angle), np.sin(angle), np.cos(angle)
        matrix = matrix @ turn
    matrix = matrix @ np.diag([-spacing[0] if flip else spacing[0], spacing[1], spacing[2], 1])
    matrix[:3, 3] = 7, -8, 9
    image = Image(np.abs(hu_image().array).astype(dtype), matrix, Meaning.HU, "CT")
    back = nodes.image_from_node(nodes.node_from_image(image, "CT"))
    np.testing.assert_array_equal(back.array, image.array)
    assert back.array.dtype == image.array.dtype
    np.testing.assert_allclose(back.ijk_to_ras, image.ijk_to_ras, atol=1e-9)
    assert back.meaning is Meaning.HU


def test_kinds_of_nodes(scene: Any) -> None:
    label = nodes.node_from_image(Image(np.ones((2, 3, 4), np.uint8), MATRIX, Meaning.LABEL), "label")
    assert label.IsA("vtkMRMLLabelMapVolumeNode")
    assert nodes.image_from_node(label).meaning is Meaning.LABEL
    color = nodes.node_from_image(Image(np.ones((2, 3, 4, 3), np.uint8), MATRIX, Meaning.RGB), "color")
    assert color.IsA("vtkMRMLVectorVolumeNode")
    assert nodes.image_from_node(color).array.shape == (2, 3, 4, 3)


def test_nodes_without_an_image(scene: Any) -> None:
    with pytest.raises(InputError, match="No input volume is selected"):
        nodes.image_from_node(None)
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Nothing")
    with pytest.raises(InputError, match="Volume 'Nothing' is empty"):
        nodes.image_from_node(empty)


def test_results_lie_beside_their_source(scene: Any) -> None:
    import slicer

    source = nodes.node_from_image(hu_image(), "CT")
    nodes.set_window(source, -160, 240)
    transform = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    source.SetAndObserveTransformNodeID(transform.GetID())
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    study = hierarchy.CreateStudyItem(hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Patient"), "Study")
    hierarchy.CreateItem(study, source)
    result = nodes.add_result(hu_image(), "CT", source, {"seed": 3})
    nodes.copy_window_level(result, source)
    assert result.GetName() == "CT_1"
    assert result.GetTransformNodeID() == transform.GetID()
    assert hierarchy.GetItemParent(hierarchy.GetItemByDataNode(result)) == study
    assert nodes.report_of(result) == {"seed": 3}
    assert nodes.report_of(source) == {}
    display = result.GetDisplayNode()
    assert (display.GetWindowLevelMin(), display.GetWindowLevelMax()) == (-160, 240)
    scene.RemoveNode(source)
    assert nodes.add_result(hu_image(), "late", source, {}).GetNodeReference(nodes.SOURCE_ROLE) is None


def test_a_preview_leaves_no_trace(scene: Any) -> None:
    source = nodes.node_from_image(hu_image(), "CT")
    before = [scene.GetNthNode(i).GetID() for i in range(scene.GetNumberOfNodes())]
    preview = nodes.Preview(source)
    preview.remove()
    preview.show(hu_image())
    preview.show(hu_image())
    assert scene.GetNumberOfNodes() > len(before)
    preview.remove()
    assert [scene.GetNthNode(i).GetID() for i in range(scene.GetNumberOfNodes())] == before


def test_a_curve_is_a_chart(scene: Any) -> None:
    before = scene.GetNumberOfNodes()
    curve = nodes.Curve("run")
    for step in range(3):
        curve.add({"iteration": step, "variance": 1 / (step + 1), "PSNR to input": 20 + step})
    assert curve.chart.GetNumberOfPlotSeriesNodes() == 2
    table = curve.chart.GetNthPlotSeriesNode(0).GetTableNode().GetTable()
    assert [table.GetValue(2, column).ToDouble() for column in range(3)] == [2, pytest.approx(1 / 3), 22]
    curve.remove()
    assert scene.GetNumberOfNodes() == before

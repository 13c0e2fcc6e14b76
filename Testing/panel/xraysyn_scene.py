"""A CT and a radiograph for the tests of X-ray Synthesis, and what the scene and the views show of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from test_ctrestoration_panel import contents

from InverseImagingLib.xray.geometry import Geometry, Preset, preset_geometry
from XraySynLib.options import Picture

SHAPE = (20, 16, 24)
MATRIX = np.array([[-7, 0.9, 0, 80], [-0.9, -7, 0.5, 60], [0, 0.5, 12, -90], [0, 0, 0, 1.0]])
PLANE = np.array([[-0.8, 0, 0, 50], [0, -0.9, 0, 40], [0, 0, 1, 5], [0, 0, 0, 1.0]])  # of the radiograph
KINDS = [*(picture.value for picture in Picture), "CT", "bone mask"]  # of what is made of a radiograph


def add_ct(name: str = "double") -> Any:
    """An oblique CT; the scripted worker does what its name says."""
    return _add(np.random.default_rng(0).normal(40, 20, SHAPE).astype(np.int16), MATRIX, name)


def add_radiograph(name: str = "double", shape: tuple[int, ...] = (1, 60, 50)) -> Any:
    """A picture of noise; the scripted worker does what its name says."""
    return _add(np.random.default_rng(0).integers(0, 4095, shape).astype(np.uint16), PLANE, name)


def _add(values: np.ndarray, matrix: np.ndarray, name: str) -> Any:
    node = slicer.util.addVolumeFromArray(values, name=name)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(matrix))
    node.CreateDefaultDisplayNodes()
    slicer.util.setSliceViewerLayers(background=node, fit=True)
    return node


def view_of(**settings: Any) -> Geometry:
    return preset_geometry(Preset.CHEST_PA, SHAPE, MATRIX, **settings)


def turn(node: Any) -> Any:
    """Puts a node under a transform of a quarter turn and a shift, and returns that."""
    transform = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    matrix = np.array([[0, -1, 0, 30], [1, 0, 0, -20], [0, 0, 1, 10], [0, 0, 0, 1.0]])
    transform.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
    node.SetAndObserveTransformNodeID(transform.GetID())
    return transform


def put_in_study(node: Any) -> int:
    """Puts a node into a study of a patient, and returns that study's item of the subject hierarchy."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    study = hierarchy.CreateStudyItem(hierarchy.CreateSubjectItem(hierarchy.GetSceneItemID(), "Patient"), "Study")
    hierarchy.SetItemParent(hierarchy.GetItemByDataNode(node), study)
    return study


def folder_of(nodes: Any) -> tuple[str, int]:
    """Name of the one folder that holds these nodes, and the item that it lies in."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    (folder,) = {hierarchy.GetItemParent(hierarchy.GetItemByDataNode(node)) for node in nodes}
    return hierarchy.GetItemName(folder), hierarchy.GetItemParent(folder)


def value_of(node: Any) -> float:
    """What all pixels of a node are."""
    (value,) = np.unique(slicer.util.arrayFromVolume(node))
    return float(value)


def window_of(node: Any) -> tuple[float, float]:
    """The values that are shown as black and as white."""
    display = node.GetDisplayNode()
    return display.GetWindowLevelMin(), display.GetWindowLevelMax()


def rendering_of(node: Any) -> Any:
    return slicer.modules.volumerendering.logic().GetFirstVolumeRenderingDisplayNode(node)


def reports_of_previews(section: Any) -> list[Any]:
    """Gets the report of each preview that a tab shows from now on."""
    reports: list[Any] = []
    show = section.panel._preview.show

    def keep(result: Any, options: Any, source: Any) -> None:
        reports.append(result.report)
        show(result, options, source)

    section.panel._preview.show = keep
    return reports


def red() -> tuple[Any, np.ndarray]:
    """What the red slice view shows, and from where."""
    widget = slicer.app.layoutManager().sliceWidget("Red")
    volume = slicer.mrmlScene.GetNodeByID(widget.mrmlSliceCompositeNode().GetBackgroundVolumeID() or "")
    return volume, slicer.util.arrayFromVTKMatrix(widget.mrmlSliceNode().GetSliceToRAS())


def everything(scene: Any) -> dict[str, Any]:
    """All that a user would notice of a scene, with the pose, the zoom and the visibility of the slice views."""
    poses = [
        (
            *slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS()).ravel().round(6),
            *np.round(node.GetFieldOfView(), 6),
            node.GetSliceVisible(),
        )
        for node in slicer.util.getNodesByClass("vtkMRMLSliceNode")
    ]
    return {**contents(scene), "poses": poses}

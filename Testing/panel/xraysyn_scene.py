"""A CT for the tests of X-ray Synthesis, and what the scene and the views show of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from test_ctrestoration_panel import contents

from InverseImagingLib.nodes import ijk_to_ras_of as to_ras
from InverseImagingLib.xray.geometry import Geometry, Preset, preset_geometry

__all__ = ["MATRIX", "SHAPE", "add_ct", "everything", "red", "to_ras", "turn", "view_of"]

SHAPE = (20, 16, 24)
MATRIX = np.array([[-7, 0.9, 0, 80], [-0.9, -7, 0.5, 60], [0, 0.5, 12, -90], [0, 0, 0, 1.0]])


def add_ct(name: str = "double") -> Any:
    """An oblique CT; the scripted worker does what its name says."""
    values = np.random.default_rng(0).normal(40, 20, SHAPE).astype(np.int16)
    node = slicer.util.addVolumeFromArray(values, name=name)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(MATRIX))
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

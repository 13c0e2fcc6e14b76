"""Photos of films for the tests of CT Film Recovery, and what a user drags in them."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer

from FilmRecoveryLib.handles import handles_of
from InverseImagingLib.nodes import SOURCE_ROLE, ijk_to_ras_of, show_true_colors, to_world

SHAPE = (60, 80)  # rows and columns of a photo


def add_photo(name: str = "double", shape: tuple[int, ...] = SHAPE) -> Any:
    """A photo of a bright film on a table; the scripted worker does what its name says."""
    pixels = np.full((*shape, 3), (90, 70, 50), np.uint8)
    rows, columns = shape
    pixels[rows // 8 : -rows // 8, columns // 8 : -columns // 8] = 180
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", name)
    slicer.util.updateVolumeFromArray(node, pixels[None])
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(np.diag([-1, -1, 1, 1.0])))
    node.CreateDefaultDisplayNodes()
    show_true_colors(node)
    return node


def drag(picture: Any, kind: str, index: int, place: tuple[float, float]) -> None:
    """Put a handle elsewhere, in pixels of its picture, as a user does in a view."""
    node = handles_of(picture, kind)
    world = to_world(picture) @ ijk_to_ras_of(picture) @ [*place, 0, 1]
    node.SetNthControlPointPositionWorld(index, *world[:3])


def parts_of(node: Any) -> list[Any]:
    """What follows handles: the lines and the numbers."""
    return [node.GetNodeReference(f"InverseImaging.{role}") for role in ("Lines", "Numbers")]


def source_of(node: Any) -> Any:
    return node.GetNodeReference(SOURCE_ROLE)

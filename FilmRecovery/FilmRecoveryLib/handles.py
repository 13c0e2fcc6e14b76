"""Points of a picture that can be dragged in a slice view, with lines and numbers that follow them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import slicer
import vtk

from InverseImagingLib.nodes import SOURCE_ROLE, ijk_to_ras_of, newest_result, place_beside, to_world

KIND = "InverseImaging.Handles"  # attribute of the markups node: what is dragged
OUTLINE, TILES = "outline", "tiles"
_LINES, _NUMBERS = "InverseImaging.Lines", "InverseImaging.Numbers"  # roles of what follows the handles
_COLORS = {OUTLINE: (0.55, 0.8, 1.0), TILES: (1.0, 0.76, 0.3)}
_VIEWS = {OUTLINE: "Red", TILES: "Yellow"}


def handles_of(picture: Any, kind: str) -> Any:
    """The handles of that kind of a picture's node, or None."""
    return newest_result(picture, KIND, kind, "vtkMRMLMarkupsFiducialNode") if picture is not None else None


def place(picture: Any, kind: str, places: np.ndarray, labels: Sequence[str]) -> Any:
    """Put the handles of that kind at places (N, 2), x and y in pixels of the picture; make them where there are
    none. Returns the markups node."""
    node = handles_of(picture, kind)
    if node is None:
        node = _add("vtkMRMLMarkupsFiducialNode", f"{picture.GetName()} {kind}", picture, kind)
        node.SetAttribute(KIND, kind)
        _follow(node, "vtkMRMLModelNode", _LINES, picture)
        _follow(node, "vtkMRMLMarkupsFiducialNode", _NUMBERS, picture)
    _put(node, picture, places, labels)
    return node


def places_of(node: Any) -> np.ndarray:
    """Where handles are, (N, 2): x and y in pixels of their picture."""
    picture = node.GetNodeReference(SOURCE_ROLE)
    world = slicer.util.arrayFromMarkupsControlPoints(node, world=True)
    homogeneous = np.column_stack([world, np.ones(len(world))])
    return np.linalg.solve(to_world(picture) @ ijk_to_ras_of(picture), homogeneous.T)[:2].T


def draw(node: Any, lines: Sequence[np.ndarray]) -> None:
    """Show lines (N, 2), x and y in pixels of the picture, with handles."""
    points, cells = vtk.vtkPoints(), vtk.vtkCellArray()
    matrix = ijk_to_ras_of(node.GetNodeReference(SOURCE_ROLE))
    for line in lines:
        cells.InsertNextCell(len(line))
        for point in _to_ras(matrix, line):
            cells.InsertCellPoint(points.InsertNextPoint(*point))
    mesh = vtk.vtkPolyData()
    mesh.SetPoints(points)
    mesh.SetLines(cells)
    node.GetNodeReference(_LINES).SetAndObservePolyData(mesh)


def number(node: Any, places: np.ndarray, texts: Sequence[str]) -> None:
    """Show texts at places (N, 2), x and y in pixels of the picture, with handles."""
    numbers = node.GetNodeReference(_NUMBERS)
    known = [numbers.GetNthControlPointLabel(index) for index in range(numbers.GetNumberOfControlPoints())]
    if known != list(texts):
        numbers.RemoveAllControlPoints()
    _put(numbers, node.GetNodeReference(SOURCE_ROLE), places, texts)


def show(node: Any, visible: bool) -> None:
    """Show or hide handles with what follows them."""
    for each in _parts(node):
        each.SetDisplayVisibility(visible)


def remove(node: Any) -> None:
    """Take handles away, with what follows them."""
    for each in reversed(_parts(node)):
        slicer.mrmlScene.RemoveNode(each)


def _parts(node: Any) -> list[Any]:
    return [node, *filter(None, (node.GetNodeReference(role) for role in (_LINES, _NUMBERS)))]


def _add(node_class: str, name: str, picture: Any, kind: str) -> Any:
    """A node that only the view of its kind shows."""
    node = slicer.mrmlScene.AddNewNodeByClass(node_class, slicer.mrmlScene.GenerateUniqueName(name))
    node.CreateDefaultDisplayNodes()
    place_beside(node, picture)
    display = node.GetDisplayNode()
    view = slicer.mrmlScene.GetSingletonNode(_VIEWS[kind], "vtkMRMLSliceNode")
    if view is not None:
        display.SetViewNodeIDs([view.GetID()])
    display.SetVisibility3D(False)
    display.SetColor(*_COLORS[kind])
    if node_class == "vtkMRMLModelNode":
        display.SetVisibility2D(True)
        display.SetSliceDisplayModeToProjection()
        display.SetSliceIntersectionThickness(2)
    else:
        display.SetSelectedColor(*_COLORS[kind])
        display.SetGlyphTypeFromString("Circle2D")
        display.SetGlyphScale(2.5)
        display.SetTextScale(3)
    return node


def _follow(node: Any, node_class: str, role: str, picture: Any) -> None:
    """A part of handles that cannot be dragged and is listed nowhere."""
    part = _add(node_class, f"{node.GetName()} {role.rpartition('.')[2].lower()}", picture, node.GetAttribute(KIND))
    part.SetHideFromEditors(True)
    node.SetNodeReferenceID(role, part.GetID())
    if role == _NUMBERS:
        part.SetLocked(True)
        part.GetDisplayNode().SetGlyphScale(0.1)
        part.GetDisplayNode().SetTextScale(4)


def _put(node: Any, picture: Any, places: np.ndarray, labels: Sequence[str]) -> None:
    with slicer.util.NodeModify(node):
        node.SetFixedNumberOfControlPoints(False)
        if node.GetNumberOfControlPoints() != len(places):
            node.RemoveAllControlPoints()
        for index, point in enumerate(_to_ras(ijk_to_ras_of(picture), places)):
            if index == node.GetNumberOfControlPoints():
                node.AddControlPoint(vtk.vtkVector3d(*point))
            node.SetNthControlPointPosition(index, *point)
            node.SetNthControlPointLabel(index, labels[index])
        node.SetFixedNumberOfControlPoints(True)


def _to_ras(matrix: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Places (N, 2) in pixels as points (N, 3) in the picture's own RAS, which the handles have, too."""
    return np.column_stack([places, np.zeros(len(places)), np.ones(len(places))]) @ matrix[:3].T

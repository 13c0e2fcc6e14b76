"""A volume in the 3D views: shown, hidden, cut away with a box."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import slicer

_LOOK = "InverseImaging.Look"  # attribute of a volume property: the name of the look that it was given


def show_in_3d(
    volume: Any, kind: str, look: str, dress: Callable[[Any], None], *, visible: bool, cut_away: bool = False
) -> None:
    """Show or hide a volume in the 3D views, all of it or what lies in a box that can be dragged. A new one takes the
    place of others that have the same value of the attribute `kind`.

    look: its name; dress: gives it to a vtkVolumeProperty. What the user makes of it stays until another one is chosen.
    """
    logic = slicer.modules.volumerendering.logic()
    display = logic.GetFirstVolumeRenderingDisplayNode(volume)
    if display is None:
        if not visible:
            return
        _hide_others(volume, kind)
        display = _add_display(volume)
    rendering = display.GetVolumePropertyNode()
    if rendering.GetAttribute(_LOOK) != look:
        rendering.SetAttribute(_LOOK, look)
        with slicer.util.NodeModify(rendering):
            dress(rendering.GetVolumeProperty())
    if cut_away and display.GetROINode() is None:
        logic.CreateROINode(display)
    display.SetCroppingEnabled(cut_away)
    _set_visible(display, visible)


def replace_points(function: Any, points: Any) -> None:
    """Give a vtkPiecewiseFunction (value, y) or a vtkColorTransferFunction (value, r, g, b) new points."""
    add = function.AddRGBPoint if function.IsA("vtkColorTransferFunction") else function.AddPoint
    function.RemoveAllPoints()
    for point in points:
        add(*point)


def _add_display(volume: Any) -> Any:
    """What CreateDefaultVolumeRenderingNodes does, without a preset that would be replaced at once."""
    logic = slicer.modules.volumerendering.logic()
    display = logic.CreateVolumeRenderingDisplayNode()
    slicer.mrmlScene.AddNode(display)
    display.UnRegister(logic)
    volume.AddAndObserveDisplayNodeID(display.GetID())
    logic.UpdateDisplayNodeFromVolumeNode(display, volume, None, None, False)
    return display


def _hide_others(volume: Any, kind: str) -> None:
    for display in slicer.util.getNodesByClass("vtkMRMLVolumeRenderingDisplayNode"):
        other = display.GetVolumeNode()
        if other is not None and other.GetAttribute(kind) == volume.GetAttribute(kind):
            _set_visible(display, False)


def _set_visible(display: Any, visible: bool) -> None:
    display.SetVisibility(visible)
    if display.GetROINode() is not None:
        display.GetROINode().SetDisplayVisibility(visible and bool(display.GetCroppingEnabled()))

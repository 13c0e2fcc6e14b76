"""Slicer scenes of the demonstration: volumes in folders, two of them in the slice views."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any


@contextlib.contextmanager
def written_to(path: Path) -> Iterator[Any]:
    """A new scene, which is written when the block ends."""
    import slicer
    import vtk

    vtk.vtkObject.GlobalWarningDisplayOff()  # about color tables that only the application has
    slicer.mrmlScene = scene = slicer.vtkMRMLScene()
    yield scene
    if not scene.WriteToMRB(str(path.absolute())):
        raise OSError(f"{path} could not be written")


def folder(scene: Any, title: str, nodes: Sequence[Any]) -> None:
    """Put nodes into a new folder of the subject hierarchy."""
    import slicer

    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(scene)
    item = hierarchy.CreateFolderItem(hierarchy.GetSceneItemID(), title)
    for node in nodes:
        hierarchy.CreateItem(item, node)


def show(scene: Any, orientation: str, volumes: Sequence[Any]) -> None:
    """Side by side, fitted: one volume in the red view, the other in the yellow one."""
    import slicer

    layout = scene.AddNewNodeByClass("vtkMRMLLayoutNode")
    layout.SetViewArrangement(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
    application = slicer.vtkSlicerApplicationLogic()
    application.SetMRMLScene(scene)
    for name, volume in zip(("Red", "Yellow"), volumes, strict=True):
        logic = slicer.vtkMRMLSliceLogic()
        logic.SetMRMLApplicationLogic(application)
        logic.SetMRMLScene(scene)
        view = logic.AddSliceNode(name)
        view.SetOrientation(orientation)
        view.SetDimensions(512, 512, 1)
        composite = logic.GetSliceCompositeNode(view)
        composite.SetBackgroundVolumeID(volume.GetID())
        composite.SetLinkedControl(orientation == "Axial")
        logic.FitSliceToAll()

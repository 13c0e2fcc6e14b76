"""Keeps the subject hierarchy in step with the data nodes, as Slicer's subject hierarchy plugins do."""

from __future__ import annotations

import vtk

CLAIMED_CLASSES = (
    "vtkMRMLScalarVolumeNode",
    "vtkMRMLVectorVolumeNode",
    "vtkMRMLSegmentationNode",
    "vtkMRMLModelNode",
    "vtkMRMLMarkupsNode",
    "vtkMRMLTransformNode",
    "vtkMRMLTableNode",
    "vtkMRMLTextNode",
    "vtkMRMLPlotChartNode",
    "vtkMRMLSequenceNode",
)


def install(slicer) -> None:
    """Observe the scene: an item for every data node, while the node is there."""
    scene, hierarchy_class = slicer.mrmlScene, slicer.vtkMRMLSubjectHierarchyNode

    def add(node) -> None:
        hierarchy = hierarchy_class.GetSubjectHierarchyNode(scene)
        claimed = any(node.IsA(name) for name in CLAIMED_CLASSES)
        if claimed and not node.GetHideFromEditors() and not hierarchy.GetItemByDataNode(node):
            hierarchy.CreateItem(hierarchy.GetSceneItemID(), node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def on_node_added(caller, event, node):
        if node.IsA("vtkMRMLSubjectHierarchyNode"):
            hierarchy_class.ResolveSubjectHierarchy(scene)
        elif not scene.IsImporting():
            add(node)

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def on_node_leaving(caller, event, node):
        if scene.IsClosing() or node.IsA("vtkMRMLSubjectHierarchyNode"):
            return
        hierarchy = hierarchy_class.GetSubjectHierarchyNode(scene)
        item = hierarchy.GetItemByDataNode(node) if hierarchy else 0
        if item:
            hierarchy.RemoveItem(item, False, False)

    def on_import_ended(caller, event):
        hierarchy_class.ResolveSubjectHierarchy(scene)
        for index in range(scene.GetNumberOfNodes()):
            add(scene.GetNthNode(index))

    def on_close_ended(caller, event):
        hierarchy_class.ResolveSubjectHierarchy(scene)

    scene.AddObserver(scene.NodeAddedEvent, on_node_added)
    scene.AddObserver(scene.NodeAboutToBeRemovedEvent, on_node_leaving)
    scene.AddObserver(scene.EndImportEvent, on_import_ended, 10.0)
    scene.AddObserver(scene.EndCloseEvent, on_close_ended)

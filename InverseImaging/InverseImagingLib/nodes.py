"""Between Images and MRML nodes: conversion, placement in the subject hierarchy, display."""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer
import vtk

from .errors import InputError
from .image import Image, Meaning

if TYPE_CHECKING:
    from pydicom import Dataset

REPORT_ATTRIBUTE = "InverseImaging.Report"
DERIVED_ATTRIBUTE = "InverseImaging.Derived"
SOURCE_ROLE = "InverseImaging.SourceVolume"


# Nodes to Images


def image_from_node(node: Any) -> Image:
    """The voxels and geometry of a volume node, sharing its memory. Raises InputError when it holds no image.

    Values are taken as HU when the node is a scalar volume; a method that is given anything else says so.
    """
    if node is None:
        raise InputError("No input volume is selected; select one.")
    if node.GetImageData() is None or node.GetImageData().GetNumberOfPoints() == 0:
        raise InputError(f"Volume '{node.GetName()}' is empty; load an image into it or select another one.")
    array = slicer.util.arrayFromVolume(node)
    if node.IsA("vtkMRMLLabelMapVolumeNode"):
        meaning = Meaning.LABEL
    elif array.ndim == 4:
        meaning = Meaning.RGB
    else:
        meaning = Meaning.HU
    return Image(array, ijk_to_ras_of(node), meaning, node.GetName() or "")


def mask_from_segment(segmentation: Any, segment: str, reference: Any) -> Image:
    """A segment as a label image on the grid of the reference volume. Raises InputError when it is not there."""
    if segmentation is None or not segment or segmentation.GetSegmentation().GetSegment(segment) is None:
        raise InputError("No segment is selected as mask; select one, or paint one with Paint.")
    array = array_of_segment(segmentation, segment, reference)
    if array is None:
        name = segmentation.GetSegmentation().GetSegment(segment).GetName()
        raise InputError(f"Segment '{name}' is empty; paint into it or select another one.")
    return Image(array, ijk_to_ras_of(reference), Meaning.LABEL, segmentation.GetName())


def array_of_segment(segmentation: Any, segment: str, reference: Any) -> np.ndarray | None:
    """A segment on the grid of the reference volume, 1 inside, or None where it has nothing there."""
    try:
        array = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, segment, reference)
    except RuntimeError:
        return None
    return array if array is not None and array.any() else None


class KeptImages:
    """Gives the very same Image again as long as what it was made of has not changed, so that a worker that has it
    need not get it again. Only remembers: the Image goes when nobody else holds it."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Any, weakref.ref[Image]]] = {}

    def of_node(self, role: str, node: Any) -> Image:
        """image_from_node of the node in that role."""
        return self.get(role, state_of(node), lambda: image_from_node(node))

    def of_segment(self, role: str, segmentation: Any, segment: str, reference: Any) -> Image:
        """mask_from_segment of the segment in that role."""
        state = (state_of_segment(segmentation, segment), state_of(segmentation), state_of(reference))
        return self.get(role, state, lambda: mask_from_segment(segmentation, segment, reference))

    def get(self, role: str, state: Any, make: Callable[[], Image]) -> Image:
        """What is made in that role, of what has that state."""
        known, reference = self._kept.get(role, (None, None))
        image = reference() if reference is not None and known == state else None
        if image is None:
            image = make()
            self._kept[role] = (state, weakref.ref(image))
        return image


def state_of_segment(segmentation: Any, segment: str) -> Any:
    """Something that changes with the voxels of a segment."""
    own = segmentation.GetSegmentation().GetSegment(segment) if segmentation is not None else None
    source = own.GetRepresentation(segmentation.GetSegmentation().GetSourceRepresentationName()) if own else None
    return segment, source.GetMTime() if source else None


def state_of(node: Any) -> Any:
    """Something that changes with a node's voxels, geometry, name and transform."""
    if node is None:
        return None
    state = [node.GetID(), node.GetName(), node.GetTransformNodeID()]
    if node.IsA("vtkMRMLVolumeNode"):
        data = node.GetImageData()
        scalars = data.GetPointData().GetScalars() if data is not None else None
        state += [data.GetMTime() if data else 0, scalars.GetMTime() if scalars else 0, ijk_to_ras_of(node).tobytes()]
    return tuple(state)


def ijk_to_ras_of(node: Any) -> np.ndarray:
    """4 x 4 matrix of a volume node, without its parent transform."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def to_world(node: Any) -> np.ndarray:
    """4 x 4 from a node's own RAS to the world's: its parent transform, if that is linear."""
    matrix = vtk.vtkMatrix4x4()
    slicer.vtkMRMLTransformNode.GetMatrixTransformBetweenNodes(node.GetParentTransformNode(), None, matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


# Images to nodes


def node_from_image(image: Image, name: str) -> Any:
    """A new volume node in the scene: a label map, a color volume or a scalar volume, as the image means it.

    Its window is left for the caller to set: to look for one in a large volume takes half a second.
    """
    if image.meaning is Meaning.LABEL:
        node_class = "vtkMRMLLabelMapVolumeNode"
    else:
        node_class = "vtkMRMLVectorVolumeNode" if image.is_color else "vtkMRMLScalarVolumeNode"
    node = slicer.mrmlScene.AddNewNodeByClass(node_class, name)
    node.CreateDefaultDisplayNodes()
    if node_class == "vtkMRMLScalarVolumeNode":
        node.GetDisplayNode().AutoWindowLevelOff()
    update_node(node, image)
    if image.is_color:
        show_true_colors(node)
    return node


def update_node(node: Any, image: Image) -> None:
    """Put the voxels and the geometry of an image into an existing volume node."""
    slicer.util.updateVolumeFromArray(node, image.array)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(image.ijk_to_ras))


def add_result(image: Image, name: str, source: Any, report: Mapping[str, Any]) -> Any:
    """A node for an output of a method, beside its source volume: same place in the subject hierarchy (and with it
    the same patient and study), same transform, labelled as derived, with the report as an attribute."""
    node = node_from_image(image, slicer.mrmlScene.GenerateUniqueName(name))
    mark_derived(node, report)
    if source is not None and slicer.mrmlScene.IsNodePresent(source):
        place_beside(node, source)
        if image.meaning is Meaning.HU:
            _copy_units(node, source)
    return node


def mark_derived(node: Any, report: Mapping[str, Any]) -> None:
    """Say in the attributes of a node that it was computed, and how."""
    node.SetAttribute(DERIVED_ATTRIBUTE, "Computed by Inverse Imaging. Not for clinical use.")
    node.SetAttribute(REPORT_ATTRIBUTE, json.dumps(report))


def _copy_units(node: Any, source: Any) -> None:
    if source.GetVoxelValueQuantity() is not None:
        node.SetVoxelValueQuantity(source.GetVoxelValueQuantity())
    if source.GetVoxelValueUnits() is not None:
        node.SetVoxelValueUnits(source.GetVoxelValueUnits())


def place_beside(node: Any, source: Any) -> None:
    """Give a node its source's transform, where it lies anywhere, and place in the subject hierarchy."""
    node.SetNodeReferenceID(SOURCE_ROLE, source.GetID())
    if node.IsA("vtkMRMLTransformableNode"):
        node.SetAndObserveTransformNodeID(source.GetTransformNodeID())
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    item, beside = hierarchy.GetItemByDataNode(node), hierarchy.GetItemByDataNode(source)
    if item and beside:
        hierarchy.SetItemParent(item, hierarchy.GetItemParent(beside))


def newest_result(source: Any, attribute: str, value: str, node_class: str = "vtkMRMLVolumeNode") -> Any:
    """The last node that was made of a volume and has this value of an attribute, or None."""
    found = (
        node
        for node in reversed(slicer.util.getNodesByClass(node_class))
        if node.GetAttribute(attribute) == value and node.GetNodeReference(SOURCE_ROLE) is source
    )
    return next(found, None)


def report_of(node: Any) -> dict[str, Any]:
    """The report of a node that a method made, or an empty one."""
    text = node.GetAttribute(REPORT_ATTRIBUTE) if node is not None else None
    return json.loads(text) if text else {}


def dicom_header_of(node: Any) -> Dataset | None:
    """The header that a node was loaded from, if Slicer's DICOM database has that file."""
    from .dicom import source_header

    instances = (node.GetAttribute("DICOM.instanceUIDs") or "").split() if node is not None else []
    path = slicer.dicomDatabase.fileForInstance(instances[0]) if instances else ""
    return source_header([path]) if path and Path(path).is_file() else None


# Display


def copy_window_level(node: Any, source: Any) -> None:
    """Show a volume with the window, level and interpolation of another one, or one of its own if that has none."""
    display, shown = node.GetDisplayNode(), source.GetDisplayNode()
    if shown is None or not shown.IsA("vtkMRMLScalarVolumeDisplayNode"):
        display.AutoWindowLevelOn()
        return
    display.AutoWindowLevelOff()
    display.SetWindowLevel(shown.GetWindow(), shown.GetLevel())
    display.SetInterpolate(shown.GetInterpolate())
    display.SetAndObserveColorNodeID(shown.GetColorNodeID())


def set_window(node: Any, low: float, high: float) -> None:
    """Show a volume with the values from low to high between black and white."""
    display = node.GetDisplayNode()
    display.AutoWindowLevelOff()
    display.SetWindowLevelMinMax(low, high)


def show_true_colors(node: Any) -> None:
    """Show colors as they are, not stretched to what the volume has."""
    opaque = node.GetImageData().GetNumberOfScalarComponents() == 3
    node.SetVoxelVectorType(node.VoxelVectorTypeColorRGB if opaque else node.VoxelVectorTypeColorRGBA)
    set_window(node, 0, 255)


class SliceLayers:
    """What the slice views showed at one moment, to bring it back later."""

    def __init__(self) -> None:
        self._layers = [
            (node.GetID(), node.GetBackgroundVolumeID(), node.GetForegroundVolumeID(), node.GetForegroundOpacity())
            for node in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode")
        ]

    def restore(self) -> None:
        for composite, background, foreground, opacity in self._layers:
            node = slicer.mrmlScene.GetNodeByID(composite)
            if node is not None:
                node.SetBackgroundVolumeID(background)
                node.SetForegroundVolumeID(foreground)
                node.SetForegroundOpacity(opacity)


class Preview:
    """A passing volume, in gray or in color, in the foreground of the slice views; gone without a trace when it is
    removed."""

    def __init__(self, like: Any) -> None:
        self._like = like
        self._node: Any = None
        self._layers: SliceLayers | None = None

    def show(self, image: Image) -> None:
        if self._node is None:
            self._layers = SliceLayers()
            self._node = slicer.vtkMRMLVectorVolumeNode() if image.is_color else slicer.vtkMRMLScalarVolumeNode()
            self._node.SetName("Inverse Imaging preview")
            self._node.SetHideFromEditors(True)
            self._node.SaveWithSceneOff()
            slicer.mrmlScene.AddNode(self._node)
            update_node(self._node, image)
            self._node.CreateDefaultDisplayNodes()
            self._node.GetDisplayNode().SaveWithSceneOff()
            self._node.SetAndObserveTransformNodeID(self._like.GetTransformNodeID())
            if image.is_color:
                show_true_colors(self._node)
            else:
                copy_window_level(self._node, self._like)
            slicer.util.setSliceViewerLayers(foreground=self._node, foregroundOpacity=1.0)
        else:
            update_node(self._node, image)

    def remove(self) -> None:
        if self._layers is not None:
            self._layers.restore()
        if self._node is not None:
            display = self._node.GetDisplayNode()
            slicer.mrmlScene.RemoveNode(self._node)
            if display is not None and slicer.mrmlScene.IsNodePresent(display):
                slicer.mrmlScene.RemoveNode(display)
        self._node = self._layers = None


def slice_shown(volume: Any, axis: int, view: str) -> int:
    """Index, along an array axis (0, 1, 2 for K, J, I) of a volume, of the slice in which a slice view's middle lies;
    the nearest one where it lies beside the volume."""
    node = slicer.mrmlScene.GetSingletonNode(view, "vtkMRMLSliceNode")
    center = slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS())[:, 3]
    ijk = np.linalg.solve(to_world(volume) @ ijk_to_ras_of(volume), center)
    return int(np.clip(round(ijk[2 - axis]), 0, volume.GetImageData().GetDimensions()[2 - axis] - 1))


class Curve:
    """A run's curve as a Slicer plot: a table whose first column is x, one line for each further column."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._nodes: list[Any] = []

    @property
    def chart(self) -> Any:
        return self._nodes[0] if self._nodes else None

    def add(self, point: Mapping[str, float]) -> None:
        """Add a point; the first one makes the nodes."""
        if not self._nodes:
            self._create(list(point))
        table = self._nodes[1].GetTable()
        row = table.InsertNextBlankRow()
        for column, value in enumerate(point.values()):
            table.SetValue(row, column, vtk.vtkVariant(float(value)))
        self._nodes[1].Modified()

    def remove(self) -> None:
        for node in reversed(self._nodes):
            slicer.mrmlScene.RemoveNode(node)
        self._nodes = []

    def _create(self, names: list[str]) -> None:
        table = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", f"{self._title} values")
        for name in names:
            column = vtk.vtkDoubleArray()
            column.SetName(name)
            table.AddColumn(column)
        chart = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotChartNode", self._title)
        chart.SetTitle(self._title)
        chart.SetXAxisTitle(names[0])
        self._nodes = [chart, table]
        for number, name in enumerate(names[1:]):
            series = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLPlotSeriesNode", name)
            series.SetAndObserveTableNodeID(table.GetID())
            series.SetXColumnName(names[0])
            series.SetYColumnName(name)
            series.SetPlotType(series.PlotTypeScatter)
            series.SetMarkerStyle(series.MarkerStyleNone)
            series.SetColor(*((0.12, 0.47, 0.71), (0.84, 0.37, 0.0), (0.2, 0.6, 0.2))[number % 3])
            chart.AddAndObservePlotSeriesNodeID(series.GetID())
            self._nodes.append(series)


def compare_by_fading(source: Any, result: Any, opacity: float) -> None:
    """Show the result over its source in all slice views; opacity 0 shows the source alone, 1 the result alone."""
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        composite.SetBackgroundVolumeID(source.GetID() if source is not None else None)
        composite.SetForegroundVolumeID(result.GetID())
        composite.SetForegroundOpacity(opacity)


def compare_side_by_side(source: Any, result: Any) -> None:
    """Show source and result in two linked slice views of the same plane."""
    layout = slicer.app.layoutManager()
    layout.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
    views = [layout.sliceWidget(name) for name in ("Red", "Yellow")]
    orientation = views[0].mrmlSliceNode().GetOrientation()
    for view, volume in zip(views, (source, result), strict=True):
        view.mrmlSliceNode().SetOrientation(orientation)
        composite = view.mrmlSliceCompositeNode()
        composite.SetLinkedControl(True)
        composite.SetBackgroundVolumeID(volume.GetID())
        composite.SetForegroundVolumeID(None)
        view.sliceLogic().FitSliceToAll()

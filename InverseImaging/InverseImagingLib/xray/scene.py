"""Radiographs in the MRML scene: pictures where the detector is, the beam in 3D, and a slice view that faces them."""

from __future__ import annotations

import abc
import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from ..errors import InputError
from ..image import Image
from ..method import Result
from ..nodes import add_result, ijk_to_ras_of, place_beside, set_window, show_true_colors, to_world, update_node
from .geometry import ARRANGEMENTS, Geometry, Preset, angles_of, corners_of
from .options import Look, RadiographOptions, azimuths

VIEW = "Red"
_KEPT = "InverseImaging.BeforePreview"  # attribute of its node
_HIGHEST = 4095  # of a displayed pixel, see radiograph
_VIEW_POSITION = "0018,5101"
_SOURCE_RADIUS = 15.0  # mm
_SOURCE_COLOR, _BEAM_COLOR = (1.0, 0.75, 0.2), (0.55, 0.8, 1.0)


def geometries_of(report: Mapping[str, Any]) -> list[Geometry]:
    """The views of a radiograph by its report."""
    return [Geometry(**view) for view in report["views"]]


# Radiographs as they come


def is_picture(volume: Any) -> bool:
    """Whether a volume node is one plane, as a radiograph is."""
    return volume.GetImageData() is not None and volume.GetImageData().GetDimensions()[2] == 1


def view_position(volume: Any) -> str:
    """ViewPosition in the header of a volume node, if Slicer's DICOM database has the file that it comes from."""
    instances = (volume.GetAttribute("DICOM.instanceUIDs") or "").split()
    return slicer.dicomDatabase.instanceValue(instances[0], _VIEW_POSITION) if instances else ""


# Results


def add_radiographs(result: Result, options: RadiographOptions, source: Any) -> list[Any]:
    """Add the pictures of a run beside its CT, in a folder of their own, with the X-ray source and the outline of the
    beam as models. A sweep becomes sequences under one browser. Returns the nodes, the radiograph first."""
    name, report = source.GetName(), result.report
    pictures = [image for key, image in result.images.items() if key.startswith("radiograph")]
    views = geometries_of(report)
    radiograph = add_result(pictures[0], _("{name} radiograph (simulated)").format(name=name), source, report)
    set_window(radiograph, *picture_window(pictures, options))
    spot = _add_model(_("{name} X-ray source").format(name=name), source_mesh(views[0]), _SOURCE_COLOR)
    beam = _add_model(_("{name} X-ray beam").format(name=name), beam_mesh(views[0]), _BEAM_COLOR)
    for model in (spot, beam):
        place_beside(model, source)
    nodes = [radiograph, spot, beam]
    if "bone map" in result.images:
        bone = result.images["bone map"]
        node = add_result(bone, _("{name} bone map (simulated)").format(name=name), source, report)
        set_window(node, 0, max(float(bone.array.max()), 1e-3))
        nodes.insert(1, node)
    if options.sweep:
        title = _("{name} sweep").format(name=name)
        nodes += add_sequences(
            title,
            azimuths(options),
            (
                (radiograph, lambda number: update_node(radiograph, pictures[number])),
                (spot, lambda number: spot.SetAndObservePolyData(source_mesh(views[number]))),
                (beam, lambda number: beam.SetAndObservePolyData(beam_mesh(views[number]))),
            ),
        )
    gather(nodes, _("{name} radiograph").format(name=name), source)
    return nodes


def picture_window(pictures: Sequence[Image], options: RadiographOptions) -> tuple[float, float]:
    """The values that are shown black and white."""
    if options.look is Look.RADIOGRAPH:
        return 0.0, float(_HIGHEST)
    low, high = min(float(p.array.min()) for p in pictures), max(float(p.array.max()) for p in pictures)
    return low, max(high, low + 1e-6)


def add_sequences(title: str, angles: Sequence[float], parts: Sequence[tuple[Any, Callable[[int], None]]]) -> list[Any]:
    """A browser that turns all views of each part: a node, and what puts a view into it."""
    browser = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceBrowserNode", title)
    sequences = []
    for node, show in parts:
        sequence = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSequenceNode", node.GetName())
        sequence.SetIndexName(_("azimuth"))
        sequence.SetIndexUnit("°")
        for number, angle in enumerate(angles):
            show(number)
            sequence.SetDataNodeAtValue(node, f"{angle:g}")
        with slicer.util.NodeModify(browser):  # before it makes a proxy of its own
            browser.AddSynchronizedSequenceNode(sequence)
            browser.AddProxyNode(node, sequence, False)
        sequences.append(sequence)
    browser.SetSelectedItemNumber(0)
    slicer.modules.sequences.logic().UpdateProxyNodesFromSequences(browser)
    slicer.modules.sequences.setToolBarActiveBrowserNode(browser)
    return [browser, *sequences]


def frames_of(nodes: Sequence[Any]) -> list[np.ndarray]:
    """The views (H, W) of a sweep among the nodes of a result, or none."""
    return [
        slicer.util.arrayFromVolume(node.GetNthDataNode(number))[0]
        for node in nodes
        if node is not None and node.IsA("vtkMRMLSequenceNode")
        for number in range(node.GetNumberOfDataNodes())
    ]


def gather(nodes: Sequence[Any], name: str, source: Any) -> None:
    """Put nodes into a new folder of the subject hierarchy, beside the source."""
    hierarchy = slicer.vtkMRMLSubjectHierarchyNode.GetSubjectHierarchyNode(slicer.mrmlScene)
    beside = hierarchy.GetItemByDataNode(source)
    parent = hierarchy.GetItemParent(beside) if beside else hierarchy.GetSceneItemID()
    folder = hierarchy.CreateFolderItem(parent, hierarchy.GenerateUniqueItemName(name))
    for node in nodes:
        item = hierarchy.GetItemByDataNode(node)
        if item:
            hierarchy.SetItemParent(item, folder)


# The beam


def source_mesh(view: Geometry) -> vtk.vtkPolyData:
    """A ball at the focal spot, in RAS."""
    ball = vtk.vtkSphereSource()
    ball.SetCenter(*view.source)
    ball.SetRadius(_SOURCE_RADIUS)
    ball.SetThetaResolution(24)
    ball.SetPhiResolution(16)
    ball.Update()
    return ball.GetOutput()


def beam_mesh(view: Geometry) -> vtk.vtkPolyData:
    """Lines along the edges of the beam, and around the detector, in RAS."""
    to_ras = view.pixel_to_ras
    columns, rows = np.array([0, 1, 1, 0]) * view.width - 0.5, np.array([0, 0, 1, 1]) * view.height - 0.5
    corners = np.stack([columns, rows, np.zeros(4), np.ones(4)], axis=1) @ to_ras[:3].T
    starts = corners - view.sdd * view.frame[:3, 2] if view.parallel else np.tile(view.source, (4, 1))
    points, lines = vtk.vtkPoints(), vtk.vtkCellArray()
    for point in (*corners, *starts):
        points.InsertNextPoint(*point)
    for ends in ((0, 1), (1, 2), (2, 3), (3, 0), *((corner, corner + 4) for corner in range(4))):
        lines.InsertNextCell(2, ends)
    mesh = vtk.vtkPolyData()
    mesh.SetPoints(points)
    mesh.SetLines(lines)
    return mesh


def _add_model(name: str, mesh: vtk.vtkPolyData, color: tuple[float, float, float], passing: bool = False) -> Any:
    """A model in the 3D views; a passing one is neither listed nor saved."""
    node = slicer.vtkMRMLModelNode()
    node.SetName(slicer.mrmlScene.GenerateUniqueName(name))
    _mark(node, passing)
    slicer.mrmlScene.AddNode(node)
    node.SetAndObservePolyData(mesh)
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetSaveWithScene(not passing)
    display.SetColor(*color)
    display.SetLighting(mesh.GetNumberOfLines() == 0)
    display.SetLineWidth(2)
    display.SetVisibility2D(False)
    return node


def _mark(node: Any, passing: bool) -> None:
    node.SetHideFromEditors(passing)
    node.SetSaveWithScene(not passing)


# Views


def face(picture: Any, *, fit: bool = True, view: str = VIEW, in_3d: bool = True) -> None:
    """Show a picture in a slice view, its rows across and its columns down. fit: the whole of it; in_3d: also in its
    place in the 3D views."""
    widget = slicer.app.layoutManager().sliceWidget(view)
    if widget is None:
        return
    across, down, _unused, corner = (to_world(picture) @ ijk_to_ras_of(picture)).T[:, :3]
    width, height = picture.GetImageData().GetDimensions()[:2]
    center = corner + (width - 1) / 2 * across + (height - 1) / 2 * down
    across, up = across / np.linalg.norm(across), -down / np.linalg.norm(down)
    node = widget.mrmlSliceNode()
    pose = np.eye(4)
    pose[:3] = np.column_stack([across, up, np.cross(across, up), center])
    node.GetSliceToRAS().DeepCopy(pose.ravel())
    node.UpdateMatrices()
    node.SetSliceVisible(in_3d)
    composite = widget.mrmlSliceCompositeNode()
    composite.SetBackgroundVolumeID(picture.GetID())
    composite.SetForegroundVolumeID(None)
    if fit:
        widget.sliceLogic().FitSliceToBackground()


def show_source_beside(source: Any) -> None:
    """Show the radiograph in the yellow slice view, beside the red one."""
    layout = slicer.app.layoutManager()
    layout.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
    face(source, view="Yellow", in_3d=False)
    layout.sliceWidget(VIEW).sliceLogic().FitSliceToBackground()


def is_faced(picture: Any) -> bool:
    """Whether the red slice view shows a picture."""
    widget = slicer.app.layoutManager().sliceWidget(VIEW)
    return widget is not None and widget.mrmlSliceCompositeNode().GetBackgroundVolumeID() == picture.GetID()


def keep_view() -> None:
    """Note in the red slice view's node what it shows, and from where, for restore_view. What is noted already stays,
    also in a scene that was saved meanwhile."""
    widget = slicer.app.layoutManager().sliceWidget(VIEW)
    if widget is None or widget.mrmlSliceNode().GetAttribute(_KEPT):
        return
    node, composite = widget.mrmlSliceNode(), widget.mrmlSliceCompositeNode()
    kept = {
        "pose": slicer.util.arrayFromVTKMatrix(node.GetSliceToRAS()).ravel().tolist(),
        "field": node.GetFieldOfView(),
        "origin": node.GetXYZOrigin(),
        "visible": bool(node.GetSliceVisible()),
        "background": composite.GetBackgroundVolumeID(),
        "foreground": composite.GetForegroundVolumeID(),
    }
    node.SetAttribute(_KEPT, json.dumps(kept))


def restore_view() -> None:
    """Let the red slice view show what keep_view noted."""
    widget = slicer.app.layoutManager().sliceWidget(VIEW)
    if widget is None or not widget.mrmlSliceNode().GetAttribute(_KEPT):
        return
    node, composite = widget.mrmlSliceNode(), widget.mrmlSliceCompositeNode()
    kept = json.loads(node.GetAttribute(_KEPT))
    node.RemoveAttribute(_KEPT)
    node.GetSliceToRAS().DeepCopy(kept["pose"])
    node.UpdateMatrices()
    width, height = node.GetDimensions()[:2]  # of a window that may have another shape by now
    node.SetFieldOfView(kept["field"][0], kept["field"][0] * height / width, kept["field"][2])
    node.SetXYZOrigin(*kept["origin"])
    node.SetSliceVisible(kept["visible"])
    composite.SetBackgroundVolumeID(kept["background"])
    composite.SetForegroundVolumeID(kept["foreground"])


def add_passing_picture(name: str, image: Image) -> Any:
    """A picture, in gray or in color, that is neither listed nor saved."""
    node = slicer.vtkMRMLVectorVolumeNode() if image.is_color else slicer.vtkMRMLScalarVolumeNode()
    node.SetName(name)
    _mark(node, True)
    slicer.mrmlScene.AddNode(node)
    update_node(node, image)
    node.CreateDefaultDisplayNodes()
    node.GetDisplayNode().SaveWithSceneOff()
    if image.is_color:
        show_true_colors(node)
    return node


def remove_passing(nodes: Sequence[Any]) -> None:
    """Take passing nodes away, with what displays them, and let the red slice view show what keep_view noted."""
    if nodes:
        restore_view()
    for node in nodes:
        for each in (node, node.GetDisplayNode()):
            if each is not None and slicer.mrmlScene.IsNodePresent(each):
                slicer.mrmlScene.RemoveNode(each)


class PicturePreview(abc.ABC):
    """A passing picture in the red slice view, gray or colored; gone without a trace when it is removed."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._source: Any = None
        self._aspect = 0.0

    @abc.abstractmethod
    def dress(self, node: Any, options: Any) -> None:
        """Give the picture of a run with these options its name, window and colors."""

    def show(self, result: Result, options: Any, source: Any) -> None:
        """Show the one picture of a run; source: the radiograph that it was made of."""
        image = next(iter(result.images.values()))
        if self._nodes and self._nodes[0].IsA("vtkMRMLVectorVolumeNode") != image.is_color:
            self.remove()
        if not self._nodes:
            keep_view()
            self._nodes = [add_passing_picture("", image)]
        (node,) = self._nodes
        update_node(node, image)
        self.dress(node, options)
        node.SetAndObserveTransformNodeID(source.GetTransformNodeID())
        aspect = image.array.shape[2] / image.array.shape[1]
        same = source is self._source and math.isclose(aspect, self._aspect, rel_tol=0.1)
        face(node, fit=not same, in_3d=False)
        self._source, self._aspect = source, aspect

    def remove(self) -> None:
        """Bring back what the views showed before."""
        remove_passing(self._nodes)
        self._nodes, self._source = [], None


class RadiographPreview:
    """A passing radiograph in the red slice view, and its beam in 3D; gone without a trace when it is removed."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._side = 0.0

    def show(self, result: Result, options: RadiographOptions, source: Any) -> None:
        """Show the first picture of a run; source: the CT that it belongs to."""
        image, view = next(iter(result.images.values())), geometries_of(result.report)[0]
        if not self._nodes:
            keep_view()
            self._nodes = [
                add_passing_picture(_("Radiograph preview"), image),
                _add_model(_("X-ray source preview"), source_mesh(view), _SOURCE_COLOR, passing=True),
                _add_model(_("X-ray beam preview"), beam_mesh(view), _BEAM_COLOR, passing=True),
            ]
        picture, spot, beam = self._nodes
        update_node(picture, image)
        set_window(picture, *picture_window([image], options))
        spot.SetAndObservePolyData(source_mesh(view))
        beam.SetAndObservePolyData(beam_mesh(view))
        for node in self._nodes:
            node.SetAndObserveTransformNodeID(source.GetTransformNodeID())
        side = max(view.width, view.height) * view.pixel
        face(picture, fit=not math.isclose(side, self._side))
        self._side = side

    def remove(self) -> None:
        """Bring back what the views showed before."""
        remove_passing(self._nodes)
        self._nodes, self._side = [], 0.0


# The camera of a 3D view


def options_of_camera(camera: Any, volume: Any, width: int = 0, height: int = 0) -> dict[str, Any]:
    """The options, by name, of the radiograph that is seen as a 3D view sees the volume: the source where the camera
    is, and a detector as wide as the view just behind the volume. width, height: its pixels; 0 means the preset's.

    Raises InputError when the camera does not look towards the volume.
    """
    to_volume = np.linalg.inv(to_world(volume))
    position, focus = ((to_volume @ [*point, 1.0])[:3] for point in (camera.GetPosition(), camera.GetFocalPoint()))
    up = to_volume[:3, :3] @ camera.GetViewUp()
    beam = (focus - position) / np.linalg.norm(focus - position)
    up = up - (up @ beam) * beam
    up /= np.linalg.norm(up)
    corners = corners_of(volume.GetImageData().GetDimensions()[::-1], ijk_to_ras_of(volume))
    middle = corners.mean(axis=0)
    distance = float((middle - position) @ beam)
    if distance <= 0:
        raise InputError(f"The 3D view does not look towards '{volume.GetName()}'; turn the view or reset it.")
    preset = Preset.CHEST_AP  # the one that is seen from the source
    frame = np.eye(4)
    frame[:3, :3] = np.column_stack([np.cross(beam, up), -up, beam])
    azimuth, elevation, roll = angles_of(frame)
    offset = position + distance * beam - middle
    behind = distance + float(np.linalg.norm(corners - middle, axis=1).max())
    width = width or ARRANGEMENTS[preset].pixels
    height = height or width
    parallel = bool(camera.GetParallelProjection())
    half = camera.GetParallelScale() if parallel else behind * math.tan(math.radians(camera.GetViewAngle()) / 2)
    return {
        "preset": preset,
        "azimuth": (azimuth - ARRANGEMENTS[preset].azimuth + 180) % 360 - 180,
        "elevation": elevation,
        "roll": roll,
        "offset_right": float(offset[0]),
        "offset_anterior": float(offset[1]),
        "offset_superior": float(offset[2]),
        "width": width,
        "height": height,
        "pixel": 2 * half / height,
        "sid": distance,
        "sdd": behind,
        "parallel": parallel,
    }

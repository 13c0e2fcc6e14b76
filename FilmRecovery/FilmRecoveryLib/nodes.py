"""Photos, flat films and slices in the MRML scene, and how the slice views show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import slicer
import vtk
from slicer.i18n import tr as _

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import Choice, Result
from InverseImagingLib.nodes import (
    SOURCE_ROLE,
    add_result,
    dicom_header_of,
    image_from_node,
    mark_derived,
    newest_result,
    place_beside,
    report_of,
    set_window,
)
from InverseImagingLib.xray.scene import face

from .grids import Handles, corners_of, flat_points, stretched, tile_places, usual_outline, usual_tiles
from .handles import OUTLINE, TILES, handles_of, place, places_of, remove
from .joining import joined

KIND = "InverseImaging.Film"  # attribute of a result: what it is
FILM, CONFIDENCE, SLICES, LOST, RADIOMICS = "film", "confidence", "slices", "lost", "radiomics"
_BEFORE = "InverseImaging.SlicesBefore"  # reference of slices to those that they were added to
_LAYOUT = "InverseImaging.Layout"  # attribute of the handles of tiles: rows x columns
_PHOTO_VIEW, _FILM_VIEW = "Red", "Yellow"
_ORIENTATIONS = {"Red": "Axial", "Green": "Coronal", "Yellow": "Sagittal"}  # of slice views, usually
_MOVED = 0.05  # pixels
_DOUBT = 0.7  # the highest confidence that is marked as doubtful
_RED, _YELLOW = (0.9, 0.15, 0.1, 1.0), (1.0, 0.85, 0.2, 1.0)
_CORNERS = {(0, 0): "top left", (0, -1): "top right"}  # of a film, which may lie as it likes


class Shown(Choice):
    """What the slice views show."""

    FILM = "film"
    SLICES = "slices"

    def label(self) -> str:
        return {"film": "Photo and flat film", "slices": "Slices"}[self.value]


# Results


def add_film(result: Result, photo: Any) -> list[Any]:
    """Add a flat film beside its photo, with how far it can be trusted. Returns the nodes, the film first."""
    name, report = photo.GetName(), result.report
    film = _add(result.images["film"], _("{name} flat film").format(name=name), FILM, photo, report)
    set_window(film, 0, 1)
    title = _("{name} confidence").format(name=film.GetName())
    confidence = _add(result.images["confidence"], title, CONFIDENCE, film, report)
    set_window(confidence, 0, _DOUBT)
    display = confidence.GetDisplayNode()
    display.SetThreshold(0, _DOUBT)
    display.ApplyThresholdOn()
    display.SetAndObserveColorNodeID(_colors("Film doubt", np.linspace(_RED, _YELLOW, 256).tolist()).GetID())
    return [film, confidence]


def add_slices(result: Result, film: Any, before: Any = None) -> list[Any]:
    """Add the slices of a film as a volume, with where the film cannot tell their values. Returns the nodes, the volume
    first.

    before: slices of another film, which the volume holds, too, in front. Raises InputError where these cannot make one
    volume.
    """
    name, report = film.GetName(), result.report
    images = result.images
    if before is not None:
        first = Result({"volume": slices_image(before), "valid": valid_image(before)}, report_of(before))
        images = joined([first, result])
        report = {**report, "added to": {"name": before.GetName(), "slices": len(first.images["volume"].array)}}
    volume = _add(images["volume"], _("{name} slices").format(name=name), SLICES, film, report)
    if before is not None:
        volume.SetNodeReferenceID(_BEFORE, before.GetID())
    set_window(volume, *_window_of(report))
    title, valid = _("{name} lost").format(name=volume.GetName()), images["valid"]
    lost = _add(valid.with_array(1 - valid.array), title, LOST, volume, report)
    lost.GetDisplayNode().SetAndObserveColorNodeID(_colors("Film loss", [(0, 0, 0, 0), (*_RED[:3], 0.6)]).GetID())
    return [volume, lost]


def add_radiomics(result: Result, volume: Any) -> list[Any]:
    """Add the features of slices as a table, one a row. Returns the nodes."""
    report = dict(result.report)
    found = report.pop("features")
    name = _("{name} radiomics").format(name=volume.GetName())
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", slicer.mrmlScene.GenerateUniqueName(name))
    for title, values, column in (
        ("feature", found, vtk.vtkStringArray()),
        ("value", found.values(), vtk.vtkDoubleArray()),
    ):
        column.SetName(title)
        for value in values:
            column.InsertNextValue(value)
        node.AddColumn(column)
    mark_derived(node, report)
    node.SetAttribute(KIND, RADIOMICS)
    place_beside(node, volume)
    return [node]


def _window_of(report: Mapping[str, Any]) -> tuple[float, float]:
    """The values of slices that are black and white on the film."""
    if not is_calibrated(report):
        return 0.0, 1.0
    level, width = report["window"]["level"], report["window"]["width"]
    return level - width / 2, level + width / 2


def is_calibrated(report: Mapping[str, Any]) -> bool:
    """Whether the slices with that report are in HU."""
    return bool(report["window"]["from"] != "none")


def _add(image: Image, name: str, kind: str, source: Any, report: Any) -> Any:
    node = add_result(image, name, source, report)
    node.SetAttribute(KIND, kind)
    return node


def _colors(name: str, colors: Sequence[Sequence[float]]) -> Any:
    """A color table of these colors (RGBA, 0 to 1), the one of that name where it is there."""
    node = slicer.mrmlScene.GetFirstNode(name, "vtkMRMLColorTableNode")
    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLColorTableNode", name)
        node.SetTypeToUser()
        node.SetHideFromEditors(True)
        node.SetNumberOfColors(len(colors))
        for index, color in enumerate(colors):
            node.SetColor(index, str(index), *color)
    return node


def newest(source: Any, kind: str) -> Any:
    """The last node of that kind that was made of a photo, a film or slices, or None."""
    return newest_result(source, KIND, kind) if source is not None else None


def film_image(film: Any) -> Image:
    """A flat film, whose values are grays. Raises InputError where it is empty."""
    return replace(image_from_node(film), meaning=Meaning.DISPLAY)


def slices_image(volume: Any) -> Image:
    """Slices, in HU or in grays, with the header of what they come from, where Slicer's DICOM database has that."""
    meaning = Meaning.HU if is_calibrated(report_of(volume)) else Meaning.SCALAR
    return replace(image_from_node(volume), meaning=meaning, dicom=dicom_header_of(volume))


def valid_image(volume: Any) -> Image:
    """Where slices are what the film told, 1, or not, 0. Raises InputError where the mask of these was removed."""
    lost = newest(volume, LOST)
    if lost is None:
        raise InputError(f"What is lost of '{volume.GetName()}' was removed from the scene; extract the slices again.")
    image = image_from_node(lost)
    return image.with_array((image.array == 0).astype(np.uint8))


def holds(volume: Any, picture: Any) -> bool:
    """Whether slices are of the photo, or of the scanned film, that a picture is or comes from."""
    while volume is not None:
        if _origin(volume) is _origin(picture):
            return True
        volume = volume.GetNodeReference(_BEFORE)
    return False


def _origin(node: Any) -> Any:
    """What a node was made of at first: the photo, or a film that has none."""
    while (source := node.GetNodeReference(SOURCE_ROLE)) is not None:
        node = source
    return node


# The outline of a film over its photo


def show_outline(photo: Any, handles: Handles) -> Any:
    """Put the outline where the film was found last, to be dragged, or near the rim of the photo."""
    return _place_outline(photo, _found(photo, handles))


def change_handles(photo: Any, handles: Handles) -> None:
    """Let corners be dragged where it was a grid, or the other way round, without moving the outline."""
    points = outline_of(photo)
    if points is None or len(points) == handles.side:
        return
    corners = corners_of(points)
    _place_outline(photo, corners if handles is Handles.CORNERS else stretched(_found(photo, handles), corners))


def outline_of(photo: Any) -> np.ndarray | None:
    """Where the outline is, (R, C, 2) in pixels of the photo, or None where none is shown."""
    node = handles_of(photo, OUTLINE)
    if node is None:
        return None
    places = places_of(node)
    side = round(len(places) ** 0.5)
    return places.reshape(side, side, 2)


def outline_was_moved(photo: Any) -> bool:
    """Whether the outline lies elsewhere than that of the last flat film of a photo."""
    points, film = outline_of(photo), newest(photo, FILM)
    if points is None:
        return False
    if film is None:
        return True
    handles = next(each for each in Handles if each.side == len(points))
    return bool(np.abs(points - _found(photo, handles)).max() > _MOVED)


def given_outline(photo: Any) -> Image | None:
    """What the user says of the outline; None where that is to be found."""
    by_user = report_of(newest(photo, FILM)).get("found by") == "user"
    points = outline_of(photo)
    if points is None or not (by_user or outline_was_moved(photo)):
        return None
    return Image(points.astype(np.float32), name="points")


def forget_outline(photo: Any) -> None:
    """Let the outline be found again."""
    remove(handles_of(photo, OUTLINE))


def _found(photo: Any, handles: Handles) -> np.ndarray:
    """Points of the outline of the last flat film, or of one near the rim of the photo."""
    found = report_of(newest(photo, FILM)).get("points")
    if found is None:
        width, height = photo.GetImageData().GetDimensions()[:2]
        return stretched(flat_points(handles), usual_outline(width, height))
    return np.array(found) if handles is Handles.GRID else corners_of(np.array(found))


def _place_outline(photo: Any, points: np.ndarray) -> Any:
    labels = np.full(points.shape[:2], "", object)
    for corner, label in _CORNERS.items():
        labels[corner] = label
    return place(photo, OUTLINE, points.reshape(-1, 2), labels.ravel().tolist())


# The tiles of a film


def layout_of(film: Any) -> tuple[int, int] | None:
    """Rows and columns of the slices that were extracted last of a film."""
    text = report_of(newest(film, SLICES)).get("layout")
    return _layout(text) if text else None


def _layout(text: str) -> tuple[int, int]:
    rows, columns = map(int, text.split("x"))
    return rows, columns


def show_tiles(film: Any, layout: tuple[int, int]) -> Any:
    """Put the grid of tiles where it was found last, to be dragged, or over the whole film."""
    places = _found_tiles(film)
    if places is None or layout_of(film) != layout:
        width, height = film.GetImageData().GetDimensions()[:2]
        places = usual_tiles(width, height, *layout)
    node = place(film, TILES, places, ["first", "", "last"])
    node.SetAttribute(_LAYOUT, "{}x{}".format(*layout))
    return node


def layout_of_tiles(node: Any) -> tuple[int, int]:
    """Rows and columns of the tiles that handles are for."""
    return _layout(node.GetAttribute(_LAYOUT))


def forget_tiles(film: Any) -> None:
    """Let the tiles be found again."""
    remove(handles_of(film, TILES))


def tiles_were_moved(film: Any) -> bool:
    """Whether the grid of tiles lies elsewhere than that of the last slices of a film."""
    node, found = handles_of(film, TILES), _found_tiles(film)
    return node is not None and (found is None or bool(np.abs(places_of(node) - found).max() > _MOVED))


def tiles_are_given(film: Any) -> bool:
    """Whether the user says where the tiles are."""
    by_user = report_of(newest(film, SLICES)).get("tiles from") == "user"
    return handles_of(film, TILES) is not None and (by_user or tiles_were_moved(film))


def _found_tiles(film: Any) -> np.ndarray | None:
    grid = report_of(newest(film, SLICES)).get("grid")
    return tile_places(np.array(grid)) if grid else None


# Views


def show_photo(photo: Any) -> None:
    """Show a photo upright in its view."""
    face(photo, view=_PHOTO_VIEW, in_3d=False)


def show_film(photo: Any, film: Any) -> None:
    """Show a photo and its flat film, with how doubtful that is, side by side; one of them may be None."""
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutSideBySideView)
    for picture, view in ((photo, _PHOTO_VIEW), (film, _FILM_VIEW)):
        if picture is not None:
            face(picture, view=view, in_3d=False)
            _composite(view).SetLabelVolumeID(None)
    confidence = newest(film, CONFIDENCE)
    _composite(_FILM_VIEW).SetForegroundVolumeID(confidence.GetID() if confidence is not None else None)


def fade_doubt(film: Any, opacity: float) -> None:
    """How strongly its doubts cover a flat film that is shown."""
    confidence = newest(film, CONFIDENCE)
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        if confidence is not None and composite.GetForegroundVolumeID() == confidence.GetID():
            composite.SetForegroundOpacity(opacity)


def show_slices(volume: Any) -> None:
    """Show slices in all slice views, each in its usual orientation."""
    layout = slicer.app.layoutManager()
    layout.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)
    for name, orientation in _ORIENTATIONS.items():
        layout.sliceWidget(name).mrmlSliceNode().SetOrientation(orientation)
    slicer.util.setSliceViewerLayers(background=volume, foreground=None, label=None, fit=True)


def show_table(table: Any) -> None:
    """Show a table beside the slice views."""
    slicer.app.layoutManager().setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpTableView)
    application = slicer.app.applicationLogic()
    application.GetSelectionNode().SetActiveTableID(table.GetID())
    application.PropagateTableSelection()


def mark_lost(volume: Any, visible: bool) -> None:
    """Cover what the film could not tell of slices that are shown, or uncover it."""
    lost = newest(volume, LOST)
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        if lost is not None and composite.GetBackgroundVolumeID() == volume.GetID():
            composite.SetLabelVolumeID(lost.GetID() if visible else None)
            composite.SetLabelOpacity(1.0)


def _composite(view: str) -> Any:
    return slicer.app.layoutManager().sliceWidget(view).mrmlSliceCompositeNode()

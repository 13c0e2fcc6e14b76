"""What is made of a radiograph in the MRML scene: densities in 3D, their surface, pictures, previews."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from InverseImagingLib.dicom import source_header
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import Result
from InverseImagingLib.nodes import (
    DERIVED_ATTRIBUTE,
    REPORT_ATTRIBUTE,
    SOURCE_ROLE,
    add_result,
    image_from_node,
    place_beside,
    report_of,
    set_window,
    update_node,
)
from InverseImagingLib.xray.scene import PicturePreview, add_sequences, gather

from .mesh import COLORS, color_by_uncertainty, surface
from .options import ANIMATIONS, Product, TomographyOptions
from .series import write_densities
from .transfer import WHITE, Colors, Look

if TYPE_CHECKING:
    from pydicom import Dataset

KIND = "InverseImaging.Product"  # attribute of a result: a Product's value
_COLORS = "InverseImaging.Colors"  # attribute of a volume property: the Colors that it was given
_GRAY, _HEAT = "vtkMRMLColorTableNodeGrey", "vtkMRMLPETProceduralColorNodePET-Heat"
_LEAST_CONTRAST = 1e-3  # of a residual, in opacity, and of an uncertainty, in density

# Results


def add_tomography(result: Result, source: Any) -> list[Any]:
    """Add what was made of a radiograph beside it, in a folder of its own. Views from several sides become a sequence
    under a browser. Returns the nodes, the principal one first."""
    name, report = source.GetName(), result.report
    nodes = []
    for kind, image in result.images.items():
        views = [image.with_array(view[None]) for view in image.array] if kind in ANIMATIONS else [image]
        node = add_result(views[0], _("{name} {kind} (estimate)").format(name=name, kind=kind), source, report)
        node.SetAttribute(KIND, kind)
        show_as(node, Product(kind))
        nodes.append(node)
        if kind in ANIMATIONS:
            nodes += _sequence(node, views, [azimuth for azimuth, _elevation in report["angles"]])
    gather(nodes, _("{name} tomography").format(name=name), source)
    return nodes


def _sequence(node: Any, views: list[Image], azimuths: list[float]) -> list[Any]:
    return add_sequences(node.GetName(), azimuths, ((node, lambda number: update_node(node, views[number])),))


def newest(source: Any, product: Product) -> Any:
    """The node of the last product of that kind that was made of a radiograph, or None."""
    found = (
        node
        for node in reversed(slicer.util.getNodesByClass("vtkMRMLVolumeNode"))
        if node.GetAttribute(KIND) == product.value and node.GetNodeReference(SOURCE_ROLE) is source
    )
    return next(found, None)


def show_as(node: Any, product: Product) -> None:
    """Give a product the window and the colors that suit what it shows."""
    if product in (Product.ANAGLYPH, Product.GUESSED):
        return
    low, high = 0.0, WHITE if product is Product.VOLUME else 1.0
    if product in (Product.UNCERTAINTY, Product.RESIDUAL):
        high = max(float(np.abs(slicer.util.arrayFromVolume(node)).max()), _LEAST_CONTRAST)
        low = -high if product is Product.RESIDUAL else 0.0
    set_window(node, low, high)
    node.GetDisplayNode().SetAndObserveColorNodeID(_HEAT if product is Product.UNCERTAINTY else _GRAY)


def add_surface(volume: Any, uncertainty: Any, level: float) -> Any:
    """Add the surface on which the densities reach a level as a model beside them, red where the uncertainty, if there
    is one, is so high that there may be nothing. Raises InputError where no density reaches it."""
    mesh = surface(image_from_node(volume), level)
    name = _("{name} surface at {level:g}").format(name=volume.GetName(), level=level)
    node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLModelNode", slicer.mrmlScene.GenerateUniqueName(name))
    node.CreateDefaultDisplayNodes()
    if uncertainty is not None:
        color_by_uncertainty(mesh, image_from_node(uncertainty), level)
        display = node.GetDisplayNode()
        display.SetActiveScalarName(COLORS)
        display.SetScalarRangeFlag(display.UseDirectMapping)
        display.SetScalarVisibility(True)
    node.SetAndObservePolyData(mesh)
    for attribute in (DERIVED_ATTRIBUTE, REPORT_ATTRIBUTE):
        node.SetAttribute(attribute, volume.GetAttribute(attribute))
    place_beside(node, volume)
    return node


def write_dicom(volume: Any, path: Path) -> None:
    """Write densities as a derived DICOM series into a new folder, of the patient and study of their radiograph where
    Slicer's DICOM database has that. Raises InputError."""
    header = _header_of(volume.GetNodeReference(SOURCE_ROLE))
    write_densities(replace(image_from_node(volume), meaning=Meaning.SCALAR, dicom=header), path, report_of(volume))


def _header_of(radiograph: Any) -> Dataset | None:
    instances = (radiograph.GetAttribute("DICOM.instanceUIDs") or "").split() if radiograph is not None else []
    path = slicer.dicomDatabase.fileForInstance(instances[0]) if instances else ""
    return source_header([path]) if path and Path(path).is_file() else None


# Views


def show_volume(volume: Any, visible: bool, cut_away: bool, colors: Colors = Colors.BONE) -> None:
    """Show or hide densities in the 3D views, all of them or what lies in a box that can be dragged. New ones take the
    place of others. What the user makes of the colors stays until others are chosen."""
    logic = slicer.modules.volumerendering.logic()
    display = logic.GetFirstVolumeRenderingDisplayNode(volume)
    if display is None:
        if not visible:
            return
        _hide_others()
        display = logic.CreateDefaultVolumeRenderingNodes(volume)
    rendering = display.GetVolumePropertyNode()
    if rendering.GetAttribute(_COLORS) != colors.value:
        rendering.SetAttribute(_COLORS, colors.value)
        _give_look(rendering.GetVolumeProperty(), colors.look, volume)
    if cut_away and display.GetROINode() is None:
        logic.CreateROINode(display)
    display.SetCroppingEnabled(cut_away)
    display.SetVisibility(visible)
    if display.GetROINode() is not None:
        display.GetROINode().SetDisplayVisibility(visible and cut_away)


def _hide_others() -> None:
    for display in slicer.util.getNodesByClass("vtkMRMLVolumeRenderingDisplayNode"):
        volume = display.GetVolumeNode()
        if volume is not None and volume.GetAttribute(KIND) == Product.VOLUME.value:
            display.SetVisibility(False)
            if display.GetROINode() is not None:
                display.GetROINode().SetDisplayVisibility(False)


def _give_look(rendering: Any, look: Look, volume: Any) -> None:
    opacity, color = rendering.GetScalarOpacity(), rendering.GetRGBTransferFunction()
    opacity.RemoveAllPoints()
    color.RemoveAllPoints()
    for density, (*rgb, lost) in look.transfer:
        opacity.AddPoint(density, lost)
        color.AddRGBPoint(density, *rgb)
    depth = volume.GetSpacing()[1] * volume.GetImageData().GetDimensions()[1]
    rendering.SetScalarOpacityUnitDistance(depth / 100)
    rendering.SetShade(look.shaded)


class TomographyPreview(PicturePreview):
    """A passing picture of those that are made of the densities."""

    def dress(self, node: Any, options: TomographyOptions) -> None:
        product = Product(options.only)
        node.SetName(_("{picture} (estimate, preview)").format(picture=product.label()))
        show_as(node, product)

"""What is made of a radiograph in the MRML scene: densities in 3D, their surface, pictures, previews."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.mesh import COLORS
from InverseImagingLib.method import Result
from InverseImagingLib.nodes import (
    DERIVED_ATTRIBUTE,
    REPORT_ATTRIBUTE,
    SOURCE_ROLE,
    add_result,
    dicom_header_of,
    image_from_node,
    newest_result,
    place_beside,
    report_of,
    set_window,
    update_node,
)
from InverseImagingLib.volume_view import replace_points, show_in_3d
from InverseImagingLib.xray.scene import PicturePreview, add_sequences, gather

from .mesh import color_by_uncertainty, surface
from .options import ANIMATIONS, Product, TomographyOptions
from .series import write_densities
from .transfer import WHITE, Colors

KIND = "InverseImaging.Product"  # attribute of a result: a Product's value
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
    return newest_result(source, KIND, product.value)


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
    header = dicom_header_of(volume.GetNodeReference(SOURCE_ROLE))
    write_densities(replace(image_from_node(volume), meaning=Meaning.SCALAR, dicom=header), path, report_of(volume))


# Views


def show_volume(volume: Any, visible: bool, cut_away: bool, colors: Colors = Colors.BONE) -> None:
    """Show or hide densities in the 3D views, all of them or what lies in a box that can be dragged. New ones take the
    place of others. What the user makes of the colors stays until others are chosen."""

    def dress(rendering: Any) -> None:
        replace_points(rendering.GetScalarOpacity(), [(density, lost) for density, (*_rgb, lost) in look.transfer])
        replace_points(rendering.GetRGBTransferFunction(), [(density, *rgb) for density, (*rgb, _) in look.transfer])
        depth = volume.GetSpacing()[1] * volume.GetImageData().GetDimensions()[1]
        rendering.SetScalarOpacityUnitDistance(depth / 100)
        rendering.SetShade(look.shaded)

    look = colors.look
    show_in_3d(volume, KIND, colors.value, dress, visible=visible, cut_away=cut_away)


class TomographyPreview(PicturePreview):
    """A passing picture of those that are made of the densities."""

    def dress(self, node: Any, options: TomographyOptions) -> None:
        product = Product(options.only)
        node.SetName(_("{picture} (estimate, preview)").format(picture=product.label()))
        show_as(node, product)

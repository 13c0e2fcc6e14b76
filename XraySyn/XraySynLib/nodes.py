"""What is synthesized from a radiograph in the MRML scene: pictures beside it, a coarse CT, previews."""

from __future__ import annotations

from typing import Any

import numpy as np
import slicer
from slicer.i18n import tr as _

from InverseImagingLib.image import Meaning
from InverseImagingLib.method import Result
from InverseImagingLib.nodes import add_result, set_window, update_node
from InverseImagingLib.volume_view import replace_points, show_in_3d
from InverseImagingLib.xray.scene import PicturePreview, add_sequences, gather

from .options import Picture, SynthesisOptions

KIND = "InverseImaging.Picture"  # attribute of a result: a Picture's value, or "CT" or "bone mask"
CT = "CT"
_GRAY, _COLORS = "vtkMRMLColorTableNodeGrey", "vtkMRMLPETProceduralColorNodePET-Heat"
_LEAST_CONTRAST = 0.02  # of a residual or an uncertainty, in shades of the radiograph
_CT_WINDOW = (-1000.0, 800.0)  # HU
_OPACITY = ((-1000, 0.0), (-300, 0.0), (50, 0.04), (200, 0.08), (500, 0.4), (1500, 0.8))  # HU, of the volume rendering
_COLOR = ((-300, 0.5, 0.25, 0.2), (50, 0.8, 0.5, 0.4), (300, 0.95, 0.88, 0.75), (1500, 1.0, 1.0, 1.0))


# Results


def add_synthesis(result: Result, options: SynthesisOptions, source: Any) -> list[Any]:
    """Add what was made of a radiograph beside it, in a folder of its own. The views of a sweep become a sequence under
    a browser. Returns the nodes, the first view first."""
    name, report = source.GetName(), result.report
    views = [image for key, image in result.images.items() if key.startswith("view")]
    nodes = []
    for key, image in result.images.items():
        kind = Picture.VIEW.value if key.startswith("view") else key
        if kind == Picture.VIEW.value and image is not views[0]:
            continue
        node = add_result(image, _("{name} {kind} (synthesized)").format(name=name, kind=kind), source, report)
        node.SetAttribute(KIND, kind)
        if kind == CT:
            _set_hounsfield(node)
            set_window(node, *_CT_WINDOW)
        elif image.meaning is not Meaning.LABEL:
            show_as(node, Picture(kind))
        nodes.append(node)
    if options.sweep:
        part = (nodes[0], lambda number: update_node(nodes[0], views[number]))
        angles = [azimuth for azimuth, _elevation in report["angles"]]
        nodes += add_sequences(_("{name} sweep (synthesized)").format(name=name), angles, (part,))
    gather(nodes, _("{name} synthesis").format(name=name), source)
    return nodes


def _set_hounsfield(node: Any) -> None:
    for code, scheme, meaning, put in (
        ("112031", "DCM", "Attenuation Coefficient", node.SetVoxelValueQuantity),
        ("[hnsf'U]", "UCUM", "Hounsfield unit", node.SetVoxelValueUnits),
    ):
        entry = slicer.vtkCodedEntry()
        entry.SetValueSchemeMeaning(code, scheme, meaning)
        put(entry)


def show_as(node: Any, picture: Picture) -> None:
    """Give a picture the window and the colors that suit what it shows."""
    values = slicer.util.arrayFromVolume(node)
    if picture in (Picture.BONE_MAP, Picture.TISSUE_MAP):
        low, high = 0.0, max(float(values.max()), 1e-3)
    elif picture is Picture.UNCERTAINTY:
        low, high = 0.0, max(float(values.max()), _LEAST_CONTRAST)
    elif picture is Picture.RESIDUAL:
        high = max(float(np.abs(values).max()), _LEAST_CONTRAST)
        low = -high
    else:
        low, high = 0.0, 1.0
    set_window(node, low, high)
    node.GetDisplayNode().SetAndObserveColorNodeID(_COLORS if picture is Picture.UNCERTAINTY else _GRAY)


# Views


def show_volume(ct: Any, visible: bool) -> None:
    """Show or hide a coarse CT in the 3D views: bones, and the body as a haze. A new one takes the place of others."""

    def dress(rendering: Any) -> None:
        replace_points(rendering.GetScalarOpacity(), _OPACITY)
        replace_points(rendering.GetRGBTransferFunction(), _COLOR)
        rendering.ShadeOn()

    show_in_3d(ct, KIND, CT, dress, visible=visible)


class SynthesisPreview(PicturePreview):
    """A passing picture of those that are synthesized."""

    def dress(self, node: Any, options: SynthesisOptions) -> None:
        picture = Picture(options.only)
        node.SetName(_("{picture} (synthesized, preview)").format(picture=picture.label()))
        show_as(node, picture)

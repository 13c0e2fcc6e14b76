"""The colors of a CT in the MRML scene: over it in the slice views, in 3D, and as a passing preview."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import slicer
from slicer.i18n import tr as _

from InverseImagingLib.image import Image
from InverseImagingLib.method import Result
from InverseImagingLib.nodes import (
    Preview,
    add_result,
    dicom_header_of,
    image_from_node,
    newest_result,
)
from InverseImagingLib.volume_view import show_in_3d

from .opacity import Opacity
from .options import ColorizeOptions
from .rendering import dress

KIND = "InverseImaging.Colors"  # attribute of a result: what it is for
SLICES, SPACE = "slices", "3D"


def add_colors(result: Result, source: Any) -> list[Any]:
    """Add the colors of a CT beside it: RGB for the slice views, which take an opacity for how much of the CT shines
    through, and what there is for the 3D views. Returns the nodes, that of the slice views first."""
    image, name = result.images["colors"], source.GetName()
    flat = image.with_array(image.array[..., :3])
    nodes = [_add(flat, _("{name} colors (illustrative)").format(name=name), SLICES, result, source)]
    if "solid" in result.images:
        text = _("{name} colors in 3D (illustrative)").format(name=name)
        nodes.append(_add(result.images["solid"], text, SPACE, result, source))
    return nodes


def _add(image: Image, name: str, kind: str, result: Result, source: Any) -> Any:
    node = add_result(image, name, source, result.report)
    node.SetAttribute(KIND, kind)
    return node


def newest(source: Any, kind: str) -> Any:
    """The last node of that kind that was made of a CT, or None."""
    return newest_result(source, KIND, kind)


def image_of(source: Any, kind: str) -> Image:
    """The last colors of that kind of a CT, with the header of the CT where Slicer's DICOM database has that. Raises
    InputError where there are none."""
    return replace(image_from_node(newest(source, kind)), dicom=dicom_header_of(source))


def show_volume(colors: Any, visible: bool, cut_away: bool, opacity: Opacity) -> None:
    """Show or hide colors in the 3D views, as opaque as is chosen, all of them or what lies in a box that can be
    dragged. What the user makes of the opacity stays until another is chosen."""
    show_in_3d(colors, KIND, opacity.value, lambda look: dress(look, opacity), visible=visible, cut_away=cut_away)


class ColorPreview:
    """The colors of one slice over their CT in the slice views; gone without a trace when they are removed."""

    def __init__(self) -> None:
        self._preview: Preview | None = None
        self._source: Any = None

    def show(self, result: Result, options: ColorizeOptions, source: Any) -> None:
        if source is not self._source:
            self.remove()
            self._source = source
        if self._preview is None:
            self._preview = Preview(source)
        self._preview.show(result.images["colors"])

    def remove(self) -> None:
        """Bring back what the views showed before."""
        if self._preview is not None:
            self._preview.remove()
        self._preview = self._source = None


def fade_foreground(opacity: float) -> None:
    """Let what lies below shine through what the slice views show in front."""
    for composite in slicer.util.getNodesByClass("vtkMRMLSliceCompositeNode"):
        composite.SetForegroundOpacity(opacity)

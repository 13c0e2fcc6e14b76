"""What of a CT is colored: which slices, in which box, in which segments."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np
import slicer

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import Choice
from InverseImagingLib.nodes import array_of_segment, ijk_to_ras_of, state_of, state_of_segment, to_world

from .slices import slice_axes


class Region(Choice):
    """Which part of a CT is colored."""

    ALL = "all"
    CURRENT = "current"
    RANGE = "range"
    BOX = "box"

    def label(self) -> str:
        return {"all": "Whole volume", "current": "Current slice", "range": "Slices", "box": "Box (ROI)"}[self.value]


class SegmentUse(Choice):
    """What the segments that are shown do to the colors."""

    INSIDE = "inside"
    BLEND = "blend"

    def label(self) -> str:
        return {"inside": "Color only inside those shown", "blend": "Blend in the colors of those shown"}[self.value]


def mask_of(volume: Any, box: Any, segmentation: Any) -> Image:
    """Where a volume lies in a box and in the segments that are shown, one of which may be None. Raises InputError
    where it nowhere does."""
    parts = [mask_of_box(box, volume)] if box is not None else []
    if segmentation is not None:
        parts.append(mask_of_segments(segmentation, volume))
    inside = functools.reduce(np.bitwise_and, (part.array for part in parts))
    if not inside.any():
        raise InputError(f"No segment that is shown of '{segmentation.GetName()}' lies in the box; move the box.")
    return parts[0].with_array(inside)


def state_of_mask(volume: Any, box: Any, segmentation: Any) -> Any:
    """Something that changes with what mask_of is made of."""
    box_state = _state_of_box(box) if box is not None else None
    return state_of(volume), box_state, _state_of_segments(segmentation) if segmentation is not None else None


# Slices


def slice_axis(volume: Any) -> int:
    """The array axis (0, 1, 2 for K, J, I) of a volume along which its slices lie that are colored one by one."""
    return slice_axes(ijk_to_ras_of(volume), volume.GetImageData().GetDimensions()[::-1])[0][0]


def slice_count(volume: Any) -> int:
    """How many slices are colored one by one."""
    return int(volume.GetImageData().GetDimensions()[2 - slice_axis(volume)])


def slices_of(mask: Image) -> str:
    """The slices that a mask touches, as "A:B"."""
    axes, _ = slice_axes(mask.ijk_to_ras, mask.array.shape)
    touched = np.flatnonzero(mask.array.any(axis=axes[1:]))
    return f"{touched[0]}:{touched[-1] + 1}"


# Boxes


def box_around(volume: Any) -> Any:
    """A new ROI that holds a volume, for the user to make smaller."""
    name = slicer.mrmlScene.GenerateUniqueName(f"{volume.GetName()} box")
    box = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsROINode", name)
    box.CreateDefaultDisplayNodes()
    box.GetDisplayNode().SetFillVisibility(False)
    bounds = np.zeros(6)
    volume.GetRASBounds(bounds)
    low, high = bounds.reshape(3, 2).T
    box.SetCenterWorld(*(low + high) / 2)
    box.SetSizeWorld(*(high - low))
    return box


def mask_of_box(box: Any, volume: Any) -> Image:
    """Where a volume lies in a ROI, however that is turned; a voxel counts by its middle. Raises InputError where it
    nowhere does."""
    to_box = np.linalg.inv(_box_to_world(box)) @ to_world(volume) @ ijk_to_ras_of(volume)
    half = np.array(box.GetSize()) / 2
    columns, rows, slices = volume.GetImageData().GetDimensions()
    across, down = np.arange(columns), np.arange(rows)[:, None]
    inside = np.ones((slices, rows, columns), np.uint8)
    for (i, j, k, offset), limit in zip(to_box[:3], half, strict=True):
        plane = i * across + j * down + offset
        for number, one in enumerate(inside):
            one &= np.abs(plane + k * number) <= limit
    if not inside.any():
        raise InputError(f"Box '{box.GetName()}' holds nothing of '{volume.GetName()}'; move it there.")
    return Image(inside, ijk_to_ras_of(volume), Meaning.LABEL, box.GetName())


def _state_of_box(box: Any) -> Any:
    """Something that changes with the place of a ROI."""
    return box.GetID(), tuple(box.GetSize()), _box_to_world(box).tobytes()


def _box_to_world(box: Any) -> np.ndarray:
    return slicer.util.arrayFromVTKMatrix(box.GetObjectToWorldMatrix())


# Segments


def mask_of_segments(segmentation: Any, volume: Any) -> Image:
    """Where the segments that are shown lie in a volume. Raises InputError where they nowhere do."""
    columns, rows, slices = volume.GetImageData().GetDimensions()
    inside = np.zeros((slices, rows, columns), np.uint8)
    for _, array in _arrays(segmentation, volume):
        inside |= array > 0
    return Image(inside, ijk_to_ras_of(volume), Meaning.LABEL, segmentation.GetName())


def tints_of_segments(segmentation: Any, volume: Any) -> Image:
    """The colors (RGBA, uint8) of the segments that are shown, on the grid of a volume, as opaque as they fill the
    slice views; the last one counts where they overlap. Raises InputError where they nowhere lie in it."""
    display = segmentation.GetDisplayNode()
    columns, rows, slices = volume.GetImageData().GetDimensions()
    tints = np.zeros((slices, rows, columns, 4), np.uint8)
    for segment, array in _arrays(segmentation, volume):
        color = segmentation.GetSegmentation().GetSegment(segment).GetColor()
        opacity = display.GetOpacity2DFill() * display.GetSegmentOpacity2DFill(segment)
        tints[array > 0] = np.rint(255 * np.array([*color, opacity]))
    return Image(tints, ijk_to_ras_of(volume), Meaning.RGB, segmentation.GetName())


def _state_of_segments(segmentation: Any) -> Any:
    """Something that changes with which segments are shown, their voxels, colors and opacities."""
    own, display = segmentation.GetSegmentation(), segmentation.GetDisplayNode()
    shown = [(own.GetSegment(each).GetColor(), state_of_segment(segmentation, each)) for each in _shown(segmentation)]
    return state_of(segmentation), display.GetMTime() if display is not None else 0, shown


def _shown(segmentation: Any) -> list[str]:
    segmentation.CreateDefaultDisplayNodes()
    display = segmentation.GetDisplayNode()
    return [each for each in segmentation.GetSegmentation().GetSegmentIDs() if display.GetSegmentVisibility(each)]


def _arrays(segmentation: Any, volume: Any) -> Iterator[tuple[str, np.ndarray]]:
    found = False
    for segment in _shown(segmentation):
        array = array_of_segment(segmentation, segment, volume)
        if array is not None:
            found = True
            yield segment, array
    if not found:
        raise InputError(
            f"No segment that is shown of '{segmentation.GetName()}' lies in '{volume.GetName()}'; show one that does."
        )

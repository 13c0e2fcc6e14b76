"""Which slices of a volume are processed, and where finer voxels lie."""

from __future__ import annotations

import itertools
import re

import numpy as np

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image

from .options import Plane

_NORMAL = {Plane.SAGITTAL: 0, Plane.CORONAL: 1, Plane.AXIAL: 2}  # rows of RAS


def slice_axis(image: Image, plane: Plane) -> int:
    """The array axis (0, 1, 2 for K, J, I) nearest to the plane's normal; each plane has another axis."""
    directions = image.ijk_to_ras[:3, :3] / np.linalg.norm(image.ijk_to_ras[:3, :3], axis=0)
    best = max(itertools.permutations(range(3)), key=lambda axes: sum(abs(directions[r, axes[r]]) for r in range(3)))
    return 2 - best[_NORMAL[Plane(plane)]]


def slice_range(text: str, count: int) -> range:
    """The indices of "A:B" (half open, negative from the end, as in Python) among `count` slices; "" is all."""
    if not text.strip():
        return range(count)
    match = re.fullmatch(r"\s*(-?\d*)\s*:\s*(-?\d*)\s*", text)
    if match is None or "-" in match.groups():
        raise InputError(f"Slices '{text}' are not of the form A:B, such as 10:20.")
    first, last = (int(part) if part else None for part in match.groups())
    if any(bound is not None and not -count <= bound <= count for bound in (first, last)):
        raise InputError(f"Slices '{text}' lie outside the image, which has {count} of them; choose from 0:{count}.")
    chosen = range(*slice(first, last).indices(count))
    if not chosen:
        raise InputError(f"Slices '{text}' contain no slice; choose from 0:{count}.")
    return chosen


def cropped_geometry(image: Image, axis: int, first: int) -> np.ndarray:
    """IJK-to-RAS of the part of an image that starts at index `first` of an array axis."""
    shift = np.eye(4)
    shift[2 - axis, 3] = first
    return image.ijk_to_ras @ shift


def finer_geometry(ijk_to_ras: np.ndarray, factors: tuple[int, int, int]) -> np.ndarray:
    """IJK-to-RAS of a volume with `factors` times the voxels along array axes K, J, I and the same outer borders."""
    scale = np.eye(4)
    for axis, factor in enumerate(factors):
        scale[2 - axis, 2 - axis] = 1.0 / factor
        scale[2 - axis, 3] = 0.5 / factor - 0.5
    return ijk_to_ras @ scale

"""Which axes of a volume follow those of the patient, and which of its slices are chosen."""

from __future__ import annotations

import itertools
import re

import numpy as np

from .errors import InputError
from .image import Image


def patient_axes(ijk_to_ras: np.ndarray) -> tuple[int, int, int]:
    """The array axes (0, 1, 2 for K, J, I) nearest to the patient's R, A and S; each another one."""
    directions = ijk_to_ras[:3, :3] / np.linalg.norm(ijk_to_ras[:3, :3], axis=0)
    best = max(itertools.permutations(range(3)), key=lambda axes: sum(abs(directions[r, axes[r]]) for r in range(3)))
    return 2 - best[0], 2 - best[1], 2 - best[2]


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

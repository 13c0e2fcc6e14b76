"""Where a slice of a CT shows bones with their marrow, and a brain. Needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

_CELL = 2.0  # mm
_BONE, _UNEVEN = 180.0, 55.0  # HU of bone, at least, and their deviation, which is less in vessels with contrast
_GAP = 5.0  # mm in a cortex that are closed
_BRAIN, _LARGE = (5.0, 60.0), 1500.0  # HU of a brain, and mm2 at least


@dataclass(frozen=True, eq=False)
class Bones:
    """What bones are and surround in a slice, in cells of about 2 mm.

    bone: with its marrow; brain: what a skull surrounds, both (rows, columns) bool. steps: pixels of a cell along J, I.
    """

    bone: np.ndarray
    brain: np.ndarray
    steps: tuple[int, int]


def bones(hu: np.ndarray, spacing: tuple[float, float]) -> Bones:
    """The bones of a slice (J, I) without much noise; spacing: mm of J and I."""
    rows, columns = (max(1, round(_CELL / mm)) for mm in spacing)
    area = rows * spacing[0] * columns * spacing[1]
    cells = hu[::rows, ::columns]
    dense, _ = ndimage.label(cells > _BONE)
    cortex = (_deviations(cells, dense) > _UNEVEN)[dense]
    gap = max(1, round(_GAP / 2 / np.sqrt(area)))
    around = np.pad(cortex, gap)
    closed = ndimage.binary_erosion(ndimage.binary_dilation(around, iterations=gap), iterations=gap)
    spaces, _ = ndimage.label(~closed)
    holes, count = ndimage.label(((spaces != spaces[0, 0]) & ~around)[gap:-gap, gap:-gap])
    sizes = np.bincount(holes.ravel())
    means = np.bincount(holes.ravel(), cells.clip(-200, 200).ravel()) / np.maximum(sizes, 1)
    is_brain = (sizes * area > _LARGE) & (means > _BRAIN[0]) & (means < _BRAIN[1]) & (np.arange(count + 1) > 0)
    return Bones(cortex | ((holes > 0) & ~is_brain[holes]), is_brain[holes], (rows, columns))


def _deviations(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The standard deviation of the values of each label, that of the first, 0, being 0."""
    there = labels > 0
    labels, values = labels[there], values[there].astype(np.float64)
    sizes = np.maximum(np.bincount(labels, minlength=1), 1)
    means = np.bincount(labels, values, len(sizes)) / sizes
    return np.sqrt((np.bincount(labels, values**2, len(sizes)) / sizes - means**2).clip(0))

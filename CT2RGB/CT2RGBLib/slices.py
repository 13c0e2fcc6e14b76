"""A CT as axial slices that all lie alike, however its voxels are stored."""

from __future__ import annotations

import numpy as np

from InverseImagingLib.image import Image
from InverseImagingLib.slices import patient_axes

_LOWEST, _HIGHEST = -1024.0, 32767.0  # HU; scanners mark what they did not see by less


def slice_axes(ijk_to_ras: np.ndarray, shape: tuple[int, ...]) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
    """The array axes of slices, rows and columns, and the steps (1 or -1) along these to the head, back and left.

    Slices are axial, but an image of one coronal or sagittal slice is taken as that.
    """
    right, anterior, superior = patient_axes(ijk_to_ras)
    steps = {
        axis: sign if ijk_to_ras[row, 2 - axis] > 0 else -sign
        for axis, row, sign in ((right, 0, -1), (anterior, 1, -1), (superior, 2, 1))
    }
    orders = ((superior, anterior, right), (anterior, superior, right), (right, superior, anterior))
    order = next((each for each in orders if min(shape[each[1]], shape[each[2]]) > 1), orders[0])
    return order, (steps[order[0]], steps[order[1]], steps[order[2]])


def canonical(array: np.ndarray, ijk_to_ras: np.ndarray) -> np.ndarray:
    """A view of an array (K, J, I, ...) as slices, rows and columns that run to the head, the back and the left of the
    patient, by the voxel axes nearest to these. What is written into the view is written into the array."""
    axes, steps = slice_axes(ijk_to_ras, array.shape)
    return array.transpose(*axes, *range(3, array.ndim))[tuple(slice(None, None, step) for step in steps)]


def box_around(body: np.ndarray, margins: tuple[int, int] = (0, 0)) -> tuple[slice, slice]:
    """Rows and columns in which there is body (J, I), and so many more on each side; nothing where there is no body."""
    found = []
    for axis, margin in enumerate(margins):
        places = np.flatnonzero(body.any(axis=1 - axis))
        found.append(slice(max(places[0] - margin, 0), places[-1] + margin + 1) if len(places) else slice(0))
    return found[0], found[1]


class Slices:
    """The slices of a CT in HU, from the feet to the head; rows run to the back, columns to the left of the patient.

    body: where the patient is, (K, J, I) as the image is stored. spacing: mm between slices, rows and columns.
    """

    def __init__(self, image: Image, body: np.ndarray) -> None:
        self._hu = canonical(image.array, image.ijk_to_ras)
        self._body = canonical(body, image.ijk_to_ras)
        axes, _ = slice_axes(image.ijk_to_ras, image.array.shape)
        self.spacing = (image.spacing[2 - axes[0]], image.spacing[2 - axes[1]], image.spacing[2 - axes[2]])

    @property
    def count(self) -> int:
        return len(self._hu)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a slice."""
        return self._hu.shape[1], self._hu.shape[2]

    def hu(self, index: int) -> np.ndarray:
        """HU (J, I) of a slice, float32, at least those of air."""
        return self._hu[index].astype(np.float32, order="C").clip(_LOWEST, _HIGHEST)

    def body(self, index: int) -> np.ndarray:
        """Where the patient is in a slice (J, I), bool."""
        return np.ascontiguousarray(self._body[index])

    def near(self, index: int, mm: float) -> int:
        """The slice nearest to so many mm towards the head (below 0: the feet), at least the next, if there is one."""
        steps = round(abs(mm) / self.spacing[0]) or 1
        return min(max(index + (steps if mm > 0 else -steps), 0), self.count - 1)

"""A CT as axial slices that all lie alike, however its voxels are stored."""

from __future__ import annotations

import numpy as np

from InverseImagingLib.image import Image
from InverseImagingLib.slices import patient_axes

_LOWEST, _HIGHEST = -1024.0, 32767.0  # HU; scanners mark what they did not see by less


def canonical(array: np.ndarray, ijk_to_ras: np.ndarray) -> np.ndarray:
    """A view of an array (K, J, I, ...) whose first axis runs to the head, the second to the back and the third to the
    left of the patient, by the voxel axes nearest to these. What is written into the view is written into the array."""
    axes = patient_axes(ijk_to_ras)
    wanted = zip(axes[::-1], (2, 1, 0), (1, -1, -1), strict=True)  # slices to S, rows to P, columns to L
    steps = tuple(slice(None, None, 1 if ijk_to_ras[row, 2 - axis] * sign > 0 else -1) for axis, row, sign in wanted)
    rest = range(3, array.ndim)
    return array.transpose(*axes[::-1], *rest)[steps]


class Slices:
    """The slices of a CT in HU, from the feet to the head; rows run to the back, columns to the left of the patient.

    body: where the patient is, (K, J, I) as the image is stored. spacing: mm between slices, rows and columns.
    """

    def __init__(self, image: Image, body: np.ndarray) -> None:
        self._hu = canonical(image.array, image.ijk_to_ras)
        self._body = canonical(body, image.ijk_to_ras)
        right, anterior, superior = (image.spacing[2 - axis] for axis in patient_axes(image.ijk_to_ras))
        self.spacing = (superior, anterior, right)

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

"""Image: an array, where it lies in the patient, and what its values mean. Reading and writing image files."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputError

if TYPE_CHECKING:
    import torch
    from pydicom import Dataset


class Meaning(str, enum.Enum):
    """What the numbers of an Image stand for."""

    HU = "HU"
    ATTENUATION = "attenuation"
    DISPLAY = "display"
    RGB = "RGB"
    LABEL = "label"
    SCALAR = "scalar"


@dataclass(frozen=True, eq=False)
class Image:
    """A volume, a slice (one K plane) or a picture, never changed in place.

    array: (K, J, I), or (K, J, I, C) with 3 or 4 color channels last; the value type of its source.
    ijk_to_ras: 4 x 4 float64, voxel indices (I, J, K, 1) to millimetres in RAS; any invertible affine matrix.
    meaning: what the values stand for.
    name: what the user calls it.
    dicom: the header of the first DICOM slice it was read from (without pixels), for derived series.
    """

    array: np.ndarray
    ijk_to_ras: np.ndarray = field(default_factory=lambda: np.eye(4))
    meaning: Meaning = Meaning.SCALAR
    name: str = ""
    dicom: Dataset | None = None

    def __post_init__(self) -> None:
        if self.array.ndim not in (3, 4) or 0 in self.array.shape:
            raise InputError(f"Image '{self.name}' needs 3 axes (and colors), but has the shape {self.array.shape}.")
        matrix = np.array(self.ijk_to_ras, dtype=np.float64)
        if matrix.shape != (4, 4) or not np.isfinite(matrix).all() or abs(np.linalg.det(matrix[:3, :3])) < 1e-12:
            raise InputError(f"Image '{self.name}' has a singular geometry; check its spacing and directions.")
        object.__setattr__(self, "ijk_to_ras", matrix)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Voxel size in mm along I, J, K."""
        i, j, k = np.linalg.norm(self.ijk_to_ras[:3, :3], axis=0)
        return float(i), float(j), float(k)

    @property
    def is_color(self) -> bool:
        return self.array.ndim == 4

    def with_array(self, array: np.ndarray, **changes: Any) -> Image:
        """The same image with other values (and, by keyword, another meaning, name or geometry)."""
        return replace(self, array=array, **changes)

    def tensor(self, device: str | torch.device = "cpu") -> torch.Tensor:
        """Values as float32, (1, K, J, I), or (C, K, J, I) for colors."""
        import torch

        array = np.moveaxis(self.array, -1, 0) if self.is_color else self.array[None]
        return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32)).to(device)

"""Image: an array, where it lies in the patient, and what its values mean. The doors to image files."""

from __future__ import annotations

import enum
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
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
    dicom: the header of the first DICOM slice it was read from (see dicom.source_header), for derived series.
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


def read(path: str | os.PathLike[str], *, series: str = "") -> Image:
    """Read NRRD, NIfTI, MetaImage, PNG, JPEG, TIFF, or DICOM (a file, or a folder with everything below it).

    series: which series of a DICOM folder: its UID or its number in the list that the error names.
    Values keep their type; DICOM rescale slope and intercept are applied. Geometry is turned from LPS into RAS and
    otherwise kept, left-handed and sheared volumes included. PNG, JPEG and TIFF know pixel sizes at most.
    Meaning: what our own NRRD and MetaImage files state; HU for CT series; RGB for colors; DISPLAY for pictures and
    radiographs; a volume whose lowest value lies between -10000 and -200 is taken for HU (air), any other for SCALAR.
    Raises InputError when nothing, more than one volume, or a damaged or incomplete file is found there.
    """
    from . import dicom, files

    path = Path(path)
    if not path.exists():
        raise InputError(f"There is no file or folder '{path}'; check the path.")
    if not path.is_dir() and files.is_known(path):
        return files.read_file(path)
    return dicom.read_series(path, series=series)


def write(image: Image, path: str | os.PathLike[str]) -> None:
    """Write NRRD, NIfTI, MetaImage, PNG, JPEG or TIFF by the suffix; .dcm or a folder gives a derived CT series.

    The file appears complete or not at all. Raises InputError when it cannot be written there, or when the format
    would lose values or geometry: PNG, JPEG and TIFF hold pictures without a place in the patient, JPEG is lossy.
    """
    from . import dicom, files

    if dicom.is_target(path):
        dicom.write_derived(image, path, {})
    else:
        files.write_file(image, Path(path))

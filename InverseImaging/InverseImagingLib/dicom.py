"""DICOM in: series of a folder, single files and enhanced multi-frame files. DICOM out is in derived.py."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import SimpleITK as sitk  # noqa: N813
from pydicom import Dataset

from . import files
from .derived import is_target, write_derived
from .errors import InputError
from .image import Image, Meaning

__all__ = ["Series", "is_target", "list_series", "read_series", "source_header", "write_derived"]

# Slices may lie this share of the slice distance away from an even grid: rounding in headers, no missing slice.
_UNEVENNESS = 0.1

_RADIOGRAPHS = ("CR", "DX", "MG", "IO", "PX", "XA", "RF", "RG", "SC", "OT", "US", "ES", "XC", "GM")

_SCANNED = (
    "SOPClassUID SOPInstanceUID SeriesInstanceUID SeriesNumber SeriesDescription Modality Rows Columns SamplesPerPixel "
    "NumberOfFrames ImagePositionPatient ImageOrientationPatient PixelSpacing"
).split()


@dataclass(frozen=True)
class Series:
    """Images that form one volume: of one series, one size and one orientation, such as a scan without its localizer.

    headers holds a few attributes of each file, in the order of files.
    """

    files: list[Path] = field(default_factory=list)
    headers: list[Dataset] = field(default_factory=list)

    @property
    def uid(self) -> str:
        return str(self.headers[0].get("SeriesInstanceUID", ""))

    def __str__(self) -> str:
        header = self.headers[0]
        images = sum(int(item.get("NumberOfFrames") or 1) for item in self.headers)
        description = header.get("SeriesDescription") or "no description"
        return f"{header.get('Modality') or '?'} '{description}', {images} image{'s' * (images > 1)}, UID {self.uid}"


def list_series(folder: str | os.PathLike[str]) -> list[Series]:
    """The series in a folder and everything below it, by series number; files that are no DICOM images are passed by.

    Raises InputError for a damaged DICOM file, because the series it belongs to would lack a slice.
    """
    found: list[Series] = []
    for path in sorted(path for path in Path(folder).rglob("*") if path.is_file()):
        header = _scan(path)
        if header is not None:
            series = next((series for series in found if _belongs(header, series.headers[0])), None)
            if series is None:
                found.append(series := Series())
            series.files.append(path)
            series.headers.append(header)
    return sorted(found, key=lambda series: (int(series.headers[0].get("SeriesNumber") or 0), series.uid))


def read_series(path: str | os.PathLike[str], *, series: str = "") -> Image:
    """The volume in a DICOM folder or in one DICOM file (a slice, a radiograph, an enhanced multi-frame image).

    series: the UID of a series of the folder, or its number in the list that the error names.
    Slices are sorted by their position; gantry tilt stays as shear in the geometry. Values are rescaled (CT: HU, also
    where stored as MONOCHROME1). Raises InputError where the slices make no even volume.
    """
    path = Path(path)
    if path.is_dir():
        return _volume(_choose(path, list_series(path), series))
    header = _scan(path)
    if header is None:
        raise InputError(f"'{path.name}' is no image file of a known kind (NRRD, NIfTI, MetaImage, PNG, JPEG, TIFF, DICOM).")
    return _volume(Series([path], [header]))


def source_header(paths: Sequence[str | os.PathLike[str]]) -> Dataset:
    """The header of the first of the DICOM files that make a volume, for Image.dicom: without pixels and icon, and with
    a Source Image Sequence that names all the files, in their order, so that a derived series can refer to them.
    """
    references = []
    for path in paths:
        instance = pydicom.dcmread(path, specific_tags=["SOPClassUID", "SOPInstanceUID"], stop_before_pixels=True)
        reference = Dataset()
        reference.ReferencedSOPClassUID = instance.get("SOPClassUID", "")
        reference.ReferencedSOPInstanceUID = instance.get("SOPInstanceUID", "")
        references.append(reference)
    header = pydicom.dcmread(paths[0], stop_before_pixels=True)
    if "IconImageSequence" in header:
        del header.IconImageSequence
    header.SourceImageSequence = references
    return header


def _scan(path: Path) -> Dataset | None:
    """A few attributes of a DICOM image; None for a file that is none."""
    try:
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            stream.seek(128)
            if stream.read(4) != b"DICM":
                return None
            stream.seek(0)
            header = pydicom.dcmread(stream, specific_tags=_SCANNED, stop_before_pixels=True)
            values = {name: header.get(name) for name in _SCANNED}
    except OSError as error:
        raise InputError(f"'{path}' cannot be opened ({error.strerror}); check its permissions.") from None
    except Exception:  # pydicom raises whatever the damage leads to
        raise InputError(f"DICOM file '{path}' is damaged; copy it again or remove it from the folder.") from None
    return header if values["Rows"] and values["Columns"] else None


def _belongs(header: Dataset, first: Dataset) -> bool:
    """Whether two headers are slices of one volume. Images without a place, and multi-frame ones, stand alone."""
    if any(
        int(item.get("NumberOfFrames") or 1) > 1 or not _numbers(item, "ImagePositionPatient", 3).size
        for item in (header, first)
    ):
        return False
    same = all(
        header.get(name) == first.get(name) for name in ("SeriesInstanceUID", "Rows", "Columns", "SamplesPerPixel")
    )
    return same and all(
        np.allclose(_numbers(header, name, count), _numbers(first, name, count), atol=1e-3)
        for name, count in (("ImageOrientationPatient", 6), ("PixelSpacing", 2))
        if _numbers(header, name, count).size == _numbers(first, name, count).size
    )


def _choose(folder: Path, found: list[Series], wanted: str) -> Series:
    if not found:
        raise InputError(f"The folder '{folder}' holds no DICOM image; choose one that does, or an image file.")
    if not wanted and len(found) == 1:
        return found[0]
    if wanted.isdigit() and 1 <= int(wanted) <= len(found):
        return found[int(wanted) - 1]
    matches = [series for series in found if series.uid == wanted]
    if len(matches) == 1:
        return matches[0]
    listed = "; ".join(f"{number}: {series}" for number, series in enumerate(found, 1))
    problem = f"has no series '{wanted}'" if wanted and not matches else f"holds {len(found)} series"
    raise InputError(f"The folder '{folder}' {problem}; choose one by its number or its UID (series) from {listed}.")


def _volume(series: Series) -> Image:
    """Read, sort and stack the files of a series."""
    name = str(series.headers[0].get("SeriesDescription") or series.files[0].stem)
    with files.quiet():
        places = _places(series)
        decoded = [files.decode(path) for path in series.files]
        fallback = files.ijk_to_ras(decoded[0])
        arrays = [sitk.GetArrayFromImage(item) for item in decoded]
        planes = [plane for array in arrays for plane in (array if array.ndim > 2 else array[None])]
        if places is None:
            if len(planes) > 1:
                raise InputError(f"'{name}' has {len(planes)} frames without a place in space, as a film has; it is no volume.")
            order, matrix = np.arange(1), fallback
        else:
            order, matrix = _grid(places, fallback, name)
        paths = series.files if len(series.files) == 1 else [series.files[k] for k in order]
        header = source_header(paths)
        array = _undo_inversion(np.stack([planes[k] for k in order]), header)
        return Image(array, matrix, _meaning(header, array), name, header)


def _places(series: Series) -> list[_Place] | None:
    """Where each slice or frame lies, in file order; None where the headers do not say."""
    if len(series.files) > 1 or int(series.headers[0].get("NumberOfFrames") or 1) == 1:
        places = [_place(header, header, header) for header in series.headers]
    else:
        header = pydicom.dcmread(series.files[0], stop_before_pixels=True)
        _check_one_rescale(header, series.files[0].name)
        places = [
            _place(
                _functional(header, frame, "PlanePositionSequence"),
                _functional(header, frame, "PlaneOrientationSequence"),
                _functional(header, frame, "PixelMeasuresSequence"),
            )
            for frame in range(int(header.NumberOfFrames))
        ]
    known = [place for place in places if place is not None]
    return known if len(known) == len(places) else None

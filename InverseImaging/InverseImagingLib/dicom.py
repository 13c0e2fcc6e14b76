"""DICOM in: series of a folder, single files and enhanced multi-frame files. DICOM out is in derived.py."""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

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

_LISTED = 20  # series named in an error

_RADIOGRAPHS = ("CR", "DX", "MG", "IO", "PX", "XA", "RF", "RG", "SC", "OT", "US", "ES", "XC", "GM")

_SCANNED = (
    "SOPClassUID SOPInstanceUID SeriesInstanceUID SeriesNumber SeriesDescription Modality Rows Columns SamplesPerPixel "
    "NumberOfFrames ImagePositionPatient ImageOrientationPatient PixelSpacing "
    "PhotometricInterpretation PixelRepresentation BitsStored RescaleSlope RescaleIntercept"
)


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
        images = sum(_whole(item, "NumberOfFrames", 1) for item in self.headers)
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
    return sorted(found, key=lambda series: (_whole(series.headers[0], "SeriesNumber", 0), series.uid))


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
        kinds = "NRRD, NIfTI, MetaImage, PNG, JPEG, TIFF and DICOM images"
        raise InputError(f"'{path.name}' is no image that can be read; choose another file ({kinds}).")
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
            header = pydicom.dcmread(stream, specific_tags=_SCANNED.split(), stop_before_pixels=True)
            values = {name: header.get(name) for name in _SCANNED.split()}
    except OSError as error:
        raise InputError(f"'{path}' cannot be opened ({error.strerror}); check its permissions.") from None
    except Exception:  # pydicom raises whatever the damage leads to
        raise InputError(f"DICOM file '{path}' is damaged; copy it again or remove it from the folder.") from None
    return header if values["Rows"] and values["Columns"] else None


def _belongs(header: Dataset, first: Dataset) -> bool:
    """Whether two headers are slices of one volume. Images without a place, and multi-frame ones, stand alone."""
    if any(
        _whole(item, "NumberOfFrames", 1) > 1 or not _numbers(item, "ImagePositionPatient", 3).size
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
    listed = "; ".join(f"{number}: {series}" for number, series in enumerate(found[:_LISTED], 1))
    listed += f"; and {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    problem = f"has no series '{wanted}'" if wanted and not matches else f"holds {len(found)} series"
    raise InputError(f"The folder '{folder}' {problem}; choose one by its number or its UID (series) from {listed}.")


@dataclass(frozen=True)
class _Place:
    """Where a slice or frame lies: its first voxel in LPS, unit vectors along its rows and columns, its pixel size."""

    position: np.ndarray
    along_row: np.ndarray
    along_column: np.ndarray
    spacing: np.ndarray

    @classmethod
    def read(cls, position: Dataset, orientation: Dataset, measures: Dataset) -> _Place | None:
        """From the headers that hold each of them, or None where one is missing."""
        start = _numbers(position, "ImagePositionPatient", 3)
        axes = _numbers(orientation, "ImageOrientationPatient", 6)
        spacing = _numbers(measures, "PixelSpacing", 2)
        return cls(start, axes[:3], axes[3:], spacing) if start.size and axes.size and spacing.size else None


def _volume(series: Series) -> Image:
    """Read, sort and stack the files of a series."""
    name = str(series.headers[0].get("SeriesDescription") or series.files[0].stem)
    with files.quiet():
        places = _places(series)
        planes: list[np.ndarray] = []
        for path, header in zip(series.files, series.headers, strict=True):
            decoded = files.decode(path)
            array = _undo_inversion(sitk.GetArrayFromImage(decoded), header)
            planes.extend(array if decoded.GetDimension() > 2 else array[None])
        if places:
            order, matrix = _grid(places, np.linalg.norm(files.ijk_to_ras(decoded)[:3, 2]), name)
        elif len(planes) == 1:
            order, matrix = np.arange(1), files.ijk_to_ras(decoded)
        else:
            raise InputError(
                f"'{name}' is no volume: its {len(planes)} frames have no place in space; export them one by one."
            )
        header = source_header([series.files[k] for k in order] if len(series.files) > 1 else series.files)
    array = np.stack([planes[k] for k in order])
    return Image(array, matrix, _meaning(header, array), name, header)


def _places(series: Series) -> list[_Place]:
    """Where each slice or frame lies, in file order; an empty list where the headers do not say."""
    if _whole(series.headers[0], "NumberOfFrames", 1) == 1:
        places = [_Place.read(header, header, header) for header in series.headers]
    else:
        header = pydicom.dcmread(series.files[0], stop_before_pixels=True)
        frames = range(int(header.NumberOfFrames))
        rescales = {str(_functional(header, frame, "PixelValueTransformationSequence")) for frame in frames}
        if len(rescales) > 1:
            raise InputError(f"The frames of '{series.files[0].name}' are rescaled differently; export them as slices.")
        groups = ("PlanePositionSequence", "PlaneOrientationSequence", "PixelMeasuresSequence")
        places = [_Place.read(*(_functional(header, frame, group) for group in groups)) for frame in frames]
    known = [place for place in places if place is not None]
    return known if len(known) == len(places) else []


def _functional(header: Dataset, frame: int, group: str) -> Dataset:
    """A functional group of a frame of an enhanced image: its own, else the shared one, else an empty one."""
    own = header.get("PerFrameFunctionalGroupsSequence") or []
    shared = header.get("SharedFunctionalGroupsSequence") or []
    for holder in (*own[frame : frame + 1], *shared[:1]):
        if holder.get(group):
            return holder[group].value[0]
    return Dataset()


def _grid(places: list[_Place], depth: np.floating, name: str) -> tuple[np.ndarray, np.ndarray]:
    """The order of the slices along their normal, and IJK to RAS. depth: of a single slice (mm, as ITK has it)."""
    first = places[0]
    normal = np.cross(first.along_row, first.along_column)
    if any(
        not np.allclose((p.along_row, p.along_column), (first.along_row, first.along_column), atol=1e-3) for p in places
    ):
        raise InputError(f"The frames of '{name}' have different orientations; choose a stack of parallel ones.")
    positions = np.array([place.position for place in places])
    order = np.argsort(positions @ normal, kind="stable")
    positions = positions[order]
    step = normal * depth
    if len(places) > 1:
        depths = positions @ normal
        gaps = np.diff(depths)
        if gaps.min() <= 0.01 * gaps.max():
            where = depths[gaps.argmin()]
            raise InputError(
                f"'{name}' has several images at the position {where:g} mm along its axis (time points or copies); "
                "keep one image per position."
            )
        step = (positions[-1] - positions[0]) / (len(places) - 1)
        off_grid = np.linalg.norm(positions - positions[0] - np.outer(np.arange(len(places)), step), axis=1)
        if off_grid.max() > _UNEVENNESS * np.linalg.norm(step):
            usual = np.median(gaps)
            worst = np.abs(gaps - usual).argmax()
            raise InputError(
                f"'{name}' lacks slices or has uneven ones: between {depths[worst]:g} mm and {depths[worst + 1]:g} mm "
                f"along its axis the distance is {gaps[worst]:g} mm instead of {usual:g} mm; add the missing "
                "files, or let Slicer's DICOM module resample the series and save that volume."
            )
    lps = np.eye(4)
    lps[:3, 0] = first.along_row * first.spacing[1]
    lps[:3, 1] = first.along_column * first.spacing[0]
    lps[:3, 2] = step
    lps[:3, 3] = positions[0]
    return order, files.LPS_TO_RAS @ lps


def _undo_inversion(array: np.ndarray, header: Dataset) -> np.ndarray:
    """ITK turns MONOCHROME1 (low is bright) around, which is right for a radiograph but falsifies the HU of a CT."""
    if header.get("Modality") != "CT" or header.get("PhotometricInterpretation") != "MONOCHROME1":
        return array
    lowest_and_highest = -1 if header.get("PixelRepresentation") else 2 ** int(header.BitsStored) - 1
    slope, intercept = float(header.get("RescaleSlope") or 1), float(header.get("RescaleIntercept") or 0)
    upright = slope * lowest_and_highest + 2 * intercept - array.astype(np.float64)
    return upright.astype(array.dtype)


def _meaning(header: Dataset, array: np.ndarray) -> Meaning:
    if array.ndim == 4:
        return Meaning.RGB
    modality = str(header.get("Modality") or "")
    if modality == "SEG":
        return Meaning.LABEL
    if modality == "CT" and "LOCALIZER" not in (header.get("ImageType") or []):
        rescale = _functional(header, 0, "PixelValueTransformationSequence") if "RescaleSlope" not in header else header
        unit = rescale.get("RescaleType", "HU")
        if "RescaleSlope" in rescale and (unit in ("HU", "") or (unit == "US" and array.min() < 0)):  # air, then
            return Meaning.HU
    return Meaning.DISPLAY if modality in _RADIOGRAPHS and len(array) == 1 else Meaning.SCALAR


def _numbers(header: Dataset, keyword: str, count: int) -> np.ndarray:
    """So many finite numbers of an attribute, else an empty array."""
    try:
        numbers = np.array(header.get(keyword), dtype=np.float64).reshape(-1)
    except (TypeError, ValueError):
        return np.empty(0)
    return numbers if numbers.size == count and np.isfinite(numbers).all() else np.empty(0)


def _whole(header: Dataset, keyword: str, default: int) -> int:
    """A whole number of an attribute, or the default where it is missing or invalid."""
    try:
        return int(header.get(keyword) or default)
    except (TypeError, ValueError):
        return default

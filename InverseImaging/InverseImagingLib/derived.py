"""DICOM out: a derived CT series that says whose patient it is, what it was made from, and how.

What is the same for any other derived image, such as a radiograph (xray/dx.py) or colors, is public here.
"""

from __future__ import annotations

import datetime
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import format_number_as_ds

from .errors import InputError
from .files import LPS_TO_RAS, beside, quiet
from .image import Image, Meaning

if TYPE_CHECKING:
    from pydicom.sr.coding import Code

RESEARCH_ONLY = "For research use only, not for diagnosis or treatment."

_SERIES_NUMBER_STEP = 1000  # keeps derived series apart from those of the scanner
_MANUFACTURER = "SlicerInverseImaging"
_PRIVATE_GROUP, _PRIVATE_CREATOR, _REPORT_ELEMENT = 0x0071, "SLICERINVERSEIMAGING", 0x01

# What a derived series shares with its source: the patient, the study and the space.
_KEPT = (
    "PatientName PatientID IssuerOfPatientID PatientBirthDate PatientSex OtherPatientIDsSequence PatientComments "
    "PatientIdentityRemoved DeidentificationMethod DeidentificationMethodCodeSequence "
    "PatientSpeciesDescription PatientSpeciesCodeSequence PatientBreedDescription PatientBreedCodeSequence "
    "BreedRegistrationSequence ResponsiblePerson ResponsiblePersonRole ResponsibleOrganization "
    "ClinicalTrialSponsorName ClinicalTrialProtocolID ClinicalTrialProtocolName ClinicalTrialSiteID "
    "ClinicalTrialSiteName ClinicalTrialSubjectID ClinicalTrialSubjectReadingID "
    "StudyInstanceUID StudyDate StudyTime ReferringPhysicianName StudyID AccessionNumber StudyDescription "
    "PatientAge PatientSize PatientWeight TimezoneOffsetFromUTC InstitutionName "
    "BodyPartExamined FrameOfReferenceUID PositionReferenceIndicator "
    "AcquisitionDate AcquisitionTime ContrastBolusAgent ContrastBolusRoute "
    "LossyImageCompression LossyImageCompressionRatio LossyImageCompressionMethod"
)

# Attributes that an image has to have, if only empty (type 2).
_REQUIRED = (
    "PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime ReferringPhysicianName StudyID "
    "AccessionNumber PositionReferenceIndicator"
)

# The same two for CT: how it was acquired.
_KEPT_OF_CT = (
    "PatientPosition ProtocolName AcquisitionNumber KVP ScanOptions DataCollectionDiameter "
    "GantryDetectorTilt TableHeight RotationDirection ExposureTime XRayTubeCurrent Exposure FilterType FocalSpots "
    "ConvolutionKernel"
)
_REQUIRED_OF_CT = "PatientPosition KVP AcquisitionNumber"


def is_target(path: str | os.PathLike[str]) -> bool:
    """Whether an output path asks for DICOM: a .dcm file, a folder, or a name without a suffix."""
    text, path = os.fspath(path), Path(path)
    return path.suffix.lower() == ".dcm" or text.endswith(("/", os.sep)) or not path.suffix or path.is_dir()


def write_derived(
    image: Image,
    path: str | os.PathLike[str],
    report: Mapping[str, Any],
    *,
    window: tuple[float, float] | None = None,
    kind: str = "",
    text_free: bool = True,
) -> None:
    """Write a gray volume as a derived CT series: a new folder of slices, or one .dcm file for one slice.

    Patient, study and frame of reference come from image.dicom; without it a new study is made. The report (method,
    version, settings, ...) becomes the Derivation Description and, whole, as JSON, the private element
    (0071,xx01) of the creator SLICERINVERSEIMAGING. window: the lowest and highest value to show (default: as the
    source, or all that are no HU). kind: as in series_header. text_free: False leaves open whether text is burned in.
    Geometry is exact: slices run along their normal, so a left-handed volume has its slice order turned, and gantry
    tilt stays; only rows and columns that are not perpendicular are refused.
    HU: whole numbers are stored as they are; others in steps of a power of two between 1/256 and 1 HU, as fine as
    16 bits allow for the range of the series, rounded to the nearest (error at most half a step: 0.03 HU for the usual
    -1024 to 3071). What means SCALAR is stored in 65535 steps from the lowest to the highest, of no unit (US).
    Source of the attributes: DICOM PS3.3, CT Image IOD (A.3). Raises InputError; nothing is left behind then.
    """
    stored, slope, intercept = _stored(image)
    series = _ct_header(image, report, window, kind)
    if not text_free:
        del series.BurnedInAnnotation
    series.RescaleSlope, series.RescaleIntercept = format_number_as_ds(slope), ds(intercept)
    series.RescaleType = "HU" if image.meaning is Meaning.HU else "US"
    write_slices(image, stored, series, path)


def write_slices(image: Image, stored: np.ndarray, series: Dataset, path: str | os.PathLike[str]) -> None:
    """Write stored values, (K, J, I) int16 or uint16 or (K, J, I, 3) uint8, as a series of slices with the geometry
    and the source images of an image; see write_derived for the path, what is exact, and the errors.

    series: what the slices share but for their geometry, which is added to it.
    """
    path = Path(path)
    normal, lps = _geometry(image)
    source = image.dicom if image.dicom is not None else Dataset()
    if not source.get("BodyPartExamined"):  # what may be one of a pair; a part that is none must not have it
        series.Laterality = None
    keep(series, source, "Laterality")
    references = list(source.get("SourceImageSequence") or [])
    if np.dot(normal, lps[:3, 2]) < 0:
        stored, references = stored[::-1], references[::-1]
        lps[:3, 3] += (len(stored) - 1) * lps[:3, 2]
        lps[:3, 2] *= -1
    series.ImageOrientationPatient = [ds(value) for column in (0, 1) for value in _unit(lps[:3, column])]
    series.PixelSpacing = [ds(np.linalg.norm(lps[:3, axis])) for axis in (1, 0)]
    series.SliceThickness = series.SpacingBetweenSlices = ds(np.dot(normal, lps[:3, 2]))

    single = path.suffix.lower() == ".dcm"
    if single and len(stored) > 1:
        raise InputError(
            f"'{path.name}' can hold one slice, but '{image.name}' has {len(stored)}; name a folder instead."
        )
    with beside(path) as holder, quiet():
        folder = holder if single else holder / path.name
        folder.mkdir(exist_ok=True)
        for k, plane in enumerate(stored):
            series.ImagePositionPatient = [ds(value) for value in lps[:3, 3] + k * lps[:3, 2]]
            series.InstanceNumber = k + 1
            if references:
                refer(series, references if len(references) != len(stored) else references[k : k + 1])
            save(series, plane, folder / (path.name if single else f"IM{k + 1:05d}.dcm"))


def _stored(image: Image) -> tuple[np.ndarray, float, float]:
    """Values as int16 or uint16 (K, J, I), with the slope and intercept that give them back."""
    if image.is_color or image.meaning not in (Meaning.HU, Meaning.SCALAR):
        raise InputError(
            f"'{image.name}' holds {image.meaning.value} values; a DICOM CT series holds HU, write .nrrd instead."
        )
    if not np.isfinite(image.array).all():
        raise InputError(f"'{image.name}' has values that are not finite; replace them before writing DICOM.")
    low, high = float(image.array.min()), float(image.array.max())
    if image.meaning is Meaning.SCALAR:
        slope = float(format_number_as_ds((high - low) / 65535 or 1.0))
        return np.rint((image.array.astype(np.float64) - low) / slope).clip(0, 65535).astype(np.uint16), slope, low
    if low >= -32768 and high <= 32767 and (image.array == np.rint(image.array)).all():
        return image.array.astype(np.int16), 1.0, 0.0
    floor = math.floor(low)
    slope = 2.0 ** max(-8, math.ceil(math.log2(max(high - floor, 1.0) / 65535)))
    if slope > 1:
        raise InputError(
            f"'{image.name}' spans {high - low:g} HU, more than DICOM CT holds exactly; write .nrrd instead."
        )
    intercept = floor + 32768 * slope
    return np.rint((image.array.astype(np.float64) - intercept) / slope).astype(np.int16), slope, intercept


def _geometry(image: Image) -> tuple[np.ndarray, np.ndarray]:
    """The unit normal of the slices and IJK to LPS."""
    lps = LPS_TO_RAS @ image.ijk_to_ras
    row, column = _unit(lps[:3, 0]), _unit(lps[:3, 1])
    if abs(np.dot(row, column)) > 1e-4:
        raise InputError(
            f"'{image.name}' has sheared slices, which DICOM cannot hold; resample it or write .nrrd instead."
        )
    return _unit(np.cross(row, column)), lps


@quiet()
def _ct_header(image: Image, report: Mapping[str, Any], window: tuple[float, float] | None, kind: str) -> Dataset:
    """What all slices share."""
    source = image.dicom if image.dicom is not None else Dataset()
    header = series_header(image, report, kind)
    for keyword in _REQUIRED_OF_CT.split():
        setattr(header, keyword, None)
    keep(header, source, _KEPT_OF_CT)
    header.SOPClassUID, header.Modality = CTImageStorage, "CT"
    header.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    if image.meaning is Meaning.SCALAR:
        low, high = window or (float(image.array.min()), float(image.array.max()))
        header.WindowCenter, header.WindowWidth = (
            format_number_as_ds((low + high) / 2),
            format_number_as_ds(high - low or 1.0),
        )
        header.VOILUTFunction = "LINEAR_EXACT"  # the usual one needs a width of 1 at least
    elif window is not None:
        header.WindowCenter, header.WindowWidth = ds((window[0] + window[1]) / 2), ds(max(window[1] - window[0], 1))
    elif source.get("WindowCenter") is not None and source.get("WindowWidth") is not None:
        header["WindowCenter"], header["WindowWidth"] = source["WindowCenter"], source["WindowWidth"]
    else:
        header.WindowCenter, header.WindowWidth = 40, 400
    return header


@quiet()
def series_header(image: Image, report: Mapping[str, Any], kind: str = "") -> Dataset:
    """What every derived series has, whatever its modality: patient, study and space of image.dicom, a new series, the
    equipment, and the report. kind: what the images are, where the reader could be mistaken ("Simulated radiograph").

    The caller adds SOP class, modality, image type, geometry and window.
    """
    source = image.dicom if image.dicom is not None else Dataset()
    now = datetime.datetime.now()
    method, version = str(report.get("method") or "Conversion"), str(report.get("version") or "")

    header = Dataset()
    header.SpecificCharacterSet = "ISO_IR 192"
    for keyword in _REQUIRED.split():
        setattr(header, keyword, None)
    keep(header, source, _KEPT)
    if not source:
        header.StudyDate, header.StudyTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
        header.PatientName, header.PatientID = "Unknown^Patient", f"UNKNOWN-{now:%Y%m%d%H%M%S}"
    header.StudyInstanceUID = header.get("StudyInstanceUID") or generate_uid()
    header.FrameOfReferenceUID = header.get("FrameOfReferenceUID") or generate_uid()

    header.SeriesInstanceUID = generate_uid()
    number = str(source.get("SeriesNumber"))
    header.SeriesNumber = (int(number) if number.isdigit() else 0) + _SERIES_NUMBER_STEP
    title = f"{kind}, {method}" if kind else method
    header.SeriesDescription = one_line(f"{title}: {source.get('SeriesDescription') or image.name}", 64)
    header.SeriesDate = header.ContentDate = header.InstanceCreationDate = now.strftime("%Y%m%d")
    header.SeriesTime = header.ContentTime = header.InstanceCreationTime = now.strftime("%H%M%S")
    header.Manufacturer, header.ManufacturerModelName = _MANUFACTURER, one_line(method, 64)
    header.SoftwareVersions = one_line(version, 64) or None
    if source.get("Manufacturer"):
        header.ContributingEquipmentSequence = [_scanner(source)]

    header.DerivationDescription = _description(title, version, report)
    header.ImageComments = f"{kind}. {RESEARCH_ONLY}" if kind else RESEARCH_ONLY
    header.BurnedInAnnotation = "NO"
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated, header.BitsStored, header.HighBit = 16, 16, 15
    if report:
        block = header.private_block(_PRIVATE_GROUP, _PRIVATE_CREATOR, create=True)
        block.add_new(_REPORT_ELEMENT, "UT", json.dumps(report, ensure_ascii=False, default=str))
    return header


def keep(header: Dataset, source: Dataset, keywords: str) -> None:
    """Take over what the source has of some attributes, whose keywords stand between spaces."""
    for keyword in keywords.split():
        if keyword in source:
            header[keyword] = source[keyword]


def _description(title: str, version: str, report: Mapping[str, Any]) -> str:
    """The method and its settings in the 1024 characters of a short text (ST)."""
    settings = ", ".join(f"{name}={value}" for name, value in dict(report.get("settings") or {}).items())
    return one_line(f"{title} {version}".strip() + (f": {settings}" if settings else "") + f". {RESEARCH_ONLY}", 1024)


def _scanner(source: Dataset) -> Dataset:
    """The equipment that acquired the source (PS3.3 C.12.1, Contributing Equipment)."""
    scanner = Dataset()
    scanner.PurposeOfReferenceCodeSequence = [_purpose("AcquisitionEquipment")]
    for keyword in ("Manufacturer", "InstitutionName", "StationName", "ManufacturerModelName", "SoftwareVersions"):
        if source.get(keyword):
            scanner[keyword] = source[keyword]
    return scanner


def refer(header: Dataset, sources: list[Dataset]) -> None:
    """Name the source images: the one of this slice where there are as many, else all of them."""
    purpose = _purpose("SourceImageForImageProcessingOperation")
    items = []
    for source in sources:
        item = Dataset()
        item.ReferencedSOPClassUID = source.ReferencedSOPClassUID
        item.ReferencedSOPInstanceUID = source.ReferencedSOPInstanceUID
        item.PurposeOfReferenceCodeSequence = [purpose]
        items.append(item)
    header.SourceImageSequence = items


def save(header: Dataset, plane: np.ndarray, path: Path) -> None:
    """Write one image: plane, (rows, columns) int16 or uint16, or (rows, columns, 3) uint8."""
    header.SOPInstanceUID = generate_uid()
    header.Rows, header.Columns = plane.shape[:2]
    header.PixelRepresentation = int(plane.dtype.kind == "i")
    header.PixelData = np.ascontiguousarray(plane, dtype=plane.dtype.newbyteorder("<")).tobytes()
    header["PixelData"].VR = "OW" if plane.itemsize > 1 else "OB"
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = header.SOPClassUID, header.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    FileDataset(path, header, file_meta=meta, preamble=b"\0" * 128).save_as(path, enforce_file_format=True)


def _purpose(name: str) -> Dataset:
    """One of DICOM's own codes. They take a while to load, and reading needs none."""
    from pydicom.sr.codedict import codes

    return coded(getattr(codes.DCM, name))


def coded(code: Code) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return item


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)


def ds(value: float | np.floating) -> str:
    """A number in the 16 characters of a decimal string; rounded first, because pydicom makes -9.9...98 too long."""
    return format_number_as_ds(round(float(value), 10) + 0.0)


def one_line(text: str, length: int) -> str:
    """One line without the backslash, which separates values, shortened where needed."""
    text = " ".join(text.replace("\\", "/").split())
    return text if len(text) <= length else text[: length - 3] + "..."

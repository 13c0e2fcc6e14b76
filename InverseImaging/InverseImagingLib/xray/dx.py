"""DICOM out: a simulated radiograph that says how it was taken, of whom, and that no X-ray tube took it."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import DigitalXRayImageStorageForPresentation

from ..derived import coded, ds, refer, save, series_header
from ..errors import InputError
from ..files import beside, quiet
from ..image import Image, Meaning
from .geometry import Geometry, angles_of

KIND = "Simulated radiograph"
STRAIGHT = 0.966  # cosine of 15 degrees, within which a view has a name

_HIGHEST = 65535
_ASIDE = 0.1  # a direction is named by the axes along which it has more than this share
_VIEWS = {  # by where the detector is
    "A": ("PA", codes.cid4010.PosteroAnterior),
    "P": ("AP", codes.cid4010.AnteroPosterior),
    "L": ("LL", codes.cid4010.LeftLateral),
    "R": ("RL", codes.cid4010.RightLateral),
}
_REGIONS = {name.upper(): getattr(codes.cid4031, name) for name in codes.cid4031.dir()}  # by Body Part Examined


def write_radiograph(
    image: Image,
    path: str | os.PathLike[str],
    report: Mapping[str, Any],
    *,
    geometry: Geometry,
    kvp: float | None = None,
    window: tuple[float, float] | None = None,
) -> None:
    """Write a simulated radiograph as a DICOM Digital X-Ray image, for presentation: one .dcm file.

    image: (1, height, width); whole numbers from 0 to 65535 that mean DISPLAY, bone bright, are stored as they are;
    ATTENUATION (-log of the transmission) in 65535 steps from the lowest to the highest, with a Real World Value
    Mapping back. image.dicom: the header of the CT it was made from, which gives patient, study and frame of reference.
    report: as in derived.write_derived. kvp: of the tube. window: lowest and highest value to show (default: all).
    Not held by this kind of image: the place of the detector in the frame of reference, only angles and distances.
    Source of the attributes: DICOM PS3.3, Digital X-Ray Image IOD (A.26). Raises InputError; nothing is left then.
    """
    write_radiographs([image], [path], report, geometries=[geometry], kvp=kvp, window=window)


def write_radiographs(
    images: Sequence[Image],
    paths: Sequence[str | os.PathLike[str]],
    report: Mapping[str, Any],
    *,
    geometries: Sequence[Geometry],
    kvp: float | None = None,
    window: tuple[float, float] | None = None,
) -> None:
    """Write several views of one body as one DICOM series, a .dcm file each; see write_radiograph."""
    for image, geometry in zip(images, geometries, strict=True):
        if image.array.shape != (1, geometry.height, geometry.width):
            raise InputError(
                f"'{image.name}' has the shape {image.array.shape}, but the detector (1, {geometry.height}, "
                f"{geometry.width}); write it with the geometry it was made with."
            )
    with quiet():
        series = series_header(images[0], report, KIND)
        series.KVP = None if kvp is None else ds(kvp)
    write_series(images, paths, series, lambda header, number: _describe_view(header, geometries[number]), window)


def write_series(
    images: Sequence[Image],
    paths: Sequence[str | os.PathLike[str]],
    series: Dataset,
    describe: Callable[[Dataset, int], None],
    window: tuple[float, float] | None = None,
) -> None:
    """Write pictures as one DICOM series; see write_radiograph for their values and the errors.

    series: what they share, of derived.series_header. describe: adds to the header of image 0, 1, ... from where it is
    seen and how large its pixels are.
    """
    for number, (image, path) in enumerate(zip(images, map(Path, paths), strict=True)):
        if path.suffix.lower() != ".dcm":
            raise InputError(f"'{path.name}' does not name a DICOM file; a radiograph needs a name that ends in .dcm.")
        stored, slope, intercept = _stored(image)
        with beside(path) as folder, quiet():
            header = copy.deepcopy(series)
            _describe_image(header, image, stored, slope, intercept, window)
            describe(header, number)
            header.InstanceNumber = number + 1
            sources = list(image.dicom.get("SourceImageSequence") or []) if image.dicom is not None else []
            if sources:
                refer(header, sources)
            save(header, stored, folder / path.name)


def _stored(image: Image) -> tuple[np.ndarray, float, float]:
    """Values as uint16 (height, width), with the slope and intercept that give the values back."""
    array = image.array[0]
    if image.meaning is Meaning.DISPLAY and array.dtype.kind in "iu" and array.min() >= 0 and array.max() <= _HIGHEST:
        return array.astype(np.uint16), 1.0, 0.0
    if image.meaning is not Meaning.ATTENUATION:
        raise InputError(
            f"'{image.name}' holds {array.dtype} {image.meaning.value} values; a DICOM radiograph holds display values "
            "from 0 to 65535 or attenuation."
        )
    if not np.isfinite(array).all():
        raise InputError(f"'{image.name}' has values that are not finite; replace them before writing DICOM.")
    low, high = float(array.min()), float(array.max())
    slope = (high - low) / _HIGHEST or 1.0
    return np.rint((array.astype(np.float64) - low) / slope).astype(np.uint16), slope, low


def _describe_image(
    header: Dataset,
    image: Image,
    stored: np.ndarray,
    slope: float,
    intercept: float,
    window: tuple[float, float] | None,
) -> None:
    header.SOPClassUID, header.Modality = DigitalXRayImageStorageForPresentation, "DX"
    header.PresentationIntentType = "FOR PRESENTATION"
    header.ImageType = ["DERIVED", "SECONDARY", ""]
    source = image.dicom if image.dicom is not None else Dataset()
    side = str(source.get("ImageLaterality") or source.get("Laterality") or "")
    header.ImageLaterality = side if side in ("L", "R", "B") else "U"
    region = _REGIONS.get(str(header.get("BodyPartExamined") or "").replace(" ", ""))
    known = [] if region is None else [coded(region)]
    header.AnatomicRegionSequence = list(source.get("AnatomicRegionSequence") or known)
    if not header.AnatomicRegionSequence:  # the standard wants the region coded where it is known
        header.pop("BodyPartExamined", None)
    header.AcquisitionContextSequence = []
    header.DetectorType = None
    header.LossyImageCompression = header.get("LossyImageCompression") or "00"
    # More attenuation, so less intensity, has a higher value and is shown brighter.
    header.PixelIntensityRelationship, header.PixelIntensityRelationshipSign = "LOG", -1
    header.PresentationLUTShape = "IDENTITY"
    header.RescaleSlope, header.RescaleIntercept, header.RescaleType = 1, 0, "US"
    low, high = (stored.min(), stored.max()) if window is None else ((edge - intercept) / slope for edge in window)
    # PS3.3 C.11.2.1.2.1: the lowest value that is black and the first that is white.
    header.WindowCenter, header.WindowWidth = ds((float(low) + float(high) + 1) / 2), ds(max(float(high - low) + 1, 1))
    if image.meaning is Meaning.ATTENUATION:
        mapping = Dataset()
        mapping.RealWorldValueFirstValueMapped, mapping.RealWorldValueLastValueMapped = 0, _HIGHEST
        mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept = slope, intercept
        mapping.LUTLabel, mapping.LUTExplanation = "ATTENUATION", "-log of the transmission"
        mapping.MeasurementUnitsCodeSequence = [coded(codes.UCUM.NoUnits)]
        header.RealWorldValueMappingSequence = [mapping]


def _describe_view(header: Dataset, geometry: Geometry) -> None:
    rows, columns, beam = geometry.frame[:3, :3].T
    header.PatientOrientation = [_letters(rows), _letters(columns)]
    azimuth, elevation, _ = angles_of(geometry.frame)
    header.PositionerType = "NONE"
    header.PositionerPrimaryAngle, header.PositionerSecondaryAngle = ds(azimuth), ds(elevation)
    view = _VIEWS.get(_letters(beam)[0])
    if view and np.abs(beam).max() > STRAIGHT:
        header.ViewPosition, header.ViewCodeSequence = view[0], [coded(view[1])]
    header.ImagerPixelSpacing = [ds(geometry.pixel)] * 2
    header.EstimatedRadiographicMagnificationFactor = ds(1 if geometry.parallel else geometry.sdd / geometry.sid)
    if not geometry.parallel:
        header.DistanceSourceToDetector, header.DistanceSourceToPatient = ds(geometry.sdd), ds(geometry.sid)


def _letters(direction: np.ndarray) -> str:
    """A direction in RAS as the letters of DICOM's Patient Orientation, the main one first."""
    names = np.where(direction > 0, list("RAH"), list("LPF"))
    order = np.argsort(-np.abs(direction), kind="stable")
    return "".join(names[axis] for axis in order if abs(direction[axis]) > _ASIDE)

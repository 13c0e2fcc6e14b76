"""DICOM out: what a network made of one DICOM radiograph, in the study of its patient."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from pydicom import Dataset

from ..derived import RESEARCH_ONLY, ds, keep, series_header
from ..errors import InputError
from ..files import quiet
from ..image import Image
from .dx import STRAIGHT, write_series

_SUPPRESSED, _VIEW = "Bone-suppressed radiograph, synthesized", "View of a radiograph, synthesized"

_WHOLE = (0, 65535)  # the window: the picture is 0 to 1 as the radiograph was shown, so that its own window is used up
_UPRIGHT = ["L", "F"]  # orientation of a picture as the method takes it
_KEPT = "PixelSpacing PixelSpacingCalibrationType PixelSpacingCalibrationDescription DetectorType PositionerType"
_KEPT_AS_TAKEN = (
    "KVP DistanceSourceToDetector DistanceSourceToPatient EstimatedRadiographicMagnificationFactor "
    "PositionerPrimaryAngle PositionerSecondaryAngle"
)
_KEPT_WHERE_STRAIGHT = "ViewPosition ViewCodeSequence"


def check_source(radiograph: Image) -> None:
    """Raise InputError for a radiograph of which nothing can be written as DICOM: patient or size are not known."""
    if not _pixel_spacing(_source(radiograph)):
        raise InputError(
            f"'{radiograph.name}' has no DICOM header with a patient and the size of the pixels, which a DICOM "
            "radiograph needs; write .png, or start from a DICOM file that has both."
        )


def write_suppressed(image: Image, path: str | os.PathLike[str], report: Mapping[str, Any]) -> None:
    """Write a radiograph without its bones as a DICOM Digital X-Ray image, for presentation: one .dcm file.

    image: (1, height, width) uint16, bone bright, of the pixels of the radiograph whose header is image.dicom, or of a
    part of it. That gives patient, study, orientation, view, anatomy, distances and the size of the pixels; its window
    is part of the values already. report: of XraySynLib.synthesize. Raises InputError; nothing is left then.
    """

    def describe(header: Dataset, number: int) -> None:
        keep(header, _source(image), f"{_KEPT_AS_TAKEN} {_KEPT_WHERE_STRAIGHT}")

    _write([image], [path], report, _SUPPRESSED, describe)


def write_views(images: Sequence[Image], paths: Sequence[str | os.PathLike[str]], report: Mapping[str, Any]) -> None:
    """Write views of one radiograph as one DICOM series, a .dcm file each; see write_suppressed.

    The positioner angles are those of the radiograph, if its header knows them, else of a detector straight in front of
    the patient, or behind as the report says, plus those the view is turned by. Views are turned so little that the
    main directions of the orientation stay. Distances are left out, because no tube was there.
    """
    source = _source(images[0])
    primary, secondary = source.get("PositionerPrimaryAngle"), source.get("PositionerSecondaryAngle")
    if primary is None:
        primary = 180 if report["projection"] == "ap" else 0
    mirrored = _orientation(source)[0].startswith("R")  # then what the method takes for the left is the right

    def describe(header: Dataset, number: int) -> None:
        azimuth, elevation = report["angles"][number]
        angle = float(primary) + (-azimuth if mirrored else azimuth)
        header.PositionerPrimaryAngle = ds(180 - (180 - angle) % 360)
        header.PositionerSecondaryAngle = ds(float(secondary or 0) + elevation)
        if np.prod(np.cos(np.deg2rad([azimuth, elevation]))) > STRAIGHT:
            keep(header, source, _KEPT_WHERE_STRAIGHT)

    _write(images, paths, report, _VIEW, describe)


def _write(
    images: Sequence[Image],
    paths: Sequence[str | os.PathLike[str]],
    report: Mapping[str, Any],
    kind: str,
    describe: Callable[[Dataset, int], None],
) -> None:
    check_source(images[0])
    source = _source(images[0])

    def describe_all(header: Dataset, number: int) -> None:
        header.PositionerType = None
        keep(header, source, _KEPT)
        header.ImagerPixelSpacing = _pixel_spacing(source)
        header.PatientOrientation = _orientation(source)
        describe(header, number)

    with quiet():
        series = series_header(images[0], report, kind)
        series.SeriesDescription = f"{kind}, research only"
        series.ImageComments = f"{kind}. {_part(report['crop'])} {RESEARCH_ONLY}"
        series.KVP = None
    write_series(images, paths, series, describe_all, _WHOLE)


def _source(image: Image) -> Dataset:
    return image.dicom if image.dicom is not None else Dataset()


def _orientation(header: Dataset) -> Sequence[str]:
    return header.get("PatientOrientation") or _UPRIGHT


def _pixel_spacing(header: Dataset) -> Any:
    """At the detector, as far as the header says; empty where it does not."""
    return header.get("ImagerPixelSpacing") or header.get("PixelSpacing")


def _part(crop: Sequence[int]) -> str:
    top, bottom, left, right = crop
    return f"Shows rows {top + 1} to {bottom} and columns {left + 1} to {right} of the source image."

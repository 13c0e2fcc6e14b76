"""DICOM out: densities as a series of slices, in the study of the radiograph that they were made of."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydicom import Dataset

from InverseImagingLib.dicom import write_derived
from InverseImagingLib.image import Image

from .transfer import WHITE

KIND = "Estimate by a network from one radiograph, research only"


def write_densities(volume: Image, path: str | os.PathLike[str], report: Mapping[str, Any]) -> None:
    """Write densities (K, J, I) as a derived CT series into a new folder, in 65535 steps up to the highest.

    volume.dicom: the header of the radiograph, which gives patient and study; without it a new study is made. The
    frame of reference is a new one, because a radiograph does not tell where in the patient's space it lies. report: of
    tomograph. See write_derived for the errors.
    """
    header = Dataset(volume.dicom or {})
    header.pop("FrameOfReferenceUID", None)
    write_derived(replace(volume, dicom=header), path, report, window=(0.0, WHITE), kind=KIND)

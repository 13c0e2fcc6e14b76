"""DICOM out: colors as a series of slices that lie where those of the CT do, in its study."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from pydicom.uid import SecondaryCaptureImageStorage

from InverseImagingLib.derived import series_header, write_slices
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image

KIND = "Illustrative colors"


def write_colors(colors: Image, path: str | os.PathLike[str], report: Mapping[str, Any]) -> None:
    """Write colors (K, J, I, 3 or 4) of uint8 as a derived series into a new folder, or one slice into a .dcm file.

    Of an RGBA volume the colors are written, without the opacity, which DICOM cannot hold. colors.dicom: the header of
    the CT, which gives patient, study and frame of reference; without it a new study is made. A CT image has no colors,
    so each slice is a secondary capture with the place of a CT slice, which Slicer and ITK read as a volume.
    Source of the attributes: DICOM PS3.3, Secondary Capture Image IOD (A.8.1) and Image Plane Module (C.7.6.2).
    See derived.write_derived for the rest. Raises InputError; nothing is left behind then.
    """
    if not colors.is_color or colors.array.dtype != np.uint8:
        raise InputError(f"'{colors.name}' has no colors of 8 bits; color the CT first.")
    header = series_header(colors, report, KIND)
    header.SOPClassUID, header.Modality = SecondaryCaptureImageStorage, "CT"  # what the colors were made from
    header.ConversionType = "WSD"
    header.PatientOrientation = None  # which the orientation in space tells
    header.ImageType = ["DERIVED", "SECONDARY"]
    header.SamplesPerPixel, header.PhotometricInterpretation, header.PlanarConfiguration = 3, "RGB", 0
    header.BitsAllocated, header.BitsStored, header.HighBit = 8, 8, 7
    write_slices(colors, colors.array[..., :3], header, path)

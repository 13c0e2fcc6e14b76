"""Small DICOM files for tests, made with pydicom alone, so that they are a second opinion on what we read and write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid

# Rows run to the left, columns to the back, slices to the head; 0.5 x 0.75 x 2.5 mm.
AXIAL = np.array([[0.5, 0, 0, -100], [0, 0.75, 0, 40], [0, 0, 2.5, -300], [0, 0, 0, 1.0]])


def write_series(folder: Path, stored: np.ndarray, lps: np.ndarray = AXIAL, **attributes: object) -> list[Path]:
    """One CT slice a file: stored values (K, J, I) int16, IJK to LPS. Names sort in another order than positions."""
    folder.mkdir(exist_ok=True)
    header = _header(stored, lps, **attributes)
    paths = []
    for k, plane in enumerate(stored):
        header.ImagePositionPatient = (lps[:3, 3] + k * lps[:3, 2]).round(9).tolist()
        header.InstanceNumber = k + 1
        header.SOPInstanceUID = generate_uid()
        paths.append(_save(header, plane, folder / f"{(k * 7 + 3) % 10}-{k:03d}-{header.SeriesNumber}"))
    return paths


def write_enhanced(path: Path, stored: np.ndarray, order: list[int], lps: np.ndarray = AXIAL) -> None:
    """An enhanced multi-frame CT: frame n holds slice order[n]."""
    header = _header(stored, lps)
    header.SOPClassUID, header.SOPInstanceUID = EnhancedCTImageStorage, generate_uid()
    shared = Dataset()
    for group, names in {
        "PlaneOrientationSequence": ("ImageOrientationPatient",),
        "PixelMeasuresSequence": ("PixelSpacing", "SliceThickness"),
        "PixelValueTransformationSequence": ("RescaleSlope", "RescaleIntercept", "RescaleType"),
    }.items():
        item = Dataset()
        for name in names:
            item[name] = header[name]
            del header[name]
        setattr(shared, group, [item])
    header.SharedFunctionalGroupsSequence = [shared]
    header.PerFrameFunctionalGroupsSequence = []
    for k in order:
        place = Dataset()
        place.ImagePositionPatient = (lps[:3, 3] + k * lps[:3, 2]).tolist()
        frame = Dataset()
        frame.PlanePositionSequence = [place]
        header.PerFrameFunctionalGroupsSequence.append(frame)
    header.NumberOfFrames = len(order)
    _save(header, stored[order], path)


def _header(stored: np.ndarray, lps: np.ndarray, **attributes: object) -> Dataset:
    row, column = (lps[:3, axis] / np.linalg.norm(lps[:3, axis]) for axis in (0, 1))
    header = Dataset()
    header.SpecificCharacterSet = "ISO_IR 100"
    header.PatientName, header.PatientID, header.PatientSex = "Müller^Jürgen", "P-1", "M"
    header.PatientBirthDate, header.StudyDate, header.StudyTime = "19500101", "20200102", "101112"
    header.StudyInstanceUID, header.SeriesInstanceUID = generate_uid(), generate_uid()
    header.FrameOfReferenceUID, header.PositionReferenceIndicator = generate_uid(), ""
    header.StudyID, header.AccessionNumber, header.ReferringPhysicianName = "S1", "A1", "Doe^Jane"
    header.SeriesNumber, header.AcquisitionNumber = 3, 1
    header.SeriesDescription, header.Modality, header.SOPClassUID = "Thorax 2.5 mm", "CT", CTImageStorage
    header.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    header.Manufacturer, header.PatientPosition, header.KVP = "Scanners", "HFS", "120"
    header.ImageOrientationPatient = [*row.round(12), *column.round(12)]
    header.PixelSpacing = [float(np.linalg.norm(lps[:3, 1])), float(np.linalg.norm(lps[:3, 0]))]
    header.SliceThickness = header.SpacingBetweenSlices = float(np.linalg.norm(lps[:3, 2]))
    header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
    header.BitsAllocated, header.BitsStored, header.HighBit = 16, 16, 15
    header.PixelRepresentation = int(stored.dtype.kind == "i")
    header.RescaleSlope, header.RescaleIntercept, header.RescaleType = 1, -1024, "HU"
    for name, value in attributes.items():
        setattr(header, name, value)
    return header


def _save(header: Dataset, pixels: np.ndarray, path: Path) -> Path:
    header.Rows, header.Columns = pixels.shape[-2:]
    header.PixelData = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes()
    header["PixelData"].VR = "OW"
    header.file_meta = FileMetaDataset()
    header.file_meta.MediaStorageSOPClassUID = header.SOPClassUID
    header.file_meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID
    header.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    header.save_as(path, enforce_file_format=True)
    return path

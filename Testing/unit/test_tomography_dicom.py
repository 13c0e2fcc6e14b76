"""A volume as DICOM: whose it is, what made it, where its voxels lie and what they hold."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from pydicom import Dataset
from pydicom.uid import generate_uid
from tomography_samples import skull, write_untrained

from InverseImagingLib import cli
from InverseImagingLib.image import Image, Meaning, read, write
from InverseImagingLib.xray.dx import write_radiograph
from InverseImagingLib.xray.geometry import Geometry, pose

STUDY = ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "StudyDate", "AccessionNumber")


def write_source(path: Path) -> Path:
    """A DX of a known patient, with a frame of reference."""
    patient = Dataset()
    patient.PatientName, patient.PatientID, patient.PatientBirthDate = "Muster^Änne", "77", "19500203"
    patient.StudyInstanceUID, patient.StudyDate, patient.AccessionNumber = generate_uid(), "20250102", "A1"
    patient.BodyPartExamined, patient.SpecificCharacterSet = "SKULL", "ISO_IR 192"
    patient.FrameOfReferenceUID = generate_uid()
    size = skull().array.shape[1]
    geometry = Geometry(size, size, 1.5, 1150.0, 1000.0, pose())
    image = Image(skull().array, geometry.pixel_to_ras, Meaning.DISPLAY, "skull", patient)
    write_radiograph(image, path, {}, geometry=geometry, kvp=70, window=(0, 4095))
    return path


@pytest.fixture(scope="module", params=["dx", "png"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A radiograph, and the volume that the command makes of it as NRRD and as DICOM."""
    folder = tmp_path_factory.mktemp("dicom")
    source = folder / ("skull.dcm" if request.param == "dx" else "skull.png")
    write_source(source) if request.param == "dx" else write(skull(), source)
    own = ["--weights", str(write_untrained(folder / "own.safetensors")), "--size", "40", "--quiet"]
    for out in ("volume.nrrd", "series"):
        assert cli.main(["tomography", str(source), str(folder / out), *own]) == 0
    return folder


def slices(folder: Path) -> list[Any]:
    return [pydicom.dcmread(path) for path in sorted((folder / "series").iterdir())]


def test_it_is_an_estimate_in_the_study_of_the_radiograph(folder: Path):
    headers = slices(folder)
    first = headers[0]
    assert len(headers) == 40
    for name in ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID", "PatientID"):
        assert len({header[name].value for header in headers}) == 1
    assert list(first.ImageType) == ["DERIVED", "SECONDARY", "AXIAL"]
    assert first.RescaleType == "US"
    assert first.VOILUTFunction == "LINEAR_EXACT"
    for text in (first.SeriesDescription, first.DerivationDescription, first.ImageComments):
        assert text.startswith("Estimate by a network from one radiograph, research only")
    report = json.loads(first.private_block(0x0071, "SLICERINVERSEIMAGING")[1].value)
    assert report["settings"]["size"] == 40
    if not (folder / "skull.dcm").exists():
        assert "SourceImageSequence" not in first
        return
    source = pydicom.dcmread(folder / "skull.dcm")
    for name in STUDY:
        assert first[name].value == source[name].value
    for name in ("SeriesInstanceUID", "FrameOfReferenceUID"):
        assert first[name].value != source[name].value
    assert {item.ReferencedSOPInstanceUID for item in first.SourceImageSequence} == {source.SOPInstanceUID}


def test_simpleitk_finds_the_same_densities_in_the_same_places(folder: Path):
    volume = read(folder / "volume.nrrd")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder / "series")))
    series = reader.Execute()
    step = float(slices(folder)[0].RescaleSlope)
    assert step == pytest.approx(volume.array.max() / 65535, rel=1e-6)
    rng = np.random.default_rng(0)
    for k, j, i in rng.integers(0, volume.array.shape, (200, 3)):
        place = (volume.ijk_to_ras @ [i, j, k, 1])[:3] * [-1, -1, 1]
        index = series.TransformPhysicalPointToIndex(place.tolist())
        np.testing.assert_allclose(series.TransformIndexToPhysicalPoint(index), place, atol=1e-3)
        assert series[index] == pytest.approx(volume.array[k, j, i], abs=0.6 * step)


def test_it_is_read_back_as_what_it_is_and_not_as_hu(folder: Path):
    series, volume = read(folder / "series"), read(folder / "volume.nrrd")
    assert series.meaning is Meaning.SCALAR
    np.testing.assert_allclose(series.array[::-1], volume.array, atol=0.6 * volume.array.max() / 65535)


@pytest.mark.skipif(
    not shutil.which("dciodvfy"),
    reason="dciodvfy of the Debian package dicom3tools checks the files against the standard",
)
def test_dciodvfy_finds_no_error(folder: Path):
    path = next((folder / "series").iterdir())
    found = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False).stderr
    assert "CTImage" in found
    assert not [line for line in found.splitlines() if line.startswith("Error")]

"""What is made of a DICOM radiograph goes back as DICOM: whose it is, from where it is seen, what its pixels are."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom import Dataset
from pydicom.uid import ComputedRadiographyImageStorage, generate_uid
from xraysyn_samples import write_untrained

from InverseImagingLib import cli
from InverseImagingLib.image import Image, Meaning, read, write
from InverseImagingLib.labels import labelled
from InverseImagingLib.xray.dx import write_radiograph
from InverseImagingLib.xray.dx_synthesized import write_suppressed, write_views
from InverseImagingLib.xray.geometry import Geometry, pose
from InverseImagingLib.xray.intake import Crop, IntakeOptions, take_in
from InverseImagingLib.xray.options import RadiographOptions
from InverseImagingLib.xray.phantoms import Anatomy, phantom
from InverseImagingLib.xray.radiograph import radiograph
from XraySynLib.options import SynthesisOptions
from XraySynLib.synthesize import synthesize

SIDE, BORDER = 160, 20
REPORT = {"method": "X-ray Synthesis", "settings": {}, "projection": "pa", "crop": [0, 6, 0, 8], "angles": [[0.0, 0.0]]}
STUDY = ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "StudyDate", "AccessionNumber")
VIEW = ("PatientOrientation", "ViewPosition", "ImageLaterality", "BodyPartExamined")

needs_dciodvfy = pytest.mark.skipif(
    not shutil.which("dciodvfy"),
    reason="dciodvfy of the Debian package dicom3tools checks the files against the standard",
)


def write_source(path: Path, stored: np.ndarray, **attributes: Any) -> Path:
    """A DX of a known patient; an attribute of None is taken out."""
    height, width = stored.shape
    geometry = Geometry(width, height, 2.5, 1800.0, 1600.0, pose())
    patient = Dataset()
    patient.PatientName, patient.PatientID, patient.PatientBirthDate = "Muster^Änne", "77", "19500203"
    patient.StudyInstanceUID, patient.StudyDate, patient.AccessionNumber = generate_uid(), "20250102", "A1"
    patient.BodyPartExamined = "CHEST"
    patient.SpecificCharacterSet = "ISO_IR 192"
    image = Image(stored[None], geometry.pixel_to_ras, Meaning.DISPLAY, "chest", patient)
    write_radiograph(image, path, {}, geometry=geometry, kvp=120, window=(0, 4095))
    header = pydicom.dcmread(path)
    for name, value in attributes.items():
        if value is None:
            header.pop(name, None)
        else:
            setattr(header, name, value)
    header.save_as(path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A negative with a frame above it, and what the commands make of it."""
    folder = tmp_path_factory.mktemp("dicom")
    taken = radiograph(phantom(Anatomy.THORAX, 64, 3), RadiographOptions(width=SIDE, height=SIDE))
    stored = 4095 - np.pad(taken.images["radiograph"].array[0], ((BORDER, 0), (0, 0)), constant_values=4095)
    negative = {"PhotometricInterpretation": "MONOCHROME1", "PresentationLUTShape": "INVERSE"}
    source = str(write_source(folder / "chest.dcm", stored, PixelSpacing=[2.2, 2.2], **negative))
    weights = str(write_untrained(folder / "own.safetensors"))
    own = ["--weights", weights, "--quiet"]
    assert cli.main(["suppress-bone", source, str(folder / "soft.dcm"), *own]) == 0
    sweep = ["--azimuth=-9:9:2", "--tries", "1", "--format", "dicom"]
    assert cli.main(["synthesize", source, str(folder / "views"), *sweep, *own]) == 0
    return folder


def test_without_bone_it_is_another_series_of_the_same_study(folder: Path):
    source, header = pydicom.dcmread(folder / "chest.dcm"), pydicom.dcmread(folder / "soft.dcm")
    for name in (*STUDY, *VIEW, "ImagerPixelSpacing", "PixelSpacing", "KVP", "DistanceSourceToDetector"):
        assert header[name].value == source[name].value
    assert header.AnatomicRegionSequence[0].CodeMeaning == "Chest"
    assert header.SOPInstanceUID != source.SOPInstanceUID
    assert header.SeriesInstanceUID != source.SeriesInstanceUID
    assert header.SOPClassUID == "1.2.840.10008.5.1.4.1.1.1.1"
    assert (header.Modality, header.PresentationIntentType) == ("DX", "FOR PRESENTATION")
    assert list(header.ImageType[:2]) == ["DERIVED", "SECONDARY"]
    assert header.SeriesDescription == "Bone-suppressed radiograph, synthesized, research only"
    assert header.DerivationDescription.startswith("Bone-suppressed radiograph, synthesized, X-ray Synthesis 1.0: ")
    assert "For research use only" in header.ImageComments
    assert [item.ReferencedSOPInstanceUID for item in header.SourceImageSequence] == [source.SOPInstanceUID]
    report = json.loads(header.private_block(0x0071, "SLICERINVERSEIMAGING")[1].value)
    assert report["weights"] == "own.safetensors"
    assert (header.PhotometricInterpretation, header.PresentationLUTShape) == ("MONOCHROME2", "IDENTITY")
    assert (header.BitsStored, header.WindowCenter, header.WindowWidth) == (16, 32768, 65536)


def test_what_was_cut_away_is_said(folder: Path):
    header = pydicom.dcmread(folder / "soft.dcm")
    top, bottom, left, right = take_in(read(folder / "chest.dcm")).box
    assert top == BORDER
    assert (header.Rows, header.Columns) == (bottom - top, right - left)
    assert f"rows {top + 1} to {bottom} and columns {left + 1} to {right} of the source" in header.ImageComments


def test_pixels_without_bone_are_those_taken_in(folder: Path):
    source = read(folder / "chest.dcm")
    taken = take_in(source).array
    own = SynthesisOptions(weights=str(folder / "own.safetensors"), tries=1, only="suppressed")
    free = synthesize(source, own).images["suppressed"].array[0]
    stored = pydicom.dcmread(folder / "soft.dcm").pixel_array
    same = free == taken
    assert 0.02 < same.mean() < 1
    np.testing.assert_array_equal(stored[same], (taken[same] * 65535).round())
    np.testing.assert_allclose(stored / 65535, free.clip(0, 1), rtol=0, atol=0.51 / 65535)


def test_it_is_read_and_taken_in_as_the_same_picture(folder: Path):
    image = read(folder / "soft.dcm")
    assert image.meaning is Meaning.DISPLAY
    assert image.spacing[:2] == pytest.approx(read(folder / "chest.dcm").spacing[:2])
    again = take_in(image, IntakeOptions(crop=Crop.NONE, low=0, high=100))
    assert not again.inverted
    assert again.pixel == 2.5
    stored = image.array[0].astype(np.float64)
    np.testing.assert_allclose(again.array, (stored - stored.min()) / np.ptp(stored), rtol=0, atol=1e-5)


def test_views_are_one_series_and_say_how_they_are_turned(folder: Path):
    headers = [pydicom.dcmread(folder / "views" / f"view-0{number}.dcm") for number in (1, 2)]
    suppressed = pydicom.dcmread(folder / "views" / "suppressed.dcm")
    assert len({header.SeriesInstanceUID for header in headers}) == 1
    assert suppressed.SeriesInstanceUID != headers[0].SeriesInstanceUID
    assert len({header.StudyInstanceUID for header in (*headers, suppressed)}) == 1
    assert len({header.SOPInstanceUID for header in headers}) == 2
    assert [int(header.InstanceNumber) for header in headers] == [1, 2]
    assert [float(header.PositionerPrimaryAngle) for header in headers] == [-9, 9]
    assert headers[0].SeriesDescription == "View of a radiograph, synthesized, research only"
    assert headers[0].KVP is None
    assert "DistanceSourceToDetector" not in headers[0]
    assert {"bone-map.nrrd", "ct.nrrd", "report.json"} <= {path.name for path in (folder / "views").iterdir()}
    first, second, free = (header.pixel_array for header in (*headers, suppressed))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(labelled(first), first)
    assert not np.array_equal(labelled(free), free)


@pytest.mark.parametrize(
    ("known", "projection", "turned", "angles", "named"),
    [
        ({"PositionerPrimaryAngle": 2, "PositionerSecondaryAngle": -3}, "pa", (9, 5), (11, 2), "PA"),
        ({"PositionerPrimaryAngle": 175}, "ap", (9, 0), (-176, 0), "PA"),
        ({"PositionerPrimaryAngle": None, "PositionerSecondaryAngle": None}, "ap", (-9, 1), (171, 1), "PA"),
        ({"PositionerPrimaryAngle": None, "PositionerSecondaryAngle": None}, "pa", (-18, 0), (-18, 0), None),
        ({"PatientOrientation": ["R", "F"]}, "pa", (9, 1), (-9, 1), "PA"),
        ({"ViewPosition": None, "ViewCodeSequence": None}, "pa", (0, 0), (0, 0), None),
    ],
)
def test_angles_count_from_those_of_the_radiograph(tmp_path: Path, known, projection, turned, angles, named):
    image = read(write_source(tmp_path / "source.dcm", small(), **known))
    report = REPORT | {"projection": projection, "angles": [list(turned)]}
    write_views([image], [tmp_path / "view.dcm"], report)
    header = pydicom.dcmread(tmp_path / "view.dcm")
    assert (header.PositionerPrimaryAngle, header.PositionerSecondaryAngle) == angles
    assert list(header.PatientOrientation) == known.get("PatientOrientation", ["L", "F"])
    assert header.get("ViewPosition") == named
    assert ("ViewCodeSequence" in header) == (named is not None)


def small() -> np.ndarray:
    return np.arange(48, dtype=np.uint16).reshape(6, 8)


def write_plain(path: Path) -> Path:
    """A CR that says no more than it has to, and the size of its pixels."""
    silent = (
        "PatientOrientation ImageLaterality AnatomicRegionSequence BodyPartExamined ImagerPixelSpacing DetectorType "
        "PositionerType PositionerPrimaryAngle PositionerSecondaryAngle ViewPosition ViewCodeSequence WindowCenter "
        "WindowWidth FrameOfReferenceUID SeriesNumber"
    )
    kind = {"SOPClassUID": ComputedRadiographyImageStorage, "Modality": "CR", "PixelSpacing": [0.2, 0.2]}
    return write_source(path, small(), **dict.fromkeys(silent.split()), **kind)


def test_of_a_plain_cr_no_more_is_said_than_is_known(tmp_path: Path):
    image = read(write_plain(tmp_path / "cr.dcm"))
    write_suppressed(image, tmp_path / "soft.dcm", REPORT)
    header = pydicom.dcmread(tmp_path / "soft.dcm")
    assert list(header.ImagerPixelSpacing) == [0.2, 0.2]
    assert (list(header.PatientOrientation), header.ImageLaterality) == (["L", "F"], "U")
    for name in ("PositionerPrimaryAngle", "ViewPosition", "BodyPartExamined"):
        assert name not in header


@needs_dciodvfy
@pytest.mark.parametrize("plain", [False, True])
def test_dciodvfy_finds_no_error(tmp_path: Path, plain: bool):
    source = tmp_path / "source.dcm"
    image = read(write_plain(source) if plain else write_source(source, small(), ImageLaterality="B"))
    write_suppressed(image, tmp_path / "soft.dcm", REPORT)
    write_views([image], [tmp_path / "view.dcm"], REPORT)
    for name in ("soft.dcm", "view.dcm"):
        found = subprocess.run(["dciodvfy", str(tmp_path / name)], capture_output=True, text=True, check=False).stderr
        assert "DXImageForPresentation" in found  # it recognized the kind of image, so it did check
        assert not [line for line in found.splitlines() if line.startswith("Error")]


@pytest.mark.parametrize("ending", [".png", ".dcm"])
def test_without_a_patient_or_the_size_of_the_pixels_it_is_refused(tmp_path: Path, capsys, ending):
    source = tmp_path / f"source{ending}"
    if ending == ".dcm":
        write_source(source, small(), ImagerPixelSpacing=None)
    else:
        write(Image(small()[None]), source)
    for command in (["suppress-bone", "soft.dcm"], ["synthesize", "views", "--format", "dicom"]):
        name, output, *flags = command
        assert cli.main([name, str(source), str(tmp_path / output), *flags]) == 2
        assert "has no DICOM header with a patient and the size of the pixels" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [source]

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from dicom_samples import write_series
from pydicom.sr.codedict import codes

from InverseImagingLib.derived import coded
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning, read
from InverseImagingLib.xray.dx import write_radiograph, write_radiographs
from InverseImagingLib.xray.geometry import Geometry, Preset, pose, preset_geometry

REPORT = {
    "method": "X-ray Synthesis",
    "version": "0.1.0",
    "settings": {"preset": "chest-pa", "kvp": 80.0},
    "warnings": ["Eine Größe mit Umlaut"],
}
SHAPE, CENTERED = (4, 6, 7), np.eye(4)

needs_dciodvfy = pytest.mark.skipif(
    not shutil.which("dciodvfy"),
    reason="dciodvfy of the Debian package dicom3tools checks the files against the standard",
)


@pytest.fixture
def source(tmp_path) -> Image:
    write_series(tmp_path / "source", np.zeros(SHAPE, np.int16), BodyPartExamined="CHEST", Laterality="")
    return read(tmp_path / "source")


def view(preset: Preset = Preset.CHEST_PA, **changes) -> Geometry:
    return preset_geometry(preset, SHAPE, CENTERED, **{"width": 9, "height": 5} | changes)


def radiograph(geometry: Geometry, kind: str = "uint16", **changes) -> Image:
    """A picture of one kind of values: kind uint16 means DISPLAY, float32 means ATTENUATION."""
    values = np.random.default_rng(3).uniform(0, 65535 if kind == "uint16" else 9, (1, geometry.height, geometry.width))
    meaning = Meaning.DISPLAY if kind == "uint16" else Meaning.ATTENUATION
    return Image(values.astype(kind), geometry.pixel_to_ras, meaning, "a chest", **changes)


def written(folder: Path, geometry: Geometry, image: Image | None = None, **options) -> pydicom.Dataset:
    write_radiograph(image or radiograph(geometry), folder / "out.dcm", REPORT, geometry=geometry, **options)
    return pydicom.dcmread(folder / "out.dcm")


def test_radiograph_belongs_to_the_patient_of_the_ct_and_says_that_it_is_simulated(tmp_path, source):
    geometry = view()
    header = written(tmp_path, geometry, radiograph(geometry, dicom=source.dicom), kvp=80)
    old = source.dicom
    for name in ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert header[name].value == old[name].value
    assert (header.BodyPartExamined, header.AnatomicRegionSequence[0].CodeMeaning) == ("CHEST", "Chest")
    assert header.SeriesInstanceUID != old.SeriesInstanceUID
    assert header.SOPInstanceUID != old.SOPInstanceUID
    assert (header.Modality, header.KVP, header.BurnedInAnnotation) == ("DX", 80, "NO")
    assert header.SOPClassUID == "1.2.840.10008.5.1.4.1.1.1.1"
    assert list(header.ImageType[:2]) == ["DERIVED", "SECONDARY"]
    assert header.SeriesDescription == "Simulated radiograph, X-ray Synthesis: Thorax 2.5 mm"
    assert header.DerivationDescription.startswith(
        "Simulated radiograph, X-ray Synthesis 0.1.0: preset=chest-pa, kvp=80.0. For research use only"
    )
    assert header.ImageComments.startswith("Simulated radiograph. For research use only")
    assert json.loads(header.private_block(0x0071, "SLICERINVERSEIMAGING")[1].value) == REPORT
    sources = {item.ReferencedSOPInstanceUID for item in header.SourceImageSequence}
    assert sources == {pydicom.dcmread(path).SOPInstanceUID for path in (tmp_path / "source").iterdir()}
    for name in ("PatientPosition", "ConvolutionKernel", "TableHeight", "Exposure"):  # how the CT was taken
        assert name not in header


def test_side_and_region_that_the_source_has_coded_stay(tmp_path, source):
    source.dicom.ImageLaterality, source.dicom.BodyPartExamined = "B", "BOTH HANDS"
    source.dicom.AnatomicRegionSequence = [coded(codes.cid4031.Hand)]
    geometry = view()
    header = written(tmp_path, geometry, radiograph(geometry, dicom=source.dicom))
    assert (header.ImageLaterality, header.BodyPartExamined) == ("B", "BOTH HANDS")
    assert header.AnatomicRegionSequence[0].CodeMeaning == "Hand"


# Rows and columns of the picture as a radiologist hangs it, and where the detector is.
@pytest.mark.parametrize(
    ("preset", "changes", "orientation", "named", "angles"),
    [
        (Preset.CHEST_PA, {}, ["L", "F"], "PA", (0, 0)),
        (Preset.CHEST_AP, {}, ["L", "F"], "AP", (180, 0)),
        (Preset.CHEST_LATERAL, {}, ["P", "F"], "LL", (90, 0)),
        (Preset.CHEST_PA, {"azimuth": -90}, ["A", "F"], "RL", (-90, 0)),
        (Preset.CHEST_PA, {"azimuth": 10}, ["LP", "F"], "PA", (10, 0)),
        (Preset.CHEST_PA, {"azimuth": 45}, ["LP", "F"], None, (45, 0)),
        (Preset.CHEST_PA, {"elevation": 80}, ["L", "AF"], None, (0, 80)),
        (Preset.CHEST_PA, {"roll": 90}, ["H", "L"], "PA", (0, 0)),
    ],
)
def test_view(tmp_path, preset, changes, orientation, named, angles):
    header = written(tmp_path, view(preset, **changes))
    assert list(header.PatientOrientation) == orientation
    assert header.get("ViewPosition") == named
    assert ("ViewCodeSequence" in header) == (named is not None)
    primary, secondary = header.PositionerPrimaryAngle, header.PositionerSecondaryAngle
    assert (abs(primary) if abs(primary) == 180 else primary, secondary) == pytest.approx(angles, abs=1e-6)


def test_distances_and_magnification(tmp_path):
    header = written(tmp_path, view(pixel=0.25))
    assert list(header.ImagerPixelSpacing) == [0.25, 0.25]
    assert (header.DistanceSourceToDetector, header.DistanceSourceToPatient) == (1800, 1550)
    assert header.EstimatedRadiographicMagnificationFactor == pytest.approx(1800 / 1550)


def test_parallel_rays_have_no_source(tmp_path):
    header = written(tmp_path, view(Preset.HENZLER))
    assert header.EstimatedRadiographicMagnificationFactor == 1
    assert "DistanceSourceToDetector" not in header
    assert "DistanceSourceToPatient" not in header


@pytest.mark.parametrize("kind", ["uint16", "float32"])
def test_reads_back_with_pydicom_simpleitk_and_ours(tmp_path, source, kind):
    geometry = view(pixel=0.3)
    image = radiograph(geometry, kind, dicom=source.dicom)
    header = written(tmp_path, geometry, image)
    values = header.pixel_array.astype(np.float64)
    if kind == "float32":
        mapping = header.RealWorldValueMappingSequence[0]
        values = values * mapping.RealWorldValueSlope + mapping.RealWorldValueIntercept
        np.testing.assert_allclose(values, image.array[0], rtol=0, atol=0.51 * 9 / 65535)
        assert (header.pixel_array.min(), header.pixel_array.max()) == (0, 65535)
    else:
        np.testing.assert_array_equal(values, image.array[0])

    itk = sitk.ReadImage(str(tmp_path / "out.dcm"))
    np.testing.assert_array_equal(sitk.GetArrayFromImage(itk)[0], header.pixel_array)
    assert itk.GetSpacing()[:2] == pytest.approx((0.3, 0.3))

    back = read(tmp_path / "out.dcm")
    assert back.meaning is Meaning.DISPLAY
    assert back.array.dtype == np.uint16
    np.testing.assert_array_equal(back.array[0], header.pixel_array)
    assert back.spacing[:2] == pytest.approx((0.3, 0.3))


def test_attenuation_of_nothing(tmp_path):
    geometry = view()
    image = radiograph(geometry, "float32")
    header = written(tmp_path, geometry, image.with_array(np.zeros_like(image.array)))
    mapping = header.RealWorldValueMappingSequence[0]
    assert (header.pixel_array * mapping.RealWorldValueSlope + mapping.RealWorldValueIntercept == 0).all()


def shown(header: pydicom.Dataset) -> tuple[float, float]:
    """The lowest stored value that is black and the first that is white, by PS3.3 C.11.2.1.2.1."""
    middle, half = header.WindowCenter - 0.5, (header.WindowWidth - 1) / 2
    return middle - half, middle + half


def test_window(tmp_path):
    geometry = view()
    image = radiograph(geometry)
    assert shown(written(tmp_path, geometry, image)) == (image.array.min(), image.array.max())
    assert shown(written(tmp_path, geometry, image, window=(1000, 3000))) == (1000, 3000)
    thick = radiograph(geometry, "float32")
    low, high = thick.array.min(), thick.array.max()
    edges = shown(written(tmp_path, geometry, thick, window=(1.0, 4.0)))
    np.testing.assert_allclose(edges, (np.array([1.0, 4.0]) - low) / (high - low) * 65535, rtol=1e-6)


def test_views_of_one_body_are_one_series(tmp_path, source):
    geometries = [view(azimuth=azimuth) for azimuth in (0, 20, 40)]
    pictures = [radiograph(geometry, dicom=source.dicom) for geometry in geometries]
    paths = [tmp_path / f"{number}.dcm" for number in (1, 2, 3)]
    write_radiographs(pictures, paths, REPORT, geometries=geometries)
    headers = [pydicom.dcmread(path) for path in paths]
    for name in ("SeriesInstanceUID", "SeriesNumber", "StudyInstanceUID", "FrameOfReferenceUID"):
        assert len({header[name].value for header in headers}) == 1
    assert len({header.SOPInstanceUID for header in headers}) == 3
    assert [int(header.InstanceNumber) for header in headers] == [1, 2, 3]
    assert [float(header.PositionerPrimaryAngle) for header in headers] == pytest.approx([0, 20, 40])
    assert [header.get("ViewPosition") for header in headers] == ["PA", None, None]


@needs_dciodvfy
@pytest.mark.parametrize("kind", ["uint16", "float32"])
@pytest.mark.parametrize("case", ["source", "no source", "knee", "unknown part", "oblique", "parallel", "bare report"])
def test_dciodvfy_finds_no_error(tmp_path, source, case, kind):
    if case == "knee":
        source.dicom.Laterality, source.dicom.BodyPartExamined = "L", "KNEE"
    if case == "unknown part":
        source.dicom.BodyPartExamined = "TAP"
    oblique = Geometry(9, 5, 0.3, 1200, 1000, pose(33.3333333333, -21.7, 12.3))
    geometry = {"oblique": oblique, "parallel": view(Preset.HENZLER)}.get(case, view())
    image = radiograph(geometry, kind, dicom=None if case == "no source" else source.dicom)
    report = {} if case == "bare report" else REPORT
    write_radiograph(image, tmp_path / "out.dcm", report, geometry=geometry, kvp=80)
    found = subprocess.run(["dciodvfy", str(tmp_path / "out.dcm")], capture_output=True, text=True, check=False).stderr
    assert "DXImageForPresentation" in found  # it recognized the kind of image, so it did check
    assert not [line for line in found.splitlines() if line.startswith("Error")]


@pytest.mark.parametrize(
    ("change", "name", "problem"),
    [
        ({}, "out.png", r"needs a name that ends in \.dcm"),
        ({"array": np.zeros((1, 9, 5), np.uint16)}, "out.dcm", "with the geometry it was made with"),
        ({"array": np.full((1, 5, 9), -1)}, "out.dcm", "display values from 0 to 65535 or attenuation"),
        ({"array": np.full((1, 5, 9), 0.5)}, "out.dcm", "holds float64 display values"),
        ({"meaning": Meaning.HU}, "out.dcm", "holds uint16 HU values"),
        ({"array": np.full((1, 5, 9), np.nan), "meaning": Meaning.ATTENUATION}, "out.dcm", "not finite"),
    ],
)
def test_what_a_radiograph_cannot_hold_is_refused_whole(tmp_path, change, name, problem):
    geometry = view()
    image = radiograph(geometry)
    image = image.with_array(**{"array": image.array} | change)
    with pytest.raises(InputError, match=problem):
        write_radiograph(image, tmp_path / name, REPORT, geometry=geometry)
    assert list(tmp_path.iterdir()) == []

"""Colors as DICOM: whose they are, where they lie, and that they are what was written, for every reader."""

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
from dicom_samples import AXIAL, write_series

from CT2RGBLib.series import write_colors
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning, read

REPORT = {"method": "CT2RGB", "version": "0.1.0", "settings": {"tier": "palette"}, "warnings": []}
KEPT = ("PatientName", "PatientID", "PatientBirthDate", "StudyInstanceUID", "StudyDate", "FrameOfReferenceUID")
SHAPE = (4, 5, 7)  # an odd number of bytes a slice, which DICOM wants to be even


def turned() -> np.ndarray:
    """IJK to LPS of an oblique, left-handed volume."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0] * [0.5, 0.75, 2.5]
    matrix[:3, 2] *= -np.sign(np.linalg.det(matrix[:3, :3]))
    matrix[:3, 3] = 12.5, -40.0, 300.25
    return matrix


def colored(ct: Image, channels: int = 3) -> Image:
    array = np.random.default_rng(1).integers(0, 256, (*ct.array.shape, channels)).astype(np.uint8)
    return ct.with_array(array, meaning=Meaning.RGB)


@pytest.fixture(params=["axial", "oblique"])
def ct(request: pytest.FixtureRequest, tmp_path: Path) -> Image:
    stored = np.random.default_rng(2).integers(0, 4095, SHAPE).astype(np.int16)
    write_series(tmp_path / "ct", stored, AXIAL if request.param == "axial" else turned())
    return read(tmp_path / "ct")


def slices(folder: Path) -> list[Any]:
    return [pydicom.dcmread(path) for path in sorted(folder.iterdir())]


def test_it_is_of_the_patient_and_the_study_of_the_ct_and_says_what_it_is(tmp_path: Path, ct: Image):
    write_colors(colored(ct), tmp_path / "out", REPORT)
    headers = slices(tmp_path / "out")
    first = headers[0]
    for name in KEPT:
        assert first[name].value == ct.dicom[name].value
    assert first.SeriesInstanceUID != ct.dicom.SeriesInstanceUID
    assert len({header.SeriesInstanceUID for header in headers}) == 1
    assert len({header.SOPInstanceUID for header in headers}) == len(headers) == SHAPE[0]
    assert list(first.ImageType) == ["DERIVED", "SECONDARY"]
    assert (first.PhotometricInterpretation, first.SamplesPerPixel, first.BitsStored) == ("RGB", 3, 8)
    assert first.BurnedInAnnotation == "NO"
    for text in (first.SeriesDescription, first.DerivationDescription, first.ImageComments):
        assert text.startswith("Illustrative colors")
    assert "research use only" in first.ImageComments
    assert json.loads(first.private_block(0x0071, "SLICERINVERSEIMAGING")[1].value) == REPORT
    sources = {header.SourceImageSequence[0].ReferencedSOPInstanceUID for header in headers}
    assert sources == {header.SOPInstanceUID for header in slices(tmp_path / "ct")}


@pytest.mark.parametrize("channels", [3, 4])
def test_our_reader_finds_the_colors_where_they_were(tmp_path: Path, ct: Image, channels: int):
    colors = colored(ct, channels)
    write_colors(colors, tmp_path / "out", REPORT)
    back = read(tmp_path / "out")
    assert back.meaning is Meaning.RGB
    np.testing.assert_array_equal(back.array, colors.array[..., :3])
    np.testing.assert_allclose(back.ijk_to_ras, colors.ijk_to_ras, atol=1e-6)


def test_a_volume_whose_slices_run_the_other_way_is_turned(tmp_path: Path, ct: Image):
    matrix = ct.ijk_to_ras.copy()
    matrix[:, 3] += (SHAPE[0] - 1) * matrix[:, 2]
    matrix[:, 2] *= -1
    colors = colored(ct)
    write_colors(colors.with_array(colors.array[::-1], ijk_to_ras=matrix), tmp_path / "out", REPORT)
    np.testing.assert_array_equal(read(tmp_path / "out").array, colors.array)
    np.testing.assert_allclose(read(tmp_path / "out").ijk_to_ras, colors.ijk_to_ras, atol=1e-6)


def test_simpleitk_finds_the_colors_where_they_were(tmp_path: Path, ct: Image):
    colors = colored(ct)
    write_colors(colors, tmp_path / "out", REPORT)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path / "out")))
    series = reader.Execute()
    for k, j, i in np.ndindex(SHAPE):
        place = (colors.ijk_to_ras @ [i, j, k, 1])[:3] * [-1, -1, 1]
        index = series.TransformPhysicalPointToIndex(place.tolist())
        np.testing.assert_allclose(series.TransformIndexToPhysicalPoint(index), place, atol=1e-3)
        assert series[index] == tuple(colors.array[k, j, i])


def test_one_slice_is_one_file_and_without_a_source_a_study_is_made(tmp_path: Path):
    ct = Image(np.zeros((1, 4, 6), np.float32), np.diag([-1.0, -1, 3, 1]), Meaning.HU, "slice")
    write_colors(colored(ct), tmp_path / "slice.dcm", REPORT)
    header = pydicom.dcmread(tmp_path / "slice.dcm")
    assert header.StudyInstanceUID
    assert header.SliceThickness == 3
    np.testing.assert_array_equal(read(tmp_path / "slice.dcm").array, colored(ct).array)


@pytest.mark.skipif(
    not shutil.which("dciodvfy"),
    reason="dciodvfy of the Debian package dicom3tools checks the files against the standard",
)
def test_dciodvfy_finds_no_error(tmp_path: Path, ct: Image):
    write_colors(colored(ct), tmp_path / "out", REPORT)
    path = next((tmp_path / "out").iterdir())
    found = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False).stderr
    assert "SCImage" in found
    assert not [line for line in found.splitlines() if line.startswith("Error")]


def test_what_cannot_be_written_is_said_and_leaves_nothing(tmp_path: Path, ct: Image):
    before = sorted(tmp_path.iterdir())
    for image, path, words in (
        (ct, tmp_path / "out", "has no colors of 8 bits"),
        (colored(ct).with_array(np.zeros((*SHAPE, 3), np.float32)), tmp_path / "out", "has no colors of 8 bits"),
        (colored(ct), tmp_path / "out.dcm", "can hold one slice"),
        (colored(ct), tmp_path / "ct", "is not empty; name a new one"),
        (colored(ct), tmp_path / "no" / "out", "There is no folder"),
    ):
        with pytest.raises(InputError, match=words):
            write_colors(image, path, REPORT)
    assert sorted(tmp_path.iterdir()) == before

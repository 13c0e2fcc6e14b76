from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813
from dicom_samples import AXIAL, write_series
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file

from InverseImagingLib.dicom import write_derived
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning, read, write

REPORT = {
    "method": "CT Restoration",
    "version": "0.1.0",
    "settings": {"task": "denoise", "tier": "deep", "seed": 7},
    "warnings": ["Eine Größe mit Umlaut"],
    "seconds": 1.5,
}

needs_dciodvfy = pytest.mark.skipif(
    not shutil.which("dciodvfy"),
    reason="dciodvfy of the Debian package dicom3tools checks the files against the standard",
)


@pytest.fixture
def source(tmp_path) -> Image:
    stored = np.random.default_rng(2).integers(0, 4095, (4, 6, 7)).astype(np.int16)
    write_series(tmp_path / "source", stored)
    return read(tmp_path / "source")


def volume(array: np.ndarray, matrix: np.ndarray = AXIAL, **changes) -> Image:
    return Image(array, matrix, Meaning.HU, "a volume", **changes)


def headers(folder: Path) -> list[pydicom.Dataset]:
    return [pydicom.dcmread(path) for path in sorted(folder.iterdir())]


def same_place(first: Image, second: Image) -> tuple[Image, Image]:
    """The two images with slices in the same order, for comparison."""
    if np.linalg.det(first.ijk_to_ras) * np.linalg.det(second.ijk_to_ras) < 0:
        matrix = first.ijk_to_ras.copy()
        matrix[:, 3] += (len(first.array) - 1) * matrix[:, 2]
        matrix[:, 2] *= -1
        first = Image(first.array[::-1], matrix)
    return first, second


def test_series_keeps_patient_study_and_space_of_its_source(tmp_path, source):
    result = source.with_array(source.array + np.float32(0.25))
    write_derived(result, tmp_path / "out", REPORT)
    slices = headers(tmp_path / "out")
    old, new = source.dicom, slices[0]
    for name in (
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "StudyInstanceUID",
        "StudyDate",
        "FrameOfReferenceUID",
    ):
        assert new[name].value == old[name].value
    assert str(new.PatientName) == "Müller^Jürgen"
    assert new.SeriesInstanceUID != old.SeriesInstanceUID
    assert len({item.SeriesInstanceUID for item in slices}) == 1
    assert len({item.SOPInstanceUID for item in slices}) == 4
    assert list(new.ImageType[:2]) == ["DERIVED", "SECONDARY"]
    assert new.SeriesDescription == "CT Restoration: Thorax 2.5 mm"
    assert "CT Restoration 0.1.0: task=denoise, tier=deep, seed=7" in new.DerivationDescription
    assert "research use only" in new.ImageComments
    assert new.SoftwareVersions == "0.1.0"
    assert new.ContributingEquipmentSequence[0].Manufacturer == "Scanners"
    assert json.loads(new.private_block(0x0071, "SLICERINVERSEIMAGING")[1].value) == REPORT
    sources = {str(item.SourceImageSequence[0].ReferencedSOPInstanceUID) for item in slices}
    assert sources == {str(pydicom.dcmread(path).SOPInstanceUID) for path in (tmp_path / "source").iterdir()}


def test_each_slice_names_its_source_whatever_the_order(tmp_path, source):
    turned = source.ijk_to_ras.copy()
    turned[:, 3] += 3 * turned[:, 2]
    turned[:, 2] *= -1
    header = pydicom.Dataset(source.dicom)
    header.SourceImageSequence = list(source.dicom.SourceImageSequence)[::-1]
    write_derived(Image(source.array[::-1], turned, Meaning.HU, dicom=header), tmp_path / "out", REPORT)
    places = {item.SOPInstanceUID: item.ImagePositionPatient for item in headers(tmp_path / "source")}
    for item in headers(tmp_path / "out"):
        assert places[item.SourceImageSequence[0].ReferencedSOPInstanceUID] == item.ImagePositionPatient


def test_invalid_attributes_of_the_source_do_not_stop_the_writing(tmp_path, source):
    scanned = tmp_path / "source"
    for path in scanned.iterdir():
        data = path.read_bytes()
        path.write_bytes(
            data.replace(b"120 ", b"12x ")
            .replace(b"HFS ", b"hf!$")
            .replace(b"IS\2\x003 ", b"IS\2\x003x")
            .replace(b"19500101", b"1950-1-1")
        )
    image = read(scanned)
    with pytest.warns(UserWarning, match="Invalid value for VR IS"):
        assert image.dicom.SeriesNumber == "3x"
    write_derived(image, tmp_path / "out", REPORT)
    np.testing.assert_array_equal(read(tmp_path / "out").array, source.array)


def test_all_source_images_are_named_where_slices_do_not_correspond(tmp_path, source):
    write_derived(source.with_array(np.repeat(source.array, 2, 0)), tmp_path / "out", REPORT)
    assert {len(item.SourceImageSequence) for item in headers(tmp_path / "out")} == {4}


def test_without_a_source_a_consistent_study_is_made(tmp_path):
    write_derived(volume(np.zeros((3, 4, 5), np.float32)), tmp_path / "out", REPORT)
    slices = headers(tmp_path / "out")
    for name in ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID", "PatientID"):
        assert len({item[name].value for item in slices}) == 1
        assert slices[0][name].value
    assert "SourceImageSequence" not in slices[0]


@needs_dciodvfy
@pytest.mark.parametrize("case", ["source", "no source", "pydicom's CT", "oblique", "tilted", "bare report"])
def test_dciodvfy_finds_no_error(tmp_path, source, case):
    turn = np.eye(4)
    turn[:3, :3] = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
    tilted = AXIAL.copy()
    tilted[:3, 1] = 0.75 * np.array([0, np.cos(0.3), np.sin(0.3)])
    image = {
        "source": source.with_array(source.array + 0.3),
        "no source": volume(np.random.default_rng(0).normal(0, 300, (2, 5, 6))),
        "pydicom's CT": read(get_testdata_file("CT_small.dcm")),
        "oblique": volume(np.ones((2, 5, 6), np.int16), turn @ AXIAL),
        "tilted": volume(np.ones((2, 5, 6), np.int16), tilted),
        "bare report": source,
    }[case]
    write_derived(image, tmp_path / "out", {} if case == "bare report" else REPORT)
    for path in (tmp_path / "out").iterdir():
        found = subprocess.run(["dciodvfy", str(path)], capture_output=True, text=True, check=False).stderr
        assert "CTImage" in found  # it recognized the kind of image, so it did check
        assert not [line for line in found.splitlines() if line.startswith("Error")]


MATRICES = st.builds(
    lambda seed, spacing, origin, left: _matrix(seed, spacing, origin, left),
    st.integers(0, 2**32 - 1),
    st.tuples(*[st.floats(0.05, 20)] * 3),
    st.tuples(*[st.floats(-2000, 2000)] * 3),
    st.booleans(),
)


def _matrix(seed: int, spacing: tuple, origin: tuple, left: bool) -> np.ndarray:
    directions, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    directions *= np.linalg.det(directions) * (-1 if left else 1)
    matrix = np.eye(4)
    matrix[:3, :3] = directions * spacing
    matrix[:3, 3] = origin
    return matrix


@settings(max_examples=40, deadline=None)
@given(MATRICES, st.sampled_from(["int16", "uint16", "int32", "float32", "float64"]), st.integers(0, 2**32 - 1))
def test_reads_back_with_pydicom_simpleitk_and_ours(tmp_path_factory, matrix, kind, seed):
    rng = np.random.default_rng(seed)
    array = rng.uniform(-1024 if np.dtype(kind).kind != "u" else 0, 3071, (3, 4, 5)).astype(kind)
    image = volume(array, matrix)
    folder = tmp_path_factory.mktemp("derived") / "out"
    write_derived(image, folder, REPORT)

    ours, back = same_place(image, read(folder))
    assert back.meaning is Meaning.HU
    error = 0 if np.dtype(kind).kind in "iu" else 0.5**5 + 1e-6
    np.testing.assert_allclose(back.array, ours.array, rtol=0, atol=error)
    np.testing.assert_allclose(back.ijk_to_ras, ours.ijk_to_ras, rtol=0, atol=1e-7 * max(1, np.abs(matrix).max()))

    slices = headers(folder)
    hu = [item.pixel_array * float(item.RescaleSlope) + float(item.RescaleIntercept) for item in slices]
    np.testing.assert_allclose(hu, ours.array, rtol=0, atol=error)
    positions = [item.ImagePositionPatient for item in slices]
    np.testing.assert_allclose(
        positions, [(ours.ijk_to_ras @ [0, 0, k, 1])[:3] * [-1, -1, 1] for k in range(3)], atol=1e-6 * 2000
    )

    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    itk = reader.Execute()
    np.testing.assert_allclose(sitk.GetArrayFromImage(itk), ours.array, rtol=0, atol=error)
    np.testing.assert_allclose(
        itk.TransformContinuousIndexToPhysicalPoint((4.0, 3.0, 2.0)),
        (ours.ijk_to_ras @ [4, 3, 2, 1])[:3] * [-1, -1, 1],
        atol=1e-4,
    )


def test_gantry_tilt_survives(tmp_path):
    tilted = AXIAL.copy()
    tilted[:3, 1] = 0.75 * np.array([0, np.cos(0.3), np.sin(0.3)])
    image = volume(np.arange(60, dtype=np.int16).reshape(3, 4, 5), tilted)
    write_derived(image, tmp_path / "out", REPORT)
    back = read(tmp_path / "out")
    ours, back = same_place(image, back)
    np.testing.assert_array_equal(back.array, ours.array)
    np.testing.assert_allclose(back.ijk_to_ras, ours.ijk_to_ras, atol=1e-6)


def test_one_slice_is_one_file(tmp_path, source):
    write_derived(source.with_array(source.array[:1]), tmp_path / "slice.dcm", REPORT)
    np.testing.assert_array_equal(read(tmp_path / "slice.dcm").array, source.array[:1])
    np.testing.assert_allclose(read(tmp_path / "slice.dcm").ijk_to_ras, source.ijk_to_ras)
    with pytest.raises(InputError, match=r"can hold one slice, but .* has 4"):
        write_derived(source, tmp_path / "four.dcm", REPORT)
    assert not (tmp_path / "four.dcm").exists()


def test_image_write_leads_here(tmp_path, source):
    write(source, tmp_path / "series")
    np.testing.assert_array_equal(read(tmp_path / "series").array, source.array)


def test_numbers_fit_decimal_strings(tmp_path):
    matrix = AXIAL.copy()
    matrix[:3, 3] = 9.999999999999998, 1e-13, -1234.5678901234567
    write_derived(volume(np.zeros((2, 3, 4), np.int16), matrix), tmp_path / "out", REPORT)
    header = headers(tmp_path / "out")[0]
    assert max(len(text) for text in header.get_item("ImagePositionPatient").value.strip().split(b"\\")) <= 16
    assert header.ImagePositionPatient == pytest.approx([-9.999999999999998, 0, -1234.5678901234567], abs=1e-9)


def test_window(tmp_path, source):
    write_derived(source, tmp_path / "out", REPORT, window=(-160, 240))
    assert (headers(tmp_path / "out")[0].WindowCenter, headers(tmp_path / "out")[0].WindowWidth) == (40, 400)


def _sheared() -> np.ndarray:
    matrix = AXIAL.copy()
    matrix[0, 1] = 0.3
    return matrix


@pytest.mark.parametrize(
    ("image", "problem"),
    [
        (volume(np.zeros((2, 3, 4)), _sheared()), "sheared slices"),
        (volume(np.full((2, 3, 4), np.nan)), "not finite"),
        (volume(np.array([[[0.5, 1e6]]])), "more than DICOM CT holds"),
        (Image(np.zeros((2, 3, 4)), meaning=Meaning.ATTENUATION, name="mu"), "holds attenuation values"),
        (Image(np.zeros((2, 3, 4, 3), np.uint8), meaning=Meaning.RGB, name="color"), "holds RGB values"),
    ],
)
def test_what_a_ct_series_cannot_hold_is_refused_whole(tmp_path, image, problem):
    with pytest.raises(InputError, match=problem):
        write_derived(image, tmp_path / "out", REPORT)
    assert list(tmp_path.iterdir()) == []


def test_folder_with_files_is_not_touched(tmp_path, source):
    with pytest.raises(InputError, match="is not empty; name a new one"):
        write_derived(source, tmp_path / "source", REPORT)
    assert len(list((tmp_path / "source").iterdir())) == 4


def test_nothing_is_left_when_writing_fails_half_way(tmp_path, source, monkeypatch):
    from InverseImagingLib import derived

    saved = []

    def full_disk(header, plane, path):
        if len(saved) == 2:
            raise OSError(28, "No space left on device")
        saved.append(path)

    monkeypatch.setattr(derived, "save", full_disk)
    with pytest.raises(InputError, match="No space left on device"):
        write_derived(source, tmp_path / "out", REPORT)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]

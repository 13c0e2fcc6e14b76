from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pydicom
import pytest
from dicom_samples import AXIAL, write_enhanced, write_series
from pydicom.data import get_testdata_file

from InverseImagingLib import dicom
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Meaning, read

RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@pytest.fixture
def stored() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 4000, (5, 6, 7)).astype(np.int16)


def test_series_is_sorted_rescaled_and_placed(tmp_path, stored):
    write_series(tmp_path / "scan", stored)
    (tmp_path / "scan" / "notes.txt").write_text("no image")
    (tmp_path / "scan" / "report").mkdir()
    shutil.copy(get_testdata_file("reportsi.dcm"), tmp_path / "scan" / "report" / "sr.dcm")
    image = read(tmp_path / "scan")
    np.testing.assert_array_equal(image.array, stored.astype(int) - 1024)
    np.testing.assert_allclose(image.ijk_to_ras, RAS @ AXIAL, atol=1e-12)
    assert (image.meaning, image.name) == (Meaning.HU, "Thorax 2.5 mm")
    assert "PixelData" not in image.dicom
    assert len(image.dicom.SourceImageSequence) == 5
    assert image.dicom.ImagePositionPatient == [-100, 40, -300]


def test_oblique_series_with_gantry_tilt_keeps_its_shear(tmp_path, stored):
    angle = np.deg2rad(20)
    lps = AXIAL.copy()
    lps[:3, 1] = 0.75 * np.array([0, np.cos(angle), np.sin(angle)])
    write_series(tmp_path / "scan", stored, lps)
    image = read(tmp_path / "scan")
    np.testing.assert_allclose(image.ijk_to_ras, RAS @ lps, atol=1e-9)
    np.testing.assert_array_equal(image.array, stored.astype(int) - 1024)


def test_slices_that_run_against_their_normal_are_turned_around(tmp_path, stored):
    lps = AXIAL.copy()
    lps[2, 2] *= -1
    write_series(tmp_path / "scan", stored, lps)
    image = read(tmp_path / "scan")
    np.testing.assert_array_equal(image.array[::-1], stored.astype(int) - 1024)
    np.testing.assert_allclose(image.ijk_to_ras @ [0, 0, 4, 1], RAS @ lps @ [0, 0, 0, 1], atol=1e-9)


def test_one_file_is_one_slice(tmp_path, stored):
    paths = write_series(tmp_path / "scan", stored)
    image = read(paths[2])
    np.testing.assert_array_equal(image.array, stored[2:3].astype(int) - 1024)
    np.testing.assert_allclose(image.ijk_to_ras @ [0, 0, 0, 1], RAS @ AXIAL @ [0, 0, 2, 1])
    assert image.spacing == pytest.approx((0.5, 0.75, 2.5))


def test_several_series_are_a_choice(tmp_path, stored):
    first = write_series(tmp_path / "a", stored)
    second = write_series(tmp_path / "b", stored[:2], SeriesNumber=4, SeriesDescription="Bone")
    uid = pydicom.dcmread(second[0]).SeriesInstanceUID
    with pytest.raises(InputError) as error:
        read(tmp_path)
    assert "holds 2 series" in str(error.value)
    assert f"2: CT 'Bone', 2 images, UID {uid}" in str(error.value)
    assert pydicom.dcmread(first[0]).SeriesInstanceUID in str(error.value)
    assert len(read(tmp_path, series="1").array) == 5
    assert len(read(tmp_path, series="2").array) == len(read(tmp_path, series=uid).array) == 2
    for wrong in ("3", "0", "1.2.3"):
        with pytest.raises(InputError, match=f"has no series '{wrong}'; choose"):
            read(tmp_path, series=wrong)


def test_localizer_in_the_series_is_kept_apart(tmp_path, stored):
    path = write_series(tmp_path / "scan", stored)[0]
    uid = pydicom.dcmread(path).SeriesInstanceUID
    coronal = np.array([[0.5, 0, 0, 0], [0, 0, 2.5, 0], [0, -0.75, 0, 0], [0, 0, 0, 1.0]])
    write_series(tmp_path / "localizer", stored[:1], coronal, SeriesInstanceUID=uid, SeriesNumber=1)
    assert [len(series.files) for series in dicom.list_series(tmp_path)] == [1, 5]
    assert len(read(tmp_path, series="2").array) == 5


def test_missing_and_repeated_slices_are_named_with_their_position(tmp_path, stored):
    paths = write_series(tmp_path / "scan", stored)
    paths[2].rename(tmp_path / "kept")
    with pytest.raises(InputError, match=r"between -297.5 mm and -292.5 mm .* 5 mm instead of 2.5 mm"):
        read(tmp_path / "scan")
    shutil.copy(paths[1], paths[2])
    with pytest.raises(InputError, match=r"several images at the position -297.5 mm"):
        read(tmp_path / "scan")


def test_rounded_positions_are_no_missing_slices(tmp_path, stored):
    paths = write_series(tmp_path / "scan", stored)
    header = pydicom.dcmread(paths[2])
    header.ImagePositionPatient[2] += 0.05
    header.save_as(paths[2])
    np.testing.assert_allclose(read(tmp_path / "scan").ijk_to_ras, RAS @ AXIAL)


@pytest.mark.parametrize("kind", [np.int16, np.uint16])
def test_monochrome1_ct_keeps_its_hu(tmp_path, stored, kind):
    bits = {"BitsStored": 12, "HighBit": 11} if kind is np.uint16 else {}
    write_series(tmp_path / "scan", stored.astype(kind), PhotometricInterpretation="MONOCHROME1", **bits)
    image = read(tmp_path / "scan")
    assert image.meaning is Meaning.HU
    np.testing.assert_array_equal(image.array, stored.astype(int) - 1024)


def test_slices_with_their_own_rescale(tmp_path, stored):
    for k, path in enumerate(write_series(tmp_path / "scan", stored)):
        header = pydicom.dcmread(path)
        header.RescaleSlope = 1 + k / 4
        header.save_as(path)
    expected = stored * (1 + np.arange(5) / 4)[:, None, None] - 1024
    np.testing.assert_allclose(read(tmp_path / "scan").array, expected)


def test_enhanced_multiframe_ct(tmp_path, stored):
    write_enhanced(tmp_path / "enhanced.dcm", stored, [3, 0, 4, 1, 2])
    image = read(tmp_path / "enhanced.dcm")
    np.testing.assert_array_equal(image.array, stored.astype(int) - 1024)
    np.testing.assert_allclose(image.ijk_to_ras, RAS @ AXIAL, atol=1e-9)
    assert image.meaning is Meaning.HU
    write_enhanced(tmp_path / "gap.dcm", stored, [3, 0, 4, 1])
    with pytest.raises(InputError, match="is 5 mm instead of"):
        read(tmp_path / "gap.dcm")


@pytest.mark.parametrize("compressed", ["MR_small_RLE", "MR_small_jp2klossless", "MR_small_jpeg_ls_lossless"])
def test_compressed_transfer_syntaxes(compressed):
    plain, packed = (read(get_testdata_file(f"{name}.dcm")) for name in ("MR_small", compressed))
    np.testing.assert_array_equal(packed.array, plain.array)
    np.testing.assert_array_equal(packed.array[0], pydicom.dcmread(get_testdata_file("MR_small.dcm")).pixel_array)


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("CT_small.dcm", "HU"),
        ("MR_small.dcm", "scalar"),
        ("examples_rgb_color.dcm", "RGB"),
        ("image_dfl.dcm", "display"),
    ],
)
def test_meaning_of_dicom_images(name, meaning):
    assert read(get_testdata_file(name)).meaning == meaning


def test_folder_without_images(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    with pytest.raises(InputError, match="holds no DICOM image"):
        read(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.98, 0.999])
@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small_jpeg_ls_lossless.dcm", "MR_small_jp2klossless.dcm"])
def test_truncated_dicom_is_refused_in_one_quiet_sentence(tmp_path, capfd, name, share):
    data = Path(get_testdata_file(name)).read_bytes()
    path = tmp_path / "cut.dcm"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=r"cut.dcm") as error:
        read(path)
    assert "ITK" not in str(error.value)
    assert capfd.readouterr().err == ""


def test_truncated_slice_of_a_series_is_named(tmp_path, stored):
    paths = write_series(tmp_path / "scan", stored)
    paths[3].write_bytes(paths[3].read_bytes()[:-20])
    with pytest.raises(InputError, match=paths[3].name):
        read(tmp_path / "scan")


@pytest.mark.skipif(
    not shutil.which("dcmcjpeg"), reason="dcmcjpeg of the Debian package dcmtk makes lossless JPEG files"
)
def test_lossless_jpeg_series(tmp_path, stored):
    for path in write_series(tmp_path / "scan", stored):
        subprocess.run(["dcmcjpeg", path, path], check=True)
    np.testing.assert_array_equal(read(tmp_path / "scan").array, stored.astype(int) - 1024)

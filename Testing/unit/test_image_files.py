from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning, read, write

INTEGERS = [f"{kind}{bits}" for kind in ("uint", "int") for bits in (8, 16, 32, 64)]
TYPES = [*INTEGERS, "float32", "float64"]
VOLUMES = [".nrrd", ".nhdr", ".mha", ".mhd", ".nii", ".nii.gz"]
PICTURES = {
    ".png": ["uint8", "uint16"],
    ".jpg": ["uint8"],
    ".tif": ["uint8", "int8", "uint16", "int16", "uint32", "int32", "float32"],
}


@st.composite
def matrices(draw, *, sheared: bool) -> np.ndarray:
    """Oblique, anisotropic, left- or right-handed, and sheared where asked for."""
    directions, _ = np.linalg.qr(np.random.default_rng(draw(st.integers(0, 2**32 - 1))).normal(size=(3, 3)))
    directions *= np.linalg.det(directions) * draw(st.sampled_from([-1, 1]))
    if sheared:
        directions[:, 2] += draw(st.floats(0.05, 0.5)) * directions[:, 0]
    matrix = np.eye(4)
    matrix[:3, :3] = directions * draw(st.tuples(*[st.floats(0.05, 20)] * 3))
    matrix[:3, 3] = draw(st.tuples(*[st.floats(-2000, 2000)] * 3))
    return matrix


def values(kind: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Values over the whole range of a type, its limits among them."""
    rng = np.random.default_rng(seed)
    if np.dtype(kind).kind == "f":
        return rng.normal(0, 1000, shape).astype(kind)
    limits = np.iinfo(kind)
    array = rng.integers(limits.min, limits.max, shape, dtype=kind, endpoint=True)
    array.flat[:2] = limits.min, limits.max
    return array


@settings(max_examples=100, deadline=None)
@given(st.data(), st.sampled_from(VOLUMES), st.sampled_from(TYPES), st.sampled_from([(), (3,), (4,)]))
def test_volumes_come_back_exactly(tmp_path_factory, data, suffix, kind, colors):
    nifti = suffix.startswith(".nii")
    matrix = data.draw(matrices(sheared=not nifti and data.draw(st.booleans())))
    shape = (
        data.draw(st.tuples(st.integers(2 if nifti and colors else 1, 5), st.integers(2, 5), st.integers(2, 5)))
        + colors
    )
    array = values(kind, shape, data.draw(st.integers(0, 2**32 - 1)))
    path = tmp_path_factory.mktemp("files") / f"image{suffix}"
    write(Image(array, matrix, Meaning.RGB if colors else Meaning.ATTENUATION), path)
    back = read(path)
    assert back.array.dtype == array.dtype
    np.testing.assert_array_equal(back.array, array)
    # NIfTI stores its matrix in single precision, the others in text that gives every bit back.
    tolerance = 1e-6 if nifti else 1e-14
    np.testing.assert_allclose(back.ijk_to_ras, matrix, rtol=0, atol=tolerance * np.abs(matrix).max())
    assert back.name == "image"
    if not nifti:
        assert back.meaning is (Meaning.RGB if colors else Meaning.ATTENUATION)


@settings(max_examples=30, deadline=None)
@given(matrices(sheared=True))
def test_nifti_refuses_the_shear_that_it_would_lose(tmp_path_factory, matrix):
    folder = tmp_path_factory.mktemp("files")
    with pytest.raises(InputError, match="cannot hold the geometry of 'tilted'"):
        write(Image(np.zeros((30, 30, 30), np.int16), matrix, name="tilted"), folder / "image.nii.gz")
    assert list(folder.iterdir()) == []


def test_nifti_refuses_a_color_slice_whose_depth_it_would_lose(tmp_path):
    with pytest.raises(InputError, match="a single color slice"):
        write(Image(np.zeros((1, 3, 4, 3), np.uint8), np.diag([1, 1, 5, 1])), tmp_path / "image.nii.gz")


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from([".png", ".tif", ".tiff"]), st.sampled_from([(), (3,), (4,)]))
def test_pictures_come_back_exactly(tmp_path_factory, data, suffix, colors):
    kind = data.draw(st.sampled_from(PICTURES[suffix[:4]] if not colors else ["uint8", "uint16"]))
    array = values(kind, (1, data.draw(st.integers(2, 9)), data.draw(st.integers(2, 9)), *colors), 3)
    path = tmp_path_factory.mktemp("files") / f"picture{suffix}"
    write(Image(array, meaning=Meaning.DISPLAY), path)
    back = read(path)
    assert back.array.dtype == array.dtype
    np.testing.assert_array_equal(back.array, array)
    assert back.meaning is (Meaning.RGB if colors else Meaning.DISPLAY)
    np.testing.assert_allclose(back.ijk_to_ras, np.diag([-1, -1, 1, 1]), atol=1e-7)


def test_tiff_of_many_pages(tmp_path):
    array = values("uint16", (4, 5, 6), 0)
    write(Image(array, meaning=Meaning.DISPLAY), tmp_path / "pages.tif")
    np.testing.assert_array_equal(read(tmp_path / "pages.tif").array, array)


@pytest.mark.parametrize("colors", [(), (3,)])
def test_jpeg_comes_back_nearly(tmp_path, colors):
    ramp = np.broadcast_to(np.linspace(0, 255, 64).astype(np.uint8)[None, :, None], (1, 64, 64))
    array = np.stack([ramp] * 3, -1) if colors else ramp
    write(Image(array, meaning=Meaning.DISPLAY), tmp_path / "picture.jpg")
    assert np.abs(read(tmp_path / "picture.jpg").array.astype(int) - array).max() <= 8


def test_truth_values_and_half_floats_widen(tmp_path):
    for array, wide in ((np.ones((2, 3, 4), bool), np.uint8), (np.full((2, 3, 4), 0.1, np.float16), np.float32)):
        write(Image(array), tmp_path / "wide.nrrd")
        assert read(tmp_path / "wide.nrrd").array.dtype == wide
        np.testing.assert_array_equal(read(tmp_path / "wide.nrrd").array, array)


@pytest.mark.parametrize(
    ("low", "meaning"),
    [(-1000, Meaning.HU), (-200, Meaning.HU), (-199, Meaning.SCALAR), (0, Meaning.SCALAR), (-20000, "scalar")],
)
def test_volumes_that_reach_down_to_air_are_taken_for_hu(tmp_path, low, meaning):
    array = np.array([[[low, 40, 1000]]], np.int16)
    sitk.WriteImage(sitk.GetImageFromArray(array), str(tmp_path / "foreign.nii.gz"))
    assert read(tmp_path / "foreign.nii.gz").meaning == meaning


@pytest.mark.parametrize("suffix", [".nrrd", ".mha"])
@pytest.mark.parametrize("meaning", Meaning)
def test_own_files_state_their_meaning(tmp_path, suffix, meaning):
    write(Image(np.zeros((2, 3, 4), np.int16), meaning=meaning), tmp_path / f"image{suffix}")
    assert read(tmp_path / f"image{suffix}").meaning is meaning


def test_flat_file_lies_in_one_plane(tmp_path):
    flat = sitk.GetImageFromArray(np.arange(12, dtype=np.int16).reshape(3, 4))
    flat.SetSpacing((0.5, 0.25))
    flat.SetOrigin((3, 4))
    sitk.WriteImage(flat, str(tmp_path / "flat.mha"))
    image = read(tmp_path / "flat.mha")
    assert image.array.shape == (1, 3, 4)
    np.testing.assert_array_equal(image.ijk_to_ras, [[-0.5, 0, 0, -3], [0, -0.25, 0, -4], [0, 0, 1, 0], [0, 0, 0, 1]])


def test_one_volume_in_four_dimensions_is_a_volume(tmp_path):
    volume = sitk.GetImageFromArray(np.zeros((2, 3, 4), np.int16))
    sitk.WriteImage(sitk.JoinSeries([volume]), str(tmp_path / "one.nrrd"))
    assert read(tmp_path / "one.nrrd").array.shape == (2, 3, 4)


def test_four_dimensions_are_refused(tmp_path):
    volume = sitk.GetImageFromArray(np.zeros((2, 3, 4), np.int16))
    sitk.WriteImage(sitk.JoinSeries([volume] * 5), str(tmp_path / "film.nii.gz"))
    with pytest.raises(InputError, match=r"series of 5 volumes \(4D\)"):
        read(tmp_path / "film.nii.gz")


def test_two_values_per_voxel_are_refused(tmp_path):
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((2, 3, 4, 2)), isVector=True), str(tmp_path / "field.nrrd"))
    with pytest.raises(InputError, match="has 2 values per voxel"):
        read(tmp_path / "field.nrrd")


@pytest.mark.parametrize(
    ("name", "image", "problem"),
    [
        ("a.png", Image(np.zeros((1, 3, 4), np.float32)), "cannot hold float32"),
        ("a.jpg", Image(np.zeros((1, 3, 4), np.uint16)), "cannot hold uint16"),
        ("a.nrrd", Image(np.zeros((1, 3, 4), complex)), "cannot hold complex128"),
        ("a.png", Image(np.zeros((1, 3, 4), np.uint16), meaning=Meaning.HU), "holds pictures, not HU"),
        ("a.jpg", Image(np.zeros((1, 3, 4), np.uint8), meaning=Meaning.LABEL), "JPEG is lossy"),
        ("a.jpg", Image(np.zeros((1, 3, 4, 4), np.uint8)), "no transparency"),
        ("a.png", Image(np.zeros((2, 3, 4), np.uint8)), "has 2 slices"),
        ("a.xyz", Image(np.zeros((1, 3, 4))), "names no format"),
        ("missing/a.nrrd", Image(np.zeros((1, 3, 4))), "There is no folder"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(tmp_path, name, image, problem):
    with pytest.raises(InputError, match=problem):
        write(image, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_read_only_folder(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="cannot be written to"):
        write(Image(np.zeros((1, 3, 4))), tmp_path / "a.nrrd")


@pytest.mark.parametrize("suffix", [".nrrd", ".nhdr", ".mhd", ".nii.gz", ".png"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, suffix):
    path = tmp_path / f"image{suffix}"
    write(Image(np.full((1, 9, 9), 7, np.uint8), meaning=Meaning.DISPLAY), path)
    before = {item.name: item.read_bytes() for item in tmp_path.iterdir()}

    def full_disk(image, name, **options):
        Path(name).write_bytes(b"half")
        raise RuntimeError("ITK ERROR: No space left")

    monkeypatch.setattr(sitk, "WriteImage", full_disk)
    with pytest.raises(InputError, match="could not be written; check the free space"):
        write(Image(np.zeros((1, 9, 9), np.uint8), meaning=Meaning.DISPLAY), path)
    assert {item.name: item.read_bytes() for item in tmp_path.iterdir()} == before


def test_writing_again_replaces(tmp_path):
    for value in (1, 2):
        write(Image(np.full((2, 3, 4), value, np.int16)), tmp_path / "image.mhd")
    assert (read(tmp_path / "image.mhd").array == 2).all()
    assert len(list(tmp_path.iterdir())) == 2

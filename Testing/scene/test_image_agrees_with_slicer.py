"""The same file, read by us and by Slicer's storage nodes, gives the same values at the same places in the patient."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
import slicer
import vtk
from pydicom.data import get_testdata_file
from vtk.util import numpy_support

from InverseImagingLib.image import Image, Meaning, read, write

sys.path.insert(0, str(Path(__file__).parents[1] / "unit"))
from dicom_samples import AXIAL, write_series

ARCHETYPE, NRRD = "vtkMRMLVolumeArchetypeStorageNode", "vtkMRMLNRRDStorageNode"


def in_slicer(paths: list[Path], storage_class: str = ARCHETYPE, *, color: bool = False) -> Image:
    """What a storage node of Slicer reads."""
    scene = slicer.vtkMRMLScene()
    storage = scene.AddNewNodeByClass(storage_class)
    storage.SetFileName(str(paths[0]))
    storage.SetCenterImage(0)
    if storage_class == ARCHETYPE:
        storage.SetSingleFile(len(paths) == 1)
    for path in paths[1:] and paths:
        storage.AddFileName(str(path))
    volume = scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode" if color else "vtkMRMLScalarVolumeNode")
    assert storage.ReadData(volume)
    return from_node(volume)


def from_node(volume) -> Image:
    data = volume.GetImageData()
    array = numpy_support.vtk_to_numpy(data.GetPointData().GetScalars())
    channels = data.GetNumberOfScalarComponents()
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    shape = data.GetDimensions()[::-1] + ((channels,) if channels > 1 else ())
    return Image(array.reshape(shape).copy(), np.array([[matrix.GetElement(i, j) for j in range(4)] for i in range(4)]))


def assert_same(ours: Image, theirs: Image) -> None:
    """Equal types, values and places. Slicer turns the slices of left-handed volumes around; we keep them."""
    if np.linalg.det(ours.ijk_to_ras) * np.linalg.det(theirs.ijk_to_ras) < 0:
        matrix = ours.ijk_to_ras.copy()
        matrix[:, 3] += (len(ours.array) - 1) * matrix[:, 2]
        matrix[:, 2] *= -1
        ours = Image(ours.array[::-1], matrix)
    assert ours.array.dtype == theirs.array.dtype
    np.testing.assert_array_equal(ours.array, theirs.array)
    np.testing.assert_allclose(ours.ijk_to_ras, theirs.ijk_to_ras, rtol=0, atol=1e-9)


def geometry(kind: str) -> np.ndarray:
    directions, _ = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))
    directions *= np.linalg.det(directions) * (-1 if kind == "left-handed" else 1)
    if kind == "sheared":
        directions[:, 2] += 0.3 * directions[:, 0]
    matrix = np.eye(4)
    if kind != "plain":
        matrix[:3, :3] = directions * [0.4, 0.9, 3.0]
        matrix[:3, 3] = [-123.4, 20.1, 700]
    return matrix


@pytest.mark.parametrize("kind", ["plain", "oblique", "left-handed", "sheared"])
@pytest.mark.parametrize(
    ("suffix", "storage"),
    [
        (".nrrd", NRRD),
        (".nhdr", NRRD),
        *((end, ARCHETYPE) for end in (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd")),
    ],
)
def test_files_that_we_write(tmp_path, suffix, storage, kind):
    kind = "oblique" if kind == "sheared" and suffix.startswith(".nii") else kind  # NIfTI refuses shear
    array = np.random.default_rng(0).normal(0, 1000, (3, 4, 5)).astype(np.int16)
    path = tmp_path / f"image{suffix}"
    write(Image(array, geometry(kind), Meaning.HU), path)
    assert_same(read(path), in_slicer([path], storage))


@pytest.mark.parametrize("kind", ["oblique", "left-handed"])
@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz", ".mha"])
def test_files_that_slicer_writes(tmp_path, suffix, kind):
    array = np.random.default_rng(0).normal(0, 1000, (3, 4, 5)).astype(np.float32)
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(geometry(kind).ravel())
    data = vtk.vtkImageData()
    data.SetDimensions(5, 4, 3)
    data.GetPointData().SetScalars(numpy_support.numpy_to_vtk(array.ravel(), deep=True))
    scene = slicer.vtkMRMLScene()
    volume = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
    volume.SetAndObserveImageData(data)
    volume.SetIJKToRASMatrix(matrix)
    storage = scene.AddNewNodeByClass(ARCHETYPE)
    path = tmp_path / f"image{suffix}"
    storage.SetFileName(str(path))
    assert storage.WriteData(volume)
    image = read(path)
    assert_same(image, in_slicer([path]))
    np.testing.assert_array_equal(image.array, array)
    np.testing.assert_allclose(image.ijk_to_ras, geometry(kind), atol=1e-4)


@pytest.mark.parametrize(
    "kind", [f"{sign}{bits}" for sign in ("uint", "int") for bits in (8, 16, 32)] + ["float32", "float64"]
)
@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz", ".mha"])
def test_value_types(tmp_path, suffix, kind):
    array = np.random.default_rng(0).integers(0, 100, (2, 3, 4)).astype(kind)
    write(Image(array), tmp_path / f"image{suffix}")
    assert_same(read(tmp_path / f"image{suffix}"), in_slicer([tmp_path / f"image{suffix}"]))


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("suffix", [".nrrd", ".nii.gz", ".mha"])
def test_colors(tmp_path, suffix, channels):
    array = np.random.default_rng(0).integers(0, 255, (2, 3, 4, channels)).astype(np.uint8)
    path = tmp_path / f"image{suffix}"
    write(Image(array, geometry("oblique"), Meaning.RGB), path)
    assert_same(read(path), in_slicer([path], color=True))


def test_flat_file(tmp_path):
    flat = sitk.GetImageFromArray(np.arange(12, dtype=np.int16).reshape(3, 4))
    flat.SetSpacing((0.5, 0.25))
    flat.SetOrigin((3, 4))
    sitk.WriteImage(flat, str(tmp_path / "flat.mha"))
    assert_same(read(tmp_path / "flat.mha"), in_slicer([tmp_path / "flat.mha"]))


@pytest.mark.parametrize("space", ["right-anterior-superior", "left-anterior-superior", "left-posterior-superior"])
def test_nrrd_in_any_space(tmp_path, space):
    array = np.arange(24, dtype="<i2").reshape(2, 3, 4)
    fields = (
        f"type: short\ndimension: 3\nspace: {space}\nsizes: 4 3 2\nspace directions: (0.5,0.1,0) (0,0.75,0) (0,0,2)"
    )
    header = f"NRRD0004\n{fields}\nendian: little\nencoding: raw\nspace origin: (1,2,3)\n\n"
    (tmp_path / "image.nrrd").write_bytes(header.encode() + array.tobytes())
    assert_same(read(tmp_path / "image.nrrd"), in_slicer([tmp_path / "image.nrrd"]))


@pytest.mark.parametrize("turned", [False, True])
def test_dicom_series(tmp_path, turned):
    lps = AXIAL.copy()
    if turned:
        lps[:3, :3] = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0] @ lps[:3, :3]
    stored = np.random.default_rng(0).integers(0, 4000, (4, 5, 6)).astype(np.int16)
    paths = write_series(tmp_path / "scan", stored, lps)
    normal = np.cross(lps[:3, 0], lps[:3, 1])
    ascending = paths if normal @ lps[:3, 2] > 0 else paths[::-1]  # Slicer's DICOM module sorts before it reads
    ours, theirs = read(tmp_path / "scan"), in_slicer(ascending)
    assert_same(ours.with_array(ours.array.astype(theirs.array.dtype)), theirs)
    assert ours.array.dtype == theirs.array.dtype


@pytest.mark.parametrize("name", ["CT_small.dcm", "MR_small.dcm", "MR_small_jp2klossless.dcm", "MR_small_RLE.dcm"])
def test_one_dicom_file(name):
    path = Path(get_testdata_file(name))
    assert_same(read(path), in_slicer([path]))


def test_derived_series(tmp_path):
    array = np.random.default_rng(0).normal(0, 300, (3, 4, 5))
    write(Image(array, geometry("left-handed"), Meaning.HU, "result"), tmp_path / "series")
    ours, theirs = read(tmp_path / "series"), in_slicer(sorted((tmp_path / "series").iterdir()))
    np.testing.assert_array_equal(ours.array, theirs.array)
    np.testing.assert_allclose(ours.ijk_to_ras, theirs.ijk_to_ras, atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("suffix", "reader"), [("png", "PNG"), ("jpg", "JPEG"), ("tif", "TIFF")])
def test_pictures(tmp_path, suffix, reader, channels):
    """Slicer places a picture's first row at the top of the axial view; its picture readers are not in slicer-core,
    so that VTK's, which count rows from the bottom, stand for the values."""
    array = np.random.default_rng(0).integers(0, 255, (1, 5, 7, channels)).astype(np.uint8)
    if suffix == "jpg":  # decoders differ in how they spread the coarse colors of a noisy picture
        ramp = np.add.outer(10 * np.arange(5), 20 * np.arange(7)).astype(np.uint8)
        array = ramp[None, :, :, None].repeat(channels, axis=3)
    path = tmp_path / f"picture.{suffix}"
    written = Image(array[..., 0] if channels == 1 else array, np.diag([-0.5, -0.25, 1, 1.0]), Meaning.DISPLAY)
    write(written, path)
    theirs = getattr(vtk, f"vtk{reader}Reader")()
    theirs.SetFileName(str(path))
    if suffix == "tif":
        theirs.SetOrientationType(4)  # VTK's default depends on what the file says
    theirs.Update()
    data = theirs.GetOutput()
    values = numpy_support.vtk_to_numpy(data.GetPointData().GetScalars()).reshape(1, 5, 7, channels)[:, ::-1]
    ours = read(path)
    np.testing.assert_allclose(ours.array.reshape(1, 5, 7, channels), values, rtol=0, atol=2 * (suffix == "jpg"))
    place = np.diag([-1, -1, 1, 1.0])
    if suffix != "jpg":  # lossy, and without a pixel size as ITK writes it
        np.testing.assert_array_equal(values, array)
        place = written.ijk_to_ras
    np.testing.assert_allclose(ours.ijk_to_ras, place, rtol=1e-3, atol=1e-9)

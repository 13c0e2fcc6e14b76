from __future__ import annotations

import gzip
import sys

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813

from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning, read, write

SUFFIXES = [".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd", ".png", ".jpg", ".tif"]


@pytest.mark.parametrize("share", [0, 0.02, 0.3, 0.7, 0.99])
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_truncated_files_are_refused_in_one_quiet_sentence(tmp_path, capfd, suffix, share):
    shape = (1, 64, 64) if suffix in (".png", ".jpg") else (5, 64, 64)
    path = tmp_path / f"image{suffix}"
    array = np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8)
    write(Image(array, meaning=Meaning.DISPLAY), path)
    pixels = max(tmp_path.iterdir(), key=lambda item: item.stat().st_size)
    pixels.write_bytes(pixels.read_bytes()[: int(pixels.stat().st_size * share)])
    with pytest.raises(InputError, match=path.name) as error:
        read(path)
    assert "ITK" not in str(error.value)
    assert "\n" not in str(error.value)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".dcm", ".txt", ""])
def test_files_of_another_kind_are_refused(tmp_path, capfd, suffix):
    path = tmp_path / f"text{suffix}"
    path.write_text("This is no image.\n" * 100)
    with pytest.raises(InputError, match=f"'text{suffix}'"):
        read(path)
    assert capfd.readouterr().err == ""


def test_missing_file_and_empty_file(tmp_path):
    with pytest.raises(InputError, match="There is no file or folder"):
        read(tmp_path / "missing.nrrd")
    (tmp_path / "empty.nrrd").touch()
    with pytest.raises(InputError, match=r"'empty.nrrd' is empty"):
        read(tmp_path / "empty.nrrd")


def test_header_without_its_data_file(tmp_path):
    write(Image(np.zeros((2, 3, 4), np.int16)), tmp_path / "image.mhd")
    next(path for path in tmp_path.iterdir() if path.suffix != ".mhd").unlink()
    with pytest.raises(InputError, match=r"'image.mhd' cannot be read"):
        read(tmp_path / "image.mhd")


def test_whole_nifti_files_of_other_writers_are_accepted(tmp_path):
    """gzip members in a row, and bytes after the image, are unusual and fine."""
    array = np.random.default_rng(0).normal(size=(4, 5, 6))
    sitk.WriteImage(sitk.GetImageFromArray(array), str(tmp_path / "plain.nii"))
    data = (tmp_path / "plain.nii").read_bytes()
    (tmp_path / "members.nii.gz").write_bytes(gzip.compress(data[:500]) + gzip.compress(data[500:]))
    (tmp_path / "longer.nii.gz").write_bytes(gzip.compress(data + b"more"))
    for name in ("members.nii.gz", "longer.nii.gz"):
        np.testing.assert_array_equal(read(tmp_path / name).array, array)


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
def test_truncated_nifti_colors(tmp_path, kind):
    write(Image(np.zeros((3, 4, 5, 3), kind)), tmp_path / "colors.nii")
    data = (tmp_path / "colors.nii").read_bytes()
    (tmp_path / "cut.nii").write_bytes(data[:-1])
    assert read(tmp_path / "colors.nii").is_color
    with pytest.raises(InputError, match=r"'cut.nii' cannot be read"):
        read(tmp_path / "cut.nii")


def test_truncated_jpeg_with_a_whole_preview_inside_is_noticed(tmp_path):
    write(Image(np.full((1, 64, 64), 9, np.uint8), meaning=Meaning.DISPLAY), tmp_path / "picture.jpg")
    data = (tmp_path / "picture.jpg").read_bytes()
    preview = b"\xff\xe1" + (len(data) + 2).to_bytes(2, "big") + data
    (tmp_path / "whole.jpg").write_bytes(data[:2] + preview + data[2:])
    (tmp_path / "cut.jpg").write_bytes((data[:2] + preview + data[2:])[:-30])
    assert read(tmp_path / "whole.jpg").array.shape == (1, 64, 64)
    with pytest.raises(InputError, match=r"'cut.jpg' cannot be read"):
        read(tmp_path / "cut.jpg")


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_tiff_of_other_writers(tmp_path, big, order):
    """Classic and big TIFF in both byte orders, with the page list before the pixels, where a cut is easy to miss."""
    import struct

    pixels = np.arange(48, dtype=order + "u2").reshape(6, 8)
    word, count, size = ("Q", "Q", 20) if big else ("I", "H", 12)
    entries = [(256, 8), (257, 6), (258, 16), (259, 1), (262, 1), (273, None), (277, 1), (278, 6), (279, pixels.nbytes)]
    start = 16 if big else 8
    place = start + struct.calcsize(order + count) + len(entries) * size + struct.calcsize(order + word)
    mark = b"II" if order == "<" else b"MM"
    head = mark + (struct.pack(order + "HHHQ", 43, 8, 0, 16) if big else struct.pack(order + "HI", 42, 8))
    kind = 16 if big else 4
    body = b"".join(
        struct.pack(order + "HH" + word + word, tag, kind, 1, place if value is None else value)
        for tag, value in entries
    )
    data = head + struct.pack(order + count, len(entries)) + body + struct.pack(order + word, 0) + pixels.tobytes()
    (tmp_path / "whole.tif").write_bytes(data)
    (tmp_path / "cut.tif").write_bytes(data[:-2])
    np.testing.assert_array_equal(read(tmp_path / "whole.tif").array[0], pixels)
    with pytest.raises(InputError, match=r"'cut.tif' cannot be read"):
        read(tmp_path / "cut.tif")


def test_reading_works_without_a_console(tmp_path, monkeypatch):
    write(Image(np.zeros((2, 3, 4), np.int16)), tmp_path / "image.nrrd")
    monkeypatch.setattr(sys, "stderr", None)
    assert read(tmp_path / "image.nrrd").array.shape == (2, 3, 4)


def test_errors_of_others_are_heard_again_after_reading(tmp_path, capfd):
    import os

    write(Image(np.zeros((2, 3, 4), np.int16)), tmp_path / "image.nrrd")
    read(tmp_path / "image.nrrd")
    os.write(2, b"heard")
    assert capfd.readouterr().err == "heard"
    assert sitk.ProcessObject.GetGlobalWarningDisplay()

"""Photos of films as phones and scanners write them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from FilmRecoveryLib.photo import pixels_of, read
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning

COLORS = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
ORIENTATION = 0x0112


def saved(path: Path, pixels: np.ndarray = COLORS, **how: object) -> Path:
    Pillow.fromarray(pixels).save(path, **how)
    return path


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read(path)
    text = str(caught.value)
    assert path.name in text
    assert text.endswith(".")
    return text


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_colors_are_read_as_they_are(tmp_path: Path, ending: str):
    photo = read(saved(tmp_path / f"film{ending}"))
    np.testing.assert_array_equal(photo.array, COLORS[None])
    assert (photo.meaning, photo.name) == (Meaning.RGB, "film")


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, COLORS),
        (2, COLORS[:, ::-1]),
        (3, COLORS[::-1, ::-1]),
        (4, COLORS[::-1]),
        (5, COLORS.transpose(1, 0, 2)),
        (6, np.rot90(COLORS, -1)),
        (7, COLORS[::-1, ::-1].transpose(1, 0, 2)),
        (8, np.rot90(COLORS)),
        (77, COLORS),
    ],
)
def test_a_photo_is_turned_as_the_phone_was_held(tmp_path: Path, orientation: int, upright: np.ndarray):
    exif = Pillow.Exif()
    exif[ORIENTATION] = orientation
    np.testing.assert_array_equal(read(saved(tmp_path / "film.png", exif=exif)).array[0], upright)


def test_a_photo_with_damaged_exif_is_read(tmp_path: Path):
    photo = read(saved(tmp_path / "film.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff"))
    assert photo.array.shape == (1, 240, 320, 3)


@pytest.mark.parametrize(("most", "shift"), [(200, 0), (4095, 4), (65535, 8)])
def test_scans_of_12_and_16_bits_become_8(tmp_path: Path, most: int, shift: int):
    scan = np.linspace(0, most, 240 * 320).reshape(240, 320).astype(np.uint16)
    found = read(saved(tmp_path / "scan.tif", scan)).array[0]
    np.testing.assert_array_equal(found, np.repeat((scan >> shift)[..., None], 3, axis=2))


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_other_kinds_of_pictures_become_colors(tmp_path: Path, mode: str):
    path = tmp_path / ("film.jpg" if mode == "CMYK" else "film.png")
    Pillow.fromarray(COLORS).convert(mode).save(path)
    assert read(path).array.shape == (1, 240, 320, 3)


# What cannot be read


def test_a_photo_that_is_not_there(tmp_path: Path):
    assert "There is no photo" in refused(tmp_path / "film.jpg")


@pytest.mark.parametrize("share", [0.02, 0.5, 0.97])
def test_a_damaged_jpeg(tmp_path: Path, share: float):
    path = saved(tmp_path / "film.jpg")
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    assert "damaged" in refused(path)


@pytest.mark.parametrize("data", [b"", b"A letter about a film."])
def test_a_file_that_is_no_picture(tmp_path: Path, data: bytes):
    path = tmp_path / "film.png"
    path.write_bytes(data)
    assert "no picture" in refused(path)


def test_a_tiff_of_several_pages(tmp_path: Path):
    pages = [Pillow.fromarray(COLORS)] * 2
    pages[0].save(tmp_path / "films.tif", save_all=True, append_images=pages[1:])
    assert "several pages" in refused(tmp_path / "films.tif")


def test_a_picture_that_is_too_large_for_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("FilmRecoveryLib.photo._MOST", 70_000)
    assert "0 megapixels, more than" in refused(saved(tmp_path / "film.jpg"))


def test_heic_needs_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    path = tmp_path / "IMG_0001.HEIC"
    path.write_bytes(b"\0\0\0\x18ftypheic")
    assert "pillow-heif" in refused(path)


# What a volume node may hold


@pytest.mark.parametrize("channels", [(), (3,), (4,)])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_pixels_of_a_volume(channels: tuple[int, ...], kind: type):
    values = np.full((1, 240, 320, *channels), 77, kind)
    assert pixels_of(Image(values)).shape == (240, 320, 3)
    assert (pixels_of(Image(values)) == 77).all()


@pytest.mark.parametrize(
    ("image", "words"),
    [
        (Image(np.zeros((3, 240, 320), np.uint8), name="it"), "no photo but a volume"),
        (Image(np.zeros((1, 240, 320), np.int16), meaning=Meaning.HU, name="it"), "no photo but a volume"),
        (Image(np.full((1, 240, 320), -1, np.int16), name="it"), "no gray or color"),
        (Image(np.zeros((1, 240, 320), np.float32), name="it"), "no gray or color"),
        (Image(np.zeros((1, 100, 100, 3), np.uint8), name="it"), "only 100 x 100 pixels"),
    ],
)
def test_what_is_no_photo_is_refused(image: Image, words: str):
    with pytest.raises(InputError, match=words) as caught:
        pixels_of(image)
    assert "'it'" in str(caught.value)

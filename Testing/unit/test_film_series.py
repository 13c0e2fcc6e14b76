"""Slices of a film as DICOM: derived, without the film's text, and the same values for every reader."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from film_samples import boxes, flat_film

from FilmRecoveryLib.extract import extract
from FilmRecoveryLib.joining import joined
from FilmRecoveryLib.options import ExtractOptions
from FilmRecoveryLib.series import write_slices
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning, read
from InverseImagingLib.method import Result

GRAY = ExtractOptions(restore=False)
TILES = Image(boxes()[None].astype(np.float32))
WINDOW = ExtractOptions(level=40, width=400, spacing_x=2, spacing_y=2.5, spacing_z=5, restore=False)


def extracted(options: ExtractOptions = WINDOW) -> Result:
    result = extract(flat_film(), options, tiles=TILES)
    texts = [{"tile": 1, "box": [0, 0, 9, 9], "text": "DOE JANE 1950"}]
    return Result(result.images, {**result.report, "texts": texts})


@pytest.mark.parametrize("reverse", [False, True])
def test_the_series_is_the_volume(tmp_path: Path, reverse: bool):
    result = extracted(replace(WINDOW, reverse=reverse))
    volume = result.images["volume"]
    write_slices(volume, tmp_path / "out", result.report)
    written = read(tmp_path / "out")
    assert written.meaning is Meaning.HU
    order = slice(None, None, -1 if reverse else 1)
    np.testing.assert_array_equal(written.array, volume.array[order])
    np.testing.assert_allclose(written.spacing, (2, 2.5, 5))


def test_it_says_what_it_is_and_nothing_of_the_patient(tmp_path: Path):
    result = extracted()
    write_slices(result.images["volume"], tmp_path / "out", result.report)
    for path in (tmp_path / "out").iterdir():
        assert b"DOE" not in path.read_bytes()
    header = pydicom.dcmread(min((tmp_path / "out").iterdir()))
    assert header.Modality == "CT"
    assert list(header.ImageType)[:2] == ["DERIVED", "SECONDARY"]
    assert "BurnedInAnnotation" not in header  # some may not have been found
    assert header.SeriesDescription.startswith("From a photo of a film")
    assert "Unknown" in str(header.PatientName)
    assert (header.WindowCenter, header.WindowWidth) == (40, 400)
    report = json.loads(header[0x0071, 0x1001].value)
    assert report["window"]["from"] == "user"


def test_relative_gray_is_no_hu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    result = extracted(GRAY)
    write_slices(result.images["volume"], tmp_path / "out", result.report)
    written = read(tmp_path / "out")
    assert written.meaning is Meaning.SCALAR
    np.testing.assert_allclose(written.array, result.images["volume"].array, atol=1e-4)


def test_slices_with_text_are_refused(tmp_path: Path):
    result = extracted(replace(WINDOW, erase=False))
    with pytest.raises(InputError, match="without text"):
        write_slices(result.images["volume"], tmp_path / "out", result.report)
    assert not (tmp_path / "out").exists()


def test_films_are_joined_on_the_grid_of_the_first():
    first = extracted()
    fine = {name: image.with_array(image.array.repeat(2, 1).repeat(2, 2)) for name, image in first.images.items()}
    both = joined([first, Result(fine, first.report)])
    count = len(first.images["volume"].array)
    for name in ("volume", "valid"):
        array = both[name].array
        assert len(array) == 2 * count
        np.testing.assert_array_equal(array[:count], first.images[name].array)
        assert (array[count:] == first.images[name].array).mean() > 0.9
    np.testing.assert_allclose(both["volume"].spacing, (2, 2.5, 5))
    np.testing.assert_array_equal(both["valid"].ijk_to_ras, both["volume"].ijk_to_ras)


def test_films_of_different_kinds_are_not_joined():
    with pytest.raises(InputError, match="give level and width"):
        joined([extracted(), extracted(GRAY)])

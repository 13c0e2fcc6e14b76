"""From a flat film to slices in HU."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from film_samples import COLUMNS, LEVEL, ROWS, TILE, WIDTH, boxes, flat_film, slices

from FilmRecoveryLib.extract import extract
from FilmRecoveryLib.layout import Layout
from FilmRecoveryLib.options import ExtractOptions, Order
from FilmRecoveryLib.wording import Wording
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.models import Weights

WINDOW = ExtractOptions(level=LEVEL, width=WIDTH, spacing_x=2, spacing_y=2.5, spacing_z=5, restore=False)
GRAY = ExtractOptions(restore=False)
TILES = Image(boxes()[None].astype(np.float32))


def warned(options: ExtractOptions, **others: Image) -> str:
    return " ".join(extract(flat_film(), options, **others).report["warnings"])


def refused(film: Image, options: ExtractOptions = WINDOW, **others: Image) -> str:
    with pytest.raises(InputError) as caught:
        extract(film, options, **others)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the text of the film tell what is wanted."""

    def tell(**what: Any) -> None:
        monkeypatch.setattr("FilmRecoveryLib.wording.understand", lambda texts: Wording(**what))

    return tell


def test_hu_are_exact_inside_the_window():
    result = extract(flat_film(), WINDOW, tiles=TILES)
    volume, valid = result.images["volume"], result.images["valid"].array
    assert (volume.meaning, volume.array.dtype, volume.array.shape) == (Meaning.HU, np.int16, slices().shape)
    off = np.abs(slices() - LEVEL) / WIDTH
    assert valid[off < 0.48].mean() > 0.95
    assert not valid[off > 0.5].any()
    assert np.abs(volume.array - slices())[valid == 1].max() <= 0.5


def test_the_tiles_are_found():
    result = extract(flat_film(), WINDOW)
    assert result.report["layout"] == f"{ROWS}x{COLUMNS}"
    middles = (np.array(each)[:, :2] + np.array(each)[:, 2:] for each in (result.report["grid"], boxes()))
    assert np.abs(np.subtract(*middles)).max() / 2 <= 0.08 * TILE  # the bars below tiles draw them down
    assert result.report["tiles from"] == "film"
    assert result.report["warnings"] == []


def test_the_volume_lies_as_a_ct_does():
    volume = extract(flat_film(), WINDOW, tiles=TILES).images["volume"]
    np.testing.assert_allclose(volume.spacing, (2, 2.5, 5))
    np.testing.assert_allclose(np.sign(np.diag(volume.ijk_to_ras)), [-1, -1, 1, 1])
    around = extract(flat_film(), replace(WINDOW, reverse=True), tiles=TILES).images["volume"]
    np.testing.assert_allclose(np.sign(np.diag(around.ijk_to_ras)), [-1, -1, -1, 1])
    np.testing.assert_array_equal(around.array, volume.array)


def test_order_and_skipped_tiles():
    options = replace(WINDOW, layout=f"{ROWS}x{COLUMNS}", order=Order.COLUMNS, skip="1,12")
    result = extract(flat_film(), options, tiles=TILES)
    columns = np.arange(12).reshape(ROWS, COLUMNS).T.ravel()[1:-1]
    assert result.report["order"] == (columns + 1).tolist()
    assert result.report["tiles"] == boxes()[columns].tolist()
    whole = extract(flat_film(), WINDOW, tiles=TILES).images["volume"].array
    np.testing.assert_array_equal(result.images["volume"].array, whole[columns])


def test_tiles_of_the_user_have_one_size_and_stay_on_the_film():
    moved = boxes() + np.array([-30, 3, -30, 0])
    moved[3, 2] += 7
    result = extract(flat_film(), WINDOW, tiles=Image(moved[None].astype(np.float32)))
    found = np.array(result.report["tiles"])
    assert (found[:, 2:] - found[:, :2] == (TILE, TILE - 3)).all()
    assert found.min() == 0
    assert np.abs(found - moved).max() <= 18
    assert result.report["tiles from"] == "user"


def test_without_a_window_it_is_gray_and_says_so(told: Any):
    told()
    result = extract(flat_film(), GRAY, tiles=TILES)
    volume = result.images["volume"]
    assert (volume.meaning, volume.array.dtype) == (Meaning.SCALAR, np.float32)
    assert 0 <= volume.array.min() < volume.array.max() <= 1
    assert result.report["window"] == {"level": 0, "width": 0, "from": "none"}
    said = " ".join(result.report["warnings"])
    for words in ("no HU", "size of a pixel", "distance from slice to slice"):
        assert words in said


def test_the_text_tells_window_and_spacing(told: Any):
    told(level=50.0, width=350.0, thickness=7.0, across=300.0)
    result = extract(flat_film(), GRAY, tiles=TILES)
    assert result.report["window"] == {"level": 50, "width": 350, "from": "text"}
    assert result.report["spacing mm"] == pytest.approx([2, 2, 7])
    assert result.report["spacing from"] == {"x": "text", "y": "text", "z": "text"}
    assert result.report["warnings"] == []


def test_the_user_overrules_the_text_which_is_said(told: Any):
    told(level=50.0, width=350.0, warnings=("The text contradicts itself.",))
    result = extract(flat_film(), WINDOW, tiles=TILES)
    assert result.report["window"] == {"level": LEVEL, "width": WIDTH, "from": "user"}
    said = " ".join(result.report["warnings"])
    assert "50 / 350 HU" in said
    assert "contradicts itself" in said


def test_the_ruler_overrules_the_text_where_they_differ(told: Any, monkeypatch: pytest.MonkeyPatch):
    told(across=300.0)
    monkeypatch.setattr("FilmRecoveryLib.extract.mm_per_pixel", lambda film, boxes: 1.5)
    report = extract(flat_film(), replace(WINDOW, spacing_x=0, spacing_y=0), tiles=TILES).report
    assert report["spacing from"] == {"x": "ruler", "y": "ruler", "z": "user"}
    assert report["spacing mm"] == [1.5, 1.5, 5]
    assert "1.5 mm by the ruler, but 2 mm by the text" in " ".join(report["warnings"])


def test_doubtful_pixels_are_not_valid():
    confidence = np.ones_like(flat_film().array)
    confidence[:, :, : boxes()[0, 2]] = 0.1
    sure = Image(confidence)
    valid = extract(flat_film(), WINDOW, tiles=TILES, confidence=sure).images["valid"].array
    assert not valid[::COLUMNS].any()
    assert valid[1::COLUMNS].any()


def test_whole_numbers_are_gray(told: Any):
    steps = np.rint(flat_film().array * 65535).astype(np.uint16)
    volume = extract(flat_film().with_array(steps), WINDOW, tiles=TILES).images["volume"].array
    assert np.abs(volume - extract(flat_film(), WINDOW, tiles=TILES).images["volume"].array).max() <= 1


def test_the_model_refines_the_gray(monkeypatch: pytest.MonkeyPatch):
    weights = Weights("film", Path("film.safetensors"), "5a")
    monkeypatch.setattr("FilmRecoveryLib.weights.find_weights", lambda method, name: weights)
    monkeypatch.setattr("FilmRecoveryLib.model.refined", lambda gray, weights, device: gray * 0 + 0.75)
    result = extract(flat_film(), replace(WINDOW, restore=True), tiles=TILES)
    assert (result.images["volume"].array == LEVEL + WIDTH / 4).all()
    assert result.images["valid"].array.mean() < 0.9
    assert result.report["sha256"] == "5a"


@pytest.mark.usefixtures("no_film_weights")
def test_without_weights_the_gray_stays_as_it_is():
    result = extract(flat_film(), replace(WINDOW, restore=True), tiles=TILES)
    plain = extract(flat_film(), WINDOW, tiles=TILES)
    np.testing.assert_array_equal(result.images["volume"].array, plain.images["volume"].array)
    assert "not refined" in result.report["warnings"][0]


# What cannot be done, or is in doubt


def test_a_layout_that_does_not_fit_is_doubted():
    assert "in doubt" in warned(replace(WINDOW, layout="5x3"))


def test_one_picture_is_no_film_of_slices(monkeypatch: pytest.MonkeyPatch):
    one = Layout(1, 1, ((0, 0, 600, 480),), (True,), 0.9)
    monkeypatch.setattr("FilmRecoveryLib.extract.find_layout", lambda film, waves, grid: one)
    assert "looks like one picture, such as a radiograph" in warned(WINDOW)
    assert "one picture" not in warned(replace(WINDOW, layout="1x1"))


@pytest.mark.parametrize(
    ("film", "words"),
    [
        (Image(np.zeros((1, 300, 300), np.float32), name="it"), "No tile"),
        (Image(np.full((1, 300, 300), 1.5, np.float32), name="it"), "from 0 to 1"),
        (Image(np.zeros((2, 300, 300), np.float32), name="it"), "no flat film"),
        (Image(np.zeros((1, 300, 300, 3), np.uint8), meaning=Meaning.RGB, name="it"), "no flat film"),
        (Image(np.zeros((1, 300, 300), np.int16), meaning=Meaning.HU, name="it"), "no flat film"),
    ],
)
def test_what_is_no_film(film: Image, words: str):
    assert words in refused(film)


def test_confidence_of_another_film():
    assert "made with the film" in refused(flat_film(), confidence=Image(np.ones((1, 9, 9), np.float32)))


def test_tiles_that_do_not_fit():
    assert "12 tiles, but the layout is 2 x 5" in refused(flat_film(), replace(WINDOW, layout="2x5"), tiles=TILES)
    small = Image((boxes()[None] * [1, 1, 0, 0] + [0, 0, 700, 700]).astype(np.float32))
    assert "do not fit the film" in refused(flat_film(), tiles=small)
    assert "numbers" in refused(flat_film(), tiles=Image(np.ones((1, 4, 3), np.float32)))


def test_skipping_what_is_not_there():
    assert "Tile 13" in refused(flat_film(), replace(WINDOW, skip="13"))

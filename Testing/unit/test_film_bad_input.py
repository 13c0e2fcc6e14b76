"""Photos of what is no whole, single, upright CT film: what is made of them, and what the user reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from film_samples import CORNERS, boxes, film, photo

from FilmRecoveryLib.extract import extract
from FilmRecoveryLib.flatten import flatten
from FilmRecoveryLib.options import ExtractOptions, FlattenOptions, Turn
from FilmRecoveryLib.sheet import Sheet
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import Result
from InverseImagingLib.models import Weights

pytestmark = pytest.mark.usefixtures("no_film_weights")


def flat(pixels: np.ndarray, **options: object) -> Result:
    return flatten(Image(pixels, meaning=Meaning.RGB, name="IMG_0042"), FlattenOptions(size=640, **options))


def said(result: Result) -> str:
    return " ".join(result.report["warnings"])


def test_half_a_film():
    result = flat(np.ascontiguousarray(photo().array[:, :, :560]))
    assert "The film seems to go on beyond the photo; take one of the whole film, or mark its corners." in said(result)


def test_two_films():
    small = photo(CORNERS * 0.8 + (40, 30), shape=(740, 880)).array
    result = flat(np.concatenate([small, small], axis=2))
    assert "The photo shows 2 films; this is the clearest, mark the corners of the other." in said(result)
    spread = np.ptp(np.array(result.report["corners"])[:, 0])
    assert spread < 800, "one of them"


def test_a_screen():
    """Whose red, green and blue stripes are 3.7 pixels of the photo apart, on average, and seen a little tilted."""
    pixels = photo().array
    rows, columns = np.indices(pixels.shape[1:3])
    phase = (columns + 0.04 * rows)[..., None] / 3.7 - np.arange(3) / 3
    shown = pixels * (0.75 + 0.25 * np.cos(2 * np.pi * phase))
    told = "The photo seems to show a screen"
    assert told in said(flat(shown.round().astype(np.uint8)))
    assert told not in said(flat(pixels))


def test_an_upside_down_film_is_turned_by_the_user():
    turned = np.ascontiguousarray(photo().array[:, ::-1, ::-1])
    as_it_lies, upright = flat(turned), flat(turned, turn=Turn.HALF)
    assert "is not turned" in said(as_it_lies), "only weights would see it"
    np.testing.assert_array_equal(upright.images["film"].array[0], as_it_lies.images["film"].array[0, ::-1, ::-1])


@pytest.fixture
def model_of(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Lets the model find a film with these corners, from behind or not."""

    def found(corners: np.ndarray, mirrored: bool = False) -> None:
        sheet = Sheet.of_corners(corners, film().shape[1] / film().shape[0], "model", 0.9)
        given = {
            "find_weights": lambda method, name: Weights("film", Path("film.safetensors"), "5a"),
            "locate": lambda pixels, weights, device: (sheet, 1),
            "toned": lambda film, weights, device, light: (light, np.zeros(light.shape)),
            "upright": lambda *_: (0, mirrored, 0.9),
        }
        for name, function in given.items():
            where = "weights" if name == "find_weights" else "model"
            monkeypatch.setattr(f"FilmRecoveryLib.{where}.{name}", function)

    return found


def test_half_a_film_that_the_model_finds(model_of: Callable[..., None]):
    model_of(CORNERS - (CORNERS[0, 0], 0))
    assert "The film seems to go on beyond the photo; take one of the whole film, or mark its corners." in said(
        flat(photo().array)
    )


def test_a_film_from_behind_is_mirrored_and_that_is_said(model_of: Callable[..., None]):
    model_of(CORNERS, mirrored=True)
    result = flat(photo().array)
    assert result.report["mirrored"]
    assert "The film was seen from behind, and is mirrored now; check letters and sides." in said(result)


def test_heavy_glare_leaves_little_that_is_valid():
    pixels = photo().array.copy()
    pixels[:, 140:520, 140:920] = 255
    result = flat(pixels, corners=" ".join(f"{x},{y}" for x, y in CORNERS))
    assert result.report["glare"] > 0.5
    assert "of the film is in glare or burnt out; take a photo from another side." in said(result)
    slices = extract(
        result.images["film"],
        ExtractOptions(layout="3x4", level=40.0, width=400.0),
        confidence=result.images["confidence"],
        tiles=Image((boxes() * 640 / max(film().shape))[None].astype(np.float32)),
    )
    assert slices.images["valid"].array[:4].mean() < 0.1
    assert slices.report["valid share"] < 0.5

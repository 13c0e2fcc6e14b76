"""The sample photo of CT Film Recovery: what it shows is found, by the model and without it."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from film_photo import COLUMNS, ROWS, SAMPLE, SEED, SIZE, scene

from FilmRecoveryLib import model
from FilmRecoveryLib.flatten import flatten
from FilmRecoveryLib.layout import find_layout
from FilmRecoveryLib.options import FlattenOptions
from FilmRecoveryLib.photo import read
from FilmRecoveryLib.ruler import mm_per_pixel
from FilmRecoveryLib.text import find_text
from FilmRecoveryLib.training.render import backward_map
from InverseImagingLib.errors import InputError
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import Result
from InverseImagingLib.models import find_weights

PIXEL = 1.04  # mm of a pixel of the flat film, as the slices were drawn


def test_the_panel_knows_the_sample():
    module = (SAMPLE.parents[2] / "FilmRecovery.py").read_text(encoding="utf-8")
    assert f'"SHA256:{hashlib.sha256(SAMPLE.read_bytes()).hexdigest()}"' in module


@pytest.fixture(scope="module")
def flat() -> Result:
    return flatten(read(SAMPLE), FlattenOptions())


def off(result: Result) -> np.ndarray:
    """How many pixels each point is away from where its program put it."""
    truth = backward_map(scene(SEED), (201, 201)).numpy()[::50, ::50]
    return np.linalg.norm(np.array(result.report["points"]) - truth, axis=-1)


def test_the_model_finds_the_film(flat: Result):
    assert (flat.report["found by"], flat.report["turned"], flat.report["mirrored"]) == ("model", 0, False)
    assert flat.report["warnings"] == []
    assert off(flat).mean() < 0.003 * max(SIZE)


@pytest.mark.parametrize(("down", "across"), [(-1, -1), (1, -1), (-1, 1)])
def test_an_upside_down_or_mirrored_film_is_set_right(down: int, across: int, flat: Result):
    photo = read(SAMPLE)
    result = flatten(photo.with_array(np.ascontiguousarray(photo.array[:, ::down, ::across])), FlattenOptions())
    assert (result.report["turned"], result.report["mirrored"]) == (180 if down < 0 else 0, down * across < 0)
    found, film = (each.images["film"].array[0] for each in (result, flat))
    size = [min(a, b) for a, b in zip(found.shape, film.shape, strict=True)]
    assert np.corrcoef(found[: size[0], : size[1]].ravel(), film[: size[0], : size[1]].ravel())[0, 1] > 0.8


def test_a_wall_without_a_film_is_refused():
    wall = np.random.default_rng(0).normal(220, 3, (600, 800, 3)).clip(0, 255).astype(np.uint8)
    with pytest.raises(InputError, match="no film"):
        flatten(Image(wall[None], meaning=Meaning.RGB, name="wall"), FlattenOptions())


def test_two_films_are_told_of():
    photo = read(SAMPLE)
    both = photo.with_array(np.concatenate([photo.array, photo.array], axis=2))
    assert any("shows 2 films" in each for each in flatten(both, FlattenOptions(size=640)).report["warnings"])


@pytest.mark.usefixtures("no_film_weights")
def test_its_outline_is_found():
    found = flatten(read(SAMPLE), FlattenOptions())
    assert found.report["found by"] == "outline"
    assert off(found).mean() < 0.01 * max(SIZE)


def test_its_tiles_and_rulers_are_found(flat: Result):
    film = flat.images["film"].array[0]
    layout = find_layout(film, model.waves(film, find_weights("FilmRecovery", "film")))
    assert (layout.rows, layout.columns) == (ROWS, COLUMNS)
    assert mm_per_pixel(film, layout.boxes) == pytest.approx(PIXEL, rel=0.05)


def test_the_window_is_erased_from_every_tile(flat: Result):
    """Its two lines nearly touch each other."""
    film = flat.images["film"].array[0]
    boxes = find_layout(film, model.waves(film, find_weights("FilmRecovery", "film"))).boxes
    mask, _ = find_text(film, boxes)
    corners = [mask[(top + bottom) // 2 : bottom, (left + right) // 2 : right] for left, top, right, bottom in boxes]
    assert min(corner.mean() for corner in corners) > 0.07

"""From a photo to the flat film."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from film_samples import CORNERS, film, photo

from FilmRecoveryLib.flatten import flatten
from FilmRecoveryLib.light import relight
from FilmRecoveryLib.options import FlattenOptions, Mirror, Turn
from FilmRecoveryLib.sheet import Sheet
from FilmRecoveryLib.turning import Turning
from InverseImagingLib.errors import Cancelled, InputError
from InverseImagingLib.image import Image, Meaning
from InverseImagingLib.method import Progress, Result
from InverseImagingLib.models import Weights

FROM_CORNERS = FlattenOptions(corners=" ".join(f"{x:g},{y:g}" for x, y in CORNERS))
SMALL = replace(FROM_CORNERS, size=324)
AS_FOUND = FlattenOptions()

pytestmark = pytest.mark.usefixtures("no_film_weights")


def gray(result: Result) -> np.ndarray:
    return result.images["film"].array[0]


def shrunk(picture: np.ndarray) -> np.ndarray:
    """Means of 36 x 36 blocks of a film, of whatever size."""
    height, width = picture.shape
    rows, columns = (np.arange(36) * side // 36 for side in (height, width))
    sums = np.add.reduceat(np.add.reduceat(picture, rows, axis=0), columns, axis=1)
    return sums / (np.diff([*rows, height])[:, None] * np.diff([*columns, width]))


def likeness(result: Result, truth: np.ndarray | None = None) -> float:
    """The correlation of a film with the true one."""
    pictures = (shrunk(each).ravel() for each in (gray(result), film() if truth is None else truth))
    return float(np.corrcoef(*pictures)[0, 1])


def test_the_film_is_found_and_flat():
    result = flatten(photo(), AS_FOUND)
    assert likeness(result) > 0.97
    off = np.linalg.norm(np.array(result.report["corners"]) - CORNERS, axis=1)
    assert off.max() < 0.01 * 1060
    assert result.report["found by"] == "outline"
    assert result.report["flat"]["flat"]
    assert "no weights" in " ".join(result.report["warnings"])
    for image in result.images.values():
        assert (image.array.dtype, image.meaning) == (np.float32, Meaning.DISPLAY)
        assert image.array.shape == result.images["film"].array.shape
        assert 0 <= image.array.min() <= image.array.max() <= 1


def test_it_is_as_wide_by_its_height_as_the_film():
    height, width = gray(flatten(photo(), FROM_CORNERS)).shape
    assert width / height == pytest.approx(film().shape[1] / film().shape[0], rel=0.06)
    assert 750 < width < 850


def test_corners_of_the_user_are_taken():
    result = flatten(photo(), FROM_CORNERS)
    assert result.report["found by"] == "user"
    np.testing.assert_allclose(result.report["corners"], CORNERS, atol=0.1)
    assert likeness(result) > 0.97


@pytest.mark.parametrize("first", [1, 2])
@pytest.mark.parametrize("around", [1, -1])
def test_corners_may_begin_anywhere(first: int, around: int):
    corners = np.roll(CORNERS, first, axis=0)[::around]
    options = replace(SMALL, corners=" ".join(f"{x:g},{y:g}" for x, y in corners))
    np.testing.assert_array_equal(gray(flatten(photo(), options)), gray(flatten(photo(), SMALL)))


def test_points_of_a_bent_film_unbend_it():
    bent = photo(bend=0.06)
    found = flatten(bent, replace(SMALL, unbend=False))
    points = np.array(flatten(photo(), SMALL).report["points"])
    uv = np.stack(np.meshgrid(np.linspace(0, 1, 5), np.linspace(0, 1, 5)), axis=-1)
    down = points[-1] - points[0]
    points = points + 0.06 * np.sin(np.pi * uv[..., :1]) * down[None]
    unbent = flatten(bent, replace(SMALL, corners=""), points=Image(points.astype(np.float32)))
    assert "taken where it was marked" in " ".join(unbent.report["warnings"])
    np.testing.assert_allclose(unbent.report["points"], points, atol=0.1)
    assert likeness(unbent) > 0.97 > 0.9 > likeness(found)


def test_points_that_come_back_change_nothing():
    options = replace(SMALL, turn=Turn.QUARTER, mirror=Mirror.YES)
    once = flatten(photo(), options)
    again = flatten(photo(), options, points=Image(np.array(once.report["points"], np.float32)))
    np.testing.assert_allclose(gray(again), gray(once), atol=0.05)


@pytest.mark.parametrize(("turn", "quarters"), [(Turn.QUARTER, 1), (Turn.HALF, 2), (Turn.THREE_QUARTERS, 3)])
def test_a_film_is_turned_and_mirrored_as_told(turn: Turn, quarters: int):
    result = flatten(photo(), replace(SMALL, turn=turn, mirror=Mirror.YES))
    assert (result.report["turned"], result.report["mirrored"]) == (90 * quarters, True)
    upright = gray(flatten(photo(), SMALL))
    np.testing.assert_array_equal(gray(result), np.rot90(upright, -quarters)[:, ::-1])
    corners = np.roll(CORNERS, quarters, axis=0)[[1, 0, 3, 2]]
    np.testing.assert_allclose(result.report["corners"], corners, atol=0.1)
    assert "from behind" in " ".join(result.report["warnings"])


def test_the_light_may_stay():
    lit = flatten(photo(), replace(SMALL, relight=False))
    assert gray(lit)[5:-5, 5:-5].min() > 0.1
    assert gray(flatten(photo(), SMALL))[5:-5, 5:-5].min() < 0.05


def test_gray_and_fine_photos_are_photos(monkeypatch: pytest.MonkeyPatch):
    seen = photo()
    as_gray = flatten(seen.with_array(seen.array[..., 0]), SMALL)
    np.testing.assert_allclose(gray(as_gray), gray(flatten(seen, SMALL)), atol=1e-4)
    monkeypatch.setattr("FilmRecoveryLib.flatten._MOST", 300_000)
    reduced = flatten(seen, SMALL)
    np.testing.assert_allclose(reduced.report["corners"], CORNERS, atol=0.1)
    assert likeness(reduced) > 0.97


def test_what_lies_outside_the_photo_is_not_known():
    seen = photo()
    half = seen.with_array(np.ascontiguousarray(seen.array[:, :, :500]))
    result = flatten(half, SMALL)
    confidence = result.images["confidence"].array[0]
    assert confidence[:, :140].mean() > 0.9
    assert (confidence[:, -140:] == 0).all()
    assert "outside the photo" in " ".join(result.report["warnings"])


def test_glare_is_doubted():
    seen = photo()
    array = seen.array.copy()
    array[:, 300:500, 300:600] = 255
    result = flatten(seen.with_array(array), SMALL)
    assert 0.08 < result.report["glare"] < 0.25
    assert "glare" in " ".join(result.report["warnings"])


# The model


@pytest.fixture
def networks(no_film_weights: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that know where the film lies, and that it is to be mirrored and then turned by a quarter."""
    weights = Weights("film", Path("film.safetensors"), "5a")
    turned = Turning(2, True).turned_sheet(Sheet.of_corners(CORNERS, film().shape[1] / film().shape[0], "model", 0.8))
    monkeypatch.setattr("FilmRecoveryLib.weights.find_weights", lambda method, name: weights)
    monkeypatch.setattr("FilmRecoveryLib.model.locate", lambda pixels, weights, device: (turned, 1))
    monkeypatch.setattr("FilmRecoveryLib.model.toned", lambda *given: relight(np.stack(3 * [given[3]], axis=-1)))
    monkeypatch.setattr("FilmRecoveryLib.model.upright", lambda *_: (1, True, 0.9))


@pytest.mark.usefixtures("networks")
def test_the_model_finds_the_film_and_turns_it():
    result = flatten(photo(), FlattenOptions(size=324))
    assert (result.report["found by"], result.report["sha256"]) == ("model", "5a")
    assert (result.report["turned"], result.report["mirrored"]) == (270, True)
    assert likeness(result, np.rot90(film()[:, ::-1], -1)) > 0.97
    assert result.report["confidence"] == pytest.approx(0.8, abs=0.01)
    assert not [each for each in result.report["warnings"] if "weights" in each]


@pytest.mark.usefixtures("networks")
def test_what_is_in_doubt_is_not_turned(monkeypatch: pytest.MonkeyPatch):
    for sureness, told in ((0.3, False), (0.8, True)):
        monkeypatch.setattr("FilmRecoveryLib.model.upright", lambda *_, sureness=sureness: (1, True, sureness))
        report = flatten(photo(), FlattenOptions(size=324)).report
        assert report["turned"] == 0
        assert any("upside down" in each for each in report["warnings"]) == told
        chosen = FlattenOptions(size=324, turn=Turn.NONE, mirror=Mirror.NO)
        assert not any("upside down" in each for each in flatten(photo(), chosen).report["warnings"])


@pytest.mark.usefixtures("networks")
def test_corners_count_also_where_the_model_sees_no_film(monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise InputError("There is no film in the photo.")

    monkeypatch.setattr("FilmRecoveryLib.model.locate", fail)
    upright = replace(SMALL, turn=Turn.NONE, mirror=Mirror.NO)
    np.testing.assert_allclose(flatten(photo(), upright).report["corners"], CORNERS, atol=0.1)
    with pytest.raises(InputError, match="no film"):
        flatten(photo(), AS_FOUND)


# What cannot be done


def refused(image: Image, options: FlattenOptions = AS_FOUND, **others: Image) -> str:
    with pytest.raises(InputError) as caught:
        flatten(image, options, **others)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text
    return text


def test_a_photo_without_a_film():
    wall = 120 + 10 * np.sin(np.arange(600.0) / 90)[:, None] + np.random.default_rng(0).normal(0, 3, (600, 800))
    picture = np.repeat(wall.clip(0, 255).astype(np.uint8)[None, ..., None], 3, axis=-1)
    assert "no film in the photo" in refused(Image(picture, meaning=Meaning.RGB))


def test_a_photo_that_is_far_too_small():
    assert "only 100 x 80 pixels" in refused(Image(np.zeros((1, 80, 100, 3), np.uint8)))


def test_corners_that_are_no_film():
    assert "convex" in refused(photo(), FlattenOptions(corners="10,10 500,10 20,400 500,400"))


def test_a_film_that_is_far_too_small():
    assert "take the photo from nearer" in refused(photo(), FlattenOptions(corners="10,10 60,10 60,50 10,50"))


@pytest.mark.parametrize("shape", [(1, 5, 2), (5, 5, 3), (2, 2, 2, 3)])
def test_points_that_are_none(shape: tuple[int, ...]):
    assert "rows x columns x 2" in refused(photo(), points=Image(np.ones(shape, np.float32)))


def test_it_can_be_cancelled():
    def cancel(progress: Progress) -> None:
        if progress.fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        flatten(photo(), SMALL, cancel)


def test_a_computer_without_memory_says_so(monkeypatch: pytest.MonkeyPatch):
    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("FilmRecoveryLib.flatten.resampled", fail)
    assert "memory" in refused(photo(), SMALL)

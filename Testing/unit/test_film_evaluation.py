"""The evaluation of CT Film Recovery on films that are known."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_films import film as drawn_film
from drawn_films import scene
from film_cases import LEVEL, SHAPE, TILES, WIDTH, write_films, write_untrained
from film_photos import CORNERS, backward, photo
from film_sheets import waves as film_waves
from safetensors.torch import save_file

from FilmRecoveryLib.assemble import stack
from FilmRecoveryLib.evaluation import methods
from FilmRecoveryLib.evaluation.cases import averaged, cases
from FilmRecoveryLib.evaluation.films import (
    BY_PAPER,
    DEWARPED,
    SHIFTED,
    SLICES,
    Volumes,
    dewarped,
    flat_scores,
    layout_scores,
    nearest_turn,
    slice_scores,
    without_shifts,
)
from FilmRecoveryLib.evaluation.methods import OURS, OUTLINE, PAPER_VALUES
from FilmRecoveryLib.evaluation.metrics import misplaced
from FilmRecoveryLib.evaluation.peers import contour, thin_plate
from FilmRecoveryLib.evaluation.tables import summary
from FilmRecoveryLib.paper.cascade import Cascade
from FilmRecoveryLib.paper.variants import Variant, network_of
from FilmRecoveryLib.sheet import Sheet
from FilmRecoveryLib.training.render import backward_map, render
from FilmRecoveryLib.window import to_gray
from InverseImagingLib import cli
from InverseImagingLib.errors import InputError
from InverseImagingLib.evaluation.tables import markdown
from InverseImagingLib.image import Image, Meaning

KNOWN = np.ones(SHAPE, bool)


def error(sheet: Sheet, truth: np.ndarray) -> float:
    """Of its places, in photo pixels, however it is turned."""
    return misplaced(nearest_turn(sheet, truth, KNOWN).at(*SHAPE), truth, KNOWN)["EPE"]


def test_films_are_read_with_their_true_places(tmp_path: Path):
    first, _, third = cases(write_films(tmp_path))
    assert (first.name, third.name) == ("head_0000", "head_0002")
    np.testing.assert_allclose(third.backward[third.known], backward(SHAPE, CORNERS + 8)[third.known], atol=0.2)
    assert third.known.mean() > 0.98
    assert first.film.shape == first.hu.shape == SHAPE
    assert first.tiles == tuple(map(tuple, TILES))


def test_the_truth_is_as_fine_as_the_photo(tmp_path: Path):
    """The film is 466 photo pixels wide, and was printed with 800."""
    (fine,) = cases(write_films(tmp_path, 1, fine=2))
    assert fine.film.shape == pytest.approx((350, 466), abs=3)
    assert fine.tiles[5] == pytest.approx(np.array(TILES[5]) * 466 / 400, abs=1.5)
    gray = to_gray(stack(fine.hu, fine.tiles), LEVEL, WIDTH)
    np.testing.assert_allclose(gray, stack(fine.film, fine.tiles), atol=0.01)
    assert fine.told.any()
    assert ((fine.film > 0) & (fine.film < 1))[fine.told].all()


def test_a_mean_over_an_area_is_that_of_its_pixels():
    values = np.random.default_rng(0).random((12, 35))
    np.testing.assert_allclose(averaged(values, (4, 7)), values.reshape(4, 3, 7, 5).mean(axis=(1, 3)), rtol=1e-5)
    np.testing.assert_allclose(averaged(values, (5, 11)).mean(), values.mean(), rtol=1e-5)
    np.testing.assert_allclose(averaged(np.array([[0.0, 3.0, 6.0]]), (1, 2)), [[1.0, 5.0]], rtol=1e-5)


def test_the_papers_comparison_is_of_places_alone(tmp_path: Path):
    (case,) = cases(write_films(tmp_path, 1))
    true, moved = (dewarped(Sheet.of_corners(CORNERS + off, 4 / 3, "user"), case) for off in (0, 6))
    for scores in (true[DEWARPED], true[SHIFTED], moved[SHIFTED]):
        assert scores["PSNR"] > 35
        assert scores["MS-SSIM"] > 0.99
    assert moved[DEWARPED]["PSNR"] < 20


def test_a_folder_without_films_and_a_damaged_film_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no test films"):
        list(cases(tmp_path))
    (write_films(tmp_path, 1) / "0000" / "maps.npz").write_bytes(b"no archive")
    with pytest.raises(InputError, match="0000' is damaged"):
        list(cases(tmp_path))


def test_a_flat_film_loses_what_its_place_is_off(tmp_path: Path):
    """By an outline, and by one that is two pixels within."""
    (case,) = cases(write_films(tmp_path, 1))
    rim = round(0.12 * SHAPE[1])
    corners = np.array([[0, 0], [SHAPE[1], 0], SHAPE[::-1], [0, SHAPE[0]]], float) + rim - 0.5
    inwards = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    seen, inner = (
        flat_scores(case, methods.Method(lambda _, off=off: Sheet.of_corners(corners + off, 4 / 3, "user"), as_it_is))
        for off in (0, 2 * inwards)
    )
    assert seen["lost"] == pytest.approx(0, abs=0.1)
    assert seen["EPE"] < 0.05
    assert inner["EPE"] > 1
    assert inner["lost"] > 1


def as_it_is(film: np.ndarray) -> np.ndarray:
    return film.mean(axis=-1)


def test_which_way_is_up_does_not_count():
    truth = backward(SHAPE)
    sheet = Sheet.of_corners(CORNERS, 4 / 3, "model").turned(3)
    np.testing.assert_allclose(nearest_turn(sheet, truth, KNOWN).at(*SHAPE), truth, atol=0.05)


def test_a_layout_is_found_or_not(tmp_path: Path):
    (case,) = cases(write_films(tmp_path, 1))
    waves = film_waves(case.tiles, case.film.shape)
    assert layout_scores(case.film, waves, case) == {"counted": 1, "found": 1}
    assert layout_scores(case.film, waves.transpose(0, 2, 1)[::-1], case) == {"counted": 0, "found": 0}
    left, top, right, bottom = np.array(case.tiles).T
    aside = replace(case, tiles=tuple(np.stack([left + (right - left) // 4, top, right, bottom], axis=1).tolist()))
    assert layout_scores(case.film, waves, aside) == {"counted": 1, "found": 0}


def test_where_slices_lie_in_their_tiles_does_not_count(tmp_path: Path):
    (case,) = cases(write_films(tmp_path, 1))
    moved = case.backward.copy()
    for number, (left, top, right, bottom) in enumerate(case.tiles):
        moved[top:bottom, left:right] += (number, -3)
    still = without_shifts(moved, case)
    tiles = np.zeros(case.film.shape, bool)
    for left, top, right, bottom in case.tiles:
        tiles[top:bottom, left:right] = True
    np.testing.assert_allclose(still[tiles], case.backward[tiles], atol=1e-3)
    np.testing.assert_array_equal(still[~tiles], moved[~tiles])


def test_slices_are_measured_by_the_window_and_by_the_range_of_the_ct(tmp_path: Path):
    case = next(cases(write_films(tmp_path, 1)))
    truth = Image(stack(case.hu, case.tiles), meaning=Meaning.HU)
    told = stack(case.told, case.tiles) * (np.abs(truth.array - LEVEL) < WIDTH / 2 - 10)
    valid = truth.with_array(told.astype(np.uint8), meaning=Meaning.LABEL)
    found = slice_scores(Volumes(truth.with_array(truth.array + 10), truth, valid), case)
    assert found["HU"] == pytest.approx(10)
    assert found["PSNR"] == pytest.approx(20 * np.log10(WIDTH / 10), abs=0.01)
    assert found["PSNR of the CT"] == pytest.approx(20 * np.log10(np.ptp(truth.array) / 10), abs=0.01)
    assert found["valid"] == told.mean() > 0.1


# Peers


needs_opencv = pytest.mark.skipif(importlib.util.find_spec("cv2") is None, reason="OpenCV is not installed")


@needs_opencv
@pytest.mark.parametrize("way", [contour, thin_plate])
def test_a_contour_tells_the_corners_of_a_flat_film(way: Callable[[np.ndarray], Sheet]):
    sheet = way(photo())
    np.testing.assert_allclose(sheet.corners, CORNERS, atol=8)
    assert sheet.aspect == pytest.approx(4 / 3, rel=0.15)


@needs_opencv
def test_a_thin_plate_unbends_what_corners_alone_do_not():
    truth, bent = backward(SHAPE, sag=0.08), photo(sag=0.08)
    flat, unbent = (error(way(bent), truth) for way in (contour, thin_plate))
    assert unbent < 0.5 * flat


@needs_opencv
def test_a_photo_without_contours_is_refused():
    with pytest.raises(InputError, match="no contour"):
        contour(np.full((120, 160, 3), 200, np.uint8))


@needs_opencv
@pytest.mark.parametrize("seed", [3, 11])
def test_peers_find_films_of_photos_that_are_drawn(seed: int):
    page = drawn_film(seed)
    shot = scene(seed, page.aspect)
    size = (shot.size[0] // 2, shot.size[1] // 2)
    seen = render(torch.from_numpy(page.texture), shot, size)["photo"]
    truth = (backward_map(shot, SHAPE).numpy() + 0.5) / 2 - 0.5
    for way in (contour, thin_plate):
        assert error(way((255 * seen).round().byte().permute(1, 2, 0).numpy()), truth) < 8


# The command


def test_evaluating_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(methods, "network_of", lambda variant: network_of(variant, 2))
    data, weights = write_films(tmp_path / "films", 1), write_untrained(tmp_path / "w.safetensors")
    words = ["--data", str(data), "--weights", str(weights), "--json", str(tmp_path / "scores.json")]
    monkeypatch.setitem(methods._CASCADES, PAPER_VALUES, lambda: Cascade(3, 1, 2))
    papers = {
        "paper": network_of(Variant.FULL, 2),
        "paper-backward": network_of(Variant.BACKWARD, 2),
        "paper-values": Cascade(3, 1, 2),
    }
    for flag, network in papers.items():
        save_file(network.state_dict(), tmp_path / f"{flag}.safetensors")
        words += [f"--{flag}", str(tmp_path / f"{flag}.safetensors")]
    assert cli.main(["evaluate", "filmrecovery", *words]) == 0
    found = json.loads((tmp_path / "scores.json").read_text())
    assert {OURS, OUTLINE, "corners only", "light as seen"} <= set(found["means"])
    assert {flag.replace("-", "_") for flag in papers} <= set(found["means"])
    assert found["means"][PAPER_VALUES]["place"] == found["means"][OURS]["place"]
    assert {SLICES, BY_PAPER} <= set(found["means"][OURS])
    outline = found["means"][OUTLINE]
    assert outline["place"]["found"]["mean"] == 1
    assert outline["place"]["EPE"]["mean"] < 3 < found["means"][OURS]["place"]["EPE"]["mean"]  # which is untrained
    assert found["weights"] == "w.safetensors"
    shown = capsys.readouterr().out
    assert summary(found) in shown
    assert "| outline |" in summary(found, markdown)

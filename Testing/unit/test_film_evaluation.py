"""The evaluation of CT Film Recovery on films that are known."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_films import film as drawn_film
from drawn_films import scene
from film_cases import SHAPE, write_films, write_untrained
from film_photos import CORNERS, backward, film, photo
from safetensors.torch import save_file

from FilmRecoveryLib.evaluation import methods
from FilmRecoveryLib.evaluation.cases import cases
from FilmRecoveryLib.evaluation.films import has_layout, nearest_turn
from FilmRecoveryLib.evaluation.methods import OURS, OUTLINE
from FilmRecoveryLib.evaluation.metrics import misplaced
from FilmRecoveryLib.evaluation.peers import contour, thin_plate
from FilmRecoveryLib.evaluation.tables import summary
from FilmRecoveryLib.paper.variants import Variant, network_of
from FilmRecoveryLib.sheet import Sheet
from FilmRecoveryLib.training.render import backward_map, render
from InverseImagingLib import cli
from InverseImagingLib.errors import InputError
from InverseImagingLib.evaluation.tables import markdown

KNOWN = np.ones(SHAPE, bool)


def test_films_are_read_with_their_true_places(tmp_path: Path):
    first, _, third = cases(write_films(tmp_path))
    assert (first.name, third.name) == ("head_0000", "head_0002")
    np.testing.assert_allclose(third.backward[third.known], backward(SHAPE, CORNERS + 8)[third.known], atol=0.2)
    assert third.known.mean() > 0.98
    assert first.hu.shape == (12, 100, 100)


def test_a_folder_without_films_and_a_damaged_film_are_refused(tmp_path: Path):
    with pytest.raises(InputError, match="no test films"):
        list(cases(tmp_path))
    (write_films(tmp_path, 1) / "0000" / "maps.npz").write_bytes(b"no archive")
    with pytest.raises(InputError, match="0000' is damaged"):
        list(cases(tmp_path))


def test_which_way_is_up_does_not_count():
    truth = backward(SHAPE)
    sheet = Sheet.of_corners(CORNERS, 4 / 3, "model").turned(3)
    np.testing.assert_allclose(nearest_turn(sheet, truth, KNOWN), truth, atol=0.05)


def test_a_layout_is_found_or_not(tmp_path: Path):
    (case,) = cases(write_films(tmp_path, 1))
    assert has_layout(case.film, case)
    assert not has_layout(film(2, 3), case)


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
    flat, unbent = (misplaced(nearest_turn(way(bent), truth, KNOWN), truth, KNOWN) for way in (contour, thin_plate))
    assert unbent["EPE"] < 0.5 * flat["EPE"]


@needs_opencv
def test_a_photo_without_contours_is_refused():
    with pytest.raises(InputError, match="no contour"):
        contour(np.full((120, 160, 3), 200, np.uint8))


@needs_opencv
@pytest.mark.parametrize("seed", [0, 1])
def test_peers_find_films_of_photos_that_are_drawn(seed: int):
    page = drawn_film(seed)
    shot = scene(seed, page.aspect)
    size = (shot.size[0] // 2, shot.size[1] // 2)
    seen = render(torch.from_numpy(page.texture), shot, size)["photo"]
    truth = (backward_map(shot, SHAPE).numpy() + 0.5) / 2 - 0.5
    for way in (contour, thin_plate):
        sheet = way((255 * seen).round().byte().permute(1, 2, 0).numpy())
        assert misplaced(nearest_turn(sheet, truth, KNOWN), truth, KNOWN)["EPE"] < 8


# The command


def test_evaluating_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(methods, "network_of", lambda variant: network_of(variant, 2))
    data, weights = write_films(tmp_path / "films", 1), write_untrained(tmp_path / "w.safetensors")
    words = ["--data", str(data), "--weights", str(weights), "--json", str(tmp_path / "scores.json")]
    for variant, flag in (Variant.FULL, "paper"), (Variant.BACKWARD, "paper-backward"):
        save_file(network_of(variant, 2).state_dict(), tmp_path / f"{flag}.safetensors")
        words += [f"--{flag}", str(tmp_path / f"{flag}.safetensors")]
    assert cli.main(["evaluate", "filmrecovery", *words]) == 0
    found = json.loads((tmp_path / "scores.json").read_text())
    assert {OURS, OUTLINE, "corners only", "light as seen", "paper", "paper_backward"} <= set(found["means"])
    outline = found["means"][OUTLINE]
    assert outline["place"]["found"]["mean"] == 1
    assert outline["place"]["EPE"]["mean"] < 3 < found["means"][OURS]["place"]["EPE"]["mean"]  # which is untrained
    assert found["weights"] == "w.safetensors"
    shown = capsys.readouterr().out
    assert summary(found) in shown
    assert "| outline |" in summary(found, markdown)

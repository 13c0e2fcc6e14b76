"""The evaluation of CT Film Recovery on films that are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from film_photos import CORNERS, SQUARE, backward, film, photo
from PIL import Image as Pictures
from safetensors.torch import save_file

from FilmRecoveryLib.evaluation.cases import cases
from FilmRecoveryLib.evaluation.films import has_layout, nearest_turn
from FilmRecoveryLib.evaluation.methods import OURS, OUTLINE
from FilmRecoveryLib.evaluation.tables import summary
from FilmRecoveryLib.homography import homography, transformed
from FilmRecoveryLib.networks import FilmNet
from FilmRecoveryLib.sheet import Sheet
from InverseImagingLib import cli
from InverseImagingLib.errors import InputError
from InverseImagingLib.evaluation.tables import markdown

LEVEL, WIDTH = 40.0, 400.0
SHAPE = (300, 400)
TILES = [[100 * column, 100 * row, 100 * column + 100, 100 * row + 100] for row in range(3) for column in range(4)]


def write_films(folder: Path, count: int = 3) -> Path:
    """Test films as Testing/ctfilm writes them, flat and plainly drawn."""
    pixels = np.stack(np.meshgrid(np.arange(640), np.arange(480)), axis=-1).astype(float)
    for number in range(count):
        place, corners = folder / f"{number:04d}", CORNERS + 4 * number
        place.mkdir(parents=True)
        uv = transformed(pixels, homography(corners, SQUARE))
        hu = LEVEL + WIDTH * (np.stack([film()[t:b, a:c] for a, t, c, b in TILES]) - 0.5)
        Pictures.fromarray(photo(corners)).save(place / "photo.png")
        Pictures.fromarray((film() * 255).round().astype(np.uint8)).save(place / "texture.png")
        np.savez(place / "maps.npz", uv=uv.astype(np.float32), mask=((uv > 0) & (uv < 1)).all(axis=-1))
        np.savez(place / "film.npz", hu=hu.round().astype(np.int16), ink=np.zeros(SHAPE, np.float16))
        told = {"subject": "head", "tiles": TILES, "rows": 3, "columns": 4, "level": LEVEL, "width": WIDTH}
        (place / "film.json").write_text(json.dumps(told))
        (place / "scene.json").write_text("{}")
    return folder


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
    np.testing.assert_allclose(nearest_turn(sheet, truth, np.ones(SHAPE, bool)), truth, atol=0.05)


def test_a_layout_is_found_or_not(tmp_path: Path):
    (case,) = cases(write_films(tmp_path, 1))
    assert has_layout(case.film, case)
    assert not has_layout(film(2, 3), case)


def test_evaluating_from_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    torch.manual_seed(0)
    save_file(FilmNet().state_dict(), tmp_path / "w.safetensors")
    data, weights = write_films(tmp_path / "films", 1), tmp_path / "w.safetensors"
    words = ["--data", str(data), "--weights", str(weights), "--json", str(tmp_path / "scores.json")]
    assert cli.main(["evaluate", "filmrecovery", *words]) == 0
    found = json.loads((tmp_path / "scores.json").read_text())
    assert {OURS, OUTLINE, "corners only", "light as seen"} <= set(found["means"])
    outline = found["means"][OUTLINE]
    assert outline["place"]["found"]["mean"] == 1
    assert outline["place"]["EPE"]["mean"] < 3 < found["means"][OURS]["place"]["EPE"]["mean"]  # which is untrained
    assert found["weights"] == "w.safetensors"
    shown = capsys.readouterr().out
    assert summary(found) in shown
    assert "| outline |" in summary(found, markdown)

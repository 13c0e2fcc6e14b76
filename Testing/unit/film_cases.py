"""Test films that are known, a CT to draw films of, and untrained networks, for the tests of what films teach."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
from film_photos import CORNERS, SQUARE, film, photo
from PIL import Image as Pictures
from safetensors.torch import save_file

from FilmRecoveryLib.homography import homography, transformed
from FilmRecoveryLib.networks import FilmNet
from InverseImagingLib.image import Image, Meaning, write

LEVEL, WIDTH = 40.0, 400.0
SHAPE = (300, 400)
TILES = [[100 * column, 100 * row, 100 * column + 100, 100 * row + 100] for row in range(3) for column in range(4)]


def write_films(folder: Path, count: int = 3, fine: int = 1) -> Path:
    """Test films as Testing/ctfilm writes them, flat and plainly drawn, of SHAPE, or so many times finer."""
    pixels = np.stack(np.meshgrid(np.arange(640), np.arange(480)), axis=-1).astype(float)
    for number in range(count):
        place, corners = folder / f"{number:04d}", CORNERS + 4 * number
        place.mkdir(parents=True)
        uv = transformed(pixels, homography(corners, SQUARE))
        hu = LEVEL + WIDTH * (np.stack([film()[t:b, a:c] for a, t, c, b in TILES]) - 0.5)
        texture, hu = (np.kron(each, np.ones((fine, fine))) for each in (film(), hu))
        Pictures.fromarray(photo(corners)).save(place / "photo.png")
        Pictures.fromarray((texture * 255).round().astype(np.uint8)).save(place / "texture.png")
        np.savez(place / "maps.npz", uv=uv.astype(np.float32), mask=((uv > 0) & (uv < 1)).all(axis=-1))
        np.savez(place / "film.npz", hu=hu.round().astype(np.int16), ink=np.zeros(texture.shape, np.float16))
        tiles = (np.array(TILES) * fine).tolist()
        told = {"subject": "head", "tiles": tiles, "rows": 3, "columns": 4, "level": LEVEL, "width": WIDTH}
        (place / "film.json").write_text(json.dumps(told))
        (place / "scene.json").write_text("{}")
    return folder


def write_ct(path: Path) -> Path:
    """A CT of a skull that is no patient's."""
    k, j, i = np.mgrid[-1:1:24j, -1:1:48j, -1:1:48j]
    radius = np.sqrt(k**2 / 2 + j**2 + i**2)
    hu = np.where(radius < 0.8, 40, np.where(radius < 0.9, 900, -1000)).astype(np.int16)
    write(Image(hu, np.diag([-4.0, -4.0, 5.0, 1.0]), Meaning.HU, path.stem), path)
    return path


def write_prepared(folder: Path) -> Path:
    """Data for both: a CT, of which films are drawn in training, and a test film."""
    write_films(folder, 1)
    write_ct(folder / "skull.nrrd")
    return folder


def write_untrained(path: Path) -> Path:
    torch.manual_seed(0)
    save_file(FilmNet().state_dict(), path)
    return path

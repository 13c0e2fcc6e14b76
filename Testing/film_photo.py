"""The sample photo of CT Film Recovery: a procedural chest on a film, on a light box, as a phone sees it.

The film and its photo are drawn by what the networks learn from, of a phantom: nobody's data. The same seed makes the
same photo: python Testing/film_photo.py
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import torch
from PIL import Image as Pictures

from FilmRecoveryLib.options import Order
from FilmRecoveryLib.training.annotations import Sheetwriter, Style, font_of
from FilmRecoveryLib.training.camera import draw_camera
from FilmRecoveryLib.training.layouts import Grid
from FilmRecoveryLib.training.lighting import draw_lights
from FilmRecoveryLib.training.lights import EXTENT, Place
from FilmRecoveryLib.training.render import Scene, render
from FilmRecoveryLib.training.sheets import REACH, Bend, Sheet
from FilmRecoveryLib.training.slices import draw_slices
from FilmRecoveryLib.training.spoil import Spoiling
from FilmRecoveryLib.training.subjects import Scan, scan_of
from FilmRecoveryLib.window import to_gray
from InverseImagingLib.xray.phantoms import Anatomy, phantom

SAMPLE = Path(__file__).parents[1] / "FilmRecovery" / "Resources" / "SampleData" / "FilmPhoto.jpg"
SEED = 2
SIZE = 2000, 1500  # rows and columns of the photo
LEVEL, WIDTH = 40.0, 400.0  # HU
ROWS, COLUMNS = 4, 3
STEP = 20.0  # mm from slice to slice
FILM = 1700, 1400  # pixels of the film, which has 14 x 17 inches
MM = 431.8 / FILM[0]
VOXELS = 256


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=SAMPLE, help="the JPEG file (%(default)s)")
    parser.add_argument(
        "--seed", type=int, default=SEED, help="decides the person, the camera and the light (%(default)s)"
    )
    arguments = parser.parse_args()
    pixels = photo(film(arguments.seed), arguments.seed)
    Pictures.fromarray(pixels).save(arguments.out, quality=88, optimize=True)


def film(seed: int) -> np.ndarray:
    """A film of the chest (h, w), float32, 0 black to 1 white, with window, place and ruler of each slice."""
    grid = tiles()
    slices = draw_slices(np.random.default_rng(seed), chest(seed), ROWS * COLUMNS, grid.tile)
    writer = Sheetwriter(grid.size)
    style = Style(
        font=0,
        height=0.045,
        bright=0.95,
        corners=(("ANONYMOUS",), ("Im:{number}",), ("SP:{position:.1f}",), (f"WL:{LEVEL:g}", f"WW:{WIDTH:g}")),
        sides=True,
        ruler="right",
    )
    texture = np.zeros(grid.size, np.float32)
    for index, (box, hu) in enumerate(zip(grid.boxes, slices.hu, strict=True)):
        left, top, right, bottom = box
        texture[top:bottom, left:right] = to_gray(hu, LEVEL, WIDTH)
        facts = {"number": index + 1, "count": len(grid.boxes), "position": 90.5 + index * slices.step}
        writer.write_tile(index, box, style, slices.plane.letters, facts)
        writer.rule((left, top, right - 5, bottom), style, slices.pixel)
    title = "PROCEDURAL PHANTOM   CHEST   generated, of nobody, for research only"
    writer.write(-1, (grid.size[1] / 2, grid.boxes[0][1] / 2), title, font_of(0, 12), "mm", style.bright)
    return np.maximum(texture, writer.ink)


def tiles() -> Grid:
    """Tiles with black between them, below a line of text."""
    head, rim, gap = 60, 32, 32
    height = (FILM[0] - head - rim - (ROWS - 1) * gap) // ROWS
    width = (FILM[1] - 2 * rim - (COLUMNS - 1) * gap) // COLUMNS
    boxes = [
        (left, top, left + width, top + height)
        for top in range(head, head + ROWS * (height + gap), height + gap)
        for left in range(rim, rim + COLUMNS * (width + gap), width + gap)
    ]
    return Grid(FILM, MM, ROWS, COLUMNS, tuple(boxes), Order.ROWS)


def chest(seed: int) -> Scan:
    """As many slices as the film has tiles, from the middle of a phantom."""
    whole = scan_of(phantom(Anatomy.THORAX, VOXELS, seed))
    stride = round(STEP / whole.spacing[0])
    first = (len(whole.hu) - stride * (ROWS * COLUMNS - 1)) // 2
    chosen = whole.hu[first::stride][: ROWS * COLUMNS]
    return Scan(chosen, (STEP, *whole.spacing[1:]))


def photo(texture: np.ndarray, seed: int) -> np.ndarray:
    """A photo (H, W, 3) of bytes of a film."""
    seen = render(torch.from_numpy(texture), scene(seed), SIZE)["photo"]
    return (255 * seen).round().byte().permute(1, 2, 0).numpy()


def scene(seed: int) -> Scene:
    """A film that bends a little, before a light box that is larger than it, in a sharp photo."""
    place = np.linspace(-REACH, REACH, 4097)
    bend = Bend(5.0, -0.6 * np.exp(-((place / 0.5) ** 2)))
    sheet = Sheet(FILM[1] / FILM[0], (bend,))
    rng = np.random.default_rng(seed)
    camera = draw_camera(rng, sheet, SIZE)
    y, x = np.mgrid[-EXTENT:EXTENT:48j, -EXTENT:EXTENT:48j]
    drawn = draw_lights(rng, sheet.aspect)
    wood = drawn.table / drawn.table.mean(axis=(1, 2), keepdims=True)
    lights = dataclasses.replace(
        drawn,
        place=Place.BOX,
        gamma=2.0,
        floor=0.006,
        tint=np.array([0.80, 0.92, 1.0]),
        face=(0.02, -0.01, 0.72, 0.78),
        bright=np.array([1.0, 1.0, 0.97]),
        field=np.exp(-0.25 * (x**2 + (y - 0.2) ** 2))[None],
        table=wood * np.array([0.24, 0.15, 0.09])[:, None, None],
        mirrored=0.02,
        shine=0.0,
        scattered=0.0,
    )
    spoiling = Spoiling(
        exposure=1.15,
        balance=(1.03, 1.0, 0.97),
        vignetting=0.2,
        flare=0.01,
        blur=0.0003,
        noise=0.006,
        grain=0.002,
        contrast=0.2,
        seed=int(rng.integers(2**31)),
    )
    return Scene(sheet, camera, lights, spoiling=spoiling, corner=0.012)


if __name__ == "__main__":
    main()

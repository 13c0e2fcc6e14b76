"""Films drawn by hand for tests: heads of ellipses in tiles, with text and rulers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from FilmRecoveryLib.cells import Cells

Box = tuple[int, int, int, int]


def head(number: int, size: tuple[int, int]) -> np.ndarray:
    """A slice (h, w), 0 to 1, that differs a little from that of the number before."""
    y, x = np.mgrid[-1 : 1 : size[0] * 1j, -1 : 1 : size[1] * 1j]
    small = 1 - 0.02 * number
    radius = np.hypot(x / (0.62 * small), y / (0.78 * small))
    brain = 0.45 + 0.1 * np.sin(9 * x + number) * np.sin(7 * y)
    ventricle = np.hypot((np.abs(x) - 0.14) / 0.08, (y + 0.1) / (0.1 + 0.02 * (number % 7))) < 1
    return np.where(radius < 0.9, np.where(ventricle, 0.2, brain), np.where(radius < 1, 1.0, 0.0)).astype(np.float32)


def sheet(
    rows: int,
    columns: int,
    *,
    tile: tuple[int, int] = (120, 120),
    gap: int = 4,
    margin: int = 8,
    empty: int = 0,
    lines: Sequence[str] = ("W 80", "C 40"),
    tick: float = 0,
    missing: Sequence[int] = (),
) -> tuple[np.ndarray, list[Box]]:
    """A film (h, w), 0 to 1, of heads, the last of which may be missing, and the boxes of its tiles, row by row.

    lines: text at the lower left of each, in which {number} stands for the tile's, from 0. tick: pixels from tick to
    tick of a ruler on the right, none for 0. missing: which of its eleven ticks are.
    """
    height, width = tile
    film = np.zeros((2 * margin + rows * (height + gap) - gap, 2 * margin + columns * (width + gap) - gap), np.float32)
    boxes = []
    for number in range(rows * columns):
        top, left = (margin + place * (side + gap) for place, side in zip(divmod(number, columns), tile, strict=True))
        boxes.append((left, top, left + width, top + height))
        if number < rows * columns - empty:
            text = written([line.format(number=number) for line in lines], tile, tick, missing)
            film[top : top + height, left : left + width] = np.maximum(head(number, tile), text)
    return film, boxes


def spoiled(film: np.ndarray, seed: int = 0) -> np.ndarray:
    """The film a little bent, blurred, noisy and in uneven light."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[: film.shape[0], : film.shape[1]].astype(np.float32)
    longest = max(film.shape)
    bend = 0.006 * longest * np.sin(2 * np.pi * (x + y) / longest)
    bent = ndimage.map_coordinates(film, [y + bend, x - bend], order=1, mode="nearest")
    blurred = ndimage.gaussian_filter(bent, 0.0015 * longest)
    light = 0.75 + 0.25 * np.sin(2 * np.pi * x / longest + 1)
    noise = 0.02 * random.standard_normal(film.shape, np.float32)
    return np.clip(blurred * light + 0.04 + noise, 0, 1).astype(np.float32)


def written(lines: Sequence[str], tile: tuple[int, int], tick: float, missing: Sequence[int] = ()) -> np.ndarray:
    height, width = tile
    picture = Image.new("L", (width, height))
    draw = ImageDraw.Draw(picture)
    letter = 0.055 * height
    for row, line in enumerate(reversed(lines), 1):
        draw.text((0.02 * height, height - 1.35 * row * letter - 2), line, 255, ImageFont.load_default(letter))
    if tick:
        marks = [height / 2 + (mark - 5) * tick for mark in range(11)]
        for number in set(range(len(marks))).difference(missing):
            far = width - 2 - (0.05 if number % 5 == 0 else 0.03) * height
            draw.line([(width - 2, marks[number]), (far, marks[number])], 255)
        draw.line([(width - 2, marks[0]), (width - 2, marks[-1])], 255)
    return np.asarray(picture, np.float32) / 255


def waves(boxes: Sequence[Box], shape: tuple[int, ...]) -> np.ndarray:
    """What a network should see of a film of that shape with these tiles: see networks.GridNet."""
    found = []
    for axis, length in enumerate(shape):
        sides = np.unique([[box[1 - axis], box[3 - axis]] for box in boxes], axis=0) / length
        middles = sides.mean(axis=1)
        pitch = np.diff(middles).mean() if len(middles) > 1 else float(np.diff(sides)[0, 0])
        wave = Cells(len(middles), float(middles[0] - pitch / 2), float(pitch)).wave(64)
        found.append(np.broadcast_to(wave if axis else wave[:, None], (64, 64)))
    return np.stack(found)

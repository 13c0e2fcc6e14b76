"""Test films: photos whose film and slices are known, as Testing/ctfilm/render.py writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pictures

from InverseImagingLib.errors import InputError

from ..assemble import unstack
from ..layout import Box
from ..sheet import NODES, Sheet
from ..warp import backward_map
from ..window import to_gray

SQUARE = 256  # pixels along each side of what the paper's network sees and gives
_INK, _WHOLE = 0.01, 0.999  # shares of a pixel that are none and all of it
_LAST = "scene.json"  # with it a folder is complete


@dataclass(frozen=True, eq=False)
class Case:
    """A photo (H, W, 3) of bytes, and the truth on a film (h, w) that is as fine as the photo, and no finer than it was
    printed: what was printed is averaged over the area of each of its pixels.

    film: gray from 0 to 1. backward: its backward map (h, w, 2), where known (h, w). square: the backward map
    (SQUARE, SQUARE, 2), and where known, of the same film on as many pixels as the paper's. hu: (h, w) of the slices.
    told: (h, w) where the film tells HU: all of the pixel's area is of a slice, inside the window, and not under text.
    tiles: of one size, in film pixels, in the order of the slices, on so many rows and columns of them. level, width:
    HU of the window.
    """

    name: str
    photo: np.ndarray
    film: np.ndarray
    backward: np.ndarray
    known: np.ndarray
    square: tuple[np.ndarray, np.ndarray]
    hu: np.ndarray
    told: np.ndarray
    tiles: tuple[Box, ...]
    rows: int
    columns: int
    level: float
    width: float


def cases(folder: Path) -> Iterator[Case]:
    """The films in a folder, one after another. Raises InputError when there is none, or one is damaged."""
    complete = sorted(path.parent for path in folder.glob(f"*/{_LAST}"))
    if not complete:
        raise InputError(f"There are no test films in '{folder}'; render some with Testing/ctfilm/render.py.")
    for each in complete:
        try:
            yield _read(each)
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                f"The test film '{each}' is damaged ({error}); delete its folder and render it."
            ) from error


def averaged(values: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Values (H, W) on pixels (h, w), of which each is the mean over its area, float32."""
    down, across = (_shares(*counts) for counts in zip(values.shape, shape, strict=True))
    return down @ values.astype(np.float32) @ across.T


def _shares(count: int, wanted: int) -> np.ndarray:
    """How much of each of the wanted pixels is covered by each of the finer ones (wanted, count)."""
    ends, fine = np.linspace(0, count, wanted + 1), np.arange(count)
    covered = np.minimum(ends[1:, None], fine + 1) - np.maximum(ends[:-1, None], fine)
    return (covered.clip(0) * wanted / count).astype(np.float32)


def _read(folder: Path) -> Case:
    told = json.loads((folder / "film.json").read_text(encoding="utf-8"))
    texture = np.asarray(Pictures.open(folder / "texture.png"), np.float32) / 255
    with np.load(folder / "maps.npz", allow_pickle=False) as maps:
        uv, mask = maps["uv"], maps["mask"] > 0.5
    with np.load(folder / "film.npz", allow_pickle=False) as page:
        hu, ink = page["hu"], page["ink"]
    level, width = float(told["level"]), float(told["width"])
    tiles: list[Box] = [(a, b, c, d) for a, b, c, d in told["tiles"]]
    gray = to_gray(hu, level, width)
    shown = unstack((gray > 0) & (gray < 1), np.zeros(texture.shape, bool), tiles) & (ink < _INK)
    shape = _size(uv, mask, texture.shape)
    backward, known = backward_map(uv, mask, shape)
    return Case(
        name=f"{told['subject']}_{folder.name}",
        photo=np.array(Pictures.open(folder / "photo.png").convert("RGB")),
        film=averaged(texture, shape),
        backward=backward,
        known=known,
        square=backward_map(uv, mask, (SQUARE, SQUARE)),
        hu=averaged(unstack(hu, np.zeros(texture.shape, np.int16), tiles), shape),
        told=averaged(shown, shape) > _WHOLE,
        tiles=_scaled(tiles, texture.shape, shape),
        rows=int(told["rows"]),
        columns=int(told["columns"]),
        level=level,
        width=width,
    )


def _size(uv: np.ndarray, mask: np.ndarray, printed: tuple[int, ...]) -> tuple[int, int]:
    """Of a film as fine as the photo that a uv map (H, W, 2) is of, but no finer than it was printed."""
    nodes, _ = backward_map(uv, mask, (NODES, NODES))
    sheet = Sheet(nodes, np.ones((NODES, NODES), np.float32), printed[1] / printed[0], "user")
    height, width = sheet.size()
    shrink = min(1.0, printed[0] / height)
    return round(height * shrink), round(width * shrink)


def _scaled(tiles: list[Box], printed: tuple[int, ...], shape: tuple[int, int]) -> tuple[Box, ...]:
    """Tiles of the film as it was printed, to the nearest pixel of the film (h, w)."""
    scale = np.array(shape[::-1]) / printed[::-1]
    starts, ends = np.array(tiles)[:, :2] * scale, np.array(tiles)[:, 2:] * scale
    wide, high = np.floor((ends - starts).min(axis=0)).astype(int)
    places = np.rint((starts + ends - (wide, high)) / 2).astype(int)
    return tuple((int(x), int(y), int(x + wide), int(y + high)) for x, y in places)

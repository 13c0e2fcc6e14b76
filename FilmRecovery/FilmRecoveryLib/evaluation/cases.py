"""Test films: photos whose film, light and slices are known, as Testing/ctfilm/render.py writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Pictures

from InverseImagingLib.errors import InputError

from ..layout import Box
from ..warp import backward_map

_LAST = "scene.json"  # with it a folder is complete


@dataclass(frozen=True, eq=False)
class Case:
    """A photo (H, W, 3) of bytes, and the truth.

    film: (h, w) gray from 0 to 1. backward: its backward map (h, w, 2), where known (h, w). hu: (n, h', w') of the
    tiles, in the order of the slices, on a film of so many rows and columns of them. ink: (h, w), from 0 to 1 where
    text hides the slices. level, width: HU of the window.
    """

    name: str
    photo: np.ndarray
    film: np.ndarray
    backward: np.ndarray
    known: np.ndarray
    hu: np.ndarray
    ink: np.ndarray
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


def _read(folder: Path) -> Case:
    told = json.loads((folder / "film.json").read_text(encoding="utf-8"))
    texture = np.asarray(Pictures.open(folder / "texture.png"), np.float32) / 255
    with np.load(folder / "maps.npz", allow_pickle=False) as maps:
        backward, known = backward_map(maps["uv"], maps["mask"] > 0.5, (texture.shape[0], texture.shape[1]))
    with np.load(folder / "film.npz", allow_pickle=False) as page:
        hu, ink = page["hu"], page["ink"].astype(np.float32)
    return Case(
        name=f"{told['subject']}_{folder.name}",
        photo=np.array(Pictures.open(folder / "photo.png").convert("RGB")),
        film=texture,
        backward=backward,
        known=known,
        hu=hu,
        ink=ink,
        tiles=tuple((int(a), int(b), int(c), int(d)) for a, b, c, d in told["tiles"]),
        rows=int(told["rows"]),
        columns=int(told["columns"]),
        level=float(told["level"]),
        width=float(told["width"]),
    )

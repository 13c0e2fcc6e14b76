"""Films as they are printed: slices in a grid, with text, rulers and marks; and the truth about all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..options import Order
from ..window import to_gray
from .annotations import Sheetwriter, Text, draw_style, font_of
from .layouts import Box, Grid, draw_grid
from .protocols import Protocol, draw_protocol
from .slices import Slices, draw_slices
from .subjects import Plane, Subject

_BY_HEAD = ("head", "skull")


@dataclass(frozen=True)
class Film:
    """A printed film, and what is on it.

    texture: (h, w) float32, gray from 0 (black) to 1. ink: (h, w) float32, from 0 to 1 where text, rulers and lines
    hide what is below. hu: (n, h', w') float32, of the tiles in the order of the slices. tiles: their boxes. others:
    boxes without slices: of overviews, and empty ones. spacing: mm of x, y and z; z is negative where the slices run
    from the head down. level, width: HU of the window. mm: of a film pixel, on the film itself.
    """

    texture: np.ndarray
    ink: np.ndarray
    hu: np.ndarray
    tiles: tuple[Box, ...]
    others: tuple[Box, ...]
    rows: int
    columns: int
    order: Order
    level: float
    width: float
    spacing: tuple[float, float, float]
    plane: Plane
    texts: tuple[Text, ...]
    mm: float
    subject: str

    @property
    def cells(self) -> np.ndarray:
        """Down and along the film: where the first cell begins and how long each is, in shares of the film's sides,
        and how many there are (2, 3). A cell is a tile and its share of the gaps."""
        boxes = np.array([*self.tiles, *self.others], float)
        found = []
        for low, count in ((1, self.rows), (0, self.columns)):
            sides = boxes[:, [low, low + 2]] / self.texture.shape[1 - low]
            first, last = sides[sides[:, 0].argmin()], sides[sides[:, 0].argmax()]
            pitch = (last[0] - first[0]) / (count - 1) if count > 1 else first[1] - first[0]
            found.append((first.mean() - pitch / 2, pitch, count))
        return np.array(found)

    @property
    def aspect(self) -> float:
        """Width / height."""
        return self.texture.shape[1] / self.texture.shape[0]


def draw_film(rng: np.random.Generator, subjects: Sequence[Subject], pixels: int = 1024) -> Film:
    """A film of one of the subjects, of so many pixels along its longer side."""
    subject = subjects[int(rng.integers(len(subjects)))]
    scan = subject.scans[int(rng.integers(len(subject.scans)))]
    grid = draw_grid(rng, pixels)
    boxes, others = grid.ordered, []
    overview = len(boxes) > 5 and scan.plane is Plane.AXIAL and len(scan.hu) > 30 and rng.random() < 0.2
    if overview:
        others.append(boxes.pop(0))
    wanted = len(boxes) if rng.random() < 0.75 else int(rng.integers(max(len(boxes) // 2, 1), len(boxes) + 1))
    slices = draw_slices(rng, scan, wanted, grid.tile)
    boxes, left = boxes[: len(slices.hu)], boxes[len(slices.hu) :]
    protocol = draw_protocol(rng, subject.name.startswith(_BY_HEAD), slices.step)
    black = float(rng.choice([0.0, rng.uniform(0, 0.06)]))
    texture = np.full(grid.size, black, np.float32)
    for box, hu in zip(boxes, slices.hu, strict=True):
        texture[_inside(box)] = to_gray(hu, protocol.level, protocol.width)
    if overview:
        texture[_inside(others[0])] = _overview(scan.hu, grid.tile)
    writer = _written(rng, grid, boxes, protocol, slices)
    ink = np.maximum(writer.ink, _frames(rng, grid))
    bright = 1.0 if rng.random() < 0.7 else float(rng.uniform(0.7, 1))
    texture += ink * (bright - texture)
    return Film(
        texture=texture,
        ink=ink,
        hu=slices.hu,
        tiles=tuple(boxes),
        others=(*others, *left),
        rows=grid.rows,
        columns=grid.columns,
        order=grid.order,
        level=protocol.level,
        width=protocol.width,
        spacing=(slices.pixel, slices.pixel, slices.step),
        plane=slices.plane,
        texts=tuple(writer.texts),
        mm=grid.mm,
        subject=subject.name,
    )


def _inside(box: Box) -> tuple[slice, slice]:
    left, top, right, bottom = box
    return slice(top, bottom), slice(left, right)


def _written(
    rng: np.random.Generator, grid: Grid, boxes: Sequence[Box], protocol: Protocol, slices: Slices
) -> Sheetwriter:
    """Text and rulers of all tiles, and of the film."""
    writer, style = Sheetwriter(grid.size), draw_style(rng, protocol)
    first = int(rng.integers(1, 40))
    bare = rng.random() < 0.08
    for index, box in enumerate(boxes):
        if bare:
            break
        facts = {
            "number": first + index,
            "count": first + len(boxes) + 3,
            "position": protocol.start + index * slices.step,
        }
        writer.write_tile(index, box, style, slices.plane.letters, facts)
        if style.ruler:
            writer.rule(box, style, slices.pixel)
    top, bottom = grid.boxes[0][1], grid.size[0] - grid.boxes[-1][3]
    room = max(top, bottom)
    if room > 0.03 * grid.size[0]:
        title = f"{protocol.place}   {protocol.patient}  {protocol.about}   {protocol.date}"
        middle = (grid.size[1] / 2, top / 2 if top >= bottom else grid.size[0] - bottom / 2)
        writer.write(-1, middle, title, font_of(style.font, min(0.3 * room, grid.size[1] / 60)), "mm", style.bright)
    return writer


def _frames(rng: np.random.Generator, grid: Grid) -> np.ndarray:
    """Lines around the tiles, and a clear rim, as some printers leave them."""
    ink = np.zeros(grid.size, np.float32)
    if rng.random() < 0.25:
        bright = rng.uniform(0.3, 1)
        for left, top, right, bottom in grid.boxes:
            ink[[top, bottom - 1], left:right] = bright
            ink[top:bottom, [left, right - 1]] = bright
    if rng.random() < 0.1:
        rim = max(round(0.004 * max(grid.size)), 1)
        ink[:rim] = ink[-rim:] = 1
        ink[:, :rim] = ink[:, -rim:] = 1
    return ink


def _overview(hu: np.ndarray, tile: tuple[int, int]) -> np.ndarray:
    """A projection of a scan from the front, the head above, as scanners take it first: (h, w)."""
    from skimage.transform import resize

    sums = np.log1p((hu.astype(np.float32) + 1024).mean(axis=1))[::-1]
    low, high = np.quantile(sums, [0.05, 0.99])
    return resize(((sums - low) / max(high - low, 1e-6)).clip(0, 1), tile, anti_aliasing=True).astype(np.float32)

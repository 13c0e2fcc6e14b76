"""How films are divided: their sides, the grid of tiles on them, and which tile comes when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..options import Order

Box = tuple[int, int, int, int]  # left, top, right, bottom in film pixels; right and bottom excluded

# Width and height in mm, and how usual they are: 14 x 17, 11 x 14, 10 x 12, 8 x 10, 14 x 14 inches, and A3
_FORMATS = (
    ((355.6, 431.8), 12),
    ((279.4, 355.6), 3),
    ((254.0, 304.8), 2),
    ((203.2, 254.0), 2),
    ((355.6, 355.6), 1),
    ((297.0, 420.0), 1),
)
# Columns and rows of a film that stands
_GRIDS = ((2, 2), (2, 3), (3, 3), (3, 4), (4, 4), (4, 5), (4, 6), (5, 5), (5, 6), (5, 7), (6, 6), (6, 8))
_USUAL = (1, 1, 2, 3, 3, 5, 3, 3, 4, 1, 1, 1)


@dataclass(frozen=True)
class Grid:
    """Tiles on a film: size: rows and columns of film pixels; mm: of a pixel; boxes: of the tiles, row by row, all of
    the same size; order: of the slices."""

    size: tuple[int, int]
    mm: float
    rows: int
    columns: int
    boxes: tuple[Box, ...]
    order: Order

    @property
    def tile(self) -> tuple[int, int]:
        """Rows and columns of pixels of a tile."""
        left, top, right, bottom = self.boxes[0]
        return bottom - top, right - left

    @property
    def ordered(self) -> list[Box]:
        """The tiles in the order of the slices."""
        if self.order is Order.ROWS:
            return list(self.boxes)
        return [self.boxes[row * self.columns + column] for column in range(self.columns) for row in range(self.rows)]


def draw_grid(rng: np.random.Generator, pixels: int) -> Grid:
    """A film of so many pixels along its longer side, and its tiles."""
    chances = np.array([usual for _, usual in _FORMATS], float)
    (short, long), _ = _FORMATS[rng.choice(len(_FORMATS), p=chances / chances.sum())]
    columns, rows = _GRIDS[rng.choice(len(_GRIDS), p=np.array(_USUAL) / sum(_USUAL))]
    width, height = short, long
    if rng.random() < 0.3:
        width, height, columns, rows = long, short, rows, columns
    mm = long / pixels
    size = round(height / mm), round(width / mm)
    margin = rng.uniform(0, 0.03, 2) * pixels * rng.integers(0, 2, 2) + rng.uniform(0.003, 0.012) * pixels
    head, foot = rng.choice([0.0, 0.045], 2, p=[0.85, 0.15]) * pixels  # room for a title
    gap = rng.choice([0.0, 0.002, 0.006, 0.015], p=[0.2, 0.3, 0.35, 0.15]) * pixels
    room = np.array([size[0] - head - foot, size[1]]) - 2 * margin
    pitch = (room + gap) / (rows, columns)
    tile = np.floor(pitch - gap).astype(int)
    if rng.random() < 0.35:  # square tiles, as the slices are, closer together or farther apart
        tile[:] = tile.min()
    start = (margin[0] + head, margin[1]) + (pitch - gap - tile) / 2
    boxes = []
    for row in range(rows):
        for column in range(columns):
            top, left = np.round(start + pitch * (row, column)).astype(int)
            boxes.append((int(left), int(top), int(left + tile[1]), int(top + tile[0])))
    order = Order.ROWS if rng.random() < 0.85 else Order.COLUMNS
    return Grid(size, mm, rows, columns, tuple(boxes), order)

"""What a user can drag: the outline of a film in its photo, and the grid of tiles on a film. Needs no torch."""

from __future__ import annotations

import numpy as np

from InverseImagingLib.method import Choice

from .homography import homography, transformed

_MARGIN = 0.1  # of the photo, beside an outline that nobody has placed yet
_STEPS = 32  # of a line from edge to edge
_FILM = np.array([[(0, 0), (1, 0)], [(0, 1), (1, 1)]], float)  # its corners, as points are


class Handles(Choice):
    """Which points of a film can be dragged."""

    CORNERS = "corners"
    GRID = "grid"

    def label(self) -> str:
        return {"corners": "Corners", "grid": "Grid of 5 x 5 points"}[self.value]

    @property
    def side(self) -> int:
        """Points along a side."""
        return {"corners": 2, "grid": 5}[self.value]


# Outlines: points (R, C, 2) of a film, x and y in pixels of the photo


def usual_outline(width: int, height: int) -> np.ndarray:
    """Corners (2, 2, 2) to begin with, for a photo of so many pixels."""
    return (_MARGIN + (1 - 2 * _MARGIN) * _FILM) * (width - 1, height - 1)


def flat_points(handles: Handles) -> np.ndarray:
    """Points (R, C, 2) of a film that is flat, from 0 to 1."""
    steps = np.linspace(0, 1, handles.side)
    return np.stack(np.meshgrid(steps, steps), axis=-1)


def corners_of(points: np.ndarray) -> np.ndarray:
    """The corners (2, 2, 2) among points (R, C, 2)."""
    return points[:: len(points) - 1, :: points.shape[1] - 1]


def stretched(points: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Points (R, C, 2) after the homography that brings their corners to these (2, 2, 2). Raises InputError where these
    lie on a line."""
    return transformed(points, homography(corners_of(points).reshape(4, 2), corners.reshape(4, 2)))


def outline_lines(points: np.ndarray) -> list[np.ndarray]:
    """Smooth lines (N, 2) through the rows and the columns of points (R, C, 2)."""
    across, down = _smooth(points), _smooth(points.transpose(1, 0, 2))
    return [*across, *down]


def _smooth(points: np.ndarray) -> np.ndarray:
    """The polynomial through each row of points (R, C, 2), in many steps (R, N, 2)."""
    count = points.shape[1]
    powers = np.vander(np.linspace(0, 1, _STEPS * (count - 1) + 1), count)
    return powers @ np.linalg.solve(np.vander(np.linspace(0, 1, count)), points)


# Tiles: three places (3, 2), x and y in pixels of the film: both corners of the first tile, the far one of the last


def usual_tiles(width: int, height: int, rows: int, columns: int) -> np.ndarray:
    """Places of tiles that fill a film of so many pixels."""
    return np.array([(0, 0), (width / columns, height / rows), (width, height)]) - 0.5


def tile_places(boxes: np.ndarray) -> np.ndarray:
    """Places of boxes (N, 4): left, top, right, bottom in pixels, the first and the last tile of a film at their ends.
    A place is the edge of a pixel, whose center is at whole numbers."""
    return np.array([boxes[0, :2], boxes[0, 2:], boxes[-1, 2:]]) - 0.5


def tile_boxes(places: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Boxes (rows * columns, 4), row by row: left, top, right, bottom in whole pixels, all of the same size; those of
    tile_places again."""
    first, second = np.sort(places[:2], axis=0)
    size = np.maximum(np.rint(second - first), 1)
    pitch = (places[2] - second) / np.maximum((columns - 1, rows - 1), 1)
    down, across = np.divmod(np.arange(rows * columns), columns)
    corners = np.rint(first + 0.5 + np.stack([across, down], axis=1) * pitch)
    return np.concatenate([corners, corners + size], axis=1)


def tile_numbers(rows: int, columns: int, by_columns: bool) -> list[int]:
    """The numbers from 1 that tiles, row by row, have in the order of the film."""
    numbers = np.arange(1, rows * columns + 1)
    if by_columns:
        numbers = numbers.reshape(columns, rows).T.ravel()
    return numbers.tolist()


def tile_lines(boxes: np.ndarray) -> list[np.ndarray]:
    """The edges (5, 2) of each box (N, 4), in pixels."""
    left, top, right, bottom = boxes.T - 0.5
    return list(np.stack([(left, right, right, left, left), (top, top, bottom, bottom, top)], axis=-1).swapaxes(0, 1))

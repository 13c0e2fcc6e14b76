"""From tiles to a volume: which slices, in which order, and where they lie in the patient. Needs no torch."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from InverseImagingLib.errors import InputError

from .layout import Box, Layout


def sequence(layout: Layout, by_columns: bool = False, skipped: Collection[int] = ()) -> list[int]:
    """The tiles that are slices, in the order of the film: indices into the boxes of a layout.

    skipped: tiles that are no slices, counted from 1 in the same order. Tiles without a picture are left out.
    Raises InputError for a tile that the film does not have, and when none is left.
    """
    numbers = np.arange(layout.rows * layout.columns).reshape(layout.rows, layout.columns)
    order = (numbers.T if by_columns else numbers).ravel().tolist()
    beyond = sorted(number for number in skipped if not 1 <= number <= len(order))
    if beyond:
        raise InputError(f"Tile {beyond[0]} is to be skipped, but the film has tiles 1 to {len(order)}; correct it.")
    chosen = [tile for place, tile in enumerate(order, 1) if layout.filled[tile] and place not in skipped]
    if not chosen:
        raise InputError("No tile of the film is left to be a slice; skip fewer, or correct the layout.")
    return chosen


def stack(film: np.ndarray, boxes: Sequence[Box]) -> np.ndarray:
    """The pixels (K, J, I) of a film (h, w) in boxes of the same size, one slice each."""
    return np.stack([film[top:bottom, left:right] for left, top, right, bottom in boxes])


def unstack(slices: np.ndarray, film: np.ndarray, boxes: Sequence[Box]) -> np.ndarray:
    """A copy of a film (h, w) with slices (K, J, I) put into their boxes; the inverse of stack."""
    filled = film.copy()
    for one, (left, top, right, bottom) in zip(slices, boxes, strict=True):
        filled[top:bottom, left:right] = one
    return filled


def geometry(shape: tuple[int, int, int], spacing: tuple[float, float, float], head_last: bool = True) -> np.ndarray:
    """The IJK-to-RAS matrix (4 x 4) of axial slices (K, J, I) as films show them: seen from the feet, the front up.

    spacing: mm along I, J and K. head_last: whether the last slice is the one nearest to the head. The middle of the
    volume lies at 0; films do not tell where it is in the patient.
    """
    steps = np.array([-1.0, -1.0, 1.0 if head_last else -1.0]) * spacing
    middle = (np.array(shape[::-1]) - 1) / 2
    matrix = np.diag([*steps, 1.0])
    matrix[:3, 3] = -steps * middle
    return matrix

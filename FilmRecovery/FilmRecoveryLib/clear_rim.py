"""The clear rim of a film, as some printers leave one: a line around what is dark, as light as the light behind it.

What is seen best is where the dark ends. Where it is lighter all around the film than further out, the film goes on.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .rim import across, continuing
from .sheet import NODES, Sheet, product
from .warp import Picture

_DEPTHS = np.arange(-12, 5, 0.25)  # pixels from where the dark ends
_OUTSIDE, _LINE, _INSIDE = _DEPTHS < -7, (_DEPTHS > -6) & (_DEPTHS < -0.5), _DEPTHS > 1.5  # what is usually there
_LOOK = 0.03, 640, 0.005  # how sides are looked for: see rim.followed
_FEWEST = 3  # sides that have to be seen
_USUAL, _LEAST = 0.08, 0.03  # how much lighter a clear rim is, by what it is lighter than the film: median, and least
_CONTRAST = 5.0  # that this is at least, of CIELAB
_ENDS = 0.7  # of its height, with which its blurred outer edge ends


def with_clear_rim(photo: Picture, sheet: Sheet) -> Sheet:
    """The sheet of a film in a photo (H, W, 3), found to where its dark ends, with its clear rim if it has one."""
    width = _width(across(photo, sheet.backward, _DEPTHS, *_LOOK))
    if not width:
        return sheet
    height, length = sheet.size()
    reach = width * np.sqrt(height * length) / _LOOK[1]
    down, along = (continuing(NODES, NODES, reach / size) for size in (height, length))
    return replace(sheet, backward=product(down, sheet.backward, along))


def _width(sides: np.ndarray) -> float:
    """How many pixels wide a clear rim is by what is across sides of a film (m, n), 0 if there is none."""
    if len(sides) < _FEWEST:
        return 0.0
    outside, inside = np.median(sides[:, _OUTSIDE], axis=1), np.median(sides[:, _INSIDE], axis=1)
    lightest = sides[:, _LINE].max(axis=1)
    lighter = (lightest - outside) / np.maximum(np.maximum(lightest, outside) - inside, _CONTRAST)
    if np.median(lighter) < _USUAL or lighter.min() < _LEAST:
        return 0.0
    ends = outside + _ENDS * (lightest - outside)
    peaks = np.flatnonzero(_LINE)[0] + sides[:, _LINE].argmax(axis=1)
    widths = []
    for side, end, peak in zip(sides, ends, peaks, strict=True):
        below = np.flatnonzero(side[: peak + 1] < end)
        widths.append(-_DEPTHS[below[-1]] if len(below) else 0.0)
    return float(np.median(widths))

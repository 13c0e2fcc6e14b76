"""Tiles of a film become as like each other as they are where they were printed, pixel by pixel.

Spacing brings tiles to one distance as a whole. Here every place moves a little more, to where it best meets its like a
tile on, along rows and columns, and these are straight: first in any smooth way, then as a surface that hardly
stretches may be moved.
"""

from __future__ import annotations

import torch

from .fields import best, moved, ways
from .settling import sureness
from .sheet import Sheet
from .spacing import likeness
from .straightening import straight
from .surface import Surface
from .warp import Picture

_HELD = 0.1  # how much it costs to move; slices that change from tile to tile are not to be made alike
_ROUNDS = ((1.0, 30),)  # blur, in pixels, and steps
_LEAST = 1e-3  # likeness that counts


def likened(photo: Picture, sheet: Sheet) -> Sheet:
    """The sheet of a film in a photo (H, W, C), about right, with its tiles, if it has any, as alike as can be."""
    return moved(sheet, best(photo, sheet, _alike, _ROUNDS, _HELD, ways(0)), ways(0))


def likened_surface(photo: Picture, sheet: Sheet, surface: Surface) -> Surface:
    """The same for the surface of that sheet, as far as it may be moved."""
    sheet = surface.of(sheet)
    steps, fields = surface.ways(sureness(sheet))
    return surface.moved(best(photo, sheet, _alike, _ROUNDS, _HELD, fields) @ steps)


def _alike(film: torch.Tensor) -> torch.Tensor:
    along, down = (likeness(each[None]).clamp_min(_LEAST).log()[0] for each in (film, film.T))
    return along + down + straight(film)

"""Rows and columns of a film become straight: what is printed tells how a film bends where its rim does not.

Text, tiles and frames lie along rows and columns, which stand out as a whole only where they are straight (see gate).
Where a column lies as a whole cannot be seen so: that is left to spacing.
"""

from __future__ import annotations

import torch

from .fields import best, moved, ways
from .gate import straightness
from .sheet import Sheet
from .warp import Picture

_HELD = 2e-3  # how much it costs to move
_ROUNDS = ((6.0, 30), (2.4, 30))  # blur, in pixels, and steps
_RIM = 0.02  # of the film, that does not count
_GAIN = 1.1  # how much straighter rows and columns have to become


def straightened(photo: Picture, sheet: Sheet) -> Sheet:
    """The sheet of a film in a photo (H, W, C) with its rows and columns as straight as can be.

    Itself where they hardly become straighter.
    """
    found = moved(sheet, best(photo, sheet, straight, _ROUNDS, _HELD, ways(1)), ways(1))
    return found if straightness(photo, found) > _GAIN * straightness(photo, sheet) else sheet


def straight(film: torch.Tensor) -> torch.Tensor:
    """The logarithm of gate.straightness, of what stands out of a film (h, w), but with both axes alike."""
    rim = round(_RIM * max(film.shape))
    film = film[rim:-rim, rim:-rim]
    shares = []
    for along in (0, 1):
        change = film.diff(dim=1 - along)
        shares.append(change.mean(dim=along).square().mean() / change.square().mean().clamp_min(1e-9))
    return (shares[0] + shares[1]).clamp_min(1e-9).log()

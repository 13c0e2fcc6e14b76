"""Text, rulers and frames by what nearly all tiles of a film have at the same place, faint as it may be.

Needs no torch.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

_ROWS = 192  # at most, of tiles that are compared: what lies a pixel of these apart is at the same place
_FEW = 25  # percent of the tiles, that need not have it
_RIM = 0.2, 0.1  # of a tile's height and width, from its sides
_LETTER = 0.03  # of a tile's width: lines go on by so much, as their numbers differ
# Of gray, and shares of what is brightest, and of what is usual, that repeated strokes are brighter by
_FAINT, _BRIGHTEST, _USUAL = 0.03, 0.15, 2.0


def repeated(strokes: np.ndarray) -> np.ndarray:
    """Where text, rulers and frames are (n, h, w), bool, on tiles that are brighter by strokes (n, h, w) than what is
    around; nowhere on a single tile."""
    count, height, width = strokes.shape
    if count < 2:
        return np.zeros(strokes.shape, bool)
    step = -(-height // _ROWS)
    down, across = (np.arange(0, side, step) for side in (height, width))
    small = np.maximum.reduceat(np.maximum.reduceat(strokes, down, axis=1), across, axis=2)
    common = np.percentile(ndimage.maximum_filter(small, (1, 3, 3)), _FEW, axis=0)
    rim = np.ones(common.shape, bool)
    rows, columns = (round(share * side) for share, side in zip(_RIM, common.shape, strict=True))
    rim[rows:-rows, columns:-columns] = False
    limit = max(_FAINT, _BRIGHTEST * np.quantile(common[rim], 0.99), _USUAL * np.median(common))
    letter = max(round(_LETTER * common.shape[1]), 2)
    seen = np.pad((common > limit) & rim, letter)
    lines = ndimage.binary_dilation(ndimage.binary_closing(seen, np.ones((1, letter))), np.ones((1, 2 * letter + 1)))
    there = lines[letter:-letter, letter:-letter].repeat(step, axis=0).repeat(step, axis=1)[:height, :width]
    bright, usual = np.quantile(strokes, [0.995, 0.75], axis=(1, 2))
    limits = np.maximum(_FAINT, np.maximum(_BRIGHTEST * bright, _USUAL * usual))
    return there & (strokes > limits[:, None, None])

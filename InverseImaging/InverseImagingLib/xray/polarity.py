"""Whether bone is bright or dark in a radiograph, told from the picture alone."""

from __future__ import annotations

import math

import numpy as np

_SIDE = 64  # of the small picture that is looked at

# Set by hand near a logistic fit to adult chest radiographs and to simulated chests, skulls and limbs.
_WEIGHTS = {"midline": 2.0, "below": 3.0, "corners": 2.0, "sides": 1.0, "flat": 1.5, "edge": 2.0}
_FLAT = 0.02  # of the range: so close to its end a pixel is taken for clipped
_ALONE = 0.8  # of the edge is clipped at least where a subject is seen as a whole, as a bare skull is


def bone_is_bright(picture: np.ndarray) -> tuple[bool, float]:
    """Whether bone is bright in a radiograph (H, W) without borders, and how sure that is: 0.5 (a guess) to 1.

    The negative of a picture gives the other answer, as surely. Upright views of a chest, a head or a limb whose axis
    runs up and down are expected: where bone is bright, the midline and what is below are bright, the upper corners and
    the sides dark, and clipped pixels (air beside the body, or all around a specimen) black rather than white.
    """
    score = sum(_WEIGHTS[name] * value for name, value in _cues(picture).items())
    return score >= 0, 1 / (1 + math.exp(-abs(score)))


def _cues(picture: np.ndarray) -> dict[str, float]:
    """Differences of ranks, which gamma and window leave as they are; above 0 where bone is bright."""
    small = _reduced(picture)
    height, width = small.shape
    _, place, counts = np.unique(small, return_inverse=True, return_counts=True)
    rank = ((2 * counts.cumsum() - counts) / small.size - 1)[place].reshape(small.shape)  # -1 to 1
    y, x = (np.arange(height)[:, None] + 0.5) / height, np.abs((np.arange(width)[None] + 0.5) / width - 0.5)
    chest = (y > 0.15) & (y < 0.65)
    low, high = float(small.min()), float(small.max())
    margin = _FLAT * (high - low)
    black, white = small < low + margin, small > high - margin
    flat = float(black.mean() - white.mean())
    around = np.ones(small.shape, bool)
    around[2:-2, 2:-2] = False
    edge = [max(float(clipped[around].mean()) - _ALONE, 0.0) / (1 - _ALONE) for clipped in (black, white)]

    def mean(where: np.ndarray) -> float:
        return float(rank[np.broadcast_to(where, rank.shape)].mean())

    return {
        "midline": mean(chest & (x < 0.08)) - mean(chest & (x > 0.12) & (x < 0.32)),
        "below": mean((y > 0.8) & (x < 0.3)),
        "corners": -mean((y < 0.12) & (x > 0.38)),
        "sides": -mean(x > 0.45),
        "flat": min(max(flat, -0.5), 0.5),
        "edge": edge[0] - edge[1],
    }


def _reduced(picture: np.ndarray) -> np.ndarray:
    """Means over a grid of at most 64 x 64 parts."""
    reduced = picture.astype(np.float64)
    for axis in (0, 1):
        starts = np.linspace(0, picture.shape[axis], min(_SIDE, picture.shape[axis]) + 1).astype(int)
        counts = np.diff(starts).reshape((-1, 1) if axis == 0 else (1, -1))
        reduced = np.add.reduceat(reduced, starts[:-1], axis=axis) / counts
    return reduced

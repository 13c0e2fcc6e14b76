"""The gray of a film in its light, without a network: between how dark and how bright it gets, place by place.

A photo shows transmittance * light + glare. Black film tells the glare, clear film the light; both change slowly over
the film, so that smooth surfaces below and above what is seen of it stand for them.
"""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

_SEEN, _TONE = 2.2, 1.8  # gammas: of sRGB, nearly, and of films, which cameras make lighter in the middle
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # of sRGB, by ITU-R BT.709
_BLOCKS = 48  # along the longer side of the film
_PIXELS = 16  # of a block that are looked at, along each side
_DARK, _CLEAR = 0.2, 0.98  # shares of a block's pixels that are darker
_DEGREES = 3, 2  # of the surfaces below and above
_BEYOND = 0.3, 0.02  # what a block counts that is on the wrong side of them
_ROUNDS = 20
_LEAST = 0.02  # linear, from black to white, below which nothing is told apart
_BURNT = 254 / 255


def relight(colors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The gray (h, w) of a flat film (h, w, 3) in sRGB, 0 black to 1 white, and how doubtful it is, 0 to 1.

    Doubtful is what is burnt out, and where black and white hardly differ.
    """
    shape = colors.shape[:2]
    seen = colors @ _LUMINANCE
    blocks = _blocks(seen) ** _SEEN
    dark, clear = (np.quantile(blocks, share, axis=-1) for share in (_DARK, _CLEAR))
    below = _surface(dark, np.ones_like(dark), False)
    above = _surface(clear, (clear - below).clip(1e-6), True)
    black, white = _spread(below, shape), _spread(np.maximum(above, below + _LEAST), shape)
    film = ((seen**_SEEN - black) / (white - black)).clip(0, 1) ** (1 / _TONE)
    doubt = np.maximum(colors.max(axis=-1) >= _BURNT, (2 - (white - black) / _LEAST).clip(0, 1))
    return film, doubt.astype(np.float32)


def _blocks(seen: np.ndarray) -> np.ndarray:
    """Pixels of the blocks of a film: (rows, columns, pixels)."""
    height, width = seen.shape
    scale = _BLOCKS / max(height, width)
    rows, columns = max(round(height * scale), 4), max(round(width * scale), 4)
    table = torch.from_numpy(np.ascontiguousarray(seen))[None, None]
    small = functional.interpolate(table, (rows * _PIXELS, columns * _PIXELS), mode="area")[0, 0].numpy()
    parts = small.reshape(rows, _PIXELS, columns, _PIXELS)
    return parts.transpose(0, 2, 1, 3).reshape(rows, columns, -1)


def _surface(values: np.ndarray, counts: np.ndarray, above: bool) -> np.ndarray:
    """A smooth surface (rows, columns) above nearly all values, or below: its logarithm is a polynomial.

    counts: how much each value counts.
    """
    degree, beyond = _DEGREES[above], _BEYOND[above]
    v, u = np.indices(values.shape) / np.array(values.shape)[:, None, None] * 2 - 1
    powers = [(i, j) for i in range(degree + 1) for j in range(degree + 1 - i)]
    terms = np.stack([(u**i * v**j).ravel() for i, j in powers], axis=-1)
    wanted, counts = np.log(np.maximum(values, 1e-4)).ravel(), counts.ravel() / counts.mean()
    weights = counts
    for _ in range(_ROUNDS):
        squares = terms.T * weights
        found = terms @ np.linalg.solve(squares @ terms + 1e-3 * np.eye(len(powers)), squares @ wanted)
        weights = counts * np.where((wanted > found) == above, 1.0, beyond)
    return np.exp(found).reshape(values.shape)


def _spread(surface: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    table = torch.from_numpy(surface.astype(np.float32))[None, None]
    return functional.interpolate(table, shape, mode="bilinear")[0, 0].numpy()

"""Whether a photo shows a screen rather than a film: the pixels of screens, and moire with those of cameras, are waves.

A wave is one point in the spectrum of a part of the photo, far above all around it; what is printed on films is not.
"""

from __future__ import annotations

import numpy as np
from scipy import fft, ndimage

from .sheet import Sheet

_SIDE = 256  # pixels of a part, all of its detail
_PLACES, _LOOKED_AT = 7, 9  # parts along each side of the film, of which the brightest are looked at
_COARSEST = 0.06  # waves per pixel that may be a screen's
_BLOCK, _NEAR = 8, 0.008  # pixels of JPEG's blocks; waves per pixel that are near to theirs
_RING, _INNER = 15, 3  # points of the spectrum: around a wave, and its own
_STRONG, _PARTS = 9.0, 3  # times what is around it, in so many parts


def shows_screen(photo: np.ndarray, sheet: Sheet) -> bool:
    """Whether what lies where the film is said to in a photo (H, W, 3) of uint8 is a screen, as far as can be seen."""
    height, width = photo.shape[:2]
    if min(height, width) < _SIDE:
        return False
    parts = []
    for x, y in sheet.points(_PLACES + 2, _PLACES + 2)[1:-1, 1:-1].reshape(-1, 2):
        left, top = (int(np.clip(at - _SIDE / 2, 0, n - _SIDE)) for at, n in ((x, width), (y, height)))
        parts.append(photo[top : top + _SIDE, left : left + _SIDE])
    brightest = sorted(parts, key=lambda part: float(part[::4, ::4].mean()))[-_LOOKED_AT:]
    return sorted(map(_strongest, brightest))[-_PARTS] > _STRONG


def _strongest(part: np.ndarray) -> float:
    """The stronger of the waves in the brightness and in the color of a part (_SIDE, _SIDE, 3) of a photo."""
    red, green, blue = np.moveaxis(part.astype(np.float32), -1, 0)
    return max(_wave(red + green + blue), _wave(red - blue))


def _wave(part: np.ndarray) -> float:
    """How far the strongest wave in values (_SIDE, _SIDE) stands out from all around it in the spectrum."""
    window = np.hanning(_SIDE).astype(np.float32)
    fine = (part - ndimage.uniform_filter(part, 31)) * window * window[:, None]
    power = np.abs(fft.fftshift(fft.fft2(fine), axes=(0, 1))) ** 2
    away = (_RING - _INNER) // 2
    rows, columns = (ndimage.maximum_filter(power, size, mode="wrap") for size in ((_INNER, _RING), (_RING, _INNER)))
    around = np.maximum.reduce(
        [np.roll(rows, step, 0) for step in (away, -away)] + [np.roll(columns, step, 1) for step in (away, -away)]
    )
    at = np.abs(np.fft.fftshift(np.fft.fftfreq(_SIDE)))
    blocks = np.abs(at * _BLOCK - np.rint(at * _BLOCK)) < _NEAR * _BLOCK
    counts = ~(blocks | blocks[:, None]) & (np.hypot(at, at[:, None]) > _COARSEST)
    return float((power / (around + 1e-9))[counts].max())

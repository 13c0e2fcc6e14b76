"""The window of a film: gray to HU and back, and which gray can tell HU. Needs no torch."""

from __future__ import annotations

import numpy as np

_RIM = 0.015  # of the gray at either end; what prints, cameras and lights make of 0 and 1 lies there
_SURE = 0.5  # the least confidence


def to_hu(gray: np.ndarray, level: float, width: float) -> np.ndarray:
    """The HU (int16) of the gray of a film, 0 black to 1 white: HU = level + width (gray - 1/2)."""
    hu = np.clip(gray, 0, 1).astype(np.float32)
    hu *= width
    hu += level - width / 2
    return np.rint(hu, out=hu).clip(-32768, 32767, out=hu).astype(np.int16)


def to_gray(hu: np.ndarray, level: float, width: float) -> np.ndarray:
    """The gray (float32) that a film shows of HU; the inverse of to_hu inside the window, 0 and 1 outside."""
    return np.clip((np.asarray(hu, np.float64) - level) / width + 0.5, 0, 1).astype(np.float32)


def known(gray: np.ndarray, confidence: np.ndarray | None = None, text: np.ndarray | None = None) -> np.ndarray:
    """Where a film can tell the value (uint8, 0 or 1), from its gray.

    Black and white stand for all that lies outside the window. confidence: 0 to 1, of each pixel. text: where text
    hides the slice.
    """
    valid = (gray > _RIM) & (gray < 1 - _RIM)
    if confidence is not None:
        valid &= confidence >= _SURE
    if text is not None:
        valid &= ~text
    return valid.astype(np.uint8)

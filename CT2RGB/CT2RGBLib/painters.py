"""What gives a slice its colors."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from .slices import Slices


class Painter(Protocol):
    """Colors the slices of one CT, in any order, though fastest from the feet to the head."""

    def paint(self, slices: Slices, index: int) -> np.ndarray:
        """sRGB (J, I, 3) of a slice, float32 from 0 to 1, everywhere, also outside the body."""
        ...

"""Transfer functions: the colors that densities, or other values, have. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Transfer = Sequence[tuple[float, tuple[float, ...]]]  # values that rise, and channels from 0 to 1 at each

# Red, green, blue of an uncertainty, of which 1 means that there might as well be nothing.
SURE_TO_UNSURE: Transfer = ((0.5, (0.94, 0.91, 0.82)), (1.5, (0.8, 0.2, 0.1)))

# Red, green, blue of densities, and the share of the light that is lost in a hundredth of the depth.
BONE: Transfer = (
    (0.02, (0.55, 0.25, 0.15, 0.0)),
    (0.08, (0.75, 0.45, 0.25, 0.02)),
    (0.15, (0.95, 0.88, 0.72, 0.2)),
    (0.6, (1.0, 1.0, 0.95, 0.8)),
)


def channels(values: np.ndarray, transfer: Transfer) -> np.ndarray:
    """The channels (..., C) that a transfer function has at values (...)."""
    at, rows = zip(*transfer, strict=True)
    return np.stack([np.interp(values, at, channel) for channel in zip(*rows, strict=True)], axis=-1)

"""Transfer functions: the colors that densities, or other values, have. Needs no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from InverseImagingLib.method import Choice

Transfer = Sequence[tuple[float, tuple[float, ...]]]  # values that rise, and channels from 0 to 1 at each

WHITE = 0.6  # a density that is shown so in gray

# Red, green, blue of an uncertainty, of which 1 means that there might as well be nothing.
SURE_TO_UNSURE: Transfer = ((0.5, (0.94, 0.91, 0.82)), (1.5, (0.8, 0.2, 0.1)))

# Red, green, blue of what a view shows, by the share of it that may lie elsewhere.
KNOWN_TO_GUESSED: Transfer = ((0.0, (1.0, 1.0, 1.0)), (0.8, (1.0, 0.25, 0.15)))


@dataclass(frozen=True)
class Look:
    """How densities are shown.

    transfer: their red, green, blue, and the share of the light that is lost in a hundredth of the depth.
    shaded: whether what faces the viewer is brighter, as under a lamp beside him.
    """

    transfer: Transfer
    shaded: bool = True


class Colors(Choice):
    """Colors that densities can be given."""

    BONE = "bone"
    SKIN = "skin"
    IVORY = "ivory"
    FILM = "film"
    ICE = "ice"
    HEAT = "heat"

    def label(self) -> str:
        return {"skin": "Skin and bone", "ivory": "Ivory, opaque", "film": "X-ray film"}.get(
            self.value, self.value.capitalize()
        )

    @property
    def look(self) -> Look:
        return _LOOKS[self]


_LOOKS = {
    Colors.BONE: Look(
        (
            (0.02, (0.55, 0.25, 0.15, 0.0)),
            (0.08, (0.75, 0.45, 0.25, 0.02)),
            (0.15, (0.95, 0.88, 0.72, 0.2)),
            (0.6, (1.0, 1.0, 0.95, 0.8)),
        )
    ),
    Colors.SKIN: Look(
        (
            (0.02, (0.80, 0.45, 0.35, 0.0)),
            (0.06, (0.90, 0.58, 0.45, 0.05)),
            (0.20, (0.85, 0.45, 0.35, 0.02)),
            (0.30, (0.90, 0.70, 0.55, 0.03)),
            (0.42, (1.0, 0.95, 0.82, 0.4)),
            (0.6, (1.0, 1.0, 0.95, 0.8)),
        )
    ),
    Colors.IVORY: Look(
        (
            (0.04, (0.35, 0.22, 0.12, 0.0)),
            (0.10, (0.78, 0.62, 0.42, 0.5)),
            (0.30, (0.95, 0.87, 0.70, 0.9)),
            (0.6, (1.0, 0.97, 0.88, 0.95)),
        )
    ),
    Colors.FILM: Look(
        ((0.02, (1.0, 1.0, 1.0, 0.0)), (0.3, (1.0, 1.0, 1.0, 0.01)), (0.9, (1.0, 1.0, 1.0, 0.06))), shaded=False
    ),
    Colors.ICE: Look(
        (
            (0.02, (0.05, 0.15, 0.45, 0.0)),
            (0.08, (0.10, 0.45, 0.85, 0.03)),
            (0.25, (0.45, 0.80, 1.0, 0.04)),
            (0.45, (0.85, 0.97, 1.0, 0.4)),
            (0.6, (1.0, 1.0, 1.0, 0.8)),
        )
    ),
    Colors.HEAT: Look(
        (
            (0.02, (0.15, 0.0, 0.1, 0.0)),
            (0.12, (0.55, 0.0, 0.1, 0.01)),
            (0.25, (0.95, 0.3, 0.0, 0.03)),
            (0.4, (1.0, 0.75, 0.1, 0.1)),
            (0.6, (1.0, 1.0, 0.8, 0.4)),
        ),
        shaded=False,
    ),
}


def channels(values: np.ndarray, transfer: Transfer) -> np.ndarray:
    """The channels (..., C) that a transfer function has at values (...)."""
    at, rows = zip(*transfer, strict=True)
    return np.stack([np.interp(values, at, channel) for channel in zip(*rows, strict=True)], axis=-1)

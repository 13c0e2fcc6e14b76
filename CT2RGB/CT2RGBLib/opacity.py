"""Opacity: what of a colored volume is seen in 3D, by the HU that its alpha keeps. Needs no torch."""

from __future__ import annotations

import numpy as np

from InverseImagingLib.method import Choice

LOWEST, HIGHEST = -200.0, 600.0  # HU, whose codes are 0 and 255


def alpha_of(hu: np.ndarray | float) -> np.ndarray:
    """The alpha that HU have in the body, 0 to 255, not rounded."""
    return 255 * (np.clip(hu, LOWEST, HIGHEST) - LOWEST) / (HIGHEST - LOWEST)


def code(hu: np.ndarray, body: np.ndarray) -> np.ndarray:
    """The alpha (uint8) of HU: 0 outside the body, else 1 to 255 from -200 to 600 HU, in steps of 3.1 HU."""
    return np.where(body, np.rint(alpha_of(hu)).clip(1, 255), 0).astype(np.uint8)


class Opacity(Choice):
    """What a volume rendering shows of the body."""

    SKIN = "skin"
    MUSCLE = "muscle"
    BONE = "bone"
    VESSELS = "vessels"

    @property
    def points(self) -> tuple[tuple[float, float], ...]:
        """The opacity of a millimeter, 0 to 1, at alphas from 0 to 255, which rise; linear in between."""
        inside = tuple((float(alpha_of(hu)), opacity) for hu, opacity in _POINTS[self])
        return ((0.0, 0.0), *inside, (255.0, inside[-1][1]))

    @property
    def level(self) -> float:
        """Where the surface of what it shows is, in HU."""
        return _LEVELS[self]


_POINTS = {  # HU and opacity
    Opacity.SKIN: ((-180.0, 0.0), (-130.0, 0.6), (-50.0, 0.95)),
    Opacity.MUSCLE: ((-20.0, 0.0), (20.0, 0.25), (60.0, 0.7), (150.0, 0.9)),
    Opacity.BONE: ((130.0, 0.0), (200.0, 0.2), (350.0, 0.8)),
    Opacity.VESSELS: ((150.0, 0.0), (220.0, 0.12), (400.0, 0.16), (470.0, 0.008), (600.0, 0.004)),
}
_LEVELS = {Opacity.SKIN: -160.0, Opacity.MUSCLE: 10.0, Opacity.BONE: 200.0, Opacity.VESSELS: 170.0}

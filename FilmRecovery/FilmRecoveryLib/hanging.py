"""A film hung otherwise, where it would have to stretch.

A fit finds the surface that is nearest to where it starts. Another that meets the rim as well, but bends in other
places, often stretches less, as films do. So some are tried.
"""

from __future__ import annotations

import numpy as np

from .networks import RimNet
from .settling import rim_told
from .sheet import Sheet
from .surface import POINTS, TERMS, Surface
from .warp import Picture

_OTHERS = (21, 8), (28, 8), (36, 8), (49, 8)  # how simple and many are tried, each time the rim has been seen
_WELL = 1.0  # what a surface costs that meets its rim and hardly stretches, and needs no other
_BETWEEN = 0.1  # how far what lies between the sides may be off, by the photo's longer side
_COARSE = 9  # points along each side, where they are fitted


def rehung(
    photo: Picture,
    sheet: Sheet,
    surface: Surface,
    network: RimNet,
    random: np.random.Generator,
    between: float = _BETWEEN,
) -> tuple[Surface, float]:
    """The surface of a sheet in a photo (H, W, 3) that hangs best by its rim, of some that hang otherwise; and what
    that costs.

    between: how far what lies between the sides may be off, by the photo's longer side.
    """

    def told(points: int) -> tuple[np.ndarray, np.ndarray]:
        return rim_told(photo, sheet, network, sheet, between, points)

    for terms, others in _OTHERS:
        rim = told(_COARSE)
        surface, cost = surface.with_terms(terms).fit(*rim)
        for _ in range(others):
            if cost < _WELL:
                break
            other, less = surface.bent_otherwise(random).fit(*rim)
            surface, cost = (other, less) if less < cost else (surface, cost)
        sheet = surface.of(sheet)
        if cost < _WELL:
            break
    return surface.with_terms(TERMS).fit(*told(len(POINTS)))

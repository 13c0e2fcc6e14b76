"""A film moved by what is printed on it: rows and columns become straight, and tiles even and alike.

What moves it may stretch it, and then it settles as a surface that hardly does. A film that has to stretch all the same
probably hangs otherwise; or it did stretch, if what is printed becomes clearly straighter and more even then.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from .gate import straightness
from .hanging import rehung
from .likening import likened, likened_surface
from .networks import GridNet, RimNet
from .settling import rim_told, settled
from .sheet import Sheet
from .spacing import evenly_spaced
from .straightening import straightened
from .surface import Surface
from .warp import Pyramid
from .waves import evened, unevenness

_EVEN = 0.01  # cells, whose waves need not move their film
_UNEVEN = 6.0  # how much uneven cells count beside rows and columns that are not straight
_OFF, _LEAST = 0.2, 0.1  # the same of what a surface costs that meets its rim, and what does not count of that
_STRETCHED = 2.2  # as much as films are at most, from which one hangs otherwise; what is less is told by giving
_OTHERWISE = 4  # times, until it is not
_GIVING, _GIVES = 1.0, 0.05  # as much as films are, from which one may have stretched; and how much, see Surface
_CLEARLY = 1.15  # times as straight and even


@dataclass(frozen=True)
class _Lying:
    """A film as it lies, the surface that it settled as, how straight and even its rows and columns are, and how good
    all is: that, and how little a surface is off that meets its rim."""

    sheet: Sheet
    surface: Surface
    even: float
    good: float


def by_content(photo: Pyramid, found: Sequence[tuple[Sheet, Surface]], rim: RimNet, grid: GridNet) -> Sheet:
    """The best of the films that were found in a photo (H, W, 3), sheets that lie as surfaces do, after they moved."""
    with ThreadPoolExecutor() as pool:
        ways = pool.map(lambda way: _moved(photo, way[0], way[1], rim, grid), found)
    best = max(ways, key=lambda each: each.good)
    random = np.random.default_rng(0)
    for _ in range(_OTHERWISE):
        if best.surface.stretch < _STRETCHED:
            break
        surface, _ = rehung(photo, best.sheet, best.surface, rim, random)
        other = _moved(photo, surface.of(best.sheet), surface, rim, grid)
        best = max(best, other, key=lambda each: each.good)
    if best.surface.stretch > _GIVING:
        stretched = _moved(photo, best.sheet, replace(best.surface, gives=_GIVES), rim, grid)
        best = stretched if stretched.even > _CLEARLY * best.even else best
    return best.sheet


def _moved(photo: Pyramid, sheet: Sheet, surface: Surface, rim: RimNet, grid: GridNet) -> _Lying:
    """A film moved by what is printed, and once more from where its waves are even if that is better."""

    def judged(surface: Surface) -> tuple[_Lying, float]:
        lying = likened_surface(gray, sheet, surface).of(sheet)
        uneven = unevenness(gray, lying, grid)
        _, cost = surface.fit(*rim_told(photo, lying, rim, lying))
        even = straightness(gray, lying) * float(np.exp(-_UNEVEN * uneven))
        return _Lying(lying, surface, even, even * max(cost, _LEAST) ** -_OFF), uneven

    gray = photo.gray
    printed = settled(photo, likened(gray, evenly_spaced(gray, straightened(gray, sheet))), surface)
    best, uneven = judged(printed)
    if uneven > _EVEN:
        even = evened(gray, printed.of(sheet), grid)
        waved = settled(photo, even, printed)
        other, _ = judged(settled(photo, likened(gray, waved.of(even)), waved))
        best = max(best, other, key=lambda each: each.good)
    return best

"""Whether a film is flat already, so that unbending could only make it worse."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image as Pictures

from .clear_rim import with_clear_rim
from .rim import bends, followed
from .sheet import Sheet
from .warp import Picture, Pyramid, resampled

_SLIGHT = 0.003  # bend, by the film's side, that no method tells from none
_LONGEST, _FINE = 384, 768  # pixels of the film that is looked at, and of the photo's film at least
_POINTS = 13  # of a side
_RIM = 0.04  # of it that is not
_GAIN, _LEAST = 1.1, 1e-3  # how much straighter lines have to become unbent, of what they are and in all
_STRAIGHT, _CURVED = 0.0025, 0.015  # how far sides run from straight ones: of films that hardly bend, and that do
_GAIN_STRAIGHT = 1.2  # the same of films with straight sides
_SIDES = (0.03, 640, 1, 0.01), (0.02, 640, 1, 0.003)  # how the rim of a flat film is followed: see rim.followed


@dataclass(frozen=True, eq=False)
class Coarse:
    """A photo no finer than its film has to be looked at: each pixel is the mean of factor x factor of the photo's."""

    photo: Pyramid
    factor: int

    @classmethod
    def of(cls, photo: np.ndarray, sheet: Sheet) -> Coarse:
        """The same of a photo (H, W, 3) of bytes, and a film in it."""
        factor = max(max(sheet.size()) // _FINE, 1)
        return cls(Pyramid(np.array(Pictures.fromarray(photo).reduce(factor))), factor)


def flattest(sheet: Sheet, seen: Coarse) -> Sheet:
    """The flat film nearest to one in a photo, its sides straight lines where the photo shows such."""
    flat = sheet.shrunk(seen.factor).straight()
    for sides in _SIDES:
        _, backward = followed(seen.photo, flat.backward, *sides, by_light=True)
        flat = replace(flat, backward=backward).straight()
    return with_clear_rim(seen.photo, flat).shrunk(1 / seen.factor)


def judge(sheet: Sheet, flat: Sheet, seen: Coarse) -> tuple[bool, float]:
    """Whether a film in a photo better counts as flat, and its bend in pixels of the photo.

    That is what 95 % of the film are nearer than to the flat one. A film counts as flat when that is slight, or when
    its sides hardly bend, and its rows and columns are hardly straighter than those of a flat one.
    """
    away = sheet.backward - sheet.straight().backward
    bend = float(np.quantile(np.linalg.norm(away, axis=-1), 0.95))
    if bend < _SLIGHT * np.sqrt(np.prod(sheet.size())):
        return True, bend
    curved = float(np.abs(bends(sheet, _POINTS)).max(axis=1).mean())
    if curved > _CURVED:
        return False, bend
    straight, unbent = (straightness(seen.photo, each.shrunk(seen.factor)) for each in (flat, sheet))
    return unbent < (_GAIN if curved > _STRAIGHT else _GAIN_STRAIGHT) * straight + _LEAST, bend


def straightness(photo: Picture, sheet: Sheet) -> float:
    """How sharply rows and columns of the flat film differ from their neighbors, as a whole, by how they do anyway.

    Text, tiles and frames lie along rows and columns; those of a bent film blur into each other. What is a strip, and
    hardly a film, has none.
    """
    gray = resampled(photo, sheet.at(*sheet.size(_LONGEST))).mean(axis=-1)
    rim = round(_RIM * _LONGEST)
    gray = gray[rim:-rim, rim:-rim]
    if min(gray.shape) < 2:
        return 0.0
    profiles = [gray.mean(axis=axis) for axis in (0, 1)]
    changes = [np.square(np.diff(gray, axis=axis)).mean() for axis in (1, 0)]
    return float(sum(np.square(np.diff(p)).mean() for p in profiles) / max(float(sum(changes)), 1e-6))

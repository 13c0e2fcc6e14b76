"""Whether a film is flat already, so that unbending could only make it worse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image as Pictures

from .sheet import Sheet
from .warp import resampled

_SLIGHT = 0.003  # bend, by the film's side, that no method tells from none
_LONGEST, _FINE = 384, 768  # pixels of the film that is looked at, and of the photo's film at least
_RIM = 0.04  # of it that is not
_GAIN, _LEAST = 0.95, 1e-3  # how much less straight lines may be unbent, of what they are and in all


def judge(sheet: Sheet, photo: np.ndarray) -> tuple[bool, float]:
    """Whether a film in a photo (H, W, C) better counts as flat, and its bend in pixels of the photo.

    That is what 95 % of the film are nearer than to the flat one. A film counts as flat when that is slight, or when
    its rows and columns are not straighter unbent than they are seen.
    """
    flat = sheet.straight()
    bend = float(np.quantile(np.linalg.norm(sheet.backward - flat.backward, axis=-1), 0.95))
    if bend < _SLIGHT * np.sqrt(np.prod(sheet.size())):
        return True, bend
    factor = max(max(sheet.size()) // _FINE, 1)
    small = np.array(Pictures.fromarray(photo).reduce(factor))
    seen, unbent = (
        straightness(small, replace(each, backward=(each.backward + 0.5) / factor - 0.5)) for each in (flat, sheet)
    )
    return unbent < _GAIN * seen + _LEAST, bend


def straightness(photo: np.ndarray, sheet: Sheet) -> float:
    """How sharply rows and columns of the flat film differ from their neighbors, as a whole, by how they do anyway.

    Text, tiles and frames lie along rows and columns; those of a bent film blur into each other.
    """
    gray = resampled(photo, sheet.at(*sheet.size(_LONGEST))).mean(axis=-1)
    rim = round(_RIM * _LONGEST)
    gray = gray[rim:-rim, rim:-rim]
    profiles = [gray.mean(axis=axis) for axis in (0, 1)]
    changes = [np.square(np.diff(gray, axis=axis)).mean() for axis in (1, 0)]
    return float(sum(np.square(np.diff(p)).mean() for p in profiles) / max(float(sum(changes)), 1e-6))

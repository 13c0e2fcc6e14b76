"""Light boxes, windows, lamps and tables, drawn by chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from .lights import Lights, Place

_ROOM = 48  # rows of a picture of the surroundings
_FIELD, _TABLE = 24, 192  # pixels of a field of light, and of a picture of a table
_USUAL = {Place.BOX: 0.55, Place.WINDOW: 0.2, Place.TABLE: 0.25}


def draw_lights(rng: np.random.Generator, aspect: float, surroundings: Sequence[np.ndarray] = ()) -> Lights:
    """The light on a film of an aspect. surroundings: equirectangular pictures (3, n, 2n), linear; without any, rooms
    are made up."""
    place = list(_USUAL)[rng.choice(len(_USUAL), p=list(_USUAL.values()))]
    blue = rng.uniform(0.0, 1.0) if rng.random() < 0.85 else 0.0
    tint = 1 - blue * np.array([0.45, 0.22, 0.02])
    table = place is Place.TABLE
    passes = 2 if table else 1
    dark = 10 ** -rng.uniform(1.4, 3.0)
    lamp = np.array([rng.normal(0, 0.5), rng.normal(-0.5, 0.5), -1.0])
    return Lights(
        place=place,
        gamma=float(rng.uniform(1.7, 2.9) * (1.2 if table else 1)),
        floor=float(dark),
        tint=(tint / tint.max()) ** passes,
        face=_face(rng, aspect, place),
        bright=_white(rng, 0.25 if table else 0.12),
        field=_uneven(rng, float(rng.uniform(0, 0.5 if table else 0.35))),
        table=_table(rng, place),
        beyond=_beyond(rng, place, surroundings),
        mirrored=float(rng.choice([0.0, rng.uniform(0, 0.05), rng.uniform(0.03, 0.12)], p=[0.4, 0.4, 0.2])),
        lamp=lamp / np.linalg.norm(lamp),
        scattered=float(rng.uniform(0, 0.08) * (1 if table else rng.random())),
        shine=float(rng.uniform(0.1, 1.5) if rng.random() < 0.25 else 0.0),
        polish=float(10 ** rng.uniform(1.2, 3)),
        shadow=_shadow(rng, 0.75 if table else 0.3),
    )


def _white(rng: np.random.Generator, spread: float) -> np.ndarray:
    """A white, warmer or colder."""
    warm = rng.normal(0, spread)
    return np.clip(np.array([1 + warm, 1 + 0.15 * warm, 1 - warm]), 0.3, None)


def _face(rng: np.random.Generator, aspect: float, place: Place) -> tuple[float, float, float, float]:
    """Of a light box somewhat larger than the film, or much; or of paper, or none."""
    more = rng.choice([rng.uniform(1.0, 1.15), rng.uniform(1.1, 2.0), 6.0], p=[0.35, 0.35, 0.3])
    if place is Place.TABLE and rng.random() < 0.4:
        more = 0.0
    wider = rng.uniform(1, 2) if more > 1.15 else 1.0
    x, y = rng.normal(0, 0.04, 2)
    return float(x), float(y), float(0.5 * more * wider), float(0.5 * more / aspect)


def _uneven(rng: np.random.Generator, strength: float) -> np.ndarray:
    """A field of light: a slope, a hot spot, tubes, and some more (1, n, n), about 1 in the middle."""
    y, x = np.mgrid[-1 : 1 : _FIELD * 1j, -1 : 1 : _FIELD * 1j] * 2
    field = strength * (rng.normal(0, 0.5) * x + rng.normal(0, 0.5) * y)
    if rng.random() < 0.4:
        distance = np.hypot(x - rng.normal(0, 0.3), y - rng.normal(0, 0.3))
        field += strength * rng.uniform(0.5, 3) * (np.exp(-((distance / rng.uniform(0.3, 1)) ** 2)) - 0.5)
    field += strength * 0.5 * ndimage.gaussian_filter(rng.standard_normal(x.shape), 3) * 6
    return np.exp(field.clip(-1.5, 1.0))[None]


def _table(rng: np.random.Generator, place: Place) -> np.ndarray:
    """What lies beside paper, or surrounds a light box: plain, wood, tiles or clutter, (3, n, n)."""
    color = np.clip(rng.uniform(0.05, 0.7) * (1 + rng.normal(0, 0.15, 3)), 0.01, 1)
    if place is Place.BOX:
        color = color * rng.choice([0.03, 0.2, 0.8])
    y, x = np.mgrid[-1 : 1 : _TABLE * 1j, -1 : 1 : _TABLE * 1j]
    kind = rng.integers(4)
    pattern = np.ones((_TABLE, _TABLE))
    if kind == 1:  # wood
        stretched = ndimage.gaussian_filter(rng.standard_normal((_TABLE, _TABLE)), (rng.uniform(8, 20), 0.8))
        pattern += 0.25 * stretched / stretched.std()
        pattern = pattern.T if rng.random() < 0.5 else pattern
    elif kind == 2:  # tiles, their joints lighter or darker
        count, joint = rng.uniform(3, 12), rng.uniform(0.02, 0.08)
        off = np.minimum((x * count) % 1, (y * count) % 1)
        pattern = np.where(off < joint, rng.choice([0.4, 1.6]), 1.0)
    elif kind == 3:  # clutter
        for _ in range(rng.integers(3, 14)):
            (cx, cy), (w, h) = rng.uniform(-1, 1, 2), rng.uniform(0.05, 0.6, 2)
            pattern[(np.abs(x - cx) < w) & (np.abs(y - cy) < h)] = rng.uniform(0.2, 2.5)
    pattern = ndimage.gaussian_filter(pattern, 0.7) * (1 + 0.03 * rng.standard_normal(pattern.shape))
    return (color[:, None, None] * pattern).clip(0.002, 1.5)


def _beyond(rng: np.random.Generator, place: Place, surroundings: Sequence[np.ndarray]) -> np.ndarray:
    """The surroundings, turned; behind a film at a window the brightest part of them."""
    if surroundings and rng.random() < 0.7:
        room = surroundings[int(rng.integers(len(surroundings)))].astype(np.float64)
        room = np.roll(room, int(rng.integers(room.shape[2])), axis=2)
    else:
        room = _made_up_room(rng)
    if rng.random() < 0.5:
        room = room[..., ::-1]
    if place is not Place.WINDOW:
        return np.ascontiguousarray(np.minimum(room / room.mean(), 30.0))
    rows, columns = room.shape[1:]
    middle = room.mean(axis=0)[rows // 4 : 3 * rows // 4].mean(axis=0)
    seen = ndimage.uniform_filter1d(middle, columns // 6, mode="wrap")
    room = np.roll(room, columns // 2 - int(np.argmax(seen)) + int(rng.normal(0, columns / 24)), axis=2)
    view = room[:, rows // 4 : 3 * rows // 4, columns // 3 : 2 * columns // 3]
    room = room / np.quantile(view.mean(axis=0), 0.6)
    room = np.minimum(room, rng.uniform(1.2, 4.0))  # the brightest parts are burnt out anyway
    blur = rng.uniform(0.5, 4.0) * rows / 64
    return ndimage.gaussian_filter(room, (0, blur, blur), mode=("nearest", "nearest", "wrap"))


def _made_up_room(rng: np.random.Generator) -> np.ndarray:
    """Walls with windows and lamps (3, n, 2n)."""
    y, x = np.mgrid[-1 : 1 : _ROOM * 1j, -1 : 1 : 2 * _ROOM * 1j]
    room = np.clip(0.5 - 0.2 * y, 0.1, None) * np.clip(rng.uniform(0.5, 1.0, (3, 1, 1)), 0.1, None)
    for _ in range(rng.integers(1, 5)):
        (cx, cy), (w, h) = rng.uniform(-0.9, 0.9, 2) * (1, 0.5), rng.uniform(0.04, 0.25, 2) * (1, 1.6)
        window = (np.abs(x - cx) < w) & (np.abs(y - cy) < h)
        bars = (np.abs((x - cx) % w) < 0.02) & (rng.random() < 0.5)
        room = np.where(window & ~bars, rng.uniform(2, 15) * _white(rng, 0.15)[:, None, None], room)
    return ndimage.gaussian_filter(room, (0, 0.7, 0.7))


def _shadow(rng: np.random.Generator, chance: float) -> np.ndarray:
    """Of a hand, a phone or a head: a soft edge or blob, over the photo (1, n, n)."""
    lit = np.ones((_FIELD, _FIELD))
    if rng.random() < chance:
        y, x = np.mgrid[-1 : 1 : _FIELD * 1j, -1 : 1 : _FIELD * 1j]
        angle, soft = rng.uniform(0, 2 * np.pi), rng.uniform(0.05, 0.4)
        edge = np.cos(angle) * x + np.sin(angle) * y - rng.uniform(0.0, 0.9)
        if rng.random() < 0.5:
            cx, cy = rng.uniform(-0.8, 0.8, 2)
            edge = rng.uniform(0.2, 0.6) - np.hypot(x - cx, y - cy)
        lit -= rng.uniform(0.15, 0.7) / (1 + np.exp(-edge / soft * 4))
    return lit[None]

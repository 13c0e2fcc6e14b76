"""A film settles as a surface that hardly stretches: its sides where the photo shows them, what lies between about
where it is known to be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .networks import RimNet
from .rim import edges
from .sheet import Sheet
from .sides import sides_of
from .surface import POINTS, Surface
from .warp import Picture

_REACH, _PIXELS = 0.03, 480  # how edges are looked for: see rim.edges
_NEAR = 0.01, 0.005  # how far from where it is then a side usually is, each time
_DEEP = 0.02  # of the film, from its sides
# How far points usually are off, by the photo's longer side: of sides that are seen, and that are not; along sides, and
# between them
_SEEN, _UNSEEN, _ALONG, _BETWEEN = 0.002, 0.006, 0.02, 0.02
_CLEAR, _HARDLY = 0.001, 0.05  # the same of sides and between them, once all of it is about right
_FAR = 3  # times as far a side counts less


def settled(photo: Picture, sheet: Sheet, surface: Surface, network: RimNet | None = None) -> Surface:
    """The surface of a film in a photo (H, W, 3) that lies about as a sheet does, found from one that hangs alike.

    network: tells, where there is one, where its sides are about.
    """
    none = np.zeros((4, len(POINTS)))
    surface = surface.fitted(*_evidence(sheet, _sides(sheet, none), none + _SEEN))
    if network:
        surface = surface.fitted(*rim_told(photo, surface.of(sheet), network, sheet))
    for near in _NEAR[1:] if network else _NEAR:
        here = surface.of(sheet)
        depths, seen = edges(photo, here.backward, POINTS, _REACH, _PIXELS, near)
        rim = _sides(here, depths)
        off = np.linalg.norm(rim - _sides(here, none), axis=-1) / (_FAR * _SEEN * max(photo.shape))
        surface = surface.fitted(*_evidence(sheet, rim, np.where(seen, _SEEN * np.hypot(1, off), _UNSEEN)))
    return surface


def rim_told(
    photo: Picture,
    here: Sheet,
    network: RimNet,
    inner: Sheet,
    between: float = _BETWEEN,
    points: int = len(POINTS),
) -> tuple[np.ndarray, np.ndarray]:
    """What Surface.fitted takes, so many points along each axis, where a network sees the rim of a film in a photo
    (H, W, 3) that lies about here, and points between are as far off as that from where they are within another."""
    depths, spread, seen = sides_of(photo, here.backward, network).near(np.linspace(0, 1, points))
    return _evidence(inner, _sides(here, depths), np.where(seen, np.hypot(_SEEN, spread), _UNSEEN), between)


def sureness(sheet: Sheet) -> np.ndarray:
    """How sure the places of a sheet are which is about right: what Surface.ways takes."""
    spread = np.full((4, len(POINTS)), _CLEAR)
    return _evidence(sheet, _sides(sheet, np.zeros_like(spread)), spread, _HARDLY)[1]


def _evidence(
    inner: Sheet, rim: np.ndarray, spread: np.ndarray, between: float = _BETWEEN
) -> tuple[np.ndarray, np.ndarray]:
    """What Surface.fitted takes, where a sheet and points of its rim (4, n, 2) tell where the film is.

    spread (4, n), between: how far these are off across the sides, and points between, by the photo's longer side.
    """
    at = np.linspace(0, 1, rim.shape[1])
    wanted = inner.seen(at, at).astype(np.float64)
    sure = np.broadcast_to(np.eye(2) / between, (*wanted.shape, 2)).copy()
    along = np.gradient(rim, axis=1)
    along /= np.linalg.norm(along, axis=-1, keepdims=True)
    across = np.stack([-along[..., 1], along[..., 0]], axis=-1) / spread[..., None]
    depth = (across * rim).sum(axis=-1)
    for side in range(4):  # from each corner to the next
        here, weights = np.rot90(wanted, side)[0, :-1], np.rot90(sure, side)[0, :-1]
        weights[:, 0], weights[:, 1] = across[side, :-1], along[side, :-1] / _ALONG
        told = np.stack([depth[side, :-1], (weights[:, 1] * here).sum(axis=-1)], axis=-1)
        weights[0, 1], told[0, 1] = across[side - 1, -1], depth[side - 1, -1]
        here[:] = np.linalg.solve(weights, told[..., None])[..., 0]
    return wanted, sure


def _sides(sheet: Sheet, depths: np.ndarray) -> np.ndarray:
    """Points of a sheet (4, n, 2) in the photo, so deep (4, n) within its sides, clockwise from its top left."""
    found, at = [], np.linspace(0, 1, depths.shape[1])
    for side, depth in enumerate(depths):
        rim, deep = replace(sheet, backward=np.rot90(sheet.backward, side)).seen(np.array([0, _DEEP]), at)
        found.append(rim + (deep - rim) * (depth / _DEEP)[:, None])
    return np.stack(found)

"""The rim of a film, moved to where a picture changes most near it.

Its sides become smooth curves. What lies between them is moved as a flat film's would be by its corners, and where the
sides are off then, in the manner of a Coons patch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from scipy import ndimage
from skimage.color import rgb2lab

from .homography import homography, transformed
from .sheet import NODES, Sheet, product, spline
from .warp import Picture, centers, places, resampled

Curve = Callable[[np.ndarray], np.ndarray]  # of a side, as if it were the upper one: how deep it runs by where
_CORNER = 0.04  # of a side that is left out of its curve
_SLOPE = 4  # nodes, over which a film is continued beyond its rim
_USUAL = 4  # times as strong as the strip: more does not count
_AWAY = 4  # pixels from its curve where an edge is none of the rim's
_ROUNDS = 5  # of a robust fit
_SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)
_SEEN = 0.3  # of a side, from which it is moved
_POINTS, _DEGREE = 33, 4  # of a curve
_NEAR, _MOSTLY = 0.03, 0.4  # of a side, by whose edges a place of it lies, and the share that has to be clear
_GAMMA, _BLURRED = 2.2, 2  # of sRGB; pixels from an edge as it is seen to where half of the light is
_LEAST = 0.1  # that a side counts, since one may be hidden


def followed(
    picture: Picture,
    backward: np.ndarray,
    reach: float,
    pixels: int,
    degree: int,
    near: float = np.inf,
    by_light: bool = False,
) -> tuple[float, np.ndarray]:
    """How well the sides of a film are seen in a picture, from 0 to 1, and its backward map with its rim there.

    picture: a photo (H, W, 3) in sRGB, whose colors count as in CIELAB. backward: where the film is about,
    (NODES, NODES, 2). reach: how far on both sides of its rim is looked, and near: standard deviation of
    where an edge may be the rim's, both by the film's side. pixels: along a side. degree: of the curves. by_light: an
    edge is where half of the light is, and not half of what is seen of it, which lies more within a dark film. Sides
    that are not seen stay.
    """
    curves, scores = [], []
    at, *sides, used = _edges(_strips(picture, backward, reach, pixels), reach, pixels, near, by_light)
    for depth, clear in zip(*sides, strict=True):
        score, curve = _curve(at, depth, clear, used, pixels, degree)
        scores.append(score)
        curves.append(curve if score > _SEEN else np.poly1d([0.0]))
    return float(np.prod(np.maximum(scores, _LEAST)) ** 0.25), with_sides(backward, curves, reach, pixels)


def with_sides(backward: np.ndarray, curves: Sequence[Curve], reach: float, pixels: float) -> np.ndarray:
    """A backward map (NODES, NODES, 2) with its sides, clockwise from the upper one, so deep within the film as it was
    by curves, which is no more than reach; pixels: along a side, by which places are looked up."""
    around = continuing(len(backward), round(pixels * (1 + 2 * reach)), reach)
    wide = product(around, backward, around)
    at = (_between_sides(*curves) + reach) / (1 + 2 * reach) * len(wide) - 0.5
    return resampled(wide, at.astype(np.float32))


def edges(
    picture: Picture, backward: np.ndarray, at: np.ndarray, reach: float, pixels: int, near: float
) -> tuple[np.ndarray, np.ndarray]:
    """How deep within a film its sides are seen (4, n), by the film's side, and whether they are (4, n), at so many
    places along each, clockwise from the upper one. See followed."""
    depths, seen = np.zeros((2, 4, len(at)))
    along, *sides, _ = _edges(_strips(picture, backward, reach, pixels), reach, pixels, near, False)
    for side, (depth, clear) in enumerate(zip(*sides, strict=True)):
        for number, place in enumerate(at):
            here = np.abs(along - np.clip(place, _NEAR, 1 - _NEAR)) < _NEAR
            used = here & clear
            if used.sum() > _MOSTLY * here.sum():
                line = np.polyval(np.polyfit(along[used], depth[used], 1), place)
                depths[side, number] = np.clip(line, depth[used].min(), depth[used].max())
                seen[side, number] = 1
    return depths, seen > 0


def across(
    photo: Picture, backward: np.ndarray, depths: np.ndarray, reach: float, pixels: int, near: float
) -> np.ndarray:
    """How light a photo usually is, in CIELAB, so many pixels (n,) within and beyond each side of a film as it is seen
    (m, n); of the sides that are. See followed."""
    found = []
    strips = _strips(photo, backward, reach, pixels)
    _, *sides, used = _edges(strips, reach, pixels, near, False)
    for depth, clear, lightness in zip(*sides, rgb2lab(strips)[..., 0], strict=True):
        seen = np.flatnonzero(clear & used)
        if len(seen) > _SEEN * used.sum():
            rows = np.arange(len(lightness))
            edge = (depth + reach) * pixels - 0.5
            found.append(np.median([np.interp(edge[n] + depths, rows, lightness[:, n]) for n in seen], axis=0))
    return np.reshape(found, (-1, len(depths)))


def _strips(picture: Picture, backward: np.ndarray, reach: float, pixels: int) -> np.ndarray:
    """What is seen around each side of a film (4, d, n, C), as if that were the upper one."""
    around = continuing(len(backward), round(pixels * (1 + 2 * reach)), reach)
    across = around[: round(2 * reach * pixels)]
    return np.stack([resampled(picture, product(across, np.rot90(backward, side), around)) for side in range(4)])


def _between_sides(top: Curve, right: Curve, bottom: Curve, left: Curve) -> np.ndarray:
    """Where on the rough film (NODES, NODES, 2) the nodes of one lie whose sides are so deep within it."""
    u, v = _SQUARE.T
    across, down = (1 - u) * left(1 - v) + u * (1 - right(v)), (1 - v) * top(u) + v * (1 - bottom(1 - u))
    flat = homography(_SQUARE, np.stack([across, down], axis=-1))
    t, none = centers(NODES), np.zeros(NODES)
    above, under, before, after = (
        transformed(np.stack(side, axis=-1), flat) for side in ((t, none), (t, none + 1), (none, t), (none + 1, t))
    )
    u, v = np.moveaxis(places((NODES, NODES)), -1, 0)
    x, y = np.moveaxis(transformed(places((NODES, NODES)), flat), -1, 0)
    y = y + (1 - v) * (top(above[:, 0]) - above[:, 1]) + v * (1 - bottom(1 - under[:, 0]) - under[:, 1])
    x = (
        x
        + (1 - u) * (left(1 - before[:, 1]) - before[:, 0])[:, None]
        + u * (1 - right(after[:, 1]) - after[:, 0])[:, None]
    )
    return np.stack([x, y], axis=-1)


@lru_cache(32)
def continuing(count: int, pixels: int, reach: float) -> np.ndarray:
    """What values at so many nodes count for those at pixels of the film, and around it as far as reach: a cubic spline
    that goes on straight."""
    at = centers(pixels) * (1 + 2 * reach) - reach
    knots, each = centers(count), np.eye(count)
    inner = at.clip(knots[0], knots[-1])
    ends = [(each[end + step] - each[end]) * count / step for end, step in ((0, _SLOPE), (-1, -_SLOPE))]
    beyond = np.stack([(at - inner).clip(max=0), (at - inner).clip(min=0)], axis=-1)
    return (spline(count)(inner) + beyond @ np.stack(ends)).astype(np.float32)


def _curve(
    at: np.ndarray, depth: np.ndarray, clear: np.ndarray, used: np.ndarray, pixels: int, degree: int
) -> tuple[float, np.poly1d]:
    """How well a side is seen, and where it runs, as depth by place, by its edge: see _edges."""
    weights = used.astype(float)
    for _ in range(_ROUNDS):
        curve = np.poly1d(np.polyfit(at, depth, degree, w=np.sqrt(weights)))
        off = np.abs(depth - curve(at)) * pixels
        weights = used / (1 + off**2)
    return float((clear & (off < _AWAY))[used].mean()), curve


def _edges(
    strips: np.ndarray, reach: float, pixels: int, near: float, by_light: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where edges run along strips (4, d, n, C): places along the sides (n,) and depths (4, n), both by the film's
    side; whether each is clear there (4, n), and whether that is away from the corners (n,)."""
    change = _change(rgb2lab(strips))
    strength = np.linalg.norm(change, axis=-1)
    deep, long = strength.shape[1:]
    rows = (np.arange(deep) + 0.5) / pixels - reach
    believed = np.exp(-0.5 * (rows / near) ** 2)[:, None]
    most = _USUAL * np.median(strength, axis=1).mean(axis=1) + 1
    row = _paths(np.minimum(strength, most[:, None, None]) * believed)
    at = (np.arange(long) + 0.5) / pixels - reach
    used = (at > _CORNER) & (at < 1 - _CORNER)
    exact, sharp = row, strength
    if by_light:
        sharp = np.linalg.norm(_change(strips**_GAMMA), axis=-1)
        near_by = (row[:, None] + np.arange(-_BLURRED, _BLURRED + 1)[:, None]).clip(0, deep - 1)
        exact = _at(near_by, _at(sharp, near_by).argmax(axis=1))
    depth = rows[exact] + _between(sharp, exact) / pixels
    there = np.take_along_axis(change, row[:, None, :, None], axis=1)[:, 0]
    main = there[:, used].mean(axis=1)
    main /= np.maximum(np.linalg.norm(main, axis=1, keepdims=True), 1e-9)
    along = (there @ main[..., None])[..., 0]
    return at, depth, along > np.maximum(2 * np.median(strength, axis=(1, 2)), 0.7)[:, None], used


def _at(values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Values (4, d, n) at rows (4, n) of them, or at several (4, m, n)."""
    found = np.take_along_axis(values, rows.reshape(len(rows), -1, rows.shape[-1]), axis=1)
    return found.reshape(rows.shape)


def _change(strips: np.ndarray) -> np.ndarray:
    """How much strips (4, d, n, C) change with depth."""
    changes: np.ndarray = ndimage.gaussian_filter1d(strips, 1.0, axis=1, order=1)
    return changes


def _paths(strength: np.ndarray) -> np.ndarray:
    """Rows (4, n) of the paths through strips (4, d, n) along which they are strongest, and never steep."""
    count, deep, long = strength.shape
    total = np.full((count, deep + 2), -np.inf)  # with a row on either side where no path leads
    total[:, 1:-1] = strength[..., 0]
    steps = np.zeros((long, count, deep), np.int8)  # that led to each place
    for number in range(1, long):
        here, before, after = total[:, 1:-1], total[:, :-2] - 0.05, total[:, 2:] - 0.05
        best = np.maximum(before, after)
        steps[number] = np.where(best > here, np.where(after > before, 1, -1), 0)
        total[:, 1:-1] = np.maximum(best, here) + strength[..., number]
    rows, each = np.empty((count, long), int), np.arange(count)
    rows[:, -1] = total[:, 1:-1].argmax(axis=1)
    for number in range(long - 1, 0, -1):
        rows[:, number - 1] = rows[:, number] + steps[number, each, rows[:, number]]
    return rows


def _between(strength: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """How far (4, n) from the middle of its pixel each maximum lies: that of a parabola."""
    inner = rows.clip(1, strength.shape[1] - 2)
    before, here, after = (_at(strength, inner + step) for step in (-1, 0, 1))
    bend = np.minimum(before - 2 * here + after, -1e-6)
    return np.where(inner == rows, 0.5 * (before - after) / bend, 0.0).clip(-0.5, 0.5)


def between_sides(backward: np.ndarray) -> np.ndarray:
    """A film (NODES, NODES, 2) whose sides run where those of a backward map do, and that is taken for a flat one
    whose sides are off: all that its rim tells."""
    film = Sheet(backward, np.ones(backward.shape[:2]), 1.0, "user")
    (top, bottom, left, right), square = on_square(film, _POINTS)
    curves = [
        np.poly1d(np.polyfit(along, depth, _DEGREE))
        for along, depth in (
            (top[:, 0], top[:, 1]),
            (right[:, 1], 1 - right[:, 0]),
            (1 - bottom[:, 0], 1 - bottom[:, 1]),
            (1 - left[:, 1], left[:, 0]),
        )
    ]
    return transformed(_between_sides(*curves), square)


def on_square(film: Sheet, count: int) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
    """Upper, lower, left and right side (count, 2) of a film whose corners are moved to those of a square, and the
    homography that moves them back."""
    square = homography(_SQUARE, film.corners.astype(np.float64))
    rim = transformed(film.points(count, count), np.linalg.inv(square))
    return (rim[0], rim[-1], rim[:, 0], rim[:, -1]), square


def bends(film: Sheet, count: int) -> np.ndarray:
    """How far the sides (4, count) of a film run from straight ones, by the film's side; outwards or inwards."""
    (top, bottom, left, right), _ = on_square(film, count)
    return np.stack([top[:, 1], bottom[:, 1] - 1, left[:, 0], right[:, 0] - 1])

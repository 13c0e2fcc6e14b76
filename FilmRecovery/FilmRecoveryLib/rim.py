"""The rim of a film, moved to where a picture changes most near it.

Its sides become smooth curves. What lies between them is moved as a flat film's would be by its corners, and where the
sides are off then, in the manner of a Coons patch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from scipy import ndimage
from scipy.interpolate import CubicSpline
from skimage.color import rgb2lab

from .homography import homography, transformed
from .sheet import NODES, Sheet, product
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
    for strip in _strips(picture, backward, reach, pixels):
        score, curve = _curve(strip, reach, pixels, degree, near, by_light)
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
    for side, strip in enumerate(_strips(picture, backward, reach, pixels)):
        along, depth, clear, _ = _edge(strip, reach, pixels, near, False)
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
    for strip in _strips(photo, backward, reach, pixels):
        _, depth, clear, used = _edge(strip, reach, pixels, near, False)
        seen = np.flatnonzero(clear & used)
        if len(seen) > _SEEN * used.sum():
            rows, lightness = np.arange(len(strip)), rgb2lab(strip)[..., 0]
            edge = (depth + reach) * pixels - 0.5
            found.append(np.median([np.interp(edge[n] + depths, rows, lightness[:, n]) for n in seen], axis=0))
    return np.reshape(found, (-1, len(depths)))


def _strips(picture: Picture, backward: np.ndarray, reach: float, pixels: int) -> Iterator[np.ndarray]:
    """What is seen around each side of a film (d, n, C), as if that were the upper one."""
    around = continuing(len(backward), round(pixels * (1 + 2 * reach)), reach)
    for side in range(4):
        yield resampled(picture, product(around[: round(2 * reach * pixels)], np.rot90(backward, side), around))


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


def continuing(count: int, pixels: int, reach: float) -> np.ndarray:
    """What values at so many nodes count for those at pixels of the film, and around it as far as reach: a cubic spline
    that goes on straight."""
    at = centers(pixels) * (1 + 2 * reach) - reach
    knots, each = centers(count), np.eye(count)
    inner = at.clip(knots[0], knots[-1])
    ends = [(each[end + step] - each[end]) * count / step for end, step in ((0, _SLOPE), (-1, -_SLOPE))]
    beyond = np.stack([(at - inner).clip(max=0), (at - inner).clip(min=0)], axis=-1)
    return (CubicSpline(knots, each)(inner) + beyond @ np.stack(ends)).astype(np.float32)


def _curve(
    strip: np.ndarray, reach: float, pixels: int, degree: int, near: float, by_light: bool
) -> tuple[float, np.poly1d]:
    """How well an edge along a strip (d, n, C) is seen, and where it runs: depth by place, both by the film's side."""
    at, depth, clear, used = _edge(strip, reach, pixels, near, by_light)
    weights = used.astype(float)
    for _ in range(_ROUNDS):
        curve = np.poly1d(np.polyfit(at, depth, degree, w=np.sqrt(weights)))
        off = np.abs(depth - curve(at)) * pixels
        weights = used / (1 + off**2)
    return float((clear & (off < _AWAY))[used].mean()), curve


def _edge(
    strip: np.ndarray, reach: float, pixels: int, near: float, by_light: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Where an edge runs along a strip (d, n, C): places along the side and depths, both by the film's side; whether it
    is clear there, and whether that is away from the corners; each (n,)."""
    change = _change(rgb2lab(strip))
    strength = np.linalg.norm(change, axis=-1)
    rows = (np.arange(len(strip)) + 0.5) / pixels - reach
    believed = np.exp(-0.5 * (rows / near) ** 2)[:, None]
    row = _path(np.minimum(strength, _USUAL * np.median(strength, axis=0).mean() + 1) * believed)
    columns = np.arange(strip.shape[1])
    at = (columns + 0.5) / pixels - reach
    used = (at > _CORNER) & (at < 1 - _CORNER)
    exact, sharp = row, strength
    if by_light:
        sharp = np.linalg.norm(_change(strip**_GAMMA), axis=-1)
        near_by = (row + np.arange(-_BLURRED, _BLURRED + 1)[:, None]).clip(0, len(strip) - 1)
        exact = near_by[sharp[near_by, columns].argmax(axis=0), columns]
    depth = rows[exact] + _between(sharp, exact) / pixels
    there = change[row, columns]
    main = there[used].mean(axis=0)
    along = there @ (main / max(float(np.linalg.norm(main)), 1e-9))
    return at, depth, along > max(2 * float(np.median(strength)), 0.7), used


def _change(strip: np.ndarray) -> np.ndarray:
    """How much a strip (d, n, C) changes with depth."""
    changes: np.ndarray = ndimage.gaussian_filter1d(strip, 1.0, axis=0, order=1)
    return changes


def _path(strength: np.ndarray) -> np.ndarray:
    """Rows (n,) of the path through a strip (d, n) along which it is strongest, and never steep."""
    total = np.full(len(strength) + 2, -np.inf)  # with a row on either side where no path leads
    total[1:-1] = strength[:, 0]
    moving, downwards = np.empty((2, strength.shape[1] - 1, len(strength)), bool)
    for number, column in enumerate(strength.T[1:]):
        here, before, after = total[1:-1], total[:-2] - 0.05, total[2:] - 0.05
        best = np.maximum(before, after)
        np.greater(best, here, out=moving[number])
        np.greater(after, before, out=downwards[number])
        total[1:-1] = np.maximum(best, here) + column
    row = int(total[1:-1].argmax())
    rows = [row]
    for moves, down in zip(moving[::-1], downwards[::-1], strict=True):
        if moves[row]:
            row += 1 if down[row] else -1
        rows.append(row)
    return np.array(rows[::-1])


def _between(strength: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """How far (n,) from the middle of its pixel each maximum lies: that of a parabola."""
    columns = np.arange(len(rows))
    inner = rows.clip(1, len(strength) - 2)
    before, here, after = (strength[inner + step, columns] for step in (-1, 0, 1))
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

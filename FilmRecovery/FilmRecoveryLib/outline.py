"""Films in a photo by their outlines, without a network.

Regions of several thresholds give rough quadrilaterals. Their sides are then sought as the smooth curves along which
the photo changes most, which also tells how the film bends; and how well all of a side is seen makes the score.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image as Pictures
from scipy import ndimage
from scipy.spatial import ConvexHull
from skimage.color import rgb2lab
from skimage.filters import threshold_multiotsu

from .homography import aspect, homography, transformed
from .sheet import NODES, Sheet
from .warp import places, resampled

_LONGEST = 480  # pixels of the photo that is looked at
_LEAST, _MOST = 0.06, 0.97  # area of a film, by the photo's
_SIDE = 320  # pixels along a side of a rough film
_MARGIN = 0.08  # around it, within which its sides are sought, by its own side
_CORNER = 0.04  # of a side that is left out of its curve
_DEGREES = (2, 4)  # of the curve, at first and at last
_RIM = 0.015  # of the photo; a side that is nearer than this to its rim may go on beyond
_SURE = 0.5  # score from which a film counts
_TRIED = 8  # rough quadrilaterals
_SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)


@dataclass(frozen=True, eq=False)
class Outline:
    """A film that was found: score from 0 to 1; whole: it does not go on beyond the photo."""

    sheet: Sheet
    score: float
    whole: bool


def outlines(photo: np.ndarray) -> list[Outline]:
    """The films in a photo (H, W, 3) of bytes, the surest first; none where there is no sure one.

    Each is turned as it lies in the photo.
    """
    small, scale = _reduced(photo)
    lab = rgb2lab(small).astype(np.float32)
    quads = sorted(_quads(lab), key=lambda each: -each[0])
    tried: list[np.ndarray] = []
    found: list[tuple[float, np.ndarray]] = []
    for fill, quad in quads:
        if len(tried) < _TRIED and all(np.abs(quad - other).max() > 0.02 * _LONGEST for other in tried):
            tried.append(quad)
            score, backward = _followed(lab, quad)
            found.append((score * fill, backward))
    kept: list[Outline] = []
    for score, backward in sorted(found, key=lambda each: -each[0]):
        outline = _outline((backward + 0.5) * scale - 0.5, score, photo.shape[:2])
        if score >= _SURE and not any(_overlap(outline, other) for other in kept):
            kept.append(outline)
    return kept


def _reduced(photo: np.ndarray) -> tuple[np.ndarray, float]:
    """A small photo, and how many pixels of the large one are one of it."""
    height, width = photo.shape[:2]
    scale = max(height, width) / _LONGEST
    if scale <= 1:
        return photo, 1.0
    size = (round(width / scale), round(height / scale))
    return np.asarray(Pictures.fromarray(photo).resize(size, Pictures.Resampling.BOX)), scale


def _outline(backward: np.ndarray, score: float, shape: tuple[int, int]) -> Outline:
    sheet = Sheet(backward.astype(np.float32), np.full(backward.shape[:2], score, np.float32), 1.0, "outline")
    corners, rim = sheet.corners, _RIM * max(shape)
    whole = bool(((corners > rim) & (corners < np.array(shape[::-1]) - 1 - rim)).all())
    sheet = Sheet(sheet.backward, sheet.confidence, aspect(corners, shape), sheet.source)
    return Outline(sheet, score, whole)


def _overlap(one: Outline, other: Outline) -> bool:
    """Whether the middle of one lies within the other."""
    for a, b in ((one, other), (other, one)):
        inner = transformed(a.sheet.points(3, 3)[1, 1], homography(b.sheet.corners, _SQUARE))
        if ((inner > 0) & (inner < 1)).all():
            return True
    return False


def _quads(lab: np.ndarray) -> Iterator[tuple[float, np.ndarray]]:
    """Rough quadrilaterals (4, 2), clockwise from the top left, and how much of each its region fills."""
    for mask in _masks(lab):
        regions = ndimage.label(mask)[0]
        for number, where in enumerate(ndimage.find_objects(regions), 1):
            region = regions[where] == number
            area = np.count_nonzero(ndimage.binary_fill_holes(region))
            if not _LEAST < area / mask.size < _MOST:
                continue
            quad = _largest(np.argwhere(region)[:, ::-1] + (where[1].start, where[0].start))
            fill = area / max(_area(quad), 1.0)
            if fill > 0.7:
                yield min(fill, 1 / fill), quad


def _masks(lab: np.ndarray) -> Iterator[np.ndarray]:
    """Regions that may be films: darker or lighter than the rest, or of another color than the photo's rim."""
    rim = np.concatenate([lab[0], lab[-1], lab[:, 0], lab[:, -1]])
    other = np.linalg.norm(lab - np.median(rim, axis=0), axis=-1)
    for values in (lab[..., 0], other, np.hypot(lab[..., 1], lab[..., 2])):
        even = ndimage.gaussian_filter(values, 1.0)
        if np.ptp(even) < 5:
            continue
        for classes in (2, 3):
            for level in threshold_multiotsu(even, classes):
                for mask in (even > level, even <= level):
                    closed = np.pad(mask, _LONGEST // 40, mode="edge")
                    closed = ndimage.binary_closing(closed, iterations=_LONGEST // 80)
                    closed = ndimage.binary_opening(ndimage.binary_fill_holes(closed), iterations=_LONGEST // 60)
                    yield closed[_LONGEST // 40 : -(_LONGEST // 40), _LONGEST // 40 : -(_LONGEST // 40)]


def _largest(points: np.ndarray) -> np.ndarray:
    """The largest quadrilateral (4, 2) with corners among points (N, 2): those of a film, also of a bent one."""
    hull = points[ConvexHull(points).vertices].astype(float)
    x, y = (hull[None, :, axis] - hull[:, None, axis] for axis in (0, 1))  # from one to another
    sides = x[:, :, None] * y[:, None] - y[:, :, None] * x[:, None]  # twice the area of three
    area = sides.max(axis=2) - sides.min(axis=2)
    one, two = np.unravel_index(np.argmax(area), area.shape)
    chosen = hull[[one, sides[one, two].argmin(), two, sides[one, two].argmax()]]
    clockwise = chosen if _signed(chosen) > 0 else chosen[::-1]
    return np.roll(clockwise, -int(clockwise.sum(axis=1).argmin()), axis=0)


def _signed(quad: np.ndarray) -> float:
    x, y = quad.T
    return float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) / 2)


def _area(quad: np.ndarray) -> float:
    return abs(_signed(quad))


def _followed(lab: np.ndarray, quad: np.ndarray) -> tuple[float, np.ndarray]:
    """How well the sides of a rough film are seen, and its backward map (NODES, NODES, 2), bent as they are."""
    for degree in _DEGREES:
        score, backward = _sides(lab, quad, degree)
        quad = Sheet(backward, np.ones((NODES, NODES)), 1.0, "outline").corners
    return score, backward


def _sides(lab: np.ndarray, quad: np.ndarray, degree: int) -> tuple[float, np.ndarray]:
    matrix = homography(_SQUARE, quad)
    pixels = round(_SIDE * (1 + 2 * _MARGIN))
    rough = resampled(lab, transformed(places((pixels, pixels)) * (1 + 2 * _MARGIN) - _MARGIN, matrix))
    curves, scores = [], []
    for side in range(4):  # each as if it were the upper one
        turned = np.rot90(rough, side)
        score, curve = _curve(turned[: round(2 * _MARGIN * _SIDE)], degree)
        scores.append(score)
        curves.append(curve)
    top, right, bottom, left = curves
    u, v = np.moveaxis(places((NODES, NODES)), -1, 0)
    across = (1 - u) * left(1 - v) + u * (1 - right(v))
    down = (1 - v) * top(u) + v * (1 - bottom(1 - u))
    return float(np.prod(scores) ** 0.25), transformed(np.stack([across, down], axis=-1), matrix)


def _curve(strip: np.ndarray, degree: int) -> tuple[float, np.poly1d]:
    """How well an edge along a strip (d, n, 3) is seen, and where it runs: depth by place, both by the film's side."""
    change = ndimage.gaussian_filter1d(strip, 1.0, axis=0, order=1)
    strength = np.linalg.norm(change, axis=-1)
    rows = _path(strength)
    columns = np.arange(strip.shape[1])
    at = (columns + 0.5) / _SIDE - _MARGIN
    used = (at > _CORNER) & (at < 1 - _CORNER)
    depth = (rows + 0.5) / _SIDE - _MARGIN
    weights = used.astype(float)
    for _ in range(5):
        curve = np.poly1d(np.polyfit(at, depth, degree, w=np.sqrt(weights)))
        off = np.abs(depth - curve(at))
        weights = used / (1 + (off * _SIDE) ** 2)
    there = change[rows, columns]
    main = there[used].mean(axis=0)
    along = there @ (main / max(float(np.linalg.norm(main)), 1e-9))
    usual = float(np.median(strength))
    seen = (along > max(2 * usual, 0.7)) & (off * _SIDE < 4)
    return float(seen[used].mean()), curve


def _path(strength: np.ndarray) -> np.ndarray:
    """Rows (n,) of the path through a strip (d, n) along which it is strongest, and never steep."""
    gain = np.minimum(strength, 4 * np.median(strength, axis=0).mean() + 1)
    total, came = gain[:, 0], []
    for column in gain.T[1:]:
        padded = np.pad(total, 1, constant_values=-np.inf)
        choices = np.stack([padded[:-2] - 0.05, padded[1:-1], padded[2:] - 0.05])
        came.append(choices.argmax(axis=0) - 1)
        total = choices.max(axis=0) + column
    row = int(total.argmax())
    rows = [row]
    for step in reversed(came):
        row += int(step[row])
        rows.append(row)
    return np.array(rows[::-1])

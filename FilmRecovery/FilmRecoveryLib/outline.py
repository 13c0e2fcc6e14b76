"""Films in a photo by their outlines, without a network.

Regions of several thresholds give rough quadrilaterals. Their sides are then sought as the smooth curves along which
the photo changes most, which also tells how the film bends; and how well all of a side is seen makes the score.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image as Pictures
from scipy import ndimage
from skimage.color import rgb2lab
from skimage.filters import threshold_multiotsu

from .homography import aspect, homography, transformed
from .quads import area, largest
from .rim import followed
from .sheet import NODES, Sheet
from .warp import places

_LONGEST = 480  # pixels of the photo that is looked at
_LEAST, _MOST = 0.06, 0.97  # area of a film, by the photo's
_SIDE = 320  # pixels along a side of a rough film
_MARGIN = 0.08  # around it, within which its sides are sought, by its own side
_DEGREES = (2, 4)  # of the curve, at first and at last
_SURE = 0.5  # score from which a film counts
_TRIED = 8  # rough quadrilaterals
_SQUARE = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], float)


@dataclass(frozen=True, eq=False)
class Outline:
    """A film that was found: score from 0 to 1."""

    sheet: Sheet
    score: float


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
            score, backward = _followed(small, quad)
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
    return np.array(Pictures.fromarray(photo).resize(size, Pictures.Resampling.BOX)), scale


def _outline(backward: np.ndarray, score: float, shape: tuple[int, int]) -> Outline:
    sheet = Sheet(backward.astype(np.float32), np.full(backward.shape[:2], score, np.float32), 1.0, "outline")
    return Outline(replace(sheet, aspect=aspect(sheet.corners, shape)), score)


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
            size = np.count_nonzero(ndimage.binary_fill_holes(region))
            if not _LEAST < size / mask.size < _MOST:
                continue
            quad = largest(np.argwhere(region)[:, ::-1] + (where[1].start, where[0].start))
            fill = size / max(area(quad), 1.0)
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


def _followed(photo: np.ndarray, quad: np.ndarray) -> tuple[float, np.ndarray]:
    """How well the sides of a rough film are seen, and its backward map (NODES, NODES, 2), bent as they are."""
    backward = transformed(places((NODES, NODES)), homography(_SQUARE, quad))
    for degree in _DEGREES:
        score, backward = followed(photo, backward, _MARGIN, _SIDE, degree)
    return score, backward

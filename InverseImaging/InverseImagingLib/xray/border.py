"""Where the picture is: a radiograph without its collimator, letterbox and frame."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

Box = tuple[int, int, int, int]  # first row, end of the rows, first column, end of the columns
Line = tuple[float, float]  # row = start + slope * column

SMALLEST = 32  # pixels a side that must be left

_LINES = 200  # looked along from a side
_DEEPEST = 0.45  # of the picture, that a border may take from a side
_STEEPEST = math.tan(math.radians(15))
_TOLERANCE = 0.03, 0.08  # of the contrast: a border without and with noise
_STRAIGHT = 0.8  # of the ends that lie on one line; of the sides of a body, up to three quarters do
_RAMP = 0.02  # of the contrast a pixel: steeper is still the edge
_WIDEST_RAMP = 0.02  # of the picture

# Of a shadow, which is less even: scattered radiation reaches behind a collimator.
_COARSE = 400  # pixels along the longer side are enough to find it
_SHADOW_DEEPEST = 0.35  # of the picture
_STEP = 0.1  # of the contrast, across _SPAN coarse pixels, at its edge
_SPAN = 2
_SUPPORT = 0.75  # of the line, along which the step is there
_EVEN = 0.1  # of the contrast: most grays of a shadow differ less from their median


def content_box(picture: np.ndarray) -> Box:
    """The largest upright rectangle found without border: the picture (H, W) is [top:bottom, left:right].

    A border is a strip along a side that ends at a straight line, upright or turned by up to 15 degrees, across most of
    that side: so ends a collimator or a frame, but not the air around a body. Strips of one gray are found to the
    pixel, shadows of a collimator to about half a percent of the picture.
    """
    box: Box = (0, picture.shape[0], 0, picture.shape[1])
    for find in (_even_strip, _even_strip, _shadow, _even_strip):  # borders lie within borders
        top, bottom, left, right = _within(picture[box[0] : box[1], box[2] : box[3]], find)
        box = (box[0] + top, box[0] + bottom, box[2] + left, box[2] + right)
    return box


def _within(picture: np.ndarray, find: Callable[[np.ndarray, float], Line | None]) -> Box:
    """The rectangle between the borders found on the four sides: all where there are none, or nothing within."""
    height, width = picture.shape
    everything = (0, height, 0, width)
    low, high = np.percentile(picture[:: max(height // 512, 1), :: max(width // 512, 1)], [1, 99])
    if high <= low:
        return everything
    lines = [find(view, float(high - low)) for view in (picture, picture[::-1], picture.T, picture.T[::-1])]
    cut = [0, 0, 0, 0]  # from the top, the bottom, the left and the right
    for _ in range(10):  # what is cut from a side shortens the lines along the others
        for side, line in enumerate(lines):
            if line:
                start, slope = line
                before, after = (cut[2], cut[3]) if side < 2 else (cut[0], cut[1])
                last = (width if side < 2 else height) - 1 - after
                cut[side] = max(math.ceil(max(start + slope * before, start + slope * last)), 0)
    box = (cut[0], height - cut[1], cut[2], width - cut[3])
    return box if min(box[1] - box[0], box[3] - box[2]) >= SMALLEST else everything


def _even_strip(picture: np.ndarray, contrast: float) -> Line | None:
    """Where a strip of one gray at the upper side ends."""
    height, width = picture.shape
    columns = np.unique(np.linspace(0, width - 1, min(_LINES, width)).round().astype(int))
    strip = picture[: int(_DEEPEST * height) + 1, columns].astype(np.float32)
    gray = np.median(strip[0])
    noise = 1.48 * float(np.median(np.abs(strip[0] - gray)))
    differs = np.abs(strip - gray) > contrast * float(np.clip(6 * noise / contrast, *_TOLERANCE))
    depth = np.where(differs.any(axis=0), differs.argmax(axis=0), len(strip))
    line = _straight(columns, depth, len(strip), max(1.0, 0.004 * height))
    if line is None:
        return None
    start, slope = line
    deep = np.clip(np.rint(start + slope * columns), 0, height - 1).astype(int)
    beyond = np.minimum(deep + np.arange(int(_WIDEST_RAMP * height) + 2)[:, None], height - 1)
    profile = np.median(picture[beyond, columns], axis=1)
    steep = np.abs(np.diff(profile)) > _RAMP * contrast
    ramp = int(np.argmin(steep)) if not steep.all() else len(steep)
    return start + ramp, slope


def _straight(columns: np.ndarray, depth: np.ndarray, deepest: int, error: float) -> Line | None:
    """The line, start and slope, along which most borders end, of those that end at all."""
    ends = depth < deepest
    x, y = columns[ends].astype(float), depth[ends].astype(float)
    if len(x) < 0.25 * len(columns):
        return None
    tried = np.unique(np.linspace(0, len(x) - 1, min(len(x), 40)).round().astype(int))
    a, b = (tried[index] for index in np.triu_indices(len(tried), 1))
    slopes = (y[b] - y[a]) / (x[b] - x[a])
    slopes = np.append(np.where(np.abs(slopes) <= _STEEPEST, slopes, 0), 0)
    starts = np.append(y[a], np.median(y)) - slopes * np.append(x[a], 0)
    gaps = y - starts[:, None] - slopes[:, None] * x
    gap = gaps[(np.abs(gaps) <= error).sum(axis=1).argmax()]
    near = np.abs(gap) <= error
    if near.mean() < _STRAIGHT or (gap < -error).mean() > 0.1 or y[near].mean() < 1:
        return None
    if np.ptp(y[near]) > 0:
        slope, start = np.polyfit(x[near], y[near], 1)
        return float(start + max((y[near] - start - slope * x[near]).max(), 0)), float(slope)
    return float(y[near][0]), 0.0


def _shadow(picture: np.ndarray, contrast: float) -> Line | None:
    """Where the shadow of a collimator at the upper side ends."""
    factor = max(-(-max(picture.shape) // _COARSE), 1)
    height, width = (side // factor for side in picture.shape)
    reach = int(_SHADOW_DEEPEST * height)
    if reach <= _SPAN:
        return None
    rows = (reach + _SPAN) * factor
    coarse = picture[:rows, : width * factor].reshape(-1, factor, width, factor).mean(axis=(1, 3))
    x = np.arange(0, width, 2)
    step = coarse[_SPAN:, x] - coarse[:reach, x]
    steep = np.stack([step > _STEP * contrast, step < -_STEP * contrast])
    best, line = _SUPPORT, None
    for slope in np.linspace(-_STEEPEST, _STEEPEST, 31):
        lean = np.rint(slope * (x - width / 2)).astype(int)
        row = np.arange(reach)[:, None] + lean
        inside = (row >= 0) & (row < reach)
        found = steep[:, row.clip(0, reach - 1), np.arange(len(x))] & inside
        support = (found.sum(axis=2) / np.maximum(inside.sum(axis=1), 0.6 * len(x))).max(axis=0)
        middle = int(support.argmax())
        if support[middle] > best:
            outside = coarse[:, x][np.arange(len(coarse))[:, None] < middle + lean]
            if outside.size and np.median(np.abs(outside - np.median(outside))) < _EVEN * contrast:
                best = float(support[middle])
                line = (middle + _SPAN - slope * width / 2) * factor, float(slope)
    return line

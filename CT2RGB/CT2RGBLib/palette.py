"""The palette of tissues: colors by HU, edges, and the distance to skin and bone. No network; needs no torch.

What HU alone cannot tell is decided by what lies around. A pixel on a steep edge shows two tissues at once, so it gets
a mix of the colors on either side of the edge, and not that of a third tissue whose HU lie in between. What bone
surrounds is marrow, or a brain where it is large and as dense as that. The outermost millimeters are skin.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from .bones import bones
from .options import ColorizeOptions
from .slices import Slices, box_around

Knots = tuple[tuple[float, tuple[int, int, int]], ...]  # HU that rise, and sRGB at each

# Medians of the training sections of the Visible Human Male, by training.tissues
SKIN, FAT, MUSCLE, LUNG = (181, 172, 134), (220, 195, 138), (85, 38, 26), (58, 20, 13)
BONE, DENSE_BONE, YELLOW_MARROW, RED_MARROW = (190, 156, 119), (223, 191, 146), (232, 200, 146), (126, 74, 57)
GRAY_MATTER, WHITE_MATTER = (180, 144, 96), (223, 194, 136)
_BLACK, _METAL = (0, 0, 0), (196, 204, 212)

_DENSE_KNOTS: Knots = ((700, BONE), (1500, DENSE_BONE), (2500, DENSE_BONE), (3500, _METAL))
SOFT: Knots = (
    (-1000, _BLACK),
    (-930, (35, 12, 8)),
    (-800, LUNG),
    (-500, (66, 26, 18)),
    (-250, (150, 115, 80)),
    (-130, FAT),
    (-80, FAT),
    (-40, (160, 125, 87)),
    (0, (100, 55, 38)),
    (40, MUSCLE),
    (80, MUSCLE),
    (150, (92, 42, 30)),
    (350, (116, 66, 50)),
    (500, (180, 146, 110)),
    *_DENSE_KNOTS,
)
MARROW: Knots = (
    (-1000, _BLACK),
    (-200, YELLOW_MARROW),
    (-80, YELLOW_MARROW),
    (0, (205, 168, 120)),
    (80, (166, 122, 90)),
    (200, RED_MARROW),
    (350, (160, 118, 88)),
    *_DENSE_KNOTS,
)
NEURAL: Knots = (
    (-1000, _BLACK),
    (-80, YELLOW_MARROW),
    (0, (150, 115, 78)),
    (20, WHITE_MATTER),
    (29, WHITE_MATTER),
    (38, GRAY_MATTER),
    (48, (150, 110, 75)),
    (80, MUSCLE),
    (200, RED_MARROW),
    (350, (160, 118, 88)),
    *_DENSE_KNOTS,
)

_MARGIN = 8  # pixels around the body that matter for its colors
_LOWEST, _HIGHEST, _STEP = -1024.0, 3600.0, 4.0  # HU of the tables
_BLUR = 0.8  # mm, of the noise
_SKIN, _THICK_SKIN = 1.5, 5.0  # mm, of what is skin anyway, and where it is as dense as skin
_DENSE = (-80.0, -20.0)  # HU that fat has and skin has not
_FAT = -100.0  # HU, that are taken to lie under the skin
_EDGES = (150.0, 300.0)  # HU on either side that differ so are an edge, by half and wholly
_STEEP = 0.12  # of that difference, from pixel to pixel
_COARSE = 2.0  # mm, of pixels of which few make an edge
_LUNG, _VESSEL = -500.0, 30.0  # HU: in what is lung, or gut, fine vessels and walls seem to be fat, and are not
_LIGHT, _FEW = -250.0, 0.3  # HU above that of lungs, and the share of pixels around that makes fine structures


@dataclass(frozen=True)
class PalettePainter:
    """Colors by the tissues' palette; see Painter. masked: black outside the body, but for a margin."""

    masked: bool = True

    def paint(self, slices: Slices, index: int) -> np.ndarray:
        hu, body, spacing = slices.hu(index), slices.body(index), slices.spacing[1:]
        if not self.masked:
            return paint(hu, body, spacing)
        page = np.zeros((*body.shape, 3), np.float32)
        if body.any():
            box = box_around(body, (_MARGIN, _MARGIN))
            page[box] = paint(hu[box], body[box], spacing)
        return page


def painter(options: ColorizeOptions) -> PalettePainter:
    return PalettePainter(options.masked)


def paint(hu: np.ndarray, body: np.ndarray, spacing: tuple[float, float]) -> np.ndarray:
    """sRGB (J, I, 3), float32 from 0 to 1, of HU (J, I) and of where the body is; spacing: mm of J and I."""
    smooth = ndimage.gaussian_filter(hu, [min(_BLUR / mm, 1.2) for mm in spacing], truncate=2.0)
    found = bones(smooth, spacing)
    marrow, neural = (_enlarged(cells, found.steps, hu.shape) for cells in (found.bone, found.brain))
    colors = _colors(smooth.ravel(), marrow.ravel(), neural.ravel())
    _mix_edges(colors, np.where(body, smooth, np.float32(_FAT)), marrow, neural, spacing)
    dense = ((smooth - _DENSE[0]) / (_DENSE[1] - _DENSE[0])).clip(0, 1)
    skin = np.maximum(_nearness(body, _SKIN, spacing), dense * _nearness(body, _THICK_SKIN, spacing))
    colors = colors.reshape(3, *hu.shape)
    for channel, tone in zip(colors, SKIN, strict=True):
        channel += skin * (np.float32(tone / 255) - channel)
    return np.moveaxis(colors, 0, -1)


def _nearness(body: np.ndarray, mm: float, spacing: tuple[float, float]) -> np.ndarray:
    """1 at the outline of the body, 0 so many mm within; the borders of the image are no outline."""
    sizes = [2 * max(1, round(mm / each)) + 1 for each in spacing]
    count = sizes[0] * sizes[1]
    within = _across(np.add, body.astype(np.min_scalar_type(count)), sizes) / np.float32(count)
    return (2.2 * (1 - within)).clip(0, 1)


def _colors(hu: np.ndarray, marrow: np.ndarray, neural: np.ndarray) -> np.ndarray:
    """Colors (3, N) of HU (N), of which such shares are marrow and brain."""
    at = ((hu - _LOWEST) / _STEP).astype(np.intp)
    colors = _table(SOFT).take(at, axis=1, mode="clip")
    for share, knots in ((marrow, MARROW), (neural, NEURAL)):
        there = np.flatnonzero(share > 0)
        others = _table(knots).take(at.take(there), axis=1, mode="clip")
        _mix(colors, there, share.take(there), others)
    return colors


def _mix(colors: np.ndarray, there: np.ndarray, shares: np.ndarray, others: np.ndarray) -> None:
    """Give colors (3, N) such shares of others (3, M) at M places."""
    for channel, other in zip(colors, others, strict=True):
        old = channel.take(there)
        channel[there] = old + shares * (other - old)


def _mix_edges(
    colors: np.ndarray, hu: np.ndarray, marrow: np.ndarray, neural: np.ndarray, spacing: tuple[float, float]
) -> None:
    """Give pixels on steep edges the colors of both sides, in place; colors (3, J * I) of HU (J, I)."""
    sizes = [5 if mm < _COARSE else 3 for mm in spacing]
    low, high = _across(np.minimum, hu, sizes), _across(np.maximum, hu, sizes)
    fine = _across(np.add, (hu > _LIGHT).astype(np.uint8), sizes) < _FEW * sizes[0] * sizes[1]
    on = np.flatnonzero(high - low > _EDGES[0])
    rows, columns = np.gradient(np.pad(hu, 1, mode="edge"))
    steep = np.hypot(rows[1:-1, 1:-1].take(on), columns[1:-1, 1:-1].take(on))
    hu, low, high, fine, marrow, neural = (values.take(on) for values in (hu, low, high, fine, marrow, neural))
    airy = (low < _LUNG) & fine
    high[airy] = high[airy].clip(_VESSEL)
    span = high - low
    weight = ((span - _EDGES[0]) / (_EDGES[1] - _EDGES[0])).clip(0, 1)
    weight *= np.maximum((steep / (_STEEP * span)).clip(0, 1), airy)
    below, above = (_colors(side, marrow, neural) for side in (low, high))
    _mix(colors, on, weight, below + (hu - low) / span * (above - below))


def _across(combine: np.ufunc, values: np.ndarray, sizes: list[int]) -> np.ndarray:
    """The least, the largest or the sum of values (J, I) in a window of so many pixels around each."""
    for axis, size in enumerate(sizes):
        around = [(0, 0), (0, 0)]
        around[axis] = (size // 2, size // 2)
        padded = np.moveaxis(np.pad(values, around, "edge"), axis, 0)
        result = padded[: values.shape[axis]].copy()
        for start in range(1, size):
            combine(result, padded[start : start + len(result)], out=result)
        values = np.moveaxis(result, 0, axis)
    return values


def _enlarged(cells: np.ndarray, steps: tuple[int, int], shape: tuple[int, ...]) -> np.ndarray:
    """Cells as voxels, with soft outlines."""
    if not cells.any():
        return np.zeros(shape, np.float32)
    large = cells.astype(np.float32).repeat(steps[0], 0).repeat(steps[1], 1)[: shape[0], : shape[1]]
    sizes = [step | 1 for step in steps]
    return _across(np.add, large, sizes) / np.float32(sizes[0] * sizes[1])


@functools.lru_cache
def _table(knots: Knots) -> np.ndarray:
    """Colors (3, N) at HU from the lowest, in steps."""
    at, colors = zip(*knots, strict=True)
    hu = np.arange(_LOWEST, _HIGHEST + _STEP, _STEP)
    return np.stack([np.interp(hu, at, channel) for channel in zip(*colors, strict=True)]).astype(np.float32) / 255

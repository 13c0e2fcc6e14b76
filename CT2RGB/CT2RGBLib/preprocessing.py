"""What a CT gets before it is colored: its edges within ranges of HU, and where the body is. Needs no torch."""

from __future__ import annotations

import functools
from collections.abc import Iterable

import numpy as np
from scipy import ndimage

_LOWEST, _HIGHEST = -1024.0, 300.0  # HU that Otsu's threshold is sought in
_THRESHOLDS = (-700.0, -200.0)  # HU that it may have: fat lies above, lungs below
_CELL = 3.0  # mm, of the grid on which the body is found
_THIN = 12.0  # mm: what is thinner is sheets of the table and clothes, or ears, noses and fingers
_SMALL = 50.0  # mm, the most that these reach out; sheets are longer
_THICK = 20.0  # mm, at least, of a part that is apart from the rest, as an arm
_MINOR = 0.02  # of the largest part's volume, at least, of such a part
_GAS = -840.0  # HU: what is thinner for the most part is no lung
_IN_PLANE = ndimage.generate_binary_structure(3, 1) & np.array([False, True, False])[:, None, None]


def sobel_in_range(
    hu: np.ndarray, ranges: Iterable[tuple[float, float]], spacing: tuple[float, float] = (1.0, 1.0)
) -> np.ndarray:
    """How much of each range of HU an edge crosses, summed over the ranges: (..., J, I) as float32.

    The sum of |Sobel(clip(HU, low, high) - low)| / (high - low), with the magnitude of the gradient along J and I; by
    pixel, or by mm where spacing has the mm of J and I. HU are clipped first, so that leaving a range is no edge.
    Source: the input of CT2RGB, "Sobel in range".
    """
    total = np.zeros(hu.shape, np.float32)
    for low, high in ranges:
        share = (hu.astype(np.float32).clip(low, high) - low) / np.float32(high - low)
        rows, columns = (
            _smoothed(ndimage.correlate1d(share, (-0.5, 0, 0.5), axis, mode="nearest"), other) / mm
            for axis, other, mm in zip((-2, -1), (-1, -2), spacing, strict=True)
        )
        total += np.hypot(rows, columns)
    return total


def _smoothed(values: np.ndarray, axis: int) -> np.ndarray:
    return ndimage.correlate1d(values, (0.25, 0.5, 0.25), axis, mode="nearest")


def otsu(hu: np.ndarray) -> float:
    """The threshold between air and body that keeps both most alike within, in HU.

    Source: N. Otsu. A threshold selection method from gray-level histograms. IEEE Trans. SMC 1979. Of HU up to 300, so
    that much bone moves it not, and kept between lungs and fat, where there may be no air at all.
    """
    counts, edges = np.histogram(hu.astype(np.float32).clip(_LOWEST, _HIGHEST), 256, (_LOWEST, _HIGHEST))
    middles = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1]
    above = below[-1] + counts[-1] - below
    sums = np.cumsum(counts * middles)
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = sums[:-1] / below - (sums[-1] - sums[:-1]) / above
    return float(np.clip(edges[1:-1][np.argmax(np.nan_to_num(below * above * apart**2))], *_THRESHOLDS))


def baseline_threshold(picture: np.ndarray) -> float:
    """The threshold of the paper's simpler mask of a picture (J, I): the median of its first 10 x 10 pixels."""
    return float(np.median(picture[:10, :10]))


def body_mask(hu: np.ndarray, spacing: tuple[float, float, float], threshold: float = 0.0) -> np.ndarray:
    """Where the patient is in a volume (K, J, I) of axial slices, bool; with lungs and guts, without table and clothes.

    spacing: mm along K, J, I. threshold: HU above which something may be body; 0 means Otsu's. The body is found on a
    grid of about 3 mm: its largest part and others as thick as arms are. The outline is that of the voxels.
    """
    steps = tuple(max(1, round(_CELL / mm)) for mm in spacing)
    sample = hu[tuple(slice(min(step // 2, n - 1), None, step) for step, n in zip(steps, hu.shape, strict=True))]
    dense = hu > (threshold or otsu(sample))
    cells = _most(dense, steps)
    sample = np.pad(sample, [(0, n - m) for n, m in zip(cells.shape, sample.shape, strict=True)], mode="edge")
    body = _filled(_parts(cells, (steps[1] * spacing[1] + steps[2] * spacing[2]) / 2), sample)
    within = _enlarged(ndimage.binary_erosion(body, _IN_PLANE, border_value=1), steps, hu.shape)
    dense &= _grown(_enlarged(body, steps, hu.shape), max(steps[1:]) // 2)
    dense |= within
    return _grown(~_grown(~dense, 1), 1)


def _parts(cells: np.ndarray, mm: float) -> np.ndarray:
    """The parts of the body among dense cells (K, J, I) of so many mm, without their holes."""
    thick = _opened(cells, _THIN, mm)
    labels, count = ndimage.label(thick)
    if count == 0:
        return thick
    sizes = np.bincount(labels.ravel())[1:]
    sturdy = np.unique(labels[_eroded(cells, _THICK, mm)])
    kept = [label for label in range(1, count + 1) if sizes[label - 1] >= _MINOR * sizes.max() and label in sturdy]
    body = np.isin(labels, [*kept, 1 + int(sizes.argmax())])
    body = ndimage.binary_dilation(body, _IN_PLANE, iterations=max(1, round(_THIN / mm)), mask=cells)
    bits, count = ndimage.label(cells & ~body)
    touching = np.unique(bits[ndimage.binary_dilation(body)])
    small = [
        label
        for label, place in enumerate(ndimage.find_objects(bits), 1)
        if label in touching and all((part.stop - part.start) * mm < _SMALL for part in place[1:])
    ]
    return body | np.isin(bits, small)


def _filled(body: np.ndarray, sample: np.ndarray) -> np.ndarray:
    """A body with all that its slices surround, and with lungs that the image cuts off; sample: HU of its cells."""
    if not body.any():
        return body
    labels, count = ndimage.label(~body, _IN_PLANE)
    sides = (labels[:, 0], labels[:, -1], labels[:, :, 0], labels[:, :, -1])
    usual = ndimage.median(sample, labels, np.arange(count + 1))
    outside = [label for label in np.unique(np.concatenate([side.ravel() for side in sides])) if usual[label] < _GAS]
    return ~np.isin(labels, [label for label in outside if label])


def _eroded(cells: np.ndarray, thickness: float, mm: float) -> np.ndarray:
    """Cells that lie so deep in the plane that what is thinner than so many mm is gone."""
    return ndimage.binary_erosion(cells, _IN_PLANE, iterations=max(1, round(thickness / 2 / mm)), border_value=1)


def _opened(cells: np.ndarray, thickness: float, mm: float) -> np.ndarray:
    eroded = _eroded(cells, thickness, mm)
    return ndimage.binary_dilation(eroded, _IN_PLANE, iterations=max(1, round(thickness / 2 / mm)))


def _grown(mask: np.ndarray, pixels: int) -> np.ndarray:
    """A mask (K, J, I) that reaches so many pixels further in the plane; many times faster than scipy."""
    for _ in range(pixels):
        grown = mask.copy()
        for axis in (1, 2):
            source, target = np.moveaxis(mask, axis, 0), np.moveaxis(grown, axis, 0)
            target[1:] |= source[:-1]
            target[:-1] |= source[1:]
        mask = grown
    return mask


def _most(dense: np.ndarray, steps: tuple[int, ...]) -> np.ndarray:
    """Of each block of so many voxels, whether most are dense."""
    around = [(0, -n % step) for n, step in zip(dense.shape, steps, strict=True)]
    counts = np.pad(dense, around, mode="edge").astype(np.min_scalar_type(int(np.prod(steps))))
    for axis in (1, 0, 2):  # rows first: whole lines are added, which is quick, and leave less for the rest
        parts = np.moveaxis(counts, axis, 0)
        added = functools.reduce(np.add, (parts[start :: steps[axis]] for start in range(steps[axis])))
        counts = np.moveaxis(added, 0, axis)
    return counts > np.prod(steps) // 2


def _enlarged(cells: np.ndarray, steps: tuple[int, ...], shape: tuple[int, ...]) -> np.ndarray:
    for axis, step in enumerate(steps):
        cells = cells.repeat(step, axis)
    return cells[tuple(slice(n) for n in shape)]

"""From photo pixels to places on the film and back.

uv maps (H, W, 2) tell the place u (right), v (down) on the film, 0 to 1, of each photo pixel; backward maps (h, w, 2)
the photo pixel x (column), y (row) of each film pixel, whose center is at u = (j + 0.5) / w, v = (i + 0.5) / h.
"""

from __future__ import annotations

import math
import threading
from functools import cached_property
from typing import TypeAlias

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional

from InverseImagingLib.errors import InputError

_ROUNDS = 8  # of Newton's method
_BINS = 32  # along a side of the film, from which it starts
_REACH = 8  # pixels over which the slope at the rim is measured
_BAND = 256  # rows of the film that are resampled at a time
_PARTS = 8  # of these, between which PyTorch's threads are shared


def centers(count: int) -> np.ndarray:
    """u of the centers of so many pixels."""
    return (np.arange(count) + 0.5) / count


def places(shape: tuple[int, int]) -> np.ndarray:
    """u, v (h, w, 2) of the pixels of a film."""
    return np.stack(np.meshgrid(centers(shape[1]), centers(shape[0])), axis=-1)


def backward_map(uv: np.ndarray, mask: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """The backward map (h, w, 2) of a uv map (H, W, 2) that holds within mask (H, W), and where it is known (h, w).

    For every film pixel p with uv(b) = p, by Newton's method: b <- b - J^-1 (uv(b) - p). What the mask leaves out is
    continued linearly, also a little beyond the photo, and not known. Raises InputError when the mask is nearly empty.
    """
    if np.count_nonzero(mask) < 16:
        raise InputError("There is no film in the photo; mark its corners by hand.")
    margin = max(mask.shape) // 8
    sides = ((margin, margin), (margin, margin))
    inside = np.pad(mask, sides)
    values = extended(np.pad(uv.astype(np.float32), (*sides, (0, 0))), inside)
    slopes = np.gradient(values, axis=(1, 0))
    table = torch.from_numpy(np.concatenate([values, *slopes], axis=-1)).permute(2, 0, 1)[None]
    wanted = places(shape).astype(np.float32)
    found = _start(uv, mask, shape) + margin
    longest = max(mask.shape) / 8
    for _ in range(_ROUNDS):
        u, v, u_x, v_x, u_y, v_y = np.moveaxis(_looked_up(table, found), -1, 0)
        u, v = u - wanted[..., 0], v - wanted[..., 1]
        area = u_x * v_y - u_y * v_x
        area = np.where(np.abs(area) < 1e-9, np.float32(1e-9), area)
        step = np.stack([v_y * u - u_y * v, u_x * v - v_x * u], axis=-1) / area[..., None]
        step *= np.minimum(1, longest / np.maximum(np.linalg.norm(step, axis=-1, keepdims=True), 1e-9))
        found = (found - step).clip(0, np.array(inside.shape[::-1], np.float32) - 1)
    off = np.abs(_looked_up(table[:, :2], found) - wanted).max(axis=-1)
    near = ndimage.binary_dilation(inside, np.ones((3, 3)))
    columns, rows = np.moveaxis(found.round().astype(int), -1, 0)
    return found - margin, near[rows, columns] & (off < 0.5 / max(mask.shape))


def _start(uv: np.ndarray, mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Roughly where in the photo film pixels lie (h, w, 2): the mean of the photo pixels of each part of the film.

    Parts that none shows lie where an affine map, and the nearest part's distance from it, have them.
    """
    rows, columns = np.nonzero(mask)
    own, pixels = uv[rows, columns].astype(np.float64), np.stack([columns, rows], axis=-1)
    affine, *_ = np.linalg.lstsq(np.c_[own, np.ones(len(own))], pixels, rcond=None)
    away = pixels - np.c_[own, np.ones(len(own))] @ affine
    part = np.ravel_multi_index((own[:, ::-1] * _BINS).astype(int).clip(0, _BINS - 1).T, (_BINS, _BINS))
    count, *sums = (np.bincount(part, each, _BINS**2).reshape(_BINS, _BINS) for each in (None, *away.T))
    nearest = ndimage.distance_transform_edt(count == 0, return_distances=False, return_indices=True)
    means = [(each / np.maximum(count, 1))[tuple(nearest)] for each in sums]
    fine = functional.interpolate(torch.from_numpy(np.stack(means))[None], shape, mode="bilinear")[0].numpy()
    uvs = places(shape)
    return (uvs @ affine[:2] + affine[2] + np.moveaxis(fine, 0, -1)).astype(np.float32)


def extended(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Values (H, W, C) that hold within mask (H, W), continued beyond it as they run at the nearest rim."""
    there = np.indices(mask.shape)
    distance, nearest = ndimage.distance_transform_edt(~mask, return_indices=True)
    rows, columns = inner = (nearest - (there - nearest) * np.minimum(1, _REACH / np.maximum(distance, 1))).round()
    inner = inner.astype(int).clip(0, np.array(mask.shape)[:, None, None] - 1)
    rows, columns = nearest[:, inner[0], inner[1]]
    deep = np.hypot(nearest[0] - rows, nearest[1] - columns)
    times = distance / np.maximum(deep, 1)
    rim = values[nearest[0], nearest[1]]
    return (rim + (rim - values[rows, columns]) * times[..., None]).astype(values.dtype)


class Pyramid:
    """A picture (H, W) or (H, W, C), float32, of bytes from 0 to 1, and means of ever more of its pixels.

    These are made once; who looks at a picture often gives one to resampled.
    """

    def __init__(self, picture: np.ndarray) -> None:
        self.shape = picture.shape
        planes = torch.from_numpy(np.atleast_3d(picture)).permute(2, 0, 1)[None]
        if picture.dtype == np.uint8:  # NumPy's memory is there sooner
            planes = torch.from_numpy(np.empty(planes.shape, np.float32)).copy_(planes).div_(255)
        self._levels = [planes.to(torch.float32).contiguous()]
        self._lock = threading.Lock()

    @cached_property
    def gray(self) -> Pyramid:
        """The mean of its colors (H, W, 1)."""
        return Pyramid(self._levels[0][0].mean(dim=0).numpy()[..., None])

    def level(self, number: int) -> tuple[torch.Tensor, int]:
        """Means (1, C, h, w) of squares of 2^number pixels along each side, or of as many as there are; that number."""
        with self._lock:
            while len(self._levels) <= number and min(self._levels[-1].shape[-2:]) > 1:
                self._levels.append(functional.avg_pool2d(self._levels[-1], 2, ceil_mode=True, count_include_pad=False))
        number = min(number, len(self._levels) - 1)
        return self._levels[number], number


Picture: TypeAlias = np.ndarray | Pyramid


def resampled(picture: Picture, backward: np.ndarray) -> np.ndarray:
    """A picture (H, W) or (H, W, C) where a backward map (h, w, 2) looks, float32, of bytes from 0 to 1.

    Bilinear, of means where film pixels are much larger than the photo's. Beyond the picture its rim goes on.
    """
    pyramid = picture if isinstance(picture, Pyramid) else Pyramid(picture)
    table, level = pyramid.level(int(np.log2(max(_step(backward), 1))))
    scale = 0.5**level
    out = np.empty((*backward.shape[:2], table.shape[1]), np.float32)
    for top in range(0, len(out), _BAND):
        rows = slice(top, top + _BAND)
        _looked_up(table, (backward[rows] * scale + (scale - 1) / 2).astype(np.float32), out[rows])
    return out.reshape(*backward.shape[:2], *picture.shape[2:])


def inside(backward: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Which film pixels (h, w) a photo of that shape (H, W) shows."""
    x, y = np.moveaxis(backward, -1, 0)
    return (x >= -0.5) & (y >= -0.5) & (x < shape[1] - 0.5) & (y < shape[0] - 0.5)


def _step(backward: np.ndarray) -> float:
    """Photo pixels per film pixel, along a side, in the mean."""
    x, y = np.concatenate([backward[0], backward[:, -1], backward[-1, ::-1], backward[::-1, 0]]).astype(np.float64).T
    area = abs(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1))) / 2
    rows, columns = backward.shape[:2]
    return float(np.sqrt(area / max((rows - 1) * (columns - 1), 1)))


def _looked_up(table: torch.Tensor, points: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Values (h, w, C) of pictures (1, C, H, W) at their pixels x, y (h, w, 2), bilinear; in out, if there is one."""
    height, width = table.shape[-2:]
    halves = torch.tensor([max(width - 1, 1) / 2, max(height - 1, 1) / 2], dtype=torch.float32)
    parts = math.gcd(len(points), _PARTS)
    grid = (torch.from_numpy(points) / halves - 1).unflatten(0, (parts, -1))
    found = functional.grid_sample(table.expand(parts, -1, -1, -1), grid, padding_mode="border", align_corners=True)
    values = np.empty((*points.shape[:2], table.shape[1]), np.float32) if out is None else out
    torch.from_numpy(values).unflatten(0, (parts, -1)).copy_(found.permute(0, 2, 3, 1))
    return values

"""The slices of a CT that a film shows, on the pixels of its tiles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from .subjects import Plane, Scan

_AIR = -1024
_BODY = -400  # HU
_FEW = 8  # slices: of fewer, a film shows each of them several times, every time another way


@dataclass(frozen=True)
class Slices:
    """hu: (n, h, w) float32, in the order of the film; pixel, step: mm, the step is negative from the head down."""

    hu: np.ndarray
    pixel: float
    step: float
    plane: Plane


def draw_slices(rng: np.random.Generator, scan: Scan, count: int, tile: tuple[int, int]) -> Slices:
    """So many slices of a scan, or fewer where it has not so many, as large as tiles (rows, columns) allow."""
    scan = _in_plane(rng, scan)
    if len(scan.hu) < _FEW:
        chosen, step = rng.integers(0, len(scan.hu), count), float(rng.choice([1.25, 2.5, 5.0, 10.0]))
    else:
        stride = int(rng.integers(1, max(len(scan.hu) // count, 1) + 1))
        count = min(count, len(scan.hu) // stride)
        first = int(rng.integers(0, len(scan.hu) - stride * (count - 1)))
        chosen, step = first + stride * np.arange(count), stride * scan.spacing[0]
    if rng.random() < 0.6:
        chosen, step = chosen[::-1], -step
    hu = scan.hu[chosen].astype(np.float32)
    rows, columns = _extent(hu)
    zoom = rng.uniform(0.75, 1.06)  # of the tile, that the body fills
    pixel = max(np.ptp(rows) * scan.spacing[1] / tile[0], np.ptp(columns) * scan.spacing[2] / tile[1]) / zoom
    off = rng.normal(0, 0.02, 2) * tile * pixel
    centers = (np.mean(rows) * scan.spacing[1] + off[0], np.mean(columns) * scan.spacing[2] + off[1])
    grid = _places(tile, pixel, centers, scan).expand(len(hu), -1, -1, -1).clone()
    if len(scan.hu) < _FEW:
        grid += _morphs(rng, len(hu), tile)
    found = functional.grid_sample(
        torch.from_numpy(hu - _AIR)[:, None], grid.float(), "bicubic", "zeros", align_corners=False
    )[:, 0].numpy()
    noise = rng.choice([0.0, 6.0, 14.0]) * _grain(rng, found.shape)
    return Slices((found + noise + _AIR).clip(_AIR, 3071), float(pixel), float(step), scan.plane)


def _in_plane(rng: np.random.Generator, scan: Scan) -> Scan:
    """The scan, or at times its coronal or sagittal slices, where it has enough of them."""
    fine = scan.plane is Plane.AXIAL and len(scan.hu) >= 60
    if not fine or rng.random() < 0.8:
        return scan
    if rng.random() < 0.5:
        k, j, i = scan.spacing
        return Scan(scan.hu[::-1].transpose(1, 0, 2), (j, k, i), Plane.CORONAL)
    k, j, i = scan.spacing
    return Scan(scan.hu[::-1].transpose(2, 0, 1), (i, k, j), Plane.SAGITTAL)


def _extent(hu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First and last row and column of most of the body."""
    body = (hu > _BODY).mean(axis=0)
    ends = []
    for axis in (1, 0):
        profile = body.max(axis=axis)
        inside = np.flatnonzero(profile > 0.3 * profile.max()) if profile.any() else np.arange(len(profile))
        ends.append(np.array([inside[0], inside[-1] + 1.0]))
    return ends[0], ends[1]


def _places(tile: tuple[int, int], pixel: float, centers: tuple[float, float], scan: Scan) -> torch.Tensor:
    """Where the pixels of a tile lie in a slice, as grid_sample counts: (1, h, w, 2)."""
    axes = []
    for count, center, mm, size in zip(tile, centers, scan.spacing[1:], scan.hu.shape[1:], strict=True):
        place = (torch.arange(count, dtype=torch.float64) - (count - 1) / 2) * pixel + center
        axes.append(2 * place / (mm * size) - 1)
    return torch.stack(torch.meshgrid(axes[1], axes[0], indexing="xy"), dim=-1)[None]


def _morphs(rng: np.random.Generator, count: int, tile: tuple[int, int]) -> torch.Tensor:
    """Smooth shifts (count, h, w, 2) that make one slice look like its neighbors."""
    start, end = rng.normal(0, 0.05, (2, 1, 2, 4, 4))
    share = np.linspace(0, 1, count)[:, None, None, None]
    nodes = torch.from_numpy(start * (1 - share) + end * share + rng.normal(0, 0.006, (count, 2, 4, 4)))
    return functional.interpolate(nodes, tile, mode="bicubic", align_corners=True).permute(0, 2, 3, 1)


def _grain(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Noise as of a CT: finer than white noise seen through the scanner's blur, of variance 1."""
    white = torch.from_numpy(rng.standard_normal(shape, np.float32))
    fine = white - functional.avg_pool2d(white, 5, 1, 2)
    fine = functional.avg_pool2d(fine, 2, 1, 1)[..., :-1, :-1]
    return (fine / fine.std()).numpy()

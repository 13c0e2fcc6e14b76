"""The noise of one slice, estimated from the slice itself: its level, its spectrum, and more of the same kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

_PATCH = 24
_TISSUE = (-250.0, 350.0)


@dataclass(frozen=True)
class NoiseModel:
    """Noise as filtered back projection leaves it: one spectrum, a level that varies slowly over the slice.

    level: (H, W) standard deviation in HU; transfer: (H, W) square root of the spectrum in FFT order, of unit variance.
    """

    level: np.ndarray
    transfer: np.ndarray

    @property
    def typical(self) -> float:
        """The middle level over the slice's soft tissue, in HU."""
        return float(np.median(self.level))

    def sample(self, rng: np.random.Generator) -> np.ndarray:
        """A realization (H, W) in HU, float32."""
        white = rng.standard_normal(self.level.shape)
        return (np.fft.ifft2(np.fft.fft2(white) * self.transfer).real * self.level).astype(np.float32)


def estimate_noise(hu: np.ndarray) -> NoiseModel:
    """Model the noise of a slice (H, W) in HU from its flattest patches of soft tissue."""
    size = min(_PATCH, *hu.shape)
    patches, positions = _flat_patches(hu, size)
    window = np.outer(np.hanning(size + 2)[1:-1], np.hanning(size + 2)[1:-1])
    residuals = patches - _planes(patches)
    levels = np.sqrt((residuals**2).mean(axis=(1, 2)) * size**2 / max(size**2 - 6, 1))
    levels = np.maximum(levels, 0.1)
    spectrum = (np.abs(np.fft.fft2(residuals / levels[:, None, None] * window)) ** 2).mean(axis=0)
    transfer = _spread(spectrum, hu.shape)
    return NoiseModel(_level_map(hu.shape, positions, levels), transfer)


def _flat_patches(hu: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The patches (n, size, size) with the least structure, and their centers (n, 2)."""
    step = max(size // 3, 1)
    windows = np.lib.stride_tricks.sliding_window_view(hu, (size, size))[::step, ::step]
    rows, columns = windows.shape[:2]
    centers = np.stack(np.mgrid[:rows, :columns], axis=-1).reshape(-1, 2) * step + size / 2
    patches = windows.reshape(-1, size, size).astype(np.float64)
    means = patches.mean(axis=(1, 2))
    tissue = (means > _TISSUE[0]) & (means < _TISSUE[1]) & (patches.min(axis=(1, 2)) > -1000)
    if tissue.sum() < 8:
        tissue = np.ptp(patches, axis=(1, 2)) > 0
    if not tissue.any():
        tissue[:] = True
    patches, centers = patches[tissue], centers[tissue]
    structure = gaussian_filter(patches, (0, 2.0, 2.0))[:, 3:-3, 3:-3] if size > 8 else patches
    unevenness = structure.reshape(len(patches), -1).std(axis=1)
    chosen = np.argsort(unevenness, kind="stable")[: max(8, len(patches) // 8)]
    return patches[chosen], centers[chosen]


def _planes(patches: np.ndarray) -> np.ndarray:
    """The quadratic surface that fits each patch best."""
    size = patches.shape[1]
    y, x = (np.mgrid[:size, :size] / max(size - 1, 1) * 2 - 1).reshape(2, -1)
    basis = np.linalg.qr(np.stack([np.ones_like(x), x, y, x * y, x**2, y**2], axis=1))[0]
    flat = patches.reshape(len(patches), -1)
    return ((flat @ basis) @ basis.T).reshape(patches.shape)


def _spread(spectrum: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Square root of a patch's spectrum at the frequencies of a (H, W) slice, of unit mean square."""
    size = spectrum.shape[0]
    taper = np.hanning(size + 2)[1:-1]
    covariance = np.fft.fftshift(np.fft.ifft2(spectrum).real) * np.outer(taper, taper)
    room = np.zeros(shape)
    room[:size, :size] = covariance
    room = np.roll(room, (-(size // 2), -(size // 2)), axis=(0, 1))
    transfer = np.sqrt(np.clip(np.fft.fft2(room).real, 0.0, None))
    return transfer / max(np.sqrt((transfer**2).mean()), 1e-12)


def _level_map(shape: tuple[int, int], positions: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """Smooth map of the level from its values at the patches."""
    grid = tuple(max(n // 8, 1) for n in shape)
    total, weight = np.zeros(grid), np.zeros(grid)
    cells = tuple(np.minimum((positions[:, i] * grid[i] / shape[i]).astype(int), grid[i] - 1) for i in range(2))
    np.add.at(total, cells, levels**2)
    np.add.at(weight, cells, 1.0)
    width = max(grid) / 8
    middle = float(np.median(levels)) ** 2
    prior = 1e-3
    smooth = (gaussian_filter(total, width) + prior * middle) / (gaussian_filter(weight, width) + prior)
    fine = zoom(
        np.sqrt(smooth), [n / g for n, g in zip(shape, grid, strict=True)], order=1, mode="nearest", grid_mode=True
    )
    return fine[: shape[0], : shape[1]]

"""The noise of one slice, estimated from the slice itself: its level, its spectrum, and more of the same kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter, map_coordinates

_PATCHES = (24, 16, 12, 8)  # sides; smaller ones where the slice has little flat tissue
_ENOUGH = 20
_MOST_PATCHES = 6000
_BLOCK = 16
_QUANTILE = 0.3  # of detail in a block, and of blocks by evenness: low, so that edges do not count
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
    """Model the noise of a slice (H, W) in HU.

    Its spectrum comes from the flattest patches of soft tissue, its level all over from fine detail in even blocks.
    """
    for size in _PATCHES:
        patches = _flat_patches(hu, min(size, *hu.shape))
        if len(patches) >= _ENOUGH:
            break
    size = patches.shape[-1]
    window = np.outer(np.hanning(size + 2)[1:-1], np.hanning(size + 2)[1:-1])
    residuals = patches - _quadratic(patches)
    levels = np.maximum(residuals.std(axis=(1, 2), keepdims=True), 0.1)
    spectrum = (np.abs(np.fft.fft2(residuals / levels * window)) ** 2).mean(axis=0)
    transfer = _spread(spectrum, hu.shape)
    return NoiseModel(_level_map(hu, transfer), transfer)


def _flat_patches(hu: np.ndarray, size: int) -> np.ndarray:
    """The patches (n, size, size) with the least structure."""
    step = max(size // 3, round((hu.size / _MOST_PATCHES) ** 0.5), 1)
    windows = np.lib.stride_tricks.sliding_window_view(hu, (size, size))[::step, ::step]
    patches = windows.reshape(-1, size, size).astype(np.float64)
    means = patches.mean(axis=(1, 2))
    tissue = (means > _TISSUE[0]) & (means < _TISSUE[1]) & (patches.min(axis=(1, 2)) > -1000)
    if tissue.sum() < 8:
        tissue = np.ptp(patches, axis=(1, 2)) > 0
    if not tissue.any():
        tissue[:] = True
    patches = patches[tissue]
    structure = gaussian_filter(patches, (0, 2.0, 2.0))[:, 3:-3, 3:-3] if size > 8 else patches
    unevenness = structure.reshape(len(patches), -1).std(axis=1)
    chosen = np.argsort(unevenness, kind="stable")[: max(4, len(patches) // 8)]
    return patches[chosen]


def _quadratic(patches: np.ndarray) -> np.ndarray:
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


def _level_map(hu: np.ndarray, transfer: np.ndarray) -> np.ndarray:
    """Smooth map (H, W) of the level: how strong fine detail is in blocks, over that of noise of level 1."""
    unit = NoiseModel(np.ones(hu.shape), transfer).sample(np.random.default_rng(0))
    yardstick = float(np.quantile(np.abs(_detail(unit)), _QUANTILE))
    rows, columns = (max(n // _BLOCK, 1) for n in hu.shape)
    height, width = (min(_BLOCK, n) for n in hu.shape)

    def blocks(x: np.ndarray) -> np.ndarray:
        cut = x[: rows * height, : columns * width].reshape(rows, height, columns, width)
        return cut.swapaxes(1, 2).reshape(rows, columns, -1)

    levels = np.quantile(np.abs(blocks(_detail(hu))), _QUANTILE, axis=-1) / max(yardstick, 1e-6)
    means = blocks(hu).mean(axis=-1)
    tissue = (means > _TISSUE[0]) & (means < _TISSUE[1]) & (levels > 0.1)
    if not tissue.any():
        tissue[:] = True
    unevenness = blocks(gaussian_filter(hu.astype(np.float64), 2.0)).std(axis=-1)
    counts = (tissue & (unevenness <= np.quantile(unevenness[tissue], _QUANTILE))).astype(float)
    typical = float(np.median(levels[counts > 0]))
    trust = gaussian_filter(counts, 1.5, mode="nearest") + 1e-3
    smooth = np.maximum((gaussian_filter(counts * levels, 1.5, mode="nearest") + 1e-3 * typical) / trust, 0.1)
    at = np.meshgrid(*((np.arange(n) + 0.5) / _BLOCK - 0.5 for n in hu.shape), indexing="ij")
    return map_coordinates(smooth, at, order=1, mode="nearest")


def _detail(x: np.ndarray) -> np.ndarray:
    x = x.astype(np.float64)
    return x - gaussian_filter(x, 1.2)

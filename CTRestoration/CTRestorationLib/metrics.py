"""How near two images are, in a stated HU window."""

from __future__ import annotations

import numpy as np


def psnr(image: np.ndarray, truth: np.ndarray, window: tuple[float, float], where: np.ndarray | None = None) -> float:
    """Peak signal-to-noise ratio in dB of HU images clipped to the window, whose width is the peak.

    where: bool mask of the pixels that count; None: all. Equal images give 200.
    """
    low, high = window
    error = (np.clip(image, low, high).astype(np.float64) - np.clip(truth, low, high)) ** 2
    mean = float(error[where].mean() if where is not None else error.mean())
    return min(200.0, 20.0 * float(np.log10(high - low)) - 10.0 * float(np.log10(max(mean, 1e-30))))


def ssim(image: np.ndarray, truth: np.ndarray, window: tuple[float, float]) -> float:
    """Structural similarity of (H, W) HU images clipped to the window. Source: Wang et al., IEEE TIP 13 (2004)."""
    from skimage.metrics import structural_similarity

    low, high = window
    clipped = [np.clip(x, low, high).astype(np.float64) for x in (image, truth)]
    return float(structural_similarity(*clipped, data_range=high - low, gaussian_weights=True, sigma=1.5))


def noise_power(image: np.ndarray, truth: np.ndarray, window: tuple[float, float]) -> tuple[float, float]:
    """The error (H, W) where the truth is flat tissue: its standard deviation in HU, and the mean frequency of its
    power spectrum in cycles per pixel (0.38 for white noise, less for what is left smooth)."""
    from numpy.lib.stride_tricks import sliding_window_view

    size = min(16, *image.shape)
    error = (image.astype(np.float64) - truth)[None]
    blocks = sliding_window_view(np.concatenate([error, truth[None]]), (2, size, size))[0, ::size, ::size]
    errors, values = blocks.reshape(-1, 2, size, size).swapaxes(0, 1)
    inside = (values.min(axis=(1, 2)) > window[0]) & (values.max(axis=(1, 2)) < window[1])
    if not inside.any():
        inside[:] = True
    errors, values = errors[inside], values[inside]
    flat = np.argsort(values.std(axis=(1, 2)), kind="stable")[: max(4, len(values) // 4)]
    errors = errors[flat] - errors[flat].mean(axis=(1, 2), keepdims=True)
    power = (np.abs(np.fft.fft2(errors)) ** 2).mean(axis=0)
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.fftfreq(size)[None, :])
    return float(errors.std()), float((power * frequency).sum() / max(power.sum(), 1e-30))


def edge_slope(image: np.ndarray, truth: np.ndarray, window: tuple[float, float]) -> float:
    """How steep the image (H, W) is across the truth's strongest edges in the window; 1: as steep as the truth."""
    from scipy.ndimage import gaussian_filter

    smooth, own, other = (
        np.stack(np.gradient(x))
        for x in (
            gaussian_filter(np.clip(truth, *window).astype(np.float64), 1.0),
            np.clip(truth, *window).astype(np.float64),
            np.clip(image, *window).astype(np.float64),
        )
    )
    size = np.hypot(*smooth)
    edges = size >= max(float(np.quantile(size, 0.97)), 1e-6)
    direction = smooth / np.maximum(size, 1e-9)
    slopes = [float((direction * gradient).sum(axis=0)[edges].mean()) for gradient in (own, other)]
    return slopes[1] / slopes[0] if slopes[0] else 1.0

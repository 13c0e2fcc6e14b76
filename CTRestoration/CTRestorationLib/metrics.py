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

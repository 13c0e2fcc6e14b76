"""How near a picture comes to the truth, and how sure a mean over patients is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from skimage.metrics import structural_similarity

_HIGHEST = 100.0  # dB


def psnr(image: torch.Tensor, truth: torch.Tensor, region: torch.Tensor | None = None) -> float:
    """In dB, of values from 0 to 1. region: the pixels that count; by default all."""
    errors = (image.clamp(0, 1) - truth.clamp(0, 1)) ** 2
    error = float((errors if region is None else errors[region]).mean())
    return min(-10 * float(np.log10(max(error, 1e-12))), _HIGHEST)


def ssim(image: torch.Tensor, truth: torch.Tensor, region: torch.Tensor | None = None) -> float:
    """Of pictures (H, W) from 0 to 1, as Wang et al. 2004 have it. region: the pixels that count; by default all."""
    one, other = (x.clamp(0, 1).double().numpy() for x in (image, truth))
    mean, each = structural_similarity(one, other, data_range=1.0, gaussian_weights=True, sigma=1.5, full=True)
    return float(mean if region is None else each[region.numpy()].mean())


def interval(values: Sequence[float]) -> dict[str, float]:
    """The mean of a value per patient with the 95 % interval of a bootstrap over patients: mean, low, high, count."""
    sample = np.array(values)
    chosen = np.random.default_rng(0).integers(len(sample), size=(2000, len(sample)))
    low, high = np.quantile(sample[chosen].mean(axis=1), [0.025, 0.975])
    return {"mean": float(sample.mean()), "low": float(low), "high": float(high), "count": len(sample)}

"""What is measured on a flat film whose truth is known."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional

from InverseImagingLib.evaluation.scores import psnr, ssim

_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)  # of the scales, from fine to coarse
_WINDOW, _SIGMA = 11, 1.5  # pixels
_STEADY = (0.01**2, 0.03**2)
_PIXELS = 598_400  # of the films that DocUNet's benchmark compares


def likeness(film: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """PSNR in dB, SSIM and MS-SSIM of a film (h, w), both from 0 to 1."""
    one, other = (torch.from_numpy(np.ascontiguousarray(each, np.float32)) for each in (film, truth))
    return {"PSNR": psnr(one, other), "SSIM": ssim(one, other), "MS-SSIM": ms_ssim(one, other)}


def ms_ssim(image: torch.Tensor, truth: torch.Tensor) -> float:
    """Of pictures (H, W) from 0 to 1, at least 161 pixels high and wide.

    Source: Z. Wang, E. P. Simoncelli, A. C. Bovik, Multi-scale structural similarity, 2003.
    """
    product, pair = 1.0, torch.stack([image, truth]).clamp(0, 1)[:, None]
    for scale, weight in enumerate(_WEIGHTS):
        whole, contrast = _ssim(pair)
        product *= max(whole if scale == len(_WEIGHTS) - 1 else contrast, 0.0) ** weight
        pair = functional.avg_pool2d(pair, 2)
    return product


def _ssim(pair: torch.Tensor) -> tuple[float, float]:
    """SSIM of two pictures (2, 1, H, W), and its part without the mean brightness."""
    window = torch.exp(-((torch.arange(_WINDOW) - _WINDOW // 2) ** 2) / (2 * _SIGMA**2))
    window /= window.sum()

    def blurred(values: torch.Tensor) -> torch.Tensor:
        return functional.conv2d(functional.conv2d(values, window.view(1, 1, -1, 1)), window.view(1, 1, 1, -1))

    one, other = means = blurred(pair)
    spread_one, spread_other = blurred(pair**2) - means**2
    both = blurred(pair[:1] * pair[1:])[0] - one * other
    contrast = (2 * both + _STEADY[1]) / (spread_one + spread_other + _STEADY[1])
    bright = (2 * one * other + _STEADY[0]) / (one**2 + other**2 + _STEADY[0])
    return float((bright * contrast).mean()), float(contrast.mean())


def deshifted(backward: np.ndarray, truth: np.ndarray, known: np.ndarray) -> np.ndarray:
    """A backward map (h, w, 2) without its mean difference from the true one, where that is known (h, w).

    Source: the paper's de-shifted backward map, after its equation 2.
    """
    return backward - (backward - truth)[known].mean(axis=0).astype(backward.dtype)


def misplaced(backward: np.ndarray, truth: np.ndarray, known: np.ndarray) -> dict[str, float]:
    """How far a backward map (h, w, 2) is from the true one, where that is known (h, w).

    EPE: mean distance in photo pixels. LD: how far what it shows lies from its place on the film in the mean, in pixels
    of a film of 598,400 as DocUNet's benchmark has it; which, however, looks for equal places by SIFT flow, while here
    they are known. Source: K. Ma et al., DocUNet: document image unwarping via a stacked U-Net, CVPR 2018.
    """
    off = (backward - truth).astype(np.float64)
    (down_x, down_y), (across_x, across_y) = (np.moveaxis(each, -1, 0) for each in np.gradient(truth, axis=(0, 1)))
    area = across_x * down_y - across_y * down_x
    area = np.where(np.abs(area) < 1e-6, 1e-6, area)
    columns = (down_y * off[..., 0] - down_x * off[..., 1]) / area
    rows = (across_x * off[..., 1] - across_y * off[..., 0]) / area
    scale = np.sqrt(_PIXELS / known.size)
    return {
        "EPE": float(np.linalg.norm(off, axis=-1)[known].mean()),
        "LD": float(np.hypot(rows, columns)[known].mean() * scale),
    }

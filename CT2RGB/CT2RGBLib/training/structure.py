"""How much of the structure of a picture is lost: a term of the compact network's loss."""

from __future__ import annotations

import torch
from torch.nn import functional

_LUMINANCE = (0.2125, 0.7154, 0.0721)  # of sRGB, as in what is measured
_SIGMA, _REACH = 1.5, 5  # pixels
_STEADY = (0.01**2, 0.03**2)


def dissimilarity(ours: torch.Tensor, truth: torch.Tensor, body: torch.Tensor) -> torch.Tensor:
    """1 less SSIM of the luminance of colors (B, 3, H, W), 0 to 1, where the body (B, 1, H, W) is.

    Without the outermost 5 pixels. Source: Z. Wang et al., Image quality assessment, IEEE TIP 13, 2004.
    """
    weights = ours.new_tensor(_LUMINANCE)[:, None, None]
    one, other = ((colors * weights).sum(dim=1, keepdim=True) * body for colors in (ours, truth))
    mean_one, mean_other = _blurred(one), _blurred(other)
    spreads = _blurred(one.square()) - mean_one.square() + _blurred(other.square()) - mean_other.square()
    both = _blurred(one * other) - mean_one * mean_other
    bright = (2 * mean_one * mean_other + _STEADY[0]) / (mean_one.square() + mean_other.square() + _STEADY[0])
    contrast = (2 * both + _STEADY[1]) / (spreads + _STEADY[1])
    inside = body[..., _REACH:-_REACH, _REACH:-_REACH]
    return 1 - (bright * contrast * inside).sum() / inside.sum().clamp_min(1)


def _blurred(values: torch.Tensor) -> torch.Tensor:
    """Values (B, 1, H, W) without their rim."""
    window = torch.exp(-0.5 * (torch.arange(-_REACH, _REACH + 1, dtype=values.dtype) / _SIGMA) ** 2)
    window = (window / window.sum()).to(values.device)
    return functional.conv2d(functional.conv2d(values, window.view(1, 1, -1, 1)), window.view(1, 1, 1, -1))

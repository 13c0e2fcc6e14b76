"""Colors that change where the CT does: the guided filter."""

from __future__ import annotations

import torch
from torch.nn import functional

_SIDE = 3  # pixels
_RANGE = (-200.0, 300.0)  # HU, beyond which differences tell nothing of tissue
_LEAST = 10.0  # HU by which an edge has to stand out


def guided(colors: torch.Tensor, hu: torch.Tensor, body: torch.Tensor) -> torch.Tensor:
    """Colors (B, C, H, W) of the body (B, 1, H, W) as linear functions of the HU (B, 1, H, W) in squares of 3 pixels
    around each place: smooth where the CT is, with its edges where it has some.

    body: 0 or 1; what is not body is not taken along. Source: K. He, J. Sun, X. Tang, Guided image filtering, IEEE
    TPAMI 35, 2013.
    """
    guide = hu.clamp(*_RANGE)
    share = _mean(body).clamp_min(1e-6)

    def means(*values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        found = _mean(torch.cat(values, dim=1) * body) / share
        return found.split([each.shape[1] for each in values], dim=1)

    mean, square, color, product = means(guide, guide.square(), colors, guide * colors)
    slope = (product - mean * color) / (square - mean.square() + _LEAST**2)
    slope, level = means(slope, color - slope * mean)
    return slope * guide + level


def _mean(values: torch.Tensor) -> torch.Tensor:
    rim = _SIDE // 2
    return functional.avg_pool2d(functional.pad(values, (rim,) * 4, mode="replicate"), _SIDE, 1)

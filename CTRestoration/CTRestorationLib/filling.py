"""The quick fill of missing pixels that the networks start from."""

from __future__ import annotations

import torch
from torch.nn import functional


def pull_push(values: torch.Tensor, known: torch.Tensor) -> torch.Tensor:
    """Fill missing pixels from ever coarser means of the known ones.

    values: (N, 1, H, W); known: the same shape, 1 where values count. Known pixels stay as they are.
    Source: Gortler et al., The Lumigraph, SIGGRAPH 1996 (pull-push).
    """
    if bool((known > 0).all()):
        return values
    height, width = values.shape[-2:]
    if height == 1 and width == 1:
        return values * known
    padding = (0, width % 2, 0, height % 2)
    weight = functional.pad(known, padding)
    total = functional.avg_pool2d(functional.pad(values * known, padding), 2)
    share = functional.avg_pool2d(weight, 2)
    coarse = total / share.clamp_min(1e-6)
    coarse = pull_push(coarse, (share > 0).to(values.dtype))
    fine = functional.interpolate(coarse, scale_factor=2, mode="bilinear", align_corners=False)[..., :height, :width]
    return torch.where(known > 0, values, fine)

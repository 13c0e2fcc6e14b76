"""What the paper's networks minimize; its section 3.3."""

from __future__ import annotations

from collections.abc import Sequence

import torch


def absolute_loss(ours: torch.Tensor, truth: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean of the absolute difference of maps (B, C, H, W) where there is film, mask (B, 1, H, W)."""
    return mean_inside((ours - truth).abs().mean(dim=1, keepdim=True), mask)


def mean_inside(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean of values (B, 1, H, W) where a mask of the same shape is 1."""
    return (values * mask).sum() / mask.sum().clamp(min=1)


def deformation_loss(ours: torch.Tensor, truth: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Equation 2: shift, disturbance and de-shifted difference of maps (B, C, H, W) where there is film.

    With D = ours - truth, and its mean and deviation by map and channel: |mean|, deviation, and the smaller of |D| and
    |D - mean| where both have one sign. Each is the mean over maps, channels and pixels.
    """
    count = mask.sum(dim=(2, 3), keepdim=True).clamp(min=1)
    error = (ours - truth) * mask
    mean = error.sum(dim=(2, 3), keepdim=True) / count
    rest = (error - mean) * mask
    deviation = ((rest**2).sum(dim=(2, 3)) / count[..., 0, 0] + 1e-12).sqrt()
    least = torch.minimum(error.abs(), rest.abs())
    difference = torch.where(error * rest > 0, least, 0).sum(dim=(2, 3)) / count[..., 0, 0]
    return mean.abs().mean() + deviation.mean() + difference.mean()


def cascade_loss(outputs: Sequence[torch.Tensor], truth: torch.Tensor) -> torch.Tensor:
    """Half the sum over a cascade's outputs of the squared difference, by pixel."""
    return 0.5 * torch.stack([((output - truth) ** 2).mean() for output in outputs]).sum()

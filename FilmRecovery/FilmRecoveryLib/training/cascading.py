"""What the paper's cascades learn: a flat film without its light, or the CT's values."""

from __future__ import annotations

import torch

from ..paper.losses import cascade_loss
from .lesson import DrawnLesson, Sample


class CascadeLesson(DrawnLesson):
    """Flat films in their light, and the gray that a cascade is to make of them.

    draw: gives "film" (B, 3, H, W) in sRGB and "gray" (B, 1, H, W), both 0 to 1.
    """

    name = "cascade"

    def forward(self, sample: Sample) -> dict[str, torch.Tensor]:
        truth = self.held(sample)
        return {"squares": cascade_loss(self.network(2 * truth["film"] - 1), 2 * truth["gray"] - 1)}

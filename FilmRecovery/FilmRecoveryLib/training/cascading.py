"""What the paper's cascades learn: a flat film without its light, or the CT's values."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from InverseImagingLib.training.distributed import Team
from InverseImagingLib.training.trainer import Lesson, TrainingOptions

from ..paper.cascade import Cascade
from ..paper.losses import cascade_loss
from .lesson import Draw, Sample


class CascadeLesson(Lesson):
    """Flat films in their light, and the gray that a cascade is to make of them.

    draw: gives "film" (B, 3, H, W) in sRGB and "gray" (B, 1, H, W), both 0 to 1.
    """

    name = "cascade"

    def __init__(self, network: Cascade, draw: Draw) -> None:
        super().__init__(network)
        self.draw = draw

    def samples(self, options: TrainingOptions, first: int, team: Team) -> Iterator[Sample]:
        """See the class."""
        return self.draw(options, first, team)

    def forward(self, sample: Sample) -> dict[str, torch.Tensor]:
        film, gray = (2 * sample[name].to(self.device) - 1 for name in ("film", "gray"))
        return {"squares": cascade_loss(self.network(film), gray)}

"""What the paper's dewarping module learns."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import nn
from torch.nn import functional

from InverseImagingLib.training.distributed import Team
from InverseImagingLib.training.trainer import Lesson, TrainingOptions

from ..paper.dewarping import deformation_of
from ..paper.losses import absolute_loss, deformation_loss
from .lesson import Draw, Sample


class DewarpingLesson(Lesson):
    """Photos and maps of all their pixels.

    draw: endless samples, see Lesson.samples: "photo" (B, 3, H, W), 0 to 1, "uv" (B, 2, H, W), "mask" (B, 1, H, W),
    "position" and "normal" (B, 3, H, W), "depth" (B, 1, H, W).
    """

    name = "dewarping"

    def __init__(self, network: nn.Module, draw: Draw) -> None:
        super().__init__(network)
        self.draw = draw

    def samples(self, options: TrainingOptions, first: int, team: Team) -> Iterator[Sample]:
        """See the class."""
        return self.draw(options, first, team)

    def forward(self, sample: Sample) -> dict[str, torch.Tensor]:
        truth = {name: value.to(self.device) for name, value in sample.items()}
        film, uv = (truth["mask"] > 0.999).float(), 2 * truth["uv"] - 1
        maps = self.network(2 * truth["photo"] - 1)
        places = {"uv": uv, "deformation": deformation_of(uv)}
        terms = {"mask": functional.binary_cross_entropy_with_logits(maps["mask"], truth["mask"])}
        for name in maps.keys() - {"mask"}:
            if name in places:
                terms[name] = deformation_loss(maps[name], places[name], film)
            else:
                terms[name] = absolute_loss(maps[name], truth[name], film)
        return terms

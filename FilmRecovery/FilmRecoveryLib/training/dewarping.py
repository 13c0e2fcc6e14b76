"""What the paper's dewarping module learns, and what its variants do."""

from __future__ import annotations

import torch
from torch.nn import functional

from ..paper.dewarping import deformation_of
from ..paper.losses import absolute_loss, deformation_loss
from .lesson import DrawnLesson, Sample


class DewarpingLesson(DrawnLesson):
    """Photos and maps of all their pixels.

    draw: endless samples, see Lesson.samples: "photo" (B, 3, H, W), 0 to 1, "uv" (B, 2, H, W), "mask" (B, 1, H, W),
    "position" and "normal" (B, 3, H, W), "depth" (B, 1, H, W); "backward" (B, 2, H, W), 0 to 1 over the photo, of a
    film of as many pixels. A network learns the maps that it gives.
    """

    name = "dewarping"

    def forward(self, sample: Sample) -> dict[str, torch.Tensor]:
        truth = self.held(sample)
        film, uv = (truth["mask"] > 0.999).float(), 2 * truth["uv"] - 1
        maps = self.network(2 * truth["photo"] - 1)
        places = {"uv": uv, "deformation": deformation_of(uv)}
        terms = {}
        for name, ours in maps.items():
            if name == "mask":
                terms[name] = functional.binary_cross_entropy_with_logits(ours, truth[name])
            elif name == "backward":
                terms[name] = functional.l1_loss(ours, 2 * truth[name] - 1)
            elif name in places:
                terms[name] = deformation_loss(ours, places[name], film)
            else:
                terms[name] = absolute_loss(ours, truth[name], film)
        return terms

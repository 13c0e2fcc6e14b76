"""The paper's training, of any generator: colors like the true ones, and such that a critic takes for true."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from InverseImagingLib.method import Choice
from InverseImagingLib.training.distributed import Team
from InverseImagingLib.training.trainer import Lesson, TrainingOptions

from ..paper.features import Features
from ..paper.losses import adversarial_losses, similarity_losses
from ..paper.network import Sample, paper_discriminator, paper_inputs
from .structure import dissimilarity

PAPER: dict[str, Any] = {  # settings of TrainingOptions, as the paper has them, or pix2pix where it is silent
    "batch": 4,
    "rate": 1e-4,
    "beta1": 0.5,
    "beta2": 0.999,
    "warm_up": 1,
    "last_rate": 1.0,
    "clip": 0.0,
}

Draw = Callable[[TrainingOptions, int, Team], Iterator[Sample]]


class Variant(Choice):
    """The paper's method, and what it is compared with: one without Sobel in range, one without a critic either."""

    FULL = "full"
    DIRECT = "direct"
    SUPERVISED = "supervised"


class AdversarialLesson(Lesson):
    """Slices and their true colors, for a generator and its critic, which learn in the same step.

    generator: gives colors (B, 3, H, W) from 0 to 1 of a sample. draw: endless samples, see Lesson.samples: tensors
    "hu" (B, 3, H, W), "sobel" and "body" (B, 1, H, W), "rgb" (B, 3, H, W) from 0 to 1, and what else the generator
    needs. features: what colors are compared by, too. width: of the critic. structure: how much that counts, see
    dissimilarity; 0 in the paper.
    """

    name = "colors"

    def __init__(
        self,
        generator: nn.Module,
        draw: Draw,
        features: Features,
        variant: Variant = Variant.FULL,
        width: int = 64,
        structure: float = 0.0,
    ) -> None:
        networks = {"generator": generator}
        if variant is not Variant.SUPERVISED:
            networks["critic"] = paper_discriminator(width)
        super().__init__(nn.ModuleDict(networks))
        self.draw, self.features, self.variant, self.structure = draw, features, variant, structure

    @property
    def product(self) -> nn.Module:
        return self.network["generator"]  # type: ignore[index]

    def samples(self, options: TrainingOptions, first: int, team: Team) -> Iterator[Sample]:
        """See the class."""
        return self.draw(options, first, team)

    def forward(self, sample: Sample) -> dict[str, torch.Tensor]:
        sample = {name: value.to(self.device) for name, value in sample.items()}
        if self.variant is not Variant.FULL:
            sample["sobel"] = torch.zeros_like(sample["sobel"])
        ours, truth, body = self.product(sample), sample["rgb"], sample["body"]
        terms = similarity_losses(ours, truth, body, self.features)
        if self.structure:
            terms["structure"] = self.structure * dissimilarity(ours, truth, body)
        if self.variant is Variant.SUPERVISED:
            return terms
        critic = self.network["critic"]  # type: ignore[index]
        return terms | adversarial_losses(critic, paper_inputs(sample), ours, truth, body)

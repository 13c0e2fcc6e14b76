"""What ValueNet learns: the gray of slices without the photo's noise."""

from __future__ import annotations

import torch

from ..networks import FilmNet
from .lesson import Draw, FilmLesson, Sample

_SQUARES = 5.0  # weight of the term


class ValueLesson(FilmLesson):
    """Slices as a photo gives them, and as they were printed; draw: gives "seen" and "gray" (B, 1, H, W), 0 to 1."""

    def __init__(self, networks: FilmNet, draw: Draw) -> None:
        super().__init__(networks, "values", draw)

    def forward(self, sample: Sample) -> dict[str, torch.Tensor]:
        truth = self.held(sample)
        error = self.network(truth["seen"]) - truth["gray"]
        return {"gray": error.abs().mean(), "squares": _SQUARES * error.square().mean()}

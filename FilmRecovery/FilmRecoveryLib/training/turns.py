"""What TurnNet learns: which way up a film is."""

from __future__ import annotations

import torch
from torch.nn import functional

from ..networks import FilmNet
from .lesson import Draw, FilmLesson, Sample


class TurnLesson(FilmLesson):
    """Flat films that are turned and mirrored, and how they have to be turned.

    draw: gives "film" (B, 1, H, W), 0 to 1, and "turn" (B,), which of TurnNet's logits is right.
    """

    def __init__(self, networks: FilmNet, draw: Draw) -> None:
        super().__init__(networks, "turn", draw)

    def forward(self, sample: Sample) -> dict[str, torch.Tensor]:
        truth = self.held(sample)
        return {"turn": functional.cross_entropy(self.network(truth["film"]), truth["turn"])}

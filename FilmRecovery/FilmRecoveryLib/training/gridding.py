"""What GridNet learns: the rows and columns of a flat film."""

from __future__ import annotations

import torch
from torch.nn import functional

from ..networks import FilmNet
from .lesson import Draw, FilmLesson, Sample


class GridLesson(FilmLesson):
    """Films that are about flat, in some of their light, and the waves of their cells.

    draw: gives "film" (B, 1, H, W), 0 to 1, "aspect" (B,), and "waves" (B, 2, 2, H / 4, W / 4), see GridNet.
    """

    def __init__(self, networks: FilmNet, draw: Draw) -> None:
        super().__init__(networks, "grid", draw)

    def forward(self, sample: Sample) -> dict[str, torch.Tensor]:
        truth = self.held(sample)
        return {"waves": functional.mse_loss(self.network(truth["film"], truth["aspect"]), truth["waves"])}

"""What ToneNet learns: the film's gray of a flat film in its light."""

from __future__ import annotations

import torch
from torch.nn import functional

from ..networks import FilmNet, luminance, toned
from .lesson import Draw, FilmLesson, Sample

_DOUBT = 0.02  # weight of the term
_BETWEEN, _TELLING = 0.03, 2.0  # black and white, which tell no HU, and how much more gray counts that does


class ToneLesson(FilmLesson):
    """Flat films in their light, and their gray.

    draw: gives "film" (B, 3, H, W) in sRGB and "gray" (B, 1, H, W), both 0 to 1.
    """

    def __init__(self, networks: FilmNet, draw: Draw) -> None:
        super().__init__(networks, "tone", draw)

    def forward(self, sample: Sample) -> dict[str, torch.Tensor]:
        truth = self.held(sample)
        curves, doubt = self.network(truth["film"])
        error = toned(luminance(truth["film"]), curves) - truth["gray"]
        between = (truth["gray"] - 0.5).abs() < 0.5 - _BETWEEN
        counting = torch.where(between, _TELLING, 1.0)
        size = functional.interpolate(error.detach().abs(), doubt.shape[2:], mode="area")
        return {
            "gray": (counting * error.abs()).sum() / counting.sum(),
            "edges": error.diff(dim=2).abs().mean() + error.diff(dim=3).abs().mean(),
            "doubt": _DOUBT * (size * (-doubt).exp() + doubt).mean(),
        }

"""What RimNet learns: where a film begins, in strips along its sides."""

from __future__ import annotations

import torch
from torch.nn import functional

from ..networks import FilmNet
from .lesson import Draw, FilmLesson, Sample


class RimLesson(FilmLesson):
    """Strips along the sides of films whose places are roughly known, and what of them is film.

    draw: gives "strips" (B, 4, 4, H, W), of each film its four sides as RimNet takes them, and "mask"
    (B, 4, 1, H / 2, W / 2) from 0 to 1.
    """

    def __init__(self, networks: FilmNet, draw: Draw) -> None:
        super().__init__(networks, "rim", draw)

    def forward(self, sample: Sample) -> dict[str, torch.Tensor]:
        truth = self.held(sample)
        found = self.network(truth["strips"].flatten(0, 1))
        return {"mask": functional.binary_cross_entropy_with_logits(found, truth["mask"].flatten(0, 1))}

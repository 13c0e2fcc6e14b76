"""What PlaceNet learns: film coordinates of frames, and maps of the film's shape beside them."""

from __future__ import annotations

import torch
from torch.nn import functional

from ..networks import FilmNet
from ..paper.losses import absolute_loss, deformation_loss, mean_inside
from .lesson import Draw, FilmLesson, Sample

_UV, _SLOPE, _DEFORMATION, _MASK, _SHAPE, _DOUBT = 10.0, 80.0, 3.0, 1.0, 0.3, 0.02  # weights of the terms


class PlaceLesson(FilmLesson):
    """Frames and the film coordinates of their pixels.

    draw: gives "frames" (B, 4, H, W) as PlaceNet takes them, and at its places "uv" (B, 2, h, w), "mask" (B, 1, h, w)
    from 0 to 1, "position" and "normal" (B, 3, h, w), "depth" (B, 1, h, w).
    """

    def __init__(self, networks: FilmNet, draw: Draw) -> None:
        super().__init__(networks, "place", draw)

    def forward(self, sample: Sample) -> dict[str, torch.Tensor]:
        truth = self.held(sample)
        look, film = self.network(truth["frames"]), (truth["mask"] > 0.999).float()
        error = (look.uv.detach() - truth["uv"]).abs().mean(dim=1, keepdim=True)
        maps = [absolute_loss(getattr(look, name), truth[name], film) for name in ("position", "normal", "depth")]
        return {
            "uv": _UV * absolute_loss(look.uv, truth["uv"], film),
            "slope": _SLOPE * _slope_loss(look.uv, truth["uv"], film),
            "deformation": _DEFORMATION * deformation_loss(look.uv, truth["uv"], film),
            "mask": _MASK * functional.binary_cross_entropy_with_logits(look.mask, truth["mask"]),
            "shape": _SHAPE * torch.stack(maps).sum(),
            "doubt": _DOUBT * mean_inside(error * (-look.doubt).exp() + look.doubt, film),
        }


def _slope_loss(ours: torch.Tensor, truth: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """How differently maps (B, C, h, w) rise from place to place."""
    total = ours.new_zeros(())
    for axis in (2, 3):
        both = mask.narrow(axis, 1, mask.shape[axis] - 1) * mask.narrow(axis, 0, mask.shape[axis] - 1)
        total = total + absolute_loss(ours.diff(dim=axis), truth.diff(dim=axis), both)
    return total

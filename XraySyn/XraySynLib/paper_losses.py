"""What the second stage of the paper preset minimizes.

Source: Peng et al., XraySyn, AAAI 2021, equations 13 and 14. The weights and the term on sparsity are those of the
program that the authors published; the paper is silent about them.
"""

from __future__ import annotations

import torch
from torch.nn import functional

RECONSTRUCTION, ADVERSARIAL, SPARSITY = 1.0, 0.02, 0.005
_FREE = 1.0  # g/cm2 by which the bone may change on average without a loss


def refiner_losses(
    reconstructed: torch.Tensor,
    radiograph: torch.Tensor,
    judged: torch.Tensor,
    refined: torch.Tensor,
    coarse: torch.Tensor,
) -> dict[str, torch.Tensor]:
    """The terms of 2DRN's loss, already weighted; their sum is to be minimized.

    reconstructed, radiograph: (B, 1, H, W) from 0 to 1, the input view as refined and as given. judged: what the
    Discriminator gives for the novel view as refined, (B, 1, h, w). refined, coarse: maps of bone and tissue in g/cm2
    after and before 2DRN, of both views one after the other: (2 B, 2, H, W) and (2 B, 2, H / 2, W / 2).
    """
    return {
        "reconstruction": RECONSTRUCTION * functional.l1_loss(reconstructed, radiograph),
        "adversarial": ADVERSARIAL * _least_squares(judged, 1.0),
        "sparsity": SPARSITY * bone_change(refined, coarse),
    }


def discriminator_loss(real: torch.Tensor, refined: torch.Tensor) -> torch.Tensor:
    """Of the Discriminator's (B, 1, h, w) for radiographs, and for novel views detached from 2DRN; equation 14."""
    return _least_squares(real, 1.0) + _least_squares(refined, 0.0)


def bone_change(refined: torch.Tensor, coarse: torch.Tensor) -> torch.Tensor:
    """Mean change of the bone map in g/cm2, and 0 where that is no more than 1: it keeps bone in the map of bone.

    refined: (B, 2, H, W), bone first. coarse: (B, 2, H / 2, W / 2).
    """
    change = functional.l1_loss(functional.avg_pool2d(refined[:, :1], 2), coarse[:, :1])
    return torch.where(change > _FREE, change, torch.zeros_like(change))


def _least_squares(judged: torch.Tensor, wanted: float) -> torch.Tensor:
    """Mean over the patches, and the sum over the images, as the weight of 0.02 goes with a sum over 8 of them."""
    return (judged - wanted).square().mean(dim=(1, 2, 3)).sum()

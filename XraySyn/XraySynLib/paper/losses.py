"""What the paper preset minimizes in its two stages.

Source: Peng et al., XraySyn, AAAI 2021, equations 9, 10, 13 and 14. The weights of the second stage and its term on
sparsity are those of the program that the authors published; the paper is silent about them, and about the weights of
the first stage, which are all the same here.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from InverseImagingLib.training.adversary import least_squares

from ..beam import Beam
from ..training.cubes import Cube
from ..training.losses import apart
from .networks import volume_of
from .prior import densities_of, parts_of

_TRACE = 1e-3  # of a CT from 0 to 1 that the share of bone is not told from
_IMAGES = 8  # that the authors sum least squares up over, which goes with their weight of 0.02

RECONSTRUCTION, ADVERSARIAL, SPARSITY = 1.0, 0.02, 0.005
_FREE = 1.0  # g/cm2 by which the bone may change on average without a loss


def prior_losses(
    outputs: torch.Tensor, cubes: Sequence[Cube], angles: Sequence[tuple[float, float]], beam: Beam
) -> dict[str, torch.Tensor]:
    """The terms of 3DPN's loss: of the CT and its bone mask, and of attenuation and material maps in two views.

    outputs: of a PriorNet3D, (B, 3, K, J, I), in the frames of the cubes. angles: of the other view of each.
    """
    truth = torch.stack([cube.maps for cube in cubes]).to(outputs)
    parts = parts_of(truth).clamp(max=1)
    share = parts[:, :1] / (parts.sum(dim=1, keepdim=True) + _TRACE)
    both = [
        cube.frame.projector([(0.0, 0.0), turned])(torch.cat([own, true])) / 10
        for own, true, cube, turned in zip(densities_of(outputs), truth, cubes, angles, strict=True)
    ]
    ours, theirs = torch.cat(both).split(2, dim=1)
    return {
        "volume": functional.l1_loss(volume_of(outputs), parts.sum(dim=1, keepdim=True).clamp(max=1)),
        "mask": functional.binary_cross_entropy(outputs[:, :1], share),
        "attenuation": functional.l1_loss(beam(ours), beam(theirs)),
        "maps": apart(ours, theirs),
    }


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
        "adversarial": ADVERSARIAL * _IMAGES * least_squares(judged, 1.0),
        "sparsity": SPARSITY * bone_change(refined, coarse),
    }


def discriminator_loss(real: torch.Tensor, refined: torch.Tensor) -> torch.Tensor:
    """Of the Discriminator's (B, 1, h, w) for radiographs, and for novel views detached from 2DRN; equation 14."""
    return _IMAGES * (least_squares(real, 1.0) + least_squares(refined, 0.0))


def bone_change(refined: torch.Tensor, coarse: torch.Tensor) -> torch.Tensor:
    """Mean change of the bone map in g/cm2, and 0 where that is no more than 1: it keeps bone in the map of bone.

    refined: (B, 2, H, W), bone first. coarse: (B, 2, H / 2, W / 2).
    """
    change = functional.l1_loss(functional.avg_pool2d(refined[:, :1], 2), coarse[:, :1])
    return torch.where(change > _FREE, change, torch.zeros_like(change))

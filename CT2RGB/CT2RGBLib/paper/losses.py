"""What the paper's generator minimizes; equations 1 to 4, with least squares for the logarithms of equation 1.

Unlike in the equations all are means, over the body and over the features, so that their weights hold for any size.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from InverseImagingLib.training.adversary import judged_by_still, least_squares

from .features import Features

PERCEPTUAL, RECONSTRUCTION = 10.0, 10.0


def similarity_losses(
    ours: torch.Tensor, truth: torch.Tensor, body: torch.Tensor, features: Features
) -> dict[str, torch.Tensor]:
    """How far colors (B, 3, H, W), 0 to 1, are from the true ones inside the body (B, 1, H, W), and their features."""
    ours, truth = ours * body, truth * body
    pairs = zip(features(ours), features(truth), strict=True)
    return {
        "colors": RECONSTRUCTION * mean_inside((ours - truth).abs(), body),
        "features": PERCEPTUAL * torch.stack([mean_inside((one - other).abs(), body) for one, other in pairs]).sum(),
    }


def adversarial_losses(
    critic: nn.Module, inputs: torch.Tensor, ours: torch.Tensor, truth: torch.Tensor, body: torch.Tensor
) -> dict[str, torch.Tensor]:
    """What the generator and the critic learn from each other, each of them alone; see PatchDiscriminator.

    inputs: (B, C, H, W), of the generator, which the critic sees too.
    """
    made, true = (torch.cat([inputs, colors * body], dim=1) for colors in (ours, truth))
    told = least_squares(critic(true), 1.0) + least_squares(critic(made.detach()), 0.0)
    return {"adversarial": least_squares(judged_by_still(critic, made), 1.0), "critic": 0.5 * told}


def mean_inside(values: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Mean of values (B, C, h, w) by how much of the mask (B, 1, H, W) there is at each; 0 where there is none."""
    shares = functional.interpolate(mask, values.shape[2:], mode="area")
    return ((values * shares).mean(dim=1).sum(dim=(1, 2)) / shares.sum(dim=(1, 2, 3)).clamp(min=1e-6)).mean()

"""The compact preset's network: from a radiograph to where along its rays the density is."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from InverseImagingLib.xray.unet import DETAILS, RayNet, with_details

from .formation import EXTINCTION

SIZE = 128  # pixels of the network's radiograph
_UNIT = 4.0  # of attenuation, about what a dense ray has
_LEAST = 1e-3  # of the spread, as a share of what a ray holds


class VolumeNet(RayNet):
    """A 2D residual U-Net whose channels are depths.

    Takes the integrals of the density along the rays of a radiograph, (B, H, W), from formation.integral_of_opacity; H
    and W are multiples of 32. Gives logits of how each ray's density is shared by its planes, and how sure that is, as
    densities_of takes them, (B, depth, H / 2, W / 2) each. How much there is to share is known from the radiograph, so
    that the network need not tell it.
    """

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128, 192, 256), depth: int = 64) -> None:
        super().__init__(2 + DETAILS, widths)
        self.shares = nn.Conv2d(widths[0], depth, 1)
        self.spread = nn.Conv2d(widths[0], depth, 1)
        for last in (self.shares, self.spread):
            nn.init.normal_(last.weight, std=0.02)
            nn.init.zeros_(last.bias)  # type: ignore[arg-type]

    def forward(self, integrals: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        attenuation = EXTINCTION / _UNIT * integrals
        x = self.features(with_details(torch.stack([attenuation, torch.exp(-_UNIT * attenuation)], dim=1)))
        return self.shares(x), self.spread(x)


def densities_of(
    shares: torch.Tensor, spread: torch.Tensor, integrals: torch.Tensor, planes: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Densities (B, H, planes, W) that are as much along each ray as a radiograph's integrals (B, H, W), of a
    VolumeNet's output; and their spread: the mean absolute error to be expected of each.

    Rays along which there is nothing have neither.
    """
    size = (planes, *integrals.shape[1:])
    part = _finer(torch.softmax(shares, dim=1), size)
    whole = integrals[:, None]
    densities = part / part.mean(dim=1, keepdim=True) * whole
    apart = (_finer(functional.softplus(spread), size) + _LEAST) * whole
    return densities.transpose(1, 2), apart.transpose(1, 2)


def _finer(x: torch.Tensor, size: tuple[int, ...]) -> torch.Tensor:
    if x.shape[1:] == size:
        return x
    return functional.interpolate(x[:, None], size, mode="trilinear", align_corners=False)[:, 0]

"""The compact preset's networks: from a radiograph to the densities behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn
from torch.nn import functional

from InverseImagingLib.xray.unet import DETAILS, RayNet, twice, with_details

from .frame import Frame

_UNIT = 5.0  # g/cm2, about what a ray meets
_INPUTS = 3 + DETAILS  # channels


class DepthNet(RayNet):
    """A 2D residual U-Net that tells of each ray how much bone and soft tissue it meets, and at which depth.

    Takes (B, 3, H, W): the radiograph from 0 to 1, the logarithm of the cube's side / 300 mm, and 1 for views from
    behind, else 0; H and W are multiples of 32. Gives the mass of bone and of soft tissue along each ray in g/cm2,
    (B, 2, H, W), and the logits of where on it they are, (B, 2, depth, H / 2, W / 2). What a back-projected volume
    holds is the same all along a ray, so that a 3D network would do the work of this one many times over.
    """

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128, 192, 256), depth: int = 32) -> None:
        super().__init__(_INPUTS, widths)
        self.depth = depth
        self.fine = nn.Conv2d(widths[0] + _INPUTS, 16, 3, padding=1)
        self.mass = nn.Conv2d(16, 2, 3, padding=1)
        self.places = nn.Conv2d(widths[0], 2 * depth, 1)
        for last, bias in ((self.mass, [-3.0, 0.0]), (self.places, [0.0] * 2 * depth)):  # little bone at first
            nn.init.normal_(last.weight, std=0.02)
            last.bias = nn.Parameter(torch.tensor(bias))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        whole = with_details(x)
        x = self.features(whole)
        fine = functional.leaky_relu(self.fine(torch.cat([twice(x), whole], dim=1)), 0.1)
        return _UNIT * functional.softplus(self.mass(fine)), self.places(x).unflatten(1, (2, self.depth))


def network_input(radiographs: torch.Tensor, frames: Sequence[Frame]) -> torch.Tensor:
    """What a DepthNet takes, (B, 3, H, W), of radiographs (B, H, W) from 0 to 1."""
    facts = torch.tensor([facts_of(frame) for frame in frames])
    planes = facts.to(radiographs)[:, :, None, None].expand(-1, -1, *radiographs.shape[1:])
    return torch.cat([radiographs[:, None], planes], dim=1)


def facts_of(frame: Frame) -> tuple[float, float]:
    """What networks are told of a frame."""
    return math.log(frame.side / 300.0), float(frame.from_behind)


def planes_of(mass: torch.Tensor, places: torch.Tensor, frames: Sequence[Frame]) -> torch.Tensor:
    """Density of bone and soft tissue in g/cm3 on planes along the rays, (B, 2, planes, size, size), of a DepthNet's
    output: as many planes as the frames' cubes have, and as many pixels as their views."""
    size, planes = frames[0].size, frames[0].voxels[1]
    shares = torch.softmax(places, dim=2)
    if shares.shape[2:] != (planes, size, size):
        shares = functional.interpolate(shares, (planes, size, size), mode="trilinear", align_corners=False)
        shares = shares / shares.sum(dim=2, keepdim=True)
    thickness = torch.tensor([frame.side for frame in frames]).to(mass)[:, None, None, None] / 10 / planes  # cm
    return shares * (functional.interpolate(mass, (size, size), mode="area") / thickness)[:, :, None]

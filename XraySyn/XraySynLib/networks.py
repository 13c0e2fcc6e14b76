"""The compact preset's networks: from a radiograph to the densities behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional

from .frame import Frame

DENSEST = (2.5, 1.5)  # g/cm3 that bone and soft tissue can have


@dataclass(frozen=True)
class Prediction:
    """What a network finds behind radiographs: densities in g/cm3, (B, 1, K, J, I), of what is bone and what is not.

    mask: logit of a voxel being bone. bone, tissue: the density that it has if it is, and if it is not.
    """

    mask: torch.Tensor
    bone: torch.Tensor
    tissue: torch.Tensor

    def maps(self) -> torch.Tensor:
        """Density of bone and of soft tissue in every voxel, (B, 2, K, J, I)."""
        share = torch.sigmoid(self.mask)
        return torch.cat([share * self.bone, (1 - share) * self.tissue], dim=1)


class Block(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.second = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norms = nn.ModuleList([nn.GroupNorm(8, outputs), nn.GroupNorm(8, outputs)])
        self.around = nn.Conv2d(inputs, outputs, 1, bias=False) if inputs != outputs else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.leaky_relu(self.norms[0](self.first(x)), 0.1)
        return functional.leaky_relu(self.norms[1](self.second(y)) + self.around(x), 0.1)


class DepthNet(nn.Module):
    """A 2D residual U-Net whose channels at the end are the planes of depth along each ray.

    Takes (B, 3, H, W): the radiograph from 0 to 1, the logarithm of the cube's side / 300 mm, and 1 for views from
    behind, else 0; H and W are multiples of 16. Gives (B, 3, depth, H / 2, W / 2): mask, bone and tissue, not yet
    bounded. What a back-projected volume holds is the same all along a ray, so that a 3D network would do the work of
    this one many times over.
    """

    def __init__(self, widths: tuple[int, ...] = (48, 96, 160, 224), depth: int = 32) -> None:
        super().__init__()
        self.depth = depth
        self.first = nn.Conv2d(5, widths[0], 6, stride=2, padding=2)
        self.down = nn.ModuleList()
        self.up = nn.ModuleList()
        for n, width in enumerate(widths):
            self.down.append(Block(widths[max(n - 1, 0)], width))
        for low, high in zip(widths[:0:-1], widths[-2::-1], strict=True):
            self.up.append(Block(low + high, high))
        self.last = nn.Conv2d(widths[0], 3 * depth, 1)
        nn.init.normal_(self.last.weight, std=0.02)
        self.last.bias = nn.Parameter(torch.tensor([-4.0, -0.5, -3.0]).repeat_interleave(depth))  # air at first

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rows, columns = (torch.linspace(-1, 1, n, device=x.device, dtype=x.dtype) for n in x.shape[2:])
        places = torch.stack(torch.meshgrid(rows, columns, indexing="ij")).expand(len(x), -1, -1, -1)
        x = self.first(torch.cat([x, places], dim=1))
        passed = []
        for n, block in enumerate(self.down):
            x = block(functional.avg_pool2d(x, 2) if n else x)
            passed.append(x)
        passed.pop()
        for block in self.up:
            x = functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = block(torch.cat([x, passed.pop()], dim=1))
        return self.last(x).unflatten(1, (3, self.depth))


def network_input(radiographs: torch.Tensor, frames: Sequence[Frame]) -> torch.Tensor:
    """What a DepthNet takes, (B, 3, H, W), of radiographs (B, H, W) from 0 to 1."""
    facts = torch.tensor([[math.log(frame.side / 300.0), float(frame.from_behind)] for frame in frames])
    planes = facts.to(radiographs)[:, :, None, None].expand(-1, -1, *radiographs.shape[1:])
    return torch.cat([radiographs[:, None], planes], dim=1)


def bounded(planes: torch.Tensor) -> Prediction:
    """The prediction of (B, 3, K, J, I): mask, bone and tissue in any range."""
    mask, bone, tissue = planes.split(1, dim=1)
    return Prediction(mask, DENSEST[0] * torch.sigmoid(bone), DENSEST[1] * torch.sigmoid(tissue))

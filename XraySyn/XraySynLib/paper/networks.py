"""The paper preset's networks: 3D PriorNet, 2D RefineNet and the discriminator that trains it.

Source: Peng, Liao, Wong, Luo, Zhou, Chellappa, XraySyn: Realistic View Synthesis From a Single Radiograph Through CT
Priors, AAAI 2021, Tables 2 and 3; where these leave something open or err, the program that the authors published.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from InverseImagingLib.errors import InputError
from InverseImagingLib.training.adversary import PatchDiscriminator


class _Up(nn.Module):
    """Twice the size, a convolution and batch norm; then what came down at that size is joined, and ReLU follows."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.convolution = nn.Conv3d(inputs, outputs, 3, padding=1)
        self.norm = nn.BatchNorm3d(outputs)

    def forward(self, x: torch.Tensor, passed: torch.Tensor) -> torch.Tensor:
        return torch.relu(torch.cat([self.norm(self.convolution(_doubled(x))), passed], dim=1))


class PriorNet3D(nn.Module):
    """3DPN, Table 3: from a back-projected radiograph to a CT and its bone.

    Takes (B, 1, K, J, I), in the paper (B, 1, 128, 128, 128); the sides are multiples of 2 ** len(widths). Gives
    (B, 3, K, J, I) from 0 to 1: the share of bone, the CT where there is bone, the CT where there is none; see
    `volume_of`. 111 million parameters, and 537 billion multiplications at 128 x 128 x 128.
    widths: channels after each convolution on the way down. spectral: spectral norm on every convolution.
    Raises InputError for other sides.

    Table 3 prints 2 outputs; 3 are what the authors' program has, as it has spectral norm, of which the paper is
    silent. The table's second CONV10 is the last of six ways up: what comes down has 768, 768, 384, 192 and 96 channels
    at 4, 8, 16, 32 and 64 voxels, which makes 1536, 1536, 768, 384 and 192 with as many from below, and the last finds
    none to join at 128.
    """

    def __init__(self, widths: tuple[int, ...] = (96, 192, 384, 768, 768, 768), *, spectral: bool = True) -> None:
        super().__init__()
        pairs = list(pairwise(widths))
        self.down = nn.ModuleList([nn.Conv3d(1, widths[0], 3, stride=2, padding=1)])
        self.norms = nn.ModuleList([nn.Identity()])
        for inputs, outputs in pairs:
            self.down.append(nn.Conv3d(inputs, outputs, 3, stride=2, padding=1))
            self.norms.append(nn.BatchNorm3d(outputs))
        self.up = nn.ModuleList()
        for n, (outputs, inputs) in enumerate(reversed(pairs)):
            self.up.append(_Up(inputs if n == 0 else 2 * inputs, outputs))
        self.last = nn.Conv3d(2 * widths[0] if pairs else widths[0], 3, 3, padding=1)
        if spectral:
            for convolution in [module for module in self.modules() if isinstance(module, nn.Conv3d)]:
                spectral_norm(convolution)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        multiple = 2 ** len(self.down)
        if any(side % multiple for side in x.shape[2:]):
            sides = " x ".join(str(side) for side in x.shape[2:])
            raise InputError(f"The back-projected volume has {sides} voxels; resample it to multiples of {multiple}.")
        passed = []
        for convolution, norm in zip(self.down, self.norms, strict=True):
            x = functional.leaky_relu(norm(convolution(x)), 0.2)
            passed.append(x)
        passed.pop()
        for up in self.up:
            x = up(x, passed.pop())
        return 0.5 * torch.tanh(self.last(_doubled(x))) + 0.5


def volume_of(outputs: torch.Tensor) -> torch.Tensor:
    """The CT (B, 1, K, J, I) from 0 to 1, which is (HU + 1000) / 5000, in the (B, 3, K, J, I) of a PriorNet3D."""
    share, bone, tissue = outputs.split(1, dim=1)
    return share * bone + (1 - share) * tissue


class _DenseBlock(nn.Module):
    """A residual dense block: every convolution reads all before it, a 1 x 1 convolution fuses them all."""

    def __init__(self, features: int, convolutions: int, growth: int) -> None:
        super().__init__()
        self.dense = nn.ModuleList(
            [nn.Conv2d(features + n * growth, growth, 3, padding=1) for n in range(convolutions)]
        )
        self.fusion = nn.Conv2d(features + convolutions * growth, features, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        known = x
        for convolution in self.dense:
            known = torch.cat([known, torch.relu(convolution(known))], dim=1)
        return x + self.fusion(known)


class FilterNet(nn.Module):
    """M, Table 2: from a radiograph to the weights of a 1 x 1 convolution of that radiograph alone.

    Takes (B, 1, H, W), in the paper (B, 1, 256, 256), at most 2 ** (len(widths) + 1) on a side, so that one pixel is
    left at the end. Gives (B, features, features): output, input. widths: channels after each convolution but the last.
    Raises InputError for a larger radiograph.

    In Table 2 the second convolution reads 64 channels, where the first makes 32, and the last, the eighth, is CONV4.
    """

    def __init__(self, features: int = 64, widths: tuple[int, ...] = (32, 64, 128, 256, 512, 1024, 2048)) -> None:
        super().__init__()
        self.features = features
        self.convolutions = nn.ModuleList(
            [
                nn.Conv2d(inputs, outputs, 3, stride=2, padding=1)
                for inputs, outputs in pairwise((1, *widths, features**2))
            ]
        )

    def forward(self, radiograph: torch.Tensor) -> torch.Tensor:
        height, width = radiograph.shape[2:]
        largest = 2 ** len(self.convolutions)
        if max(height, width) > largest:
            raise InputError(
                f"The radiograph has {width} x {height} pixels; resample it to at most {largest} x {largest}."
            )
        x = self.convolutions[0](radiograph)
        for convolution in self.convolutions[1:]:
            x = convolution(torch.relu(x))
        return x.view(len(x), self.features, self.features)


class RefineNet2D(nn.Module):
    """2DRN: finer material maps out of those that 3DPN's volume projects to, equation 11.

    Takes maps of bone and tissue (B, 2, H, W), in the paper (B, 2, 128, 128), in g/cm2, of any view, and the radiograph
    (B, 1, 2 H, 2 W) from 0 to 1 that the volume was found from, see FilterNet. Gives the maps (B, 2, 2 H, 2 W): the
    given ones, twice as large, plus what the network adds. 123 million parameters, 82 % of them in FilterNet.
    blocks, convolutions, growth, features: of the residual dense network, with as many convolutions in every block.
    filters: widths of FilterNet. Raises InputError for a radiograph that is too large for it.

    Source of the main network: Zhang, Tian, Kong, Zhong, Fu, Residual Dense Network for Image Super-Resolution, CVPR
    2018; unlike there, and like the authors' program, ReLU follows the global fusion.
    """

    def __init__(
        self,
        blocks: int = 16,
        convolutions: int = 8,
        growth: int = 64,
        features: int = 64,
        filters: tuple[int, ...] = (32, 64, 128, 256, 512, 1024, 2048),
    ) -> None:
        super().__init__()
        self.shallow = nn.Conv2d(2, features, 3, padding=1)
        self.first = nn.Conv2d(features, features, 3, padding=1)
        self.blocks = nn.ModuleList([_DenseBlock(features, convolutions, growth) for _ in range(blocks)])
        self.fusion = nn.Sequential(
            nn.Conv2d(blocks * features, features, 1), nn.Conv2d(features, features, 3, padding=1), nn.ReLU()
        )
        self.filters = FilterNet(features, filters)
        self.up = nn.Sequential(
            nn.Conv2d(features, 4 * features, 3, padding=1),
            nn.PixelShuffle(2),
            nn.Conv2d(features, 2, 3, padding=1),
        )

    def forward(self, maps: torch.Tensor, radiograph: torch.Tensor) -> torch.Tensor:
        shallow = self.shallow(maps)
        x = self.first(shallow)
        found = []
        for block in self.blocks:
            x = block(x)
            found.append(x)
        x = self.fusion(torch.cat(found, dim=1)) + shallow
        x = torch.bmm(self.filters(radiograph), x.flatten(2)).unflatten(2, x.shape[2:])
        return _doubled(maps, "bilinear") + self.up(x)


class Discriminator(PatchDiscriminator):
    """Tells real radiographs from refined ones, (B, 1, H, W) from 0 to 1, in the paper (B, 1, 256, 256); with instance
    norm."""

    def __init__(self, width: int = 64, layers: int = 3) -> None:
        super().__init__(1, width, layers, nn.InstanceNorm2d)


def _doubled(x: torch.Tensor, mode: str = "trilinear") -> torch.Tensor:
    return functional.interpolate(x, scale_factor=2, mode=mode, align_corners=False)

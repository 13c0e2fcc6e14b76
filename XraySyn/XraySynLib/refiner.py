"""The compact preset's network of the second stage: finer material maps of any view."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

_UNITS = (1.0, 5.0)  # g/cm2 of bone and of soft tissue, about what a ray meets
_READER = (16, 32, 48, 64, 96, 128)  # channels of what reads the radiograph, each at half the size


class _Modulated(nn.Module):
    """Two convolutions and a way around them, scaled and shifted between."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm = nn.GroupNorm(8, width, affine=False)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        y = (1 + scale) * self.norm(self.first(x)) + shift
        return x + self.second(functional.leaky_relu(y, 0.1))


class Refiner(nn.Module):
    """Adds what radiographs have and the projections of a coarse volume lack.

    Takes maps of bone and soft tissue in g/cm2, (B, 2, H, W), of any view, and the radiograph (B, 1, 2 H, 2 W) from 0
    to 1 that the volume was found from. Gives the maps (B, 2, 2 H, 2 W): the given ones, twice as large, plus what the
    network adds, which is nothing before it is trained. Half a million parameters.
    width: channels, a multiple of 8. blocks: residual blocks.

    It does the work of 2DRN and M of C. Peng et al., XraySyn, AAAI 2021, with 250 times fewer parameters: instead of a
    convolution's weights the radiograph gives a scale and a shift of each channel (FiLM: E. Perez et al., Visual
    Reasoning with a General Conditioning Layer, AAAI 2018).
    """

    def __init__(self, width: int = 32, blocks: int = 6) -> None:
        super().__init__()
        self.first = nn.Conv2d(2, width, 3, padding=1)
        self.blocks = nn.ModuleList([_Modulated(width) for _ in range(blocks)])
        steps: list[nn.Module] = []
        for inputs, outputs in zip((1, *_READER[:-1]), _READER, strict=True):
            steps += [nn.Conv2d(inputs, outputs, 3, stride=2, padding=1), nn.LeakyReLU(0.1)]
        self.reader = nn.Sequential(*steps, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(_READER[-1], 256))
        self.films = nn.Linear(256, 2 * blocks * width)
        self.up = nn.Conv2d(width, 4 * width, 3, padding=1)
        self.last = nn.Conv2d(width, 2, 3, padding=1)
        for end in (self.films, self.last):
            nn.init.zeros_(end.weight)
            nn.init.zeros_(end.bias)  # type: ignore[arg-type]

    def forward(self, maps: torch.Tensor, radiograph: torch.Tensor) -> torch.Tensor:
        units = maps.new_tensor(_UNITS)[:, None, None]
        films = self.films(functional.leaky_relu(self.reader(radiograph), 0.1))
        films = films.view(len(maps), len(self.blocks), 2, -1, 1, 1)
        x = self.first(maps / units)
        for n, block in enumerate(self.blocks):
            x = block(x, films[:, n, 0], films[:, n, 1])
        x = functional.leaky_relu(functional.pixel_shuffle(self.up(x), 2), 0.1)
        larger = functional.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
        return larger + units * self.last(x)

"""The network of the paper preset: an hourglass with skip connections.

Source: Ulyanov, Vedaldi, Lempitsky, Deep Image Prior, CVPR 2018, supplementary material.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

INPUT_CHANNELS = 32


def _convolution(inputs: int, outputs: int, size: int = 3, stride: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(
        inputs, outputs, size, stride, padding=size // 2, padding_mode="reflect" if size > 1 else "zeros"
    )
    return [convolution, nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2, inplace=True)]


class _Level(nn.Module):
    """One scale and all below it."""

    def __init__(self, inputs: int, scales: int, channels: int, skip_channels: int, upsampling: str) -> None:
        super().__init__()
        self.skip = nn.Sequential(*_convolution(inputs, skip_channels, 1)) if skip_channels else None
        self.down = nn.Sequential(*_convolution(inputs, channels, stride=2), *_convolution(channels, channels))
        self.deeper = _Level(channels, scales - 1, channels, skip_channels, upsampling) if scales > 1 else nn.Identity()
        self.upsample = nn.Upsample(scale_factor=2, mode=upsampling)
        joined = channels + skip_channels
        self.merge = nn.Sequential(
            nn.BatchNorm2d(joined), *_convolution(joined, channels), *_convolution(channels, channels, 1)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        below = self.upsample(self.deeper(self.down(x)))
        return self.merge(below if self.skip is None else torch.cat([self.skip(x), below], dim=1))


class SkipNetwork(nn.Module):
    """Generates (N, 1, H, W) in 0..1 from (N, 32, H, W) noise.

    H and W are multiples of `multiple`, which leaves 2 x 2 pixels at least on the lowest scale.
    """

    def __init__(
        self, scales: int = 5, channels: int = 128, skip_channels: int = 4, upsampling: str = "bilinear"
    ) -> None:
        super().__init__()
        self.body = _Level(INPUT_CHANNELS, scales, channels, skip_channels, upsampling)
        self.leave = nn.Conv2d(channels, 1, 1)
        self.multiple = 2 ** (scales + 1)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.leave(self.body(z)))


def padded_shape(shape: tuple[int, int], multiple: int) -> tuple[int, int]:
    return -(-shape[0] // multiple) * multiple, -(-shape[1] // multiple) * multiple


def fixed_input(shape: tuple[int, int], generator: torch.Generator) -> torch.Tensor:
    """z ~ U(0, 0.1), (1, 32, H, W)."""
    return torch.rand((1, INPUT_CHANNELS, *shape), generator=generator) * 0.1


def cropped(output: torch.Tensor, shape: tuple[int, int]) -> torch.Tensor:
    top, left = (output.shape[-2] - shape[0]) // 2, (output.shape[-1] - shape[1]) // 2
    return functional.pad(output, (-left, left + shape[1] - output.shape[-1], -top, top + shape[0] - output.shape[-2]))

"""The small network of the compact preset and of the fast tier: a residual encoder-decoder without normalization."""

from __future__ import annotations

import itertools

import torch
from torch import nn
from torch.nn import functional

INPUTS = 5  # estimate, known pixels, noise level, log2 of both super-resolution factors / 3


class _Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.normal_(self.second.weight, std=0.01)
        self.second.bias.data.zero_()  # type: ignore[union-attr]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.second(functional.relu(self.first(x)))


def _blocks(count: int, channels: int) -> nn.Sequential:
    return nn.Sequential(*(_Block(channels) for _ in range(count)))


class PriorNetwork(nn.Module):
    """Corrects an estimate: (N, 5, H, W) in network units to (N, 1, H, W), any H and W.

    The first two inputs of the forward pass' channel axis are the estimate and the mask of known pixels; the output is
    the estimate plus a residual, which is zero before training.
    channels: width of the first level (half resolution); each of the `scales` levels below it is half as large and 16
    to 32 channels wider.
    """

    def __init__(self, channels: int = 48, scales: int = 3, blocks: int = 2) -> None:
        super().__init__()
        widths = [
            channels + (channels // 3 if level == 1 else 0) + (channels * level // 2 if level > 1 else 0)
            for level in range(scales)
        ]
        self.enter = nn.Conv2d(4 * INPUTS, widths[0], 3, padding=1)
        self.encode = nn.ModuleList(_blocks(blocks, w) for w in widths[:-1])
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in itertools.pairwise(widths))
        self.bottom = _blocks(blocks, widths[-1])
        self.up = nn.ModuleList(nn.Conv2d(b, 4 * a, 1) for a, b in itertools.pairwise(widths))
        self.decode = nn.ModuleList(_blocks(max(blocks - 1, 1), w) for w in widths[:-1])
        self.leave = nn.Conv2d(widths[0], 4, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        self.leave.bias.data.zero_()  # type: ignore[union-attr]
        self.stride = 2**scales

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        height, width = inputs.shape[-2:]
        padded = functional.pad(inputs, (0, -width % self.stride, 0, -height % self.stride), mode="replicate")
        x = self.enter(functional.pixel_unshuffle(padded, 2))
        skips = []
        for encode, down in zip(self.encode, self.down, strict=True):
            x = encode(x)
            skips.append(x)
            x = down(x)
        x = self.bottom(x)
        for up, decode, skip in zip(reversed(self.up), reversed(self.decode), reversed(skips), strict=True):
            x = decode(skip + functional.pixel_shuffle(up(x), 2))
        residual = functional.pixel_shuffle(self.leave(functional.relu(x)), 2)[..., :height, :width]
        return inputs[:, :1] + residual.float()


def network_inputs(
    estimate: torch.Tensor, known: torch.Tensor, noise_level: torch.Tensor | float, factors: tuple[int, int]
) -> torch.Tensor:
    """Stack the inputs of PriorNetwork.

    estimate, known: (N, 1, H, W); noise_level: standard deviation in network units, a number or (N, 1, 1, 1).
    """
    levels = torch.log2(torch.tensor(factors, dtype=torch.float32)) / 3.0
    maps = [torch.as_tensor(noise_level, dtype=torch.float32), levels[0], levels[1]]
    spread = [m.to(estimate.device).expand_as(estimate) for m in maps]
    return torch.cat([estimate, known, *spread], dim=1)

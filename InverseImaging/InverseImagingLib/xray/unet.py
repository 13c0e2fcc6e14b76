"""A 2D residual U-Net on radiographs, for what is to be told of each ray."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

DETAILS = 4  # channels that with_details adds


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


class RayNet(nn.Module):
    """The trunk: from (B, inputs, H, W) to features (B, widths[0], H / 2, W / 2).

    widths: channels at H / 2, H / 4, ...; H and W are multiples of 2 to the power of their number.
    """

    def __init__(self, inputs: int, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs, widths[0], 6, stride=2, padding=2)
        self.down = nn.ModuleList([Block(widths[max(n - 1, 0)], width) for n, width in enumerate(widths)])
        pairs = zip(widths[:0:-1], widths[-2::-1], strict=True)
        self.up = nn.ModuleList([Block(low + high, high) for low, high in pairs])

    def features(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        passed = []
        for n, block in enumerate(self.down):
            x = block(functional.avg_pool2d(x, 2) if n else x)
            passed.append(x)
        passed.pop()
        for block in self.up:
            x = block(torch.cat([twice(x), passed.pop()], dim=1))
        return x


def twice(x: torch.Tensor) -> torch.Tensor:
    """(B, C, H, W) twice as high and wide."""
    return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)


def with_details(x: torch.Tensor) -> torch.Tensor:
    """(B, C, H, W) with DETAILS more channels: where a pixel is, from -1 to 1 down and across, and the fine and the
    middle details of the first channel, as strong as the whole: bones show in them."""
    rows, columns = (torch.linspace(-1, 1, n, device=x.device, dtype=x.dtype) for n in x.shape[2:])
    places = torch.stack(torch.meshgrid(rows, columns, indexing="ij")).expand(len(x), -1, -1, -1)
    fine, coarse = (_blurred(_blurred(x[:, :1], size), size) for size in (3, 9))
    return torch.cat([x, places, 20 * (x[:, :1] - fine), 10 * (fine - coarse)], dim=1)


def _blurred(x: torch.Tensor, size: int) -> torch.Tensor:
    return functional.avg_pool2d(x, size, stride=1, padding=size // 2, count_include_pad=False)

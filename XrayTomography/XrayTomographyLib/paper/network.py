"""The network of the paper, as far as its text tells; the rest is chosen here.

Source: Henzler et al., Single-image Tomography: 3D Volumes from 2D Cranial X-Rays, Eurographics 2018, section 4.1 and
Figure 4: an encoder-decoder with skip connections and residual blocks of three basic blocks (convolution, batch
normalization, ReLU), from 256 x 256 pixels to 8 x 8, from 1 to 256 channels, which the decoder keeps; its 128 output
channels are the depths. Chosen here: convolutions of 3 x 3, one residual block per resolution, channels that double
from 16 on.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn

SIZE, PLANES = 256, 128
_WIDTHS = (16, 32, 64, 128, 256, 256)  # at 256, 128, 64, 32, 16, 8 pixels


class _Basic(nn.Sequential):
    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
        )


class _Residual(nn.Module):
    """The paper's 3-residual block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.blocks = nn.Sequential(*[_Basic(width, width) for _ in range(3)])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.blocks(x)


class TomographyNet(nn.Module):
    """From opacity (B, 1, 256, 256) to densities (B, 128, 128, 128): (K, J, I) with J the depth.

    widths: channels from the input's resolution to the lowest.
    """

    def __init__(self, widths: tuple[int, ...] = _WIDTHS, planes: int = PLANES) -> None:
        super().__init__()
        self.first = nn.Sequential(_Basic(1, widths[0]), _Residual(widths[0]))
        self.down = nn.ModuleList(
            [
                nn.Sequential(_Basic(inputs, outputs, stride=2), _Residual(outputs))
                for inputs, outputs in pairwise(widths)
            ]
        )
        kept = widths[-1]
        self.up = nn.ModuleList([nn.ConvTranspose2d(kept, kept, 2, stride=2) for _ in widths[2:]])
        self.join = nn.ModuleList(
            [nn.Sequential(_Basic(kept + width, kept), _Residual(kept)) for width in widths[-2:0:-1]]
        )
        self.last = nn.Conv2d(kept, planes, 3, padding=1)

    def forward(self, opacity: torch.Tensor) -> torch.Tensor:
        x = self.first(opacity)
        passed = []
        for block in self.down:
            x = block(x)
            passed.append(x)
        passed.pop()
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([up(x), passed.pop()], dim=1))
        return self.last(x).transpose(1, 2)

"""The network of the paper, which is that of pix2pix with twice the filters.

Sources: CT2RGB, sections 3 and 4; Isola, Zhu, Zhou, Efros, Image-to-Image Translation with Conditional Adversarial
Networks, CVPR 2017, and the program that its authors published.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional

from InverseImagingLib.training.adversary import PatchDiscriminator

CHANNELS = 2  # CT and Sobel in range
_AIR, _DENSE = -1000.0, 1500.0  # HU that the network sees as -1 and 1
_DROPPING = 3  # ways up that drop half of their features in training, after the first one

Sample = Mapping[str, torch.Tensor]


class Pix2PixNet(nn.Module):
    """The U-Net of pix2pix: from (B, inputs, H, W) to (B, 3, H, W) between -1 and 1.

    H and W are multiples of 2 ** downs, in the paper 256, where a single pixel is left in the middle. width: filters of
    the first convolution; every further one has twice as many, up to 8 times. With 128 these are 217.6 million
    parameters, be the inputs 1, 2 or 3, each of which adds 2048: the paper's number does not tell how many there are.
    """

    def __init__(self, inputs: int = CHANNELS, width: int = 128, downs: int = 8) -> None:
        super().__init__()
        widths = [min(2**n, 8) * width for n in range(downs)]
        steps = list(pairwise(widths))
        self.down = nn.ModuleList([_halving(inputs, widths[0])])
        for before, after in steps[:-1]:
            self.down.append(nn.Sequential(nn.LeakyReLU(0.2), _halving(before, after), nn.BatchNorm2d(after)))
        self.down.append(nn.Sequential(nn.LeakyReLU(0.2), _halving(*steps[-1])))
        self.up = nn.ModuleList()
        for n, (after, before) in enumerate(reversed(steps)):
            own = before if n == 0 else 2 * before
            step = [nn.ReLU(), nn.ConvTranspose2d(own, after, 4, 2, 1, bias=False), nn.BatchNorm2d(after)]
            self.up.append(nn.Sequential(*step, *[nn.Dropout(0.5)] * (0 < n <= _DROPPING)))
        self.last = nn.Sequential(nn.ReLU(), nn.ConvTranspose2d(2 * widths[0], 3, 4, 2, 1), nn.Tanh())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        passed = []
        for down in self.down:
            x = down(x)
            passed.append(x)
        x = passed.pop()
        for up in self.up:
            x = torch.cat([passed.pop(), up(x)], dim=1)
        return self.last(x)


def _halving(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 4, stride=2, padding=1, bias=False)


class PaperGenerator(nn.Module):
    """The paper's colors of slices of any size: (B, 3, H, W) from 0 to 1; see paper_inputs for what it takes."""

    def __init__(self, width: int = 128, downs: int = 8) -> None:
        super().__init__()
        self.network = Pix2PixNet(CHANNELS, width, downs)
        self.multiple = 2**downs

    def forward(self, sample: Sample) -> torch.Tensor:
        height, width = sample["body"].shape[2:]
        room = (0, -width % self.multiple, 0, -height % self.multiple)
        padded = {name: functional.pad(sample[name], room) for name in ("hu", "sobel", "body")}
        return 0.5 + 0.5 * self.network(paper_inputs(padded))[..., :height, :width]


def paper_inputs(sample: Sample) -> torch.Tensor:
    """(B, 2, H, W): the CT from -1 to 1, whatever its neighbors are, and Sobel in range; -1 and 0 outside the body.

    sample: "hu" (B, 3, H, W), a slice between its neighbors, of which the paper has no use; "sobel" and "body"
    (B, 1, H, W). Sobel in range is one channel, the sum over both ranges, as the paper's figure shows one picture.
    """
    ct = (sample["hu"][:, 1:2].clamp(_AIR, _DENSE) - _AIR) * (2 / (_DENSE - _AIR)) - 1
    return torch.cat([torch.where(sample["body"] > 0, ct, -1.0), sample["sobel"] * sample["body"]], dim=1)


def paper_discriminator(width: int = 64) -> PatchDiscriminator:
    """The critic of pix2pix: of paper_inputs and colors together, (B, 5, H, W)."""
    return PatchDiscriminator(CHANNELS + 3, width)

"""A network that tells true pictures from made ones, and what it and the network that makes them learn from that.

Sources: Isola, Zhu, Zhou, Efros, Image-to-Image Translation with Conditional Adversarial Networks, CVPR 2017
(PatchGAN); Mao, Li, Xie, Lau, Wang, Smolley, Least Squares Generative Adversarial Networks, ICCV 2017.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.func import functional_call


class PatchDiscriminator(nn.Module):
    """Judges pictures patch by patch; for least squares, so without a sigmoid at the end.

    Takes (B, inputs, H, W). Gives one number for each patch of 70 x 70 pixels, 8 pixels apart, with 3 layers:
    (B, 1, H / 8 - 2, W / 8 - 2). width: filters of the first of the layers that halve the picture; every further one
    has twice as many, up to 8 times. norm: of all layers but the first and the last.
    """

    def __init__(
        self,
        inputs: int,
        width: int = 64,
        layers: int = 3,
        norm: type[nn.BatchNorm2d | nn.InstanceNorm2d] = nn.BatchNorm2d,
    ) -> None:
        super().__init__()
        widths = [min(2**n, 8) * width for n in range(layers + 1)]
        steps: list[nn.Module] = [nn.Conv2d(inputs, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        biased = norm is nn.InstanceNorm2d  # batch norm has a bias of its own
        for n, (before, after) in enumerate(pairwise(widths), start=1):
            stride = 2 if n < layers else 1
            steps += [nn.Conv2d(before, after, 4, stride, 1, bias=biased), norm(after), nn.LeakyReLU(0.2)]
        self.steps = nn.Sequential(*steps, nn.Conv2d(widths[-1], 1, 4, padding=1))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        return self.steps(pictures)


def judged_by_still(critic: nn.Module, pictures: torch.Tensor) -> torch.Tensor:
    """What a critic says of pictures, for a loss that teaches those who made them and not the critic."""
    still = {name: weight.detach() for name, weight in critic.named_parameters()}
    return functional_call(critic, still, pictures)


def least_squares(judged: torch.Tensor, wanted: float) -> torch.Tensor:
    """Mean square of how far judgements of any shape are from the wanted one: 1 is true, 0 is made."""
    return (judged - wanted).square().mean()

"""What pictures are compared by where equal pixels are too much to ask: features, learned or fixed.

Each kind takes pictures (B, 3, H, W) in sRGB from 0 to 1 and gives several feature maps, (B, C, h, w) each.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from InverseImagingLib.models import load_weights, own_weights

Features = Callable[[torch.Tensor], list[torch.Tensor]]

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of the photographs of ImageNet
_SCALES = 3


class _Bottleneck(nn.Module):
    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        outputs = 4 * width
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs)
        if inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
        else:
            self.downsample = nn.Sequential()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = torch.relu(self.bn1(self.conv1(x)))
        y = torch.relu(self.bn2(self.conv2(y)))
        return torch.relu(self.bn3(self.conv3(y)) + self.downsample(x))


def _stage(inputs: int, width: int, blocks: int, stride: int = 2) -> nn.Sequential:
    return nn.Sequential(
        _Bottleneck(inputs, width, stride), *[_Bottleneck(4 * width, width, 1) for _ in range(blocks - 1)]
    )


class ResNet50(nn.Module):
    """The feature maps after each of the four stages of ResNet-50, which stays as it is, whatever learns from it.

    Its weights have the names of torchvision's, of which a file is made so, where torchvision is:
    `safetensors.torch.save_file(torchvision.models.resnet50(weights="IMAGENET1K_V1").state_dict(), "r50.safetensors")`.

    Source: He, Zhang, Ren, Sun, Deep Residual Learning for Image Recognition, CVPR 2016; the stride is in the 3 x 3
    convolutions, as torchvision has it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 64, 7, stride=2, padding=3, bias=False), nn.BatchNorm2d(64)
        self.layer1 = _stage(64, 64, 3, stride=1)
        self.layer2 = _stage(256, 128, 4)
        self.layer3 = _stage(512, 256, 6)
        self.layer4 = _stage(1024, 512, 3)
        self.fc = nn.Linear(2048, 1000)  # classes: of no use here, but in the files
        self.requires_grad_(False).train(False)

    def train(self, mode: bool = True) -> ResNet50:
        """Nothing changes: batch norm keeps to the statistics of the photographs."""
        return super().train(False)

    def forward(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        mean, deviation = (pictures.new_tensor(values).view(3, 1, 1) for values in (_MEAN, _DEVIATION))
        x = torch.relu(self.bn1(self.conv1((pictures - mean) / deviation)))
        x = functional.max_pool2d(x, 3, stride=2, padding=1)
        maps = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            maps.append(x)
        return maps


class FilterBank(nn.Module):
    """A substitute without learned weights: what linear filters give at three scales, each half as fine as the last.

    Of every scale (B, 9, H, W): of each opponent color (brightness, red to green, yellow to blue), what a blur takes
    away, and the slopes along rows and columns. The blur is the binomial one of 5 x 5 pixels, as in the pyramids of
    Burt and Adelson, The Laplacian Pyramid as a Compact Image Code, 1983.
    """

    opponent: torch.Tensor
    kernels: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        colors = torch.tensor([[1.0, 1.0, 1.0], [1.0, -1.0, 0.0], [1.0, 1.0, -2.0]])
        smooth, slope = torch.tensor([1.0, 4, 6, 4, 1]) / 16, torch.tensor([-1.0, -2, 0, 2, 1]) / 8
        blur, point = torch.outer(smooth, smooth), torch.zeros(5, 5)
        point[2, 2] = 1
        kernels = torch.stack([blur, point - blur, torch.outer(slope, smooth), torch.outer(smooth, slope)])
        self.register_buffer("opponent", functional.normalize(colors)[:, :, None, None], persistent=False)
        self.register_buffer("kernels", kernels.repeat(3, 1, 1)[:, None], persistent=False)

    def forward(self, pictures: torch.Tensor) -> list[torch.Tensor]:
        x, maps = functional.conv2d(pictures, self.opponent), []
        for _ in range(_SCALES):
            filtered = functional.conv2d(functional.pad(x, (2, 2, 2, 2), "replicate"), self.kernels, groups=3)
            blurred, details = filtered.unflatten(1, (3, 4)).split((1, 3), dim=2)
            x = blurred[:, :, 0, ::2, ::2]
            maps.append(details.flatten(1, 2))
        return maps


def features(weights: str = "") -> Features:
    """Those of ResNet-50 with weights in a safetensors file of the user's own; without one, those of FilterBank.

    Raises InputError for a file that holds something else.
    """
    if not weights:
        return FilterBank()
    network = ResNet50()
    load_weights(network, own_weights(weights))
    return network

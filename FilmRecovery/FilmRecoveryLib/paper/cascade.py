"""The paper's quality restoration: a cascade of hierarchical patches, for light and for values.

Source: H. Zhang, Y. Dai, H. Li, P. Koniusz. Deep Stacked Hierarchical Multi-patch Network for Image Deblurring. CVPR
2019: levels that see 1, 2 and 4 patches, the finest first; every level gets what the one before it found.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torch.nn import functional

PATCHES = ((1, 1), (2, 1), (2, 2))  # rows and columns of patches, of each level
_UNIT = 8  # pixels, of which sides are multiples


class Cascade(nn.Module):
    """From (B, channels, H, W) to as many, one output of every level from the last to the first; H, W: multiples of 8.

    outputs: channels that come out, of which the first is the result and the rest are what it was built on.
    """

    def __init__(self, channels: int = 3, outputs: int = 3, width: int = 32) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(_encoder(channels, width) for _ in PATCHES)
        self.decoders = nn.ModuleList(_decoder(outputs, width) for _ in PATCHES)
        self.carried = nn.Conv2d(outputs, channels, 1) if outputs != channels else nn.Identity()

    def forward(self, picture: torch.Tensor) -> list[torch.Tensor]:
        """The outputs of the levels; the first is the result."""
        found: list[torch.Tensor] = []
        features = torch.zeros(())
        for (rows, columns), encoder, decoder in reversed(
            list(zip(PATCHES, self.encoders, self.decoders, strict=True))
        ):
            given = picture + self.carried(found[0]) if found else picture
            features = _joined([encoder(patch) for patch in _split(given, rows, columns)], rows, columns) + features
            output = _joined([decoder(patch) for patch in _split(features, rows, columns)], rows, columns)
            found.insert(0, output)
        return found


def light_cascade() -> Cascade:
    """That which takes the light out of a film: colors to colors."""
    return Cascade(3, 3)


def values_cascade() -> Cascade:
    """That which gives CT values, as gray of the window, of a film's colors."""
    return Cascade(3, 1)


def restored(colors: np.ndarray, network: Cascade) -> np.ndarray:
    """The gray (h, w) that a cascade in evaluation mode makes of a flat film (h, w, 3) in sRGB, both 0 to 1."""
    height, width = colors.shape[:2]
    film = torch.from_numpy(colors).permute(2, 0, 1)[None].to(next(network.parameters()).device)
    with torch.inference_mode():
        found, *_ = network(functional.pad(2 * film - 1, (0, -width % _UNIT, 0, -height % _UNIT), mode="replicate"))
    return (0.5 * (found[0, :, :height, :width].mean(dim=0) + 1)).clamp(0, 1).cpu().numpy()


def _split(values: torch.Tensor, rows: int, columns: int) -> list[torch.Tensor]:
    return [part for row in values.chunk(rows, dim=2) for part in row.chunk(columns, dim=3)]


def _joined(parts: list[torch.Tensor], rows: int, columns: int) -> torch.Tensor:
    return torch.cat([torch.cat(parts[row * columns : (row + 1) * columns], dim=3) for row in range(rows)], dim=2)


def _encoder(inputs: int, width: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(inputs, width, 3, padding=1), _Residual(width), _Residual(width)]
    for level in (1, 2):
        layers += [nn.Conv2d(level * width, 2 * level * width, 3, 2, 1)]
        layers += [_Residual(2 * level * width), _Residual(2 * level * width)]
    return nn.Sequential(*layers)


def _decoder(outputs: int, width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for level in (2, 1):
        layers += [_Residual(2 * level * width), _Residual(2 * level * width)]
        layers += [nn.ConvTranspose2d(2 * level * width, level * width, 4, 2, 1)]
    layers += [_Residual(width), _Residual(width), nn.Conv2d(width, outputs, 3, padding=1)]
    return nn.Sequential(*layers)


class _Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(width, width, 3, padding=1)
        )

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return values + self.layers(values)

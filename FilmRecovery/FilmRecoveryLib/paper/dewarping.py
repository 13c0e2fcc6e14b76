"""The paper's dewarping module: maps of the film's shape, and of them the film coordinates and the deformation.

Source: FIReNet, section 3.1; what the text leaves open (what lies between the modules, that a background map filters
what is passed on by its sigmoid) is as in the program of its authors.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import torch
from torch import nn

SHAPE = {"position": 3, "normal": 3, "depth": 1, "mask": 1}  # channels of the maps of the multi-map module
PLACES = {"uv": 2, "deformation": 2}  # and of the transformation module


class ManyMaps(nn.Module):
    """A U-Net of one encoder and a decoder for each map: from (B, inputs, H, W) to maps (B, C, H, W) by name.

    width: channels of the first level, twice as many at each of the four below. H and W: multiples of 16.
    """

    def __init__(self, inputs: int, maps: Mapping[str, int], width: int = 64) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(5)]
        self.first = _convolutions(inputs, width)
        self.down = nn.ModuleList(nn.Sequential(nn.MaxPool2d(2), _convolutions(a, b)) for a, b in pairwise(widths))
        self.decoders = nn.ModuleDict({name: _Decoder(widths, count) for name, count in maps.items()})

    def forward(self, values: torch.Tensor) -> dict[str, torch.Tensor]:
        kept = [self.first(values)]
        for down in self.down:
            kept.append(down(kept[-1]))
        return {name: decoder(kept) for name, decoder in self.decoders.items()}


class _Decoder(nn.Module):
    def __init__(self, widths: list[int], outputs: int) -> None:
        super().__init__()
        pairs = list(pairwise(reversed(widths)))
        self.wider = nn.ModuleList(nn.ConvTranspose2d(a, b, 2, 2) for a, b in pairs)
        self.up = nn.ModuleList(_convolutions(a, b) for a, b in pairs)
        self.last = nn.Conv2d(widths[0], outputs, 1)

    def forward(self, kept: list[torch.Tensor]) -> torch.Tensor:
        values = kept[-1]
        for wider, up, side in zip(self.wider, self.up, kept[-2::-1], strict=True):
            values = up(torch.cat([side, wider(values)], dim=1))
        return self.last(values)


def _convolutions(inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [
            nn.Conv2d(channels, outputs, 3, padding=1, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


class DewarpingModule(nn.Module):
    """From photos (B, 3, H, W), -1 to 1, to SHAPE and PLACES, all scaled to that range; mask: logits of film.

    many: whether maps of the shape guide the places, the paper's MM; deforming: whether there is a deformation map.
    """

    def __init__(self, width: int = 64, *, many: bool = True, deforming: bool = True) -> None:
        super().__init__()
        shape = SHAPE if many else {"position": 3, "mask": 1}
        places = PLACES if deforming else {"uv": 2}
        self.shape = ManyMaps(3, shape, width)
        self.places = ManyMaps(3 + sum(shape.values()) - 1, places, width)

    def forward(self, photos: torch.Tensor) -> dict[str, torch.Tensor]:
        shape = self.shape(photos)
        guiding = torch.cat([photos, *(values for name, values in shape.items() if name != "mask")], dim=1)
        return shape | self.places(guiding * shape["mask"].sigmoid())


class BackwardModule(nn.Module):
    """What Table 2 starts from: photos (B, 3, H, W), -1 to 1, right to the backward map (B, 2, H, W) in that range."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.maps = ManyMaps(3, {"backward": 2}, width)

    def forward(self, photos: torch.Tensor) -> dict[str, torch.Tensor]:
        return self.maps(photos)


def deformation_of(uv: torch.Tensor) -> torch.Tensor:
    """The deformation map of film coordinates (B, 2, H, W), both from -1 to 1: how far pixels move to their places."""
    return uv - _own_places(uv)


def uv_of(maps: dict[str, torch.Tensor]) -> torch.Tensor:
    """Film coordinates (B, 2, H, W), 0 to 1, of the maps: where the film is, those of the uv map; beside it, those that
    the deformation map leads to, which fill the blanks."""
    uv = maps["uv"]
    if "deformation" in maps:
        uv = torch.where(maps["mask"] > 0, uv, maps["deformation"] + _own_places(uv))
    return 0.5 * (uv + 1)


def _own_places(like: torch.Tensor) -> torch.Tensor:
    height, width = like.shape[2:]
    rows, columns = ((2 * torch.arange(n, dtype=like.dtype, device=like.device) + 1) / n - 1 for n in (height, width))
    return torch.stack([columns.expand(height, width), rows[:, None].expand(height, width)])[None]

"""What a network tells of the densities behind a radiograph, before the radiograph itself sets them right."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from .formation import integral_of_opacity
from .networks import SIZE, VolumeNet, densities_of

PLANES = 128  # depths of a volume
_TRACE = 1e-4  # integral that an empty ray gets, too, because in another resolution the radiograph may show some there


@dataclass(frozen=True, eq=False)
class Guess:
    """Densities (K, PLANES, I) behind a radiograph, whose longer side has SIZE voxels, and their spread: the mean
    absolute error to be expected of each. opacity: the radiograph (H, W)."""

    opacity: torch.Tensor
    densities: torch.Tensor
    spread: torch.Tensor

    def size_of(self, longer: int) -> tuple[int, int]:
        """Rows and columns of the radiograph with so many pixels along its longer side."""
        return size_of(self.opacity, longer)


def guess(opacity: torch.Tensor, network: VolumeNet) -> Guess:
    """The guess of a network for a radiograph (H, W) of any size and shape.

    The network gets a square with the radiograph in its middle, the edges of which are carried on.
    """
    k, i = size_of(opacity, SIZE)
    top, left = (SIZE - k) // 2, (SIZE - i) // 2
    around = (left, SIZE - i - left, top, SIZE - k - top)
    square = functional.pad(resized(opacity, (k, i))[None, None], around, mode="replicate")[0]
    integrals = integral_of_opacity(square).to(next(network.parameters()).device)
    with torch.inference_mode():
        shares, apart = network(integrals)
        found = densities_of(shares, apart, integrals.clamp(min=_TRACE), PLANES)
    densities, spread = (part[0, top : top + k, :, left : left + i].cpu() for part in found)
    return Guess(opacity, densities, spread)


def size_of(picture: torch.Tensor, longer: int) -> tuple[int, int]:
    """Rows and columns of a picture (H, W) with so many pixels along its longer side."""
    height, width = picture.shape
    scale = longer / max(height, width)
    return max(1, round(scale * height)), max(1, round(scale * width))


def resized(picture: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """A picture (H, W) in another size; what gets smaller is averaged."""
    if picture.shape == size:
        return picture
    return functional.interpolate(picture[None, None], size, mode="bilinear", antialias=True)[0, 0]

"""How near a volume is to a scene's: in itself, as a surface, and as the radiograph that it projects to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch.nn import functional

from InverseImagingLib.evaluation.scores import psnr, ssim

from ..formation import integral, opacity
from .scenes import SIZE

DEPTHS = (8, 16, 32, 64, SIZE)  # planes, of Figure 8 of the paper
CHANGE = f"DSSIM to {SIZE}"

Camera = Callable[[torch.Tensor], torch.Tensor]  # a picture (H, W), 0 to 1, of densities (K, J, I)


@dataclass(frozen=True, eq=False)
class Seen:
    """Densities (128, 128, 128) and a picture of their surface."""

    densities: torch.Tensor
    picture: torch.Tensor


def seen(volume: torch.Tensor, camera: Camera) -> Seen:
    """A volume, as fine as a scene's or finer, and its surface."""
    densities = cube(volume)
    return Seen(densities, camera(densities))


def cube(volume: torch.Tensor) -> torch.Tensor:
    """A volume (K, J, I) averaged to the voxels of a scene."""
    size = (SIZE, SIZE, SIZE)
    return volume if volume.shape == size else functional.adaptive_avg_pool3d(volume[None], size)[0]


def difference(volume: Seen, truth: Seen) -> dict[str, float]:
    return {"L2": l2(volume.densities, truth.densities), "DSSIM": dssim(volume.picture, truth.picture)}


def l2(volume: torch.Tensor, truth: torch.Tensor) -> float:
    """The root of the mean square of the errors over all voxels of a cube."""
    return float((volume - truth).square().mean().sqrt())


def dssim(picture: torch.Tensor, truth: torch.Tensor) -> float:
    """Structural dissimilarity of pictures (H, W) from 0 to 1: 0 of the same ones, at most 1."""
    return (1 - ssim(picture, truth)) / 2


def reprojection(volume: torch.Tensor, radiograph: torch.Tensor) -> float:
    """PSNR in dB of what a volume projects to, beside the radiograph (H, W)."""
    integrals = functional.interpolate(integral(volume)[None, None], radiograph.shape, mode="bilinear")[0, 0]
    return psnr(opacity(integrals), radiograph)


def by_depth(volume: Seen, truth: Seen, camera: Camera) -> dict[int, dict[str, float]]:
    """The difference of a volume with fewer planes, from which the others are interpolated; and its DSSIM to the
    volume itself, which the paper tells."""
    found = {}
    for depth in DEPTHS[:-1]:
        coarse = functional.avg_pool3d(volume.densities[None, None], (1, SIZE // depth, 1))
        again = seen(functional.interpolate(coarse, volume.densities.shape, mode="trilinear")[0, 0], camera)
        found[depth] = {**difference(again, truth), CHANGE: dssim(again.picture, volume.picture)}
    return {**found, SIZE: {**difference(volume, truth), CHANGE: 0.0}}

"""What 3DPN takes and gives, and the densities that it stands for."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
import torch

from InverseImagingLib.xray.inversion import sirt
from InverseImagingLib.xray.spectrum import Material, mass_attenuation

from ..frame import Frame

_CT_ENERGY = 70.0  # keV
_RANGE = 5.0  # of a CT from 0 to 1, which is (HU + 1000) / 5000: attenuation relative to water


def back_projected(radiographs: torch.Tensor, frames: Sequence[Frame]) -> torch.Tensor:
    """Radiographs (B, H, W) from 0 to 1 spread evenly along their rays, (B, 1, K, J, I), equation 7 of the paper; with
    the frame's side for the unit of length, so that it is from about 0 to 1 whatever the side."""
    return torch.stack(
        [
            sirt(frame.projector([(0.0, 0.0)]), one[None, None]) * frame.side
            for one, frame in zip(radiographs, frames, strict=True)
        ]
    )


def densities_of(outputs: torch.Tensor) -> torch.Tensor:
    """Bone and soft tissue in g/cm3, (B, 2, K, J, I), in the (B, 3, K, J, I) of a PriorNet3D."""
    share, bone, tissue = outputs.split(1, dim=1)
    return torch.cat([share * bone, (1 - share) * tissue], dim=1) / _per_density(outputs)


def parts_of(densities: torch.Tensor) -> torch.Tensor:
    """What bone and soft tissue contribute to the CT from 0 to 1, (B, 2, K, J, I), of their densities in g/cm3."""
    return densities * _per_density(densities)


def _per_density(like: torch.Tensor) -> torch.Tensor:
    return torch.tensor(_relative()).to(like)[:, None, None, None]


@functools.cache
def _relative() -> list[float]:
    """The CT from 0 to 1 of 1 g/cm3 of bone and of soft tissue."""
    bone, tissue, water = (
        float(mass_attenuation(material, np.array([_CT_ENERGY]))[0])
        for material in (Material.BONE, Material.SOFT_TISSUE, Material.WATER)
    )
    return [bone / water / _RANGE, tissue / water / _RANGE]

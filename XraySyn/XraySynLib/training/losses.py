"""What the networks of the compact preset are trained for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from ..beam import Beam
from .cubes import Cube

_ALONG = (0.5, 10.0)  # g/cm2 of bone and of soft tissue that count as much as 1
_DENSITY = 0.25  # g/cm3, likewise
_TRACE = 1e-3  # g/cm3 that the share of bone is not told from
_SHARES = (1.0, 0.3)  # of bone, which is rare, and of soft tissue
_BRIGHTNESS = 0.3  # weight of attenuation: how a radiograph is shown hides most of it
_UNITS = (1.0, 5.0)  # g/cm2, as the refiner has them
_SHADE, _CLEAR = 10.0, 0.3  # weights of the squares and the magnitudes of what a refined view attenuates too much
_MATTER = 0.05  # g/cm3 from which on a voxel's material is known


def losses(
    mass: torch.Tensor,
    maps: torch.Tensor,
    cubes: Sequence[Cube],
    angles: Sequence[tuple[float, float]],
    beam: Beam,
) -> dict[str, torch.Tensor]:
    """Errors of the densities, and of the material maps and attenuation in the given and in another view; and the cross
    entropy of the bone mask: equations 9 and 10 of C. Peng et al., XraySyn, AAAI 2021.

    Squares of the densities' errors are taken instead of the paper's magnitudes, which are least where a voxel that may
    be bone is none: sums of means are the mean views, sums of medians are not the median ones.
    mass: of bone and of soft tissue in g/cm2 along the given rays, (B, 2, H, W). maps: their density in g/cm3,
    (B, 2, K, J, I). angles: of the other view of each.
    """
    truth = torch.stack([cube.maps for cube in cubes]).to(maps)
    along = torch.stack([cube.along for cube in cubes]).to(mass)
    guess, share = ((both[:, 0] + _TRACE) / (both.sum(dim=1) + 2 * _TRACE) for both in (maps, truth))
    matter = (truth.sum(dim=1) > _MATTER).float()
    other = [
        cube.frame.projector([turned])(torch.cat([own, true]))[0] / 10
        for own, true, cube, turned in zip(maps, truth, cubes, angles, strict=True)
    ]
    ours, theirs = torch.stack(other).split(2, dim=1)
    return {
        "volume": ((maps - truth) ** 2).mean(dim=(0, 2, 3, 4)) @ maps.new_tensor(_SHARES) / _DENSITY**2,
        "mask": functional.binary_cross_entropy(guess, share, weight=matter),
        "given maps": apart(mass, along),
        "given attenuation": _BRIGHTNESS * (beam(mass) - beam(along)).abs().mean(),
        "other maps": apart(ours, theirs),
        "other attenuation": _BRIGHTNESS * (beam(ours) - beam(theirs)).abs().mean(),
    }


def refined_losses(ours: torch.Tensor, theirs: torch.Tensor, beam: Beam) -> dict[str, torch.Tensor]:
    """Errors of refined material maps (B, 2, H, W) in g/cm2 and of their attenuation.

    Squares, whose best guess is the mean view; and a few magnitudes, which clear the air of what is hardly there.
    """
    error, units = beam(ours) - beam(theirs), ours.new_tensor(_UNITS)
    return {
        "maps": (((ours - theirs) ** 2).mean(dim=(0, 2, 3)) / units**2).sum(),
        "attenuation": _SHADE * (error**2).mean(),
        "clearness": _CLEAR * error.abs().mean(),
    }


def apart(one: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """How far material maps (B, 2, H, W) are apart."""
    return ((one - other).abs().mean(dim=(0, 2, 3)) / one.new_tensor(_ALONG)).sum()

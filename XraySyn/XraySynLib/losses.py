"""What the network of the first stage is trained for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

from .cubes import Beam
from .frame import Frame

_ALONG = 5.0  # g/cm2 that count as much as 1
_DENSITY = 0.25  # g/cm3, likewise
_TRACE = 1e-3  # g/cm3 that the share of bone is not told from
_SHARES = (3.0, 1.0)  # of bone, which is rare, and of soft tissue
_MATTER = 0.05  # g/cm3 from which on a voxel's material is known


def losses(
    maps: torch.Tensor, truth: torch.Tensor, frames: Sequence[Frame], angles: Sequence[tuple[float, float]], beam: Beam
) -> dict[str, torch.Tensor]:
    """Errors of the densities, and of the material maps and attenuation in the given and in another view; and the cross
    entropy of the bone mask: equations 9 and 10 of C. Peng et al., XraySyn, AAAI 2021.

    Squares of the densities' errors are taken instead of the paper's magnitudes, which are least where a voxel that may
    be bone is none: sums of means are the mean views, sums of medians are not the median ones.
    maps, truth: density of bone and of soft tissue in g/cm3, (B, 2, K, J, I). angles: of the other view of each.
    """
    guess, share = ((both[:, 0] + _TRACE) / (both.sum(dim=1) + 2 * _TRACE) for both in (maps, truth))
    matter = (truth.sum(dim=1) > _MATTER).float()
    terms = {
        "volume": ((maps - truth) ** 2).mean(dim=(0, 2, 3, 4)) @ maps.new_tensor(_SHARES) / _DENSITY**2,
        "mask": functional.binary_cross_entropy(guess, share, weight=matter),
    }
    along, images = [], []
    for own, true, frame, turned in zip(maps, truth, frames, angles, strict=True):
        both = frame.projector([(0.0, 0.0), turned])
        ours, theirs = both(own) / 10, both(true) / 10
        along.append((ours - theirs).abs().mean(dim=(1, 2, 3)) / _ALONG)
        images.append((beam(ours) - beam(theirs)).abs().mean(dim=(1, 2)))
    for number, name in enumerate(("given", "other")):
        terms[f"{name} maps"] = torch.stack(along)[:, number].mean()
        terms[f"{name} attenuation"] = torch.stack(images)[:, number].mean()
    return terms

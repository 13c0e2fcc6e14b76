"""What is behind one radiograph, as far as a network can tell, made to agree with that radiograph."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from .cubes import Beam
from .frame import Frame
from .look import Look, fit_look
from .networks import DepthNet, network_input, planes_of

SIZE = 128  # pixels of the network's radiograph
_STEPS = 6  # of making the estimate agree with the radiograph
_FINEST = 1024  # pixels of the details that other views get
_STRONGEST = 4.0  # that a ray's densities are scaled by


@dataclass(frozen=True, eq=False)
class Estimate:
    """Densities in g/cm3 of bone and soft tissue, (2, K, J, I), in a frame, that reproject to a radiograph.

    others: further such estimates of the same radiograph, which tell how sure it is. shown: the radiograph, (N, N)
    from 0 to 1. detail: what of it is finer than the densities, as attenuation per mm (1, rows, K, columns).
    """

    frame: Frame
    maps: torch.Tensor
    others: tuple[torch.Tensor, ...]
    look: Look
    shown: torch.Tensor
    detail: torch.Tensor


def estimate(shown: torch.Tensor, frame: Frame, network: DepthNet, *, gamma: float = 0.0, tries: int = 4) -> Estimate:
    """The anatomy behind a radiograph (N, N) from 0 to 1, bone bright. tries: estimates in all; see Estimate."""
    small = resized(shown, SIZE)
    beam = Beam()
    views = [small, small.flip(1), (small**0.85), (small**1.18).flip(1), small**1.18, (small**0.85).flip(1)][:tries]
    with torch.inference_mode():
        frames = [frame] * len(views)
        found = frame.lift(planes_of(*network(network_input(torch.stack(views), frames)), frames))
        found = torch.stack([one.flip(-1) if n in (1, 3, 5) else one for n, one in enumerate(found)])
        mean = found.mean(dim=0)
        look = fit_look(small, beam(frame.projector([(0, 0)])(mean)[0] / 10), gamma)
        wanted = look.attenuation(small)
        maps, *others = (agreeing(volume, frame, wanted, beam) for volume in [mean, *found[:tries]])
        detail = _detail(maps, frame, shown, small, look, beam)
    return Estimate(frame, maps, tuple(others), look, shown, detail)


def agreeing(maps: torch.Tensor, frame: Frame, wanted: torch.Tensor, beam: Beam) -> torch.Tensor:
    """The densities with those along each ray scaled until the given view attenuates as wanted (H, W).

    A multiplicative algebraic reconstruction of one view. Rays that find nothing get a little soft tissue first.
    """
    projector = frame.projector([(0.0, 0.0)])
    maps = maps.clone()
    maps[1] += 1e-4
    for _ in range(_STEPS):
        has = beam(projector(maps)[0] / 10)
        ratio = (wanted / has.clamp(min=1e-4)).clamp(1 / _STRONGEST, _STRONGEST)
        maps = maps * _along_rays(ratio, frame)
    return maps


def _along_rays(image: torch.Tensor, frame: Frame) -> torch.Tensor:
    """An image (H, W) on every plane of the cube, (1, K, J, I)."""
    return frame.lift(image.expand(1, 1, frame.voxels[1], *image.shape))[0]


def _detail(
    maps: torch.Tensor, frame: Frame, shown: torch.Tensor, small: torch.Tensor, look: Look, beam: Beam
) -> torch.Tensor:
    """What the radiograph has beyond the densities, spread along each ray as they are, (1, rows, K, columns) / mm."""
    size = min(len(shown), _FINEST)
    fine = resized(shown, size)
    coarse = look.attenuation(resized(small, size))
    share = (look.attenuation(fine) - coarse) / coarse.clamp(min=0.05)
    rows, planes, columns = size, frame.voxels[1], size
    sharp = Frame(frame.side, (rows, planes, columns), size, frame.from_behind)
    total = maps.sum(dim=0)  # (K, J, I)
    along = frame.projector([(0.0, 0.0)])(total[None])[0, 0] / 10
    per_density = look.attenuation(small) / along.clamp(min=0.05)
    weight = total * _along_rays(per_density, frame)[0] / 10  # attenuation per mm
    weight = functional.interpolate(weight.transpose(0, 1)[None], (rows, columns), mode="bilinear")[0]
    return (weight * _along_rays(share, sharp)[0].transpose(0, 1)).transpose(0, 1)[None].contiguous()


def resized(image: torch.Tensor, size: int) -> torch.Tensor:
    """A square image (N, N) with another number of pixels; smaller ones are means."""
    mode = "area" if size < len(image) else "bicubic"
    options = {} if mode == "area" else {"align_corners": False}
    return functional.interpolate(image[None, None], (size, size), mode=mode, **options)[0, 0]

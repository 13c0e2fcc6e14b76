"""What is behind one radiograph, as far as a network can tell, made to agree with that radiograph."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional

from .beam import Beam
from .frame import Frame
from .look import Look, fit_look
from .networks import DepthNet, network_input, planes_of
from .refiner import Refiner

SIZE = 128  # pixels of the network's radiograph
_GAMMAS = (1.0, 1.0, 0.85, 1.18, 1.18, 0.85)  # of the radiograph in the tries; every second one is mirrored
_SCALINGS, _STEPS, _STEPS_OF_OTHERS = 4, 4, 1  # to agree with the radiograph: of masses along rays, of volumes
_STRONGEST = 4.0  # that a ray's densities are scaled by
_SMOOTH = 9  # pixels that depths are averaged over


@dataclass(frozen=True, eq=False)
class Estimate:
    """Densities in g/cm3 of bone and soft tissue, (2, K, J, I), in a frame, that reproject to a radiograph.

    others: further such estimates of the same radiograph, which tell how sure it is. shown: the radiograph, (N, N)
    from 0 to 1. detail: what of it is finer than the densities make it, (N, N). depth: where most of the mass along
    each ray is, in mm behind the middle, (SIZE, SIZE). given: what these rays meet of bone and soft tissue in g/cm2,
    (2, SIZE, SIZE). refiner: of other views, if there is one.
    """

    frame: Frame
    maps: torch.Tensor
    others: tuple[torch.Tensor, ...]
    look: Look
    shown: torch.Tensor
    detail: torch.Tensor
    depth: torch.Tensor
    given: torch.Tensor
    refiner: Refiner | None


def estimate(
    shown: torch.Tensor,
    frame: Frame,
    network: DepthNet,
    refiner: Refiner | None = None,
    *,
    gamma: float = 0.0,
    tries: int = 4,
) -> Estimate:
    """The anatomy behind a radiograph (N, N) from 0 to 1, bone bright. tries: estimates in all; see Estimate."""
    small = resized(shown, SIZE).clamp(0, 1)  # enlarged, it overshoots beside black, which has no power
    beam, frames = Beam(), [frame] * tries
    with torch.inference_mode():
        inputs = torch.stack([_mirrored(small**power, n) for n, power in enumerate(_GAMMAS[:tries])])
        device = next(network.parameters()).device
        found = network(network_input(inputs.to(device), frames))
        mass, places = (torch.stack([_mirrored(one, n) for n, one in enumerate(part.cpu())]) for part in found)
        guess = beam(mass.mean(dim=0))
        look = fit_look(small, guess, gamma)
        wanted = look.believable(small, guess)
        planes = planes_of(scaled(mass, wanted, beam), places, frames)
        volumes = frame.lift(planes)
        maps = agreeing(volumes.mean(dim=0), frame, wanted, beam, _STEPS)
        others = tuple(agreeing(volume, frame, wanted, beam, _STEPS_OF_OTHERS) for volume in volumes)
        given = frame.projector([(0.0, 0.0)])(maps)[0] / 10
        detail = shown - look.shown(resized(wanted, len(shown)).clamp(min=0))
    depth = _depth(planes.mean(dim=0).sum(dim=0), frame)
    return Estimate(frame, maps, others, look, shown, detail, depth, given, refiner)


def _mirrored(picture: torch.Tensor, number: int) -> torch.Tensor:
    return picture.flip(-1) if number % 2 else picture


def scaled(mass: torch.Tensor, wanted: torch.Tensor, beam: Beam) -> torch.Tensor:
    """The masses along rays (..., 2, H, W), enlarged as one until they attenuate as wanted (H, W). Rays that find
    nothing get a little soft tissue first."""
    mass = mass + torch.tensor([0.0, 1e-3]).to(mass)[:, None, None]
    for _ in range(_SCALINGS):
        mass = mass * (wanted / beam(mass).clamp(min=1e-4))[..., None, :, :]
    return mass


def agreeing(maps: torch.Tensor, frame: Frame, wanted: torch.Tensor, beam: Beam, steps: int) -> torch.Tensor:
    """The densities (2, K, J, I) with those along each ray scaled until the given view attenuates as wanted (H, W).

    A multiplicative algebraic reconstruction of one view.
    """
    projector = frame.projector([(0.0, 0.0)])
    for _ in range(steps):
        has = beam(projector(maps)[0] / 10)
        ratio = (wanted / has.clamp(min=1e-4)).clamp(1 / _STRONGEST, _STRONGEST)
        maps = maps * frame.lift(ratio.expand(1, 1, frame.voxels[1], *ratio.shape))[0]
    return maps


def _depth(density: torch.Tensor, frame: Frame) -> torch.Tensor:
    """Mean depth of what is on planes along the rays (depth, H, W), in mm behind the middle of the frame."""
    planes = len(density)
    behind = ((torch.arange(planes) + 0.5) / planes - 0.5) * frame.side
    sums = torch.stack([density.sum(dim=0) + 1e-6, torch.einsum("dhw,d->hw", density, behind)])
    smooth = functional.avg_pool2d(sums[None], _SMOOTH, stride=1, padding=_SMOOTH // 2, count_include_pad=False)[0]
    return smooth[1] / smooth[0]


def resized(image: torch.Tensor, size: int) -> torch.Tensor:
    """A square image (N, N) with another number of pixels; smaller ones are means."""
    if size == len(image):
        return image
    mode = "area" if size < len(image) else "bicubic"
    options = {} if mode == "area" else {"align_corners": False}
    return functional.interpolate(image[None, None], (size, size), mode=mode, **options)[0, 0]

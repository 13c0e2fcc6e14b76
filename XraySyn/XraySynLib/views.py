"""Other views, material maps and bone suppression from an Estimate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from .beam import Beam
from .estimate import SIZE, Estimate, resized
from .frame import Frame
from .look import Look
from .networks import facts_of
from .options import LARGEST_ANGLE

_TRACE = 0.02  # g/cm2 of bone that count as none
_ROUNDS = 4  # of finding where details come from


@dataclass(frozen=True, eq=False)
class View:
    """Pictures (N, N): shown as the radiograph is; bone and tissue in g/cm2."""

    shown: torch.Tensor
    bone: torch.Tensor
    tissue: torch.Tensor


def view(found: Estimate, azimuth: float, elevation: float, size: int = 0) -> View:
    """The radiograph from a source turned by so many degrees. size: of the pictures; 0 means that of the radiograph.

    What the densities blur is the refiner's guess; what is finer than they are moves with the depth at which most of
    the mass along its ray is.
    """
    size = size or len(found.shown)
    sources = sources_of(found, azimuth, elevation)
    along, *others = refiner_input(found, azimuth, elevation, sources)
    if found.refiner is not None:
        with torch.inference_mode():
            along = found.refiner(*(part[None] for part in (along, *others)))[0]
    shown = found.look.shown(resized(Beam()(along), size).clamp(min=0))
    if size > SIZE:
        flow = functional.interpolate(sources[None], (size, size), mode="bilinear", align_corners=False)[0]
        shown = (shown + _moved(resized(found.detail, size)[None], flow)[0]).clamp(min=0)
    bone, tissue = (resized(picture, size).clamp(min=0) for picture in along)
    return View(shown, torch.where(bone < _TRACE, 0.0, bone), tissue)


def refiner_input(
    found: Estimate, azimuth: float, elevation: float, sources: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What a Refiner takes, for one view; see sources_of."""
    along = found.frame.projector([(azimuth, elevation)])(found.maps)[0] / 10
    turned = (azimuth / LARGEST_ANGLE, elevation / LARGEST_ANGLE)
    return along, _moved(found.given, sources), torch.tensor([*turned, *facts_of(found.frame)])


def uncertainty(found: Estimate, azimuth: float, elevation: float, size: int = 0) -> torch.Tensor:
    """How far a view's estimates are apart: their standard deviation (N, N), in the shades of the radiograph."""
    size = size or len(found.shown)
    if len(found.others) < 2:
        return torch.zeros(size, size)
    along = found.frame.projector([(azimuth, elevation)])(torch.cat(found.others))[0].unflatten(0, (-1, 2)) / 10
    return resized(found.look.shown(Beam()(along)).std(dim=0), size).clamp(min=0)


def sources_of(found: Estimate, azimuth: float, elevation: float) -> torch.Tensor:
    """Where in the radiograph a turned view sees the same, (2, SIZE, SIZE): x and y, its edges at -1 and 1."""
    frame = Frame(found.frame.side, size=SIZE, from_behind=found.frame.from_behind)
    given, turned = frame.view(), frame.view(azimuth, elevation)
    rows, columns = np.mgrid[:SIZE, :SIZE]
    pixels = np.stack([columns, rows, np.zeros_like(rows), np.ones_like(rows)], -1) @ turned.pixel_to_ras[:3].T
    rays = torch.from_numpy(pixels - turned.source).float()
    source, across, down, beam = (
        torch.from_numpy(vector).float() for vector in (turned.source, *given.frame[:3, :3].T)
    )
    half = given.width * given.pixel / 2 / given.sdd
    depth = found.depth
    for _ in range(_ROUNDS):
        points = source + ((depth - source @ beam) / (rays @ beam))[..., None] * rays
        away = given.sid + points @ beam
        place = torch.stack([points @ across, points @ down], dim=-1) / away[..., None] / half
        depth = functional.grid_sample(
            found.depth[None, None], place[None], padding_mode="border", align_corners=False
        )[0, 0]
    return place.permute(2, 0, 1)


def _moved(pictures: torch.Tensor, sources: torch.Tensor) -> torch.Tensor:
    """Pictures (C, N, N) of the given view, each pixel taken from its source (2, N, N)."""
    grid = sources.permute(1, 2, 0)[None]
    return functional.grid_sample(pictures[None], grid, padding_mode="border", align_corners=False)[0]


def suppressed(
    shown: torch.Tensor, bone: torch.Tensor, tissue: torch.Tensor, look: Look, strength: float
) -> torch.Tensor:
    """A radiograph (N, N) with its bone (M, M) taken for as much soft tissue; strength: 0 leaves it as it is, 1 is all
    of it.

    Algorithm 1 of the paper, corrected: its steps are the gain A_fill / A on the signal, here on its logarithm.
    Without bone along a ray the pixel stays as it is, bit for bit.
    """
    beam, size = Beam(), len(shown)
    gone = beam(torch.stack([bone, tissue])) - beam(torch.stack([torch.zeros_like(bone), bone + tissue]))
    gone = resized(torch.where(bone > 0, gone, 0.0), size)
    lower = look.shown((look.attenuation(shown) - strength * gone).clamp(min=0))
    return torch.where(gone > 0, lower + (shown - look.shown(look.attenuation(shown))), shown)

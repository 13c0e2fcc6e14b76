"""Other views, material maps and bone suppression from an Estimate."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .cubes import Beam
from .estimate import SIZE, Estimate, resized
from .frame import Frame


@dataclass(frozen=True, eq=False)
class View:
    """Pictures (N, N): shown as the radiograph is, uncertainty as its standard deviation; bone and tissue in g/cm2."""

    shown: torch.Tensor
    bone: torch.Tensor
    tissue: torch.Tensor
    uncertainty: torch.Tensor


def view(found: Estimate, azimuth: float, elevation: float, size: int = 0) -> View:
    """The radiograph from a source turned by so many degrees; size: of the pictures, else of the details."""
    beam, angles = Beam(), [(azimuth, elevation)]
    volumes = torch.cat([found.maps, *found.others])
    along = found.frame.projector(angles)(volumes)[0].unflatten(0, (-1, 2)) / 10
    attenuation = beam(along)
    size = size or found.detail.shape[1]
    fine = resized(attenuation[0], size)
    if size > SIZE:
        _, rows, planes, columns = found.detail.shape
        sharp = Frame(found.frame.side, (rows, planes, columns), size, found.frame.from_behind)
        fine = fine + sharp.projector(angles)(found.detail)[0, 0]
    shown = found.look.shown(fine.clamp(min=0))
    guesses = torch.stack([found.look.shown(one) for one in attenuation[1:]])
    spread = guesses.std(dim=0) if len(guesses) > 1 else torch.zeros_like(guesses[0])
    bone, tissue, spread = (resized(picture, size) for picture in (*along[0], spread))
    return View(shown, bone.clamp(min=0), tissue.clamp(min=0), spread.clamp(min=0))


def suppressed(
    shown: torch.Tensor, bone: torch.Tensor, tissue: torch.Tensor, found: Estimate, strength: float
) -> torch.Tensor:
    """A radiograph (N, N) with its bone taken for as much soft tissue; strength: 0 leaves it as it is, 1 is all of it.

    Algorithm 1 of the paper, corrected: its steps are the gain A_fill / A on the signal, here on its logarithm.
    Without bone along a ray the pixel stays as it is, bit for bit.
    """
    beam = Beam()
    gone = beam(torch.stack([bone, tissue])) - beam(torch.stack([torch.zeros_like(bone), bone + tissue]))
    look = found.look
    lower = look.shown((look.attenuation(shown) - strength * gone).clamp(min=0))
    return torch.where(bone > 0, lower + (shown - look.shown(look.attenuation(shown))), shown)

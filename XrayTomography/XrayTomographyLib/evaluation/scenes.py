"""Held-out bodies as radiographs whose volume is known.

They are rendered otherwise than in training: as they are, without deformation, from fixed directions, along rays that
are twice as dense as the voxels, and with the noise of photons.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from InverseImagingLib.training.bodies import SPACING, Body, resampled
from InverseImagingLib.training.parts import SIDES

from ..formation import Frame, integral, opacity
from ..training.subjects import VIEWS

Angles = tuple[float, float]  # azimuth and elevation in degrees

SIZE = 128  # voxels along each side of a cube
SUBJECTS = {"bones": 0.0, "bones and tissue": 0.4}  # what soft tissue attenuates, of the attenuation of as much bone
OTHER = ((40.0, 20.0), (-50.0, -15.0))
SEEN: tuple[tuple[str, Angles], ...] = (*VIEWS.items(), *(("other", angles) for angles in OTHER))
_DENSE = 1.9  # g/cm3 of bone that count as a density of 1
_RAYS = 2 * SIZE  # along each side of the radiograph
_PHOTONS = 1e4  # of a pixel without a body


@dataclass(frozen=True, eq=False)
class Scene:
    """A body's radiograph as opacity, (256, 256), and the densities behind it, (128, 128, 128).

    name: of the body; view: front, side, top or other, and its angles; subject: what there is of the body.
    """

    name: str
    view: str
    angles: Angles
    subject: str
    densities: torch.Tensor
    radiograph: torch.Tensor


def scenes(body: Body) -> Iterator[Scene]:
    """Of a body, from all sides, of bones alone and with soft tissue."""
    cubes = samples(body, [angles for _, angles in SEEN], (SIZE, SIZE, SIZE))
    for number, ((view, angles), maps) in enumerate(zip(SEEN, cubes, strict=True)):
        for subject, tissue in SUBJECTS.items():
            volume = densities(maps, tissue)
            yield Scene(body.name, view, angles, subject, volume, _taken(volume, number))


def samples(body: Body, directions: Sequence[Angles], voxels: tuple[int, int, int]) -> Iterator[torch.Tensor]:
    """Bone and soft tissue in g/cm3, (2, K, J, I), of a cube as high as the body around its middle, as seen from each
    direction."""
    frame = Frame(float(np.clip(SPACING * body.maps.shape[1], *SIDES)), voxels)
    maps = torch.from_numpy(body.maps.astype(np.float32))
    for angles in directions:
        yield resampled(maps, body.ras_to_ijk @ frame.facing(*angles), voxels)


def densities(maps: torch.Tensor, tissue: float) -> torch.Tensor:
    """In the units of formation, (K, J, I), of maps of bone and soft tissue. tissue: see SUBJECTS."""
    return (maps[0] + tissue * maps[1]) / _DENSE


def _taken(volume: torch.Tensor, seed: int) -> torch.Tensor:
    """The radiograph of interpolated densities with the noise of photons, the same for the same seed."""
    integrals = functional.interpolate(integral(volume)[None, None], (_RAYS, _RAYS), mode="bilinear")[0, 0]
    shown = opacity(integrals)
    noise = torch.from_numpy(np.random.default_rng(seed).standard_normal(tuple(shown.shape))).to(shown)
    return (shown + noise * ((1 - shown) / _PHOTONS).sqrt()).clamp(0, 1)

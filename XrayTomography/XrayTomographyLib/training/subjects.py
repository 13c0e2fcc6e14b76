"""Random subjects in random poses, as densities behind an orthographic radiograph: what training sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch.nn import functional

from InverseImagingLib.training.bodies import SPACING, Body, kind_of
from InverseImagingLib.training.parts import CPU, random_part

from ..formation import EXTINCTION, Frame, integral

VIEWS = {"front": (0.0, 0.0), "side": (90.0, 0.0), "top": (0.0, 90.0)}  # azimuth and elevation in degrees
_HEAD = 260.0  # mm from the vertex down that belong to a head
_SIDES = {True: (180.0, 270.0), False: (150.0, 460.0)}  # mm, of heads and of all else
_BARE = 0.5  # of the subjects are bones alone, as in a museum
_USUAL = 0.65  # of the radiographs are about as VIEWS
_SHARES = (0.4, 0.4, 0.2)  # of these


@dataclass(frozen=True)
class Subject:
    """Densities of a cube (K, J, I), in the units of formation, and the integrals along the rays of its radiograph,
    (2 K, 2 I)."""

    densities: torch.Tensor
    integrals: torch.Tensor

    def mirrored(self) -> Subject:
        """The same with left and right exchanged."""
        return replace(self, densities=self.densities.flip(-1), integrals=self.integrals.flip(-1))


def heads_of(bodies: Sequence[Body]) -> list[Body]:
    """The same bodies, of which those whose names begin with head have no more than their heads."""
    slices = round(_HEAD / SPACING)
    return [replace(body, maps=body.maps[:, -slices:]) if _is_head(body) else body for body in bodies]


def _is_head(body: Body) -> bool:
    return kind_of(body.name).startswith("head")


def random_subject(body: Body, rng: np.random.Generator, device: torch.device = CPU, size: int = 64) -> Subject:
    """A more or less deformed part of a body, seen from a random direction of a hemisphere; of bones and soft tissue,
    or of bones alone; as opaque as a radiograph may show it. size: voxels along each side."""
    frame = Frame(float(rng.uniform(*_SIDES[_is_head(body)])), (2 * size, size, 2 * size))
    maps = random_part(body, frame.side, frame.voxels, frame.facing(*random_pose(rng)), rng, device, rng.random())
    tissue = 0.0 if rng.random() < _BARE else rng.uniform(0.2, 0.8)  # of the attenuation of as much bone
    densities = maps[0] + tissue * maps[1]
    seen = integral(densities)
    densities *= rng.uniform(0.8, 4.5) / EXTINCTION / torch.quantile(seen.flatten(), 0.995).clamp(min=0.01)
    fine = functional.avg_pool3d(densities[None], (2, 1, 2))[0]
    return Subject(fine, integral(densities))


def random_pose(rng: np.random.Generator) -> tuple[float, float, float]:
    """Azimuth, elevation and roll in degrees, from the hemisphere whose middle is in front of and above the subject.

    Parallel rays show the same from the opposite side, mirrored: without the convention that the face looks towards the
    viewer, and in views along the body the vertex, nothing would tell which way depth runs.
    """
    if rng.random() < _USUAL:
        azimuth, elevation = VIEWS[str(rng.choice(list(VIEWS), p=_SHARES))]
        azimuth, elevation = abs(azimuth + rng.normal(0, 10)), elevation + rng.normal(0, 8)
    else:
        azimuth, elevation = rng.uniform(0, 180), np.degrees(np.arcsin(rng.uniform(-1, 1)))
    around, up = np.deg2rad([azimuth, elevation])
    if np.cos(around) * np.cos(up) + np.sin(up) < 0:
        azimuth, elevation = 180 - azimuth, -elevation
    return float(rng.choice([-1, 1]) * azimuth), float(elevation), float(rng.normal(0, 6))
